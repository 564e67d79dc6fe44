// What each record of a statement is held against, as rows of numbers that lie side by side: most records touch nothing else.

/**
 * A block, in words of four bytes: what is known of all, then `WIDTH` words of each parameter. Of one that is watched: what is not between the first two may be
 * low or high (as f32), and how many numbers came. Of one of few values: hash and look of the latest that was known, and how often it came again. Three
 * parameters fit into 48 bytes: large memory begins 16 bytes behind a line of the cache, so that most records touch one.
 */
export const Block = { records: 0, bits: 1, looked: 2, parameters: 3 } as const;
export const WIDTH = 3;
/** Parameters that are looked at. */
export const MOST_PARAMETERS = 8;
const LENGTH = 32;
/** In the bits: parameters whose numbers are judged, those of few values, and how many a record has. */
const FEW = 8;
const COUNT = 16;
const MOST_COUNT = 0xffff;

/**
 * Words of a parameter's margins: four bins (`margin`); how many were high, and low, since it was judged, those of intervals that were put aside in the upper
 * half; how many numbers these had, and above that how many they are, and `HOT` where the next is to be judged in any case; the shares of the numbers that
 * usually are high, and low, in halves; how many were huge, and tiny, in halves; and the bins from which on, and below which, one is looked at at once (`margin`).
 */
export const MARGIN = 7;
const MARGINS = MARGIN * MOST_PARAMETERS;
export const HOT = 1 << 31;
const CLEAN = 24;
const CLEAN_NUMBERS = (1 << CLEAN) - 1;
/** So many intervals of so many numbers that have no more there than usual are not judged by themselves. */
const MOST_CLEAN = 5;
export const BUSY = 16;
const WHOLE = 2 ** 16;
export const MOST_ASIDE = WHOLE - 1;

/** Whether so many are no more than where so many are expected there often are. */
export const isOrdinary = (count: number, expected: number) => count <= expected + 2 * Math.sqrt(expected);

/** Numbers that wait to be learnt; the first place of the codes holds how many do. */
const QUEUE = 32;

/** Of a statement that came so often one record in 4, and in 16, is learnt, and stands for as many. */
const [YOUNG, GROWN] = [128, 256];
const MOST_RECORDS = 2 ** 31 - 1;

const FIRST = 64;

export class Blocks {
  rows = new Int32Array(FIRST * LENGTH);
  /** The same memory. */
  floats = new Float32Array(this.rows.buffer);
  margins = new Int32Array(FIRST * MARGINS);
  #values = new Float64Array(FIRST * QUEUE);
  #codes = new Uint16Array(FIRST * QUEUE);
  #room = FIRST;
  #length = 0;
  readonly #free: number[] = [];
  /** How often one was released. */
  released = 0;

