// Faults that are planted in normal series: what each adds to a value, and for how long it should be found.

export interface Fault {
  /** What the anomaly should be called. */
  readonly type: "spike" | "drop" | "level_shift" | "drift";
  /** How far it moves the value, in spreads of the shape. */
  readonly sizes: readonly number[];
  /** Rows from its first in which an alarm counts as having found it. */
  readonly rows: number;
  /** How many are planted in one series, apart from each other. */
  readonly times: number;
  /** The share of its size that is added to the row that comes so many rows after its first. */
  readonly share: (rows: number) => number;
}

/** A level that shifted stays; a ramp of `rows` rows ends on a level that stays. */
export const FAULTS: readonly Fault[] = [
  { type: "spike", sizes: [6, 10, 20], rows: 2, times: 4, share: (rows) => (rows < 2 ? 1 : 0) },
  { type: "drop", sizes: [6, 10, 20], rows: 2, times: 4, share: (rows) => (rows < 2 ? -1 : 0) },
  { type: "level_shift", sizes: [3, 6, 12], rows: 60, times: 1, share: () => 1 },
  { type: "drift", sizes: [6, 12, 24], rows: 288, times: 1, share: (rows) => Math.min(1, rows / 288) },
];
