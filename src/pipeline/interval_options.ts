// The options that the agent adds to a detector of intervals.
import { duration, type IntervalDetectorPlugin, type z } from "../api/index.ts";
import { type DetectorOptions, detectorOptions } from "./options.ts";

export function intervalOptions({
  signal,
  defaults,
  scores,
}: Pick<IntervalDetectorPlugin, "signal" | "defaults" | "scores">) {
  const { annotate, ...shared } = detectorOptions({
    signal,
    ...(defaults && { defaults }),
    ...(scores && { scores }),
  });
  return {
    ...shared,
    warmup: shared.warmup.describe("Judged intervals of a series before it may raise an anomaly."),
    interval: duration()
      .refine((milliseconds) => milliseconds >= 1000 && milliseconds <= 3_600_000, { error: "write 1s to 1h" })
      .prefault("10s")
      .describe("Time of the events that is counted together."),
    lateness: duration()
      .refine((milliseconds) => milliseconds <= 600_000, { error: "write at most 10m" })
      .prefault("15s")
      .describe("How long after its end an interval is judged: what comes later is not counted."),
  };
}

type Given = z.output<z.ZodObject<ReturnType<typeof intervalOptions>>>;
export type IntervalDetectorOptions = Given & DetectorOptions;

/** What is fixed filled in: an anomaly of an interval belongs to no one row. */
export const completedIntervals = (options: object): IntervalDetectorOptions => ({
  ...(options as Given),
  annotate: "none",
});
