// The options of span_metrics: those of the Collector's connector.
import { duration, z } from "vedette";

const RESERVED = ["service.name", "span.name", "span.kind", "status.code"];

const dimension = z.object({
  name: z.string().min(1).describe("An attribute of the span, or else of its resource."),
  default: z.string().optional().describe("Its value where neither has it; absent: the attribute is left out."),
});

const dimensions = () =>
  z
    .array(dimension)
    .refine((list) => !list.some(({ name }) => RESERVED.includes(name)), {
      error: `${RESERVED.join(", ")} are there already; remove them, or leave them out by exclude_dimensions`,
    })
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, {
      error: "a dimension is named twice; remove one",
    })
    .default([]);

const count = () => z.int().nonnegative();

/** Upper bounds in milliseconds, where none are given. */
export const BUCKETS = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];

const histogram = z
  .object({
    disable: z.boolean().default(false).describe("Only calls are told, no durations."),
    unit: z.enum(["ms", "s"]).default("ms").describe("Unit of the durations."),
    explicit: z
      .object({
        buckets: z
          .array(duration())
          .refine((bounds) => bounds.every((bound, i) => i === 0 || bound > bounds[i - 1]), {
            error: "bounds must ascend; sort them and remove those that are there twice",
          })
          .prefault(BUCKETS.map((bound) => `${bound}ms`))
          .describe("Upper bounds of the buckets."),
      })
      .optional()
      .describe("Buckets between fixed bounds; this is the default."),
    exponential: z
      .object({
        max_size: z.int().min(2).max(16_384).default(160).describe("Most buckets; beyond it they are made coarser."),
      })
      .optional()
      .describe("Buckets that adapt to what comes, instead of `explicit`."),
    dimensions: dimensions().describe("As `dimensions`, for durations only."),
  })
  .refine(({ explicit, exponential }) => !(explicit && exponential), {
    path: ["exponential"],
    error: "there is explicit as well; remove one of the two",
  });

export const options = z.object({
  namespace: z.string().default("traces.span.metrics").describe("Begins the metrics' names; empty: they are bare."),
  histogram: histogram.prefault({}).describe("How durations are told."),
  dimensions: dimensions().describe(
    "Attributes of spans or resources that tell series apart, beside those that always do.",
  ),
  calls_dimensions: dimensions().describe("As `dimensions`, for calls only."),
  exclude_dimensions: z
    .array(z.string())
    .default([])
    .describe("Of `service.name`, `span.name`, `span.kind` and `status.code` those that are left out."),
  include_instrumentation_scope: z
    .array(z.string())
    .default([])
    .describe("Instrumentation scopes whose name and version tell series apart."),
  aggregation_temporality: z
    .enum(["AGGREGATION_TEMPORALITY_CUMULATIVE", "AGGREGATION_TEMPORALITY_DELTA"])
    .default("AGGREGATION_TEMPORALITY_CUMULATIVE")
    .describe("Whether points count since the series began, or since the point before."),
  aggregation_cardinality_limit: count()
    .default(0)
    .describe(
      "Most series of a metric and resource; what is beyond is counted in one with `otel.metric.overflow`. 0: only the 100,000 that there may be in all.",
    ),
  metrics_flush_interval: duration()
    .refine((interval) => interval > 0, { error: "must be longer than 0" })
    .prefault("60s")
    .describe("How often the metrics are told."),
  metrics_expiration: duration()
    .prefault("0")
    .describe("The metrics of a resource without spans for so long are told no more; 0: always. Cumulative ones only."),
  series_expiration: duration().prefault("0").describe("The same for each series."),
  add_resource_attributes: z
    .boolean()
    .default(true)
    .describe(
      "Whether the metrics have the resource of their spans; if not, only its `service.name` and `service.namespace`.",
    ),
  resource_metrics_key_attributes: z
    .array(z.string())
    .default([])
    .describe("Attributes that tell resources apart, where others change on a restart. Empty: all of them."),
  resource_metrics_cache_size: count()
    .min(1)
    .default(1000)
    .describe("Most resources; the metrics of the one without spans for longest make room."),
  exemplars: z
    .object({
      enabled: z.boolean().default(false).describe("Adds the trace and span ids of some spans to the points."),
      max_per_data_point: count().default(5).describe("Most of them on a point: the first that came."),
    })
    .prefault({})
    .describe("Spans as examples."),
  events: z
    .object({
      enabled: z
        .literal(false, {
          error: "events of spans are not counted here; remove events, or leave them to a Collector behind this agent",
        })
        .default(false)
        .describe("Events of spans are not counted: only false is accepted."),
      dimensions: dimensions().describe("Accepted; without events it has no meaning."),
    })
    .prefault({})
    .describe("Events of spans."),
  enable_metrics_sampling_method: z
    .literal(false, {
      error: "spans are counted as they come, whatever the sampling probability in their tracestate; remove it",
    })
    .default(false)
    .describe("Spans are counted as they come, never extrapolated: only false is accepted."),
  dimensions_cache_size: count().optional().describe("Accepted; `aggregation_cardinality_limit` is what counts."),
  metric_timestamp_cache_size: count().optional().describe("Accepted; start times need no cache here."),
});

export type Options = z.output<typeof options>;
