// A detector made of other detectors of the configuration.
import { z } from "zod";
import type { Verdicts } from "./detector.ts";
import type { VectorVerdicts } from "./vectors.ts";

/** Verdicts of either kind of rows, as far as its kind has them. */
export type AnyVerdicts = Pick<Verdicts, "score"> & Partial<Verdicts & VectorVerdicts>;

/** What rows of either kind have. */
export interface AnyRows {
  readonly length: number;
  readonly series: Uint32Array;
  readonly age: Uint32Array;
}

/** A detector as part of another, with a state of its own: it knows of no rows but those that it was given. */
export interface Part {
  /** Lets it judge and learn the rows chosen[0, count), which ascend, and writes its verdicts of these to `into`. Once a call. */
  judge(chosen: Uint32Array, count: number, into: AnyVerdicts): void;
}

/** An option that names a detector of the configuration, which need not be in a pipeline; that it exists is checked. */
export const detectorId = () => z.string().min(1).meta({ extension: "detector" });
