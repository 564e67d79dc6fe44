// Which traces are wanted: anomalous ones, and those of the same operation just before and after them.
import { NONE, NOTHING, Traces } from "./traces.ts";

/** States of a trace. */
export const ORDINARY = 0;
export const ANOMALOUS = 1;
export const NEIGHBOUR = 2;

/** Traces looked at for each neighbour that is sought, since some are anomalous too. */
const LOOKS = 4;

export class Neighbourhood {
  /** The latest traces. Those of one series, that of their first entry span, are chained in the order in which they came. */
  readonly traces: Traces;
  /** Wanted ones by themselves, so that ordinary ones do not displace them. */
  readonly #wanted: Traces;
  readonly #neighbours: number;
  readonly #released: (row: number) => void;
  /** By series: the number of its latest trace, and how many of the next ones are wanted. */
  #latest = new Float64Array(0);
  #following = new Uint16Array(0);

  /** Remembers up to `limit` traces of either sort. `released` is told the row of a trace that came as an ordinary one and is wanted now. */
  constructor(limit: number, neighbours: number, seed: number, released: (row: number) => void) {
    this.traces = new Traces(limit, seed);
    this.#wanted = new Traces(limit, seed);
    this.#neighbours = neighbours;
    this.#released = released;
  }

  get byteLength(): number {
    const own = this.#latest.byteLength + this.#following.byteLength;
    return this.traces.byteLength + this.#wanted.byteLength + own;
  }

  /** The row of a trace by the four words of its id; a new one remembers `threshold`. */
  rowOf(a: number, b: number, c: number, d: number, threshold: number): number {
    const { traces } = this;
    const known = traces.find(a, b, c, d);
    if (known >= 0) return known;
    const row = traces.add(a, b, c, d);
    traces.threshold[row] = threshold;
    const wanted = this.#wanted.find(a, b, c, d);
    if (wanted >= 0) traces.state[row] = this.#wanted.state[wanted];
    return row;
  }

  /** A trace is anomalous. */
  found(a: number, b: number, c: number, d: number): void {
    let wanted = this.#wanted.find(a, b, c, d);
    if (wanted < 0) wanted = this.#wanted.add(a, b, c, d);
    else if (this.#wanted.state[wanted] === ANOMALOUS) return;
    this.#wanted.state[wanted] = ANOMALOUS;
    const row = this.traces.find(a, b, c, d);
    if (row < 0) return;
    const before = this.traces.state[row];
    this.traces.state[row] = ANOMALOUS;
    if (before === ORDINARY) this.#released(row);
    if (this.traces.series[row] !== NONE) this.#call(row);
  }

  /** An entry span of a trace came: the first one says what its series is. */
  entered(row: number, series: number): void {
    const { traces } = this;
    if (traces.series[row] !== NONE) return;
    if (series >= this.#latest.length) this.#grow(series);
    traces.series[row] = series;
    const number = traces.numberOf(row);
    const previous = traces.rowOf(this.#latest[series]);
    if (previous >= 0) {
      traces.before[row] = this.#latest[series];
      traces.after[previous] = number;
    }
    this.#latest[series] = number;
    if (traces.state[row] === ANOMALOUS) this.#call(row);
    else if (traces.state[row] === ORDINARY && this.#following[series] > 0) {
      this.#following[series]--;
      this.#want(row);
    }
  }

  /** The id of a series belongs to another one from now on. */
  forget(series: number): void {
    if (series >= this.#latest.length) return;
    this.#latest[series] = NOTHING;
    this.#following[series] = 0;
  }

  /** Wants the neighbours of an anomalous trace, those to come included. */
  #call(row: number): void {
    const { before, after, series } = this.traces;
    this.#walk(row, before);
    const missing = this.#neighbours - this.#walk(row, after);
    const of = series[row];
    if (missing > this.#following[of]) this.#following[of] = missing;
  }

  /** How many neighbours there are on one side. */
  #walk(from: number, side: Float64Array): number {
    const { traces } = this;
    let found = 0;
    let row = from;
    for (let look = 0; found < this.#neighbours && look < LOOKS * this.#neighbours; look++) {
      row = traces.rowOf(side[row]);
      if (row < 0) break;
      if (traces.state[row] === ANOMALOUS) continue;
      found++;
      if (traces.state[row] === ORDINARY) this.#want(row);
    }
    return found;
  }

  #want(row: number): void {
    const { traces } = this;
    const wanted = this.#wanted.rowAs(traces, row);
    this.#wanted.state[wanted] = NEIGHBOUR;
    traces.state[row] = NEIGHBOUR;
    this.#released(row);
  }

  #grow(series: number): void {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(64, series + 1)));
    const latest = new Float64Array(capacity).fill(NOTHING);
    const following = new Uint16Array(capacity);
    latest.set(this.#latest);
    following.set(this.#following);
    this.#latest = latest;
    this.#following = following;
  }
}
