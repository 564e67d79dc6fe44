// Rarity -> score: where the line of a detector lies.
import type { DetectorPlugin } from "../api/index.ts";
import type { KeptColumn, LiveColumn } from "../series/snapshot.ts";
import { SeriesState } from "../series/state.ts";
import { BudgetLine } from "./budget.ts";
import { THRESHOLD } from "./options.ts";

/** Of one detector. 1 is the line. */
export interface Line {
  /** What it remembers of each series, in the rows of the detector, whose it is to grow, clear and save. */
  readonly state: SeriesState;
  /** Rarity where it lies at present. */
  readonly threshold: number;
  /**
   * score[i] of rarity[i] of series[i] at time[i] (Unix milliseconds), in order; NaN stays NaN. `lasts` is marked with 1 where a row is held back since
   * its incident was told.
   */
  apply(
    series: Uint32Array,
    time: Float64Array,
    rarity: Float64Array,
    count: number,
    score: Float64Array,
    lasts?: Uint8Array,
  ): void;
  /**
   * The score of a finding that stands for itself, with no series of rows behind it; `tried` is the rarity that it had when it was
   * asked for before.
   */
  single(rarity: number, time: number, tried?: number): number;
  /** Called when `state` has been restored. */
  restored(): void;
}

/** Where the user said at which rarity it lies. */
export class FixedLine implements Line {
  readonly state = new SeriesState({});
  readonly threshold: number;

  constructor(threshold: number) {
    this.threshold = threshold;
  }

  apply(_series: Uint32Array, _time: Float64Array, rarity: Float64Array, count: number, score: Float64Array): void {
    for (let i = 0; i < count; i++) score[i] = rarity[i] / this.threshold;
  }

  single(rarity: number): number {
    return rarity / this.threshold;
  }

  restored(): void {}
}

/** The line that the user's options ask for. */
export function lineOf(
  options: { readonly threshold?: number | undefined; readonly alert_budget?: number | undefined },
  { defaults }: Pick<DetectorPlugin, "defaults">,
): Line {
  if (options.alert_budget !== undefined) return new BudgetLine(options.alert_budget);
  return new FixedLine(options.threshold ?? defaults?.threshold ?? THRESHOLD);
}

const PREFIX = "line.";

/** What it remembers, for a snapshot that is copied later. */
export const liveLine = ({ state }: Line): LiveColumn[] => state.live(PREFIX);

/** What it remembers of the first `rows` rows, for a snapshot. */
export const savedLine = ({ state }: Line, rows: number): KeptColumn[] => state.save(PREFIX, rows);

/** Fills row i with row from[i] of a snapshot of `rows` rows. Where that had another kind of line, it begins anew. */
export function restoreLine(
  line: Line,
  rows: number,
  from: Uint32Array,
  columns: ReadonlyMap<string, KeptColumn>,
): void {
  if (line.state.misfit(PREFIX, rows, columns)) return;
  line.state.restore(PREFIX, from, columns);
  line.restored();
}
