// The options of anomaly_sampling; where the Collector's samplers have the same, by their names.
import { byteSize, duration, z } from "vedette";

export const options = z.object({
  sampling_percentage: z
    .number()
    .min(0)
    .default(10)
    .describe(
      "Percentage of ordinary traces that is kept; 100 or more keeps all, 0 none but anomalous ones and neighbours.",
    ),
  spans_per_second: z
    .number()
    .positive()
    .optional()
    .describe(
      "Instead of a percentage: spans that may be sent a second, anomalous traces included; the percentage follows the load.",
    ),
  mode: z
    .enum(["proportional", "equalizing"])
    .default("proportional")
    .describe(
      "Of spans that were sampled before: whether the percentage is of what arrives, or of what there was before any sampling.",
    ),
  sampling_precision: z
    .int()
    .min(1)
    .max(14)
    .default(4)
    .describe("Hexadecimal digits of the threshold that is written into `tracestate`."),
  decision_wait: duration()
    .prefault("30s")
    .describe("How long a span that is left out is held in case its trace turns anomalous."),
  max_held: byteSize()
    .prefault("64MiB")
    .describe("Most memory for spans that are held; beyond it those held longest go."),
  neighbours: z
    .int()
    .min(0)
    .max(100)
    .default(5)
    .describe("Traces of the same operation that are kept before an anomalous one, and as many after it."),
  max_traces: z
    .int()
    .positive()
    .max(10_000_000)
    .default(100_000)
    .describe(
      "Traces remembered, and as many anomalous ones and neighbours; beyond it the oldest is forgotten. About 70 bytes each.",
    ),
  set_sampling_priority: z
    .boolean()
    .default(true)
    .describe(
      "Write `sampling.priority` 1 on spans of anomalous traces and neighbours, so that samplers behind keep them too.",
    ),
});

export type Options = z.output<typeof options>;
