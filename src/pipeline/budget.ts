// Alert budget -> line: it lies where as many clusters of surprises are expected in a day as the user can bear, by what was measured.
import { SeriesState } from "../series/state.ts";
import type { Line } from "./line.ts";
import {
  BUDGET,
  CLOCK,
  cellOf,
  DAY,
  draw,
  LINE,
  LOW,
  open,
  opensBunch,
  PEAKS_SHAPE,
  pass,
  redraw,
  STRAYED,
  tick,
} from "./peaks.ts";

/** A cluster has ended after so many rows below LOW and below this share of its peak, or of the line if that is less. */
const QUIET = 16;
const ENDED = 0.6;
/** A row of a cluster that was told is told again when it is so many times as rare as what was told last; else it scores this at most. */
const AGAIN = 2;
const TOLD = 0.99;
/** Rarity is kept in 1/1024 of a decade. */
const FINE = 1024;

/**
 * Neighbouring surprises of a series are one cluster (runs declustering, Smith & Weissman 1994), and a false alarm is a cluster
 * that is told. Its peak is counted with those of all series (`peaks.ts`); how often they reach which rarity is trusted more
 * than what rarity claims, so that a budget is kept where it claims too much. An incident of many series counts as one. What
 * happens to a cluster never depends on how rows are batched, nor on any clock but the rows' own.
 */
export class BudgetLine implements Line {
  readonly state = new SeriesState({
    /** Of the present cluster: the largest rarity, and that which was told last, both in 1/1024; 0 is none. */
    peak: "u16",
    told: "u16",
    /** The cell in which its peak is counted. */
    counted: "u16",
    /** Rows below its level since the last above. */
    quiet: "u8",
    ...PEAKS_SHAPE,
  });
  /** In clusters a millisecond. */
  readonly #budget: number;

  /** `budget` is in false alarms a day. */
  constructor(budget: number) {
    this.#budget = budget / DAY;
    draw(this.state.columns, this.#budget);
  }

  get threshold(): number {
    return this.state.columns.numbers[LINE];
  }

  apply(
    series: Uint32Array,
    time: Float64Array,
    rarity: Float64Array,
    count: number,
    score: Float64Array,
    lasts?: Uint8Array,
  ): void {
    const { columns } = this.state;
    const { numbers, peak, told, quiet } = columns;
    for (let i = 0; i < count; i++) {
      const s = series[i];
      const r = rarity[i];
      if (time[i] !== numbers[CLOCK] || numbers[STRAYED] > 0) tick(numbers, time[i]);
      if (!(r >= 0)) {
        score[i] = Number.NaN;
        continue;
      }
      if (pass(numbers, 1)) redraw(columns, this.#budget);
      const line = numbers[LINE];
      // most rows are ordinary ones, many of them shortly after a small surprise
      if (r >= LOW) {
        score[i] = this.#surprise(s, r);
        if (lasts && score[i] < 1 && told[s] > 0 && quiet[s] === 0) lasts[i] = 1;
      } else if (peak[s] === 0) score[i] = r / line;
      else {
        score[i] = r < line * TOLD || told[s] === 0 ? r / line : TOLD;
        if (++quiet[s] >= QUIET) this.#end(s);
      }
    }
  }

  single(rarity: number, time: number, tried = 0): number {
    const { columns } = this.state;
    const { numbers, counts } = columns;
    tick(numbers, time);
    const line = numbers[LINE];
    if (rarity >= LOW && Number.isFinite(rarity)) {
      // nobody counted the rows behind it: as many as one such finding is to be expected of
      if (tried < LOW) pass(numbers, 10 ** LOW);
      else counts[cellOf(tried)] = Math.max(0, counts[cellOf(tried)] - 1);
      if (rarity < line || opensBunch(numbers, this.#budget)) counts[cellOf(rarity)]++;
      redraw(columns, this.#budget);
    }
    return rarity / line;
  }

  restored(): void {
    const { columns } = this.state;
    if (columns.numbers[BUDGET] !== this.#budget) draw(columns, this.#budget);
  }

  /** The score of a row that is a surprise by itself. */
  #surprise(s: number, r: number): number {
    const { columns } = this.state;
    const { numbers, peak, told, quiet } = columns;
    const line = numbers[LINE];
    const fine = Math.min(0xffff, Math.floor(r * FINE));
    if (fine < ENDED * Math.min(peak[s], line * FINE)) {
      const most = told[s] > 0 ? TOLD : Number.POSITIVE_INFINITY;
      if (++quiet[s] >= QUIET) this.#end(s);
      return Math.min(r / line, most);
    }
    quiet[s] = 0;
    const tells = r >= line && (told[s] === 0 || fine >= AGAIN * told[s]);
    if (fine > peak[s]) this.#rise(s, fine, r >= line);
    if (!tells) return Math.min(r / line, told[s] > 0 ? TOLD : Number.POSITIVE_INFINITY);
    told[s] = fine;
    return r / line;
  }

  /** Counts the cluster where its peak is now. One that was told in the bunch of another stays counted where it was. */
  #rise(s: number, fine: number, pastLine: boolean): void {
    const { columns } = this.state;
    const { numbers, counts, peak, told, counted } = columns;
    if (peak[s] === 0) open(numbers);
    const before = counted[s];
    const follows = peak[s] === 0 || before === cellOf(peak[s] / FINE);
    const opens = pastLine && told[s] === 0;
    peak[s] = fine;
    if (!(opens ? opensBunch(numbers, this.#budget) : follows)) return;
    // it may have been forgotten a little since it was counted
    if (before > 0) counts[before] = Math.max(0, counts[before] - 1);
    counted[s] = cellOf(fine / FINE);
    counts[counted[s]]++;
    if (opens) redraw(columns, this.#budget);
  }

  #end(s: number): void {
    const { peak, told, counted, quiet } = this.state.columns;
    peak[s] = 0;
    told[s] = 0;
    counted[s] = 0;
    quiet[s] = 0;
  }
}