  /** A block of zeros for records with so many parameters. */
  add(count: number): number {
    const slot = this.#free.pop() ?? this.#length++;
    if (slot >= this.#room) this.#grow();
    this.rows.fill(0, slot * LENGTH, (slot + 1) * LENGTH);
    this.rows[slot * LENGTH + Block.bits] = Math.min(count, MOST_COUNT) << COUNT;
    this.margins.fill(0, slot * MARGINS, (slot + 1) * MARGINS);
    this.#codes[slot * QUEUE] = 0;
    return slot;
  }

  release(slot: number): void {
    this.#free.push(slot);
    this.released++;
  }

  /** Where its words begin. */
  at(slot: number): number {
    return slot * LENGTH;
  }

  marginsAt(slot: number): number {
    return slot * MARGINS;
  }

  /** Whether it is of records with so many parameters. */
  has(slot: number, count: number): boolean {
    return this.rows[slot * LENGTH + Block.bits] >>> COUNT === Math.min(count, MOST_COUNT);
  }

  #grow(): void {
    this.#room *= 2;
    this.rows = larger(this.rows, new Int32Array(this.#room * LENGTH));
    this.floats = new Float32Array(this.rows.buffer);
    this.margins = larger(this.margins, new Int32Array(this.#room * MARGINS));
    this.#values = larger(this.#values, new Float64Array(this.#room * QUEUE));
    this.#codes = larger(this.#codes, new Uint16Array(this.#room * QUEUE));
  }

  /**
   * One more record: the logarithm to base 2 of how many it stands for when it is learnt, -1 where it is not. Of each 4 or 16 in a row one is, at a place
   * that nothing periodic keeps step with.
   */
  count(slot: number): number {
    const at = slot * LENGTH + Block.records;
    const before = this.rows[at];
    const records = before === MOST_RECORDS ? GROWN + 1 : before + 1;
    this.rows[at] = records;
    if (records <= YOUNG) return 0;
    const weight = records <= GROWN ? 2 : 4;
    const mask = (1 << weight) - 1;
    return (records & mask) === (placeOf(records >> weight) & mask) ? weight : -1;
  }

  /** Parameters that are looked at. */
  parameters(slot: number): number {
    return Math.min(MOST_PARAMETERS, this.rows[slot * LENGTH + Block.bits] >>> COUNT);
  }

  watched(slot: number): number {
    return this.rows[slot * LENGTH + Block.bits] & 0xff;
  }

  few(slot: number): number {
    return (this.rows[slot * LENGTH + Block.bits] >>> FEW) & 0xff;
  }

  mark(slot: number, k: number, isWatched: boolean, isFew: boolean): void {
    const bits = (isWatched ? 1 : 0) | (isFew ? 1 << FEW : 0);
    const at = slot * LENGTH + Block.bits;
    this.rows[at] = (this.rows[at] & ~((1 | (1 << FEW)) << k)) | (bits << k);
  }

  /** An interval ends: whether parameter `k` is to be judged, or else what came is put aside. */
  isDue(slot: number, k: number): boolean {
    const { rows, margins } = this;
    const at = slot * LENGTH + Block.parameters + WIDTH * k + 2;
    const own = slot * MARGINS + MARGIN * k;
    const count = rows[at];
    const clean = margins[own + 3];
    if (clean < 0 || margins[own + 5] !== 0) return true;
    if (count === 0) return false;
    const high = margins[own + 1];
    const low = margins[own + 2];
    if ((high | low) !== 0) {
      const share = margins[own + 4];
      if (!isOrdinary(high & MOST_ASIDE, (count * (share & MOST_ASIDE)) / WHOLE)) return true;
      if (!isOrdinary(low & MOST_ASIDE, (count * (share >>> 16)) / WHOLE)) return true;
    }
    if (count < BUSY || clean >>> CLEAN >= MOST_CLEAN || (clean & CLEAN_NUMBERS) + count > CLEAN_NUMBERS) return true;
    const allHigh = (high & MOST_ASIDE) + (high >>> 16);
    const allLow = (low & MOST_ASIDE) + (low >>> 16);
    if (Math.max(allHigh, allLow) > MOST_ASIDE) return true;
    rows[at] = 0;
    margins[own + 1] = allHigh << 16;
    margins[own + 2] = allLow << 16;
    margins[own + 3] = clean + count + (1 << CLEAN);
    return false;
  }

  /** Which shares of the numbers usually are high, and low. */
  expect(slot: number, k: number, high: number, low: number): void {
    this.margins[slot * MARGINS + MARGIN * k + 4] =
      Math.floor(high * MOST_ASIDE) | (Math.floor(low * MOST_ASIDE) << 16);
  }

  /** Numbers that were put aside; there are none afterwards. */
  takeClean(slot: number, k: number): number {
    const at = slot * MARGINS + MARGIN * k + 3;
    const clean = this.margins[at] & CLEAN_NUMBERS;
    this.margins[at] &= HOT;
    return clean;
  }

  heat(slot: number, k: number, isHot: boolean): void {
    const at = slot * MARGINS + MARGIN * k + 3;
    this.margins[at] = isHot ? this.margins[at] | HOT : this.margins[at] & ~HOT;
  }

  /** Whether there is room for so many more that wait. */
  hasRoom(slot: number, more: number): boolean {
    return this.#codes[slot * QUEUE] + more < QUEUE;
  }

  push(slot: number, value: number, code: number): void {
    const at = slot * QUEUE;
    const place = at + ++this.#codes[at];
    this.#values[place] = value;
    this.#codes[place] = code;
  }

  /** Those that wait, the oldest first; none does afterwards. */
  drain(slot: number, each: (value: number, code: number) => void): void {
    const at = slot * QUEUE;
    const length = this.#codes[at];
    this.#codes[at] = 0;
    for (let place = at + 1; place <= at + length; place++) each(this.#values[place], this.#codes[place]);
  }
}

function larger<T extends Int32Array | Float64Array | Uint16Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** The finalizer of MurmurHash3. */
function placeOf(n: number): number {
  let h = Math.imul(n ^ (n >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
