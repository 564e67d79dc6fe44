// A detector's memory at rest: self-describing enough to be refused. Written by the agent, never by a plugin.

export interface Snapshot {
  readonly format: 1;
  /** Component id and type: "ewma/latency", "ewma". */
  readonly id: string;
  readonly type: string;
  readonly stateVersion: number;
  /** Unix milliseconds. */
  readonly takenAt: number;
  /** 64-bit identity of each live series, under the hash seed of the process; the least recently seen first. */
  readonly series: readonly (readonly [hash0: number, hash1: number])[];
  /** The row of each of them in the columns. */
  readonly rows: Uint32Array;
  /** Rows seen, by row. */
  readonly age: Uint32Array;
  /** Column name to its rows, little-endian. */
  readonly columns: Readonly<Record<string, Uint8Array>>;
  readonly calibration: Readonly<Record<string, Uint8Array>>;
}
