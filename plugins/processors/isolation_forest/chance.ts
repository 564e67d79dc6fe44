// Numbers that look random and are the same in every process: a counter, mixed. The counter is kept with the state.

export class Chance {
  /** Numbers drawn so far. */
  drawn = 0;

  /** In [0, 1). */
  next(): number {
    this.drawn = (this.drawn + 1) >>> 0;
    let x = Math.imul(this.drawn, 0x9e3779b1);
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  }
}
