// What each line would have brought: rows or groups of rows by the score that they need, and the best line over all of them.

export interface Best {
  readonly value: number;
  /** The score from which rows are alarms there; Infinity when it is best to raise none. */
  readonly threshold: number;
}

/** Two sums over all that a line admits; what they mean is up to who adds. */
export class Sweep {
  #length = 0;
  #score = new Float64Array(1024);
  #first = new Float64Array(1024);
  #second = new Float64Array(1024);

  /** Lines up to `score` admit it. NaN counts as 0. */
  add(score: number, first: number, second: number): void {
    if (this.#length === this.#score.length) this.#grow();
    this.#score[this.#length] = Number.isNaN(score) ? 0 : score;
    this.#first[this.#length] = first;
    this.#second[this.#length++] = second;
  }

  #grow(): void {
    const doubled = (column: Float64Array) => {
      const larger = new Float64Array(2 * column.length);
      larger.set(column);
      return larger;
    };
    this.#score = doubled(this.#score);
    this.#first = doubled(this.#first);
    this.#second = doubled(this.#second);
  }

  /** The sums at a line. */
  at(line: number): readonly [first: number, second: number] {
    let first = 0;
    let second = 0;
    for (let i = 0; i < this.#length; i++) {
      if (!(this.#score[i] >= line)) continue;
      first += this.#first[i];
      second += this.#second[i];
    }
    return [first, second];
  }

  /** The line with the largest figure; of equal ones the highest. */
  best(figure: (first: number, second: number) => number): Best {
    const score = this.#score;
    const order = new Uint32Array(this.#length).map((_, i) => i).sort((a, b) => score[b] - score[a]);
    let first = 0;
    let second = 0;
    let best: Best = { value: figure(0, 0), threshold: Number.POSITIVE_INFINITY };
    for (let k = 0; k < order.length; k++) {
      first += this.#first[order[k]];
      second += this.#second[order[k]];
      if (k + 1 < order.length && score[order[k + 1]] === score[order[k]]) continue;
      const value = figure(first, second);
      if (value > best.value) best = { value, threshold: score[order[k]] };
    }
    return best;
  }
}
