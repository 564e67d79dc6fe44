// The one interface that a detector implements: a function over columns.
import type { DeviationOptions } from "./deviation.ts";
import type { RowsOf, Telemetry } from "./signals.ts";

export interface ColumnTypes {
  f64: Float64Array;
  f32: Float32Array;
  u32: Uint32Array;
  i32: Int32Array;
  u16: Uint16Array;
  u8: Uint8Array;
}
export type ColumnType = keyof ColumnTypes;

/** One number per series, a fixed-width row per series, or one array shared by all series. */
export type Column =
  | ColumnType
  | readonly [type: ColumnType, width: number]
  | readonly [type: ColumnType, length: number, shared: "shared"];

/** All that a detector may remember. */
export type StateShape = Readonly<Record<string, Column>>;

/** The declared columns, zero until first written. Read them afresh on every call: growth replaces them. */
export type StateOf<Shape extends StateShape> = {
  readonly [Name in keyof Shape]: ColumnTypes[TypeOf<Shape[Name]>];
};
type TypeOf<C extends Column> = C extends ColumnType
  ? C
  : C extends readonly [infer T extends ColumnType, ...unknown[]]
    ? T
    : never;

/** What a detector is handed: rows of the series it watches. */
export type JudgedRows<S extends Telemetry> = RowsOf[S] & {
  /** How many rows of this series came before this one; 0 marks its first, whose state is all zero. */
  readonly age: Uint32Array;
};

/** Columns that a detector fills, one entry per row. All numbers are NaN when it is called. */
export interface Verdicts {
  /** 0 is as expected, about 1 an ordinary deviation, larger is more surprising. NaN abstains. Any unit: it is calibrated, unless the plugin's `scores` says what it is. */
  readonly score: Float64Array;
  /** What was judged; left NaN it is the row's value or duration. */
  readonly observed: Float64Array;
  /** The value that would have been unsurprising, and the band around it; NaN if there is none. */
  readonly expected: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** What the row would be found as: 0 by the side of the expectation it lies on, k the plugin's `finds.more[k - 1]`. 0 when it is called. */
  readonly finding: Uint8Array;
  /** What the expectation rests on, for the sentence: 0 the recent past, 1 the time of day, 2 the time of the week, 3 what else its service does. 0 when it is called. */
  readonly basis: Uint8Array;
  /** Since when the same lasts, in Unix milliseconds, and how many rows it has been: for the sentence and the episode. NaN where it is this row alone. */
  readonly since: Float64Array;
  readonly rows: Float64Array;
  /** 1 where what was told of this series goes on, though it is no news: it keeps its episode open. 0 when it is called. */
  readonly lasts: Uint8Array;
}

/**
 * The agent's options that say which rows are told. A detector of rarities that tells an incident once heeds them, so that what it takes for told was;
 * others leave them to the agent.
 */
export interface LineOptions extends DeviationOptions {
  /** Rarity from which a row is told, where the user has fixed one. */
  readonly threshold?: number | undefined;
  /** Where the user has given one, the line moves, and tells an incident once by itself. */
  readonly alert_budget?: number | undefined;
  /** Of a smaller age no row is told. */
  readonly warmup?: number | undefined;
}

/**
 * Judges each row, in order, by the state so far, then learns it.
 * Synchronous and pure but for `state` and `verdicts`; keeps none of its arguments. The same rows in one call or in many
 * give the same scores; NaN and infinite values neither throw nor leave state that is not finite.
 */
export type ScoreThenLearn<S extends Telemetry, Shape extends StateShape, Config> = (
  rows: JudgedRows<S>,
  state: StateOf<Shape>,
  verdicts: Verdicts,
  config: Config & LineOptions,
) => void;
