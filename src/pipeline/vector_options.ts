// The options that the agent adds to a detector of vectors.
import { duration, type VectorDetectorPlugin, z } from "../api/index.ts";
import { type DetectorOptions, detectorOptions } from "./options.ts";

/** Most dimensions that a vector may have: what a detector keeps of a resource grows with them. */
const MOST_DIMENSIONS = 256;

/** What makes no sense of a vector, which has no side and belongs to no one row. */
const FIXED = {
  detection_direction: "both",
  min_dev_from_expected: 0,
  min_rel_dev_from_expected: 0,
  annotate: "none",
} as const;

export function vectorOptions({ defaults, scores }: Pick<VectorDetectorPlugin, "defaults" | "scores">) {
  const { detection_direction, min_dev_from_expected, min_rel_dev_from_expected, annotate, ...shared } =
    detectorOptions({ signal: "metrics", ...(defaults && { defaults }), ...(scores && { scores }) });
  return {
    ...shared,
    warmup: shared.warmup.describe("Judged vectors of a resource before it may raise an anomaly."),
    max_series: z
      .int()
      .positive()
      .default(defaults?.max_series ?? 1000)
      .describe("Resources remembered; beyond it one that is new, or was not seen for an hour, makes room."),
    interval: duration()
      .refine((milliseconds) => milliseconds >= 1000, { error: "shorter than a second; write 1s or more" })
      .prefault("1m")
      .describe("Time of the events that one vector spans; not shorter than the interval at which metrics are sent."),
    dimensions: z
      .int()
      .min(2)
      .max(MOST_DIMENSIONS)
      .default(16)
      .describe("Most metrics of a resource that are joined, those seen first; choose them with `match`."),
  };
}

type Given = z.output<z.ZodObject<ReturnType<typeof vectorOptions>>>;
export type VectorDetectorOptions = Given & DetectorOptions;

/** What is fixed filled in, so that all that judges rows judges vectors too. */
export const completed = (options: object): VectorDetectorOptions => ({ ...(options as Given), ...FIXED });
