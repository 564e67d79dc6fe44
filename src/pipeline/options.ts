// The options that every detector has, and every sending exporter: the agent's part of a component's configuration.
import { type DetectorPlugin, duration, type ExporterPlugin, extensionId, rate, z } from "../api/index.ts";

const globs = (what: string) =>
  z.array(z.string()).optional().describe(`Globs (* and ?) of ${what}; one of them must fit.`);

const matcher = (verb: string) =>
  z
    .strictObject({
      metric: globs("the metric's name, with its statistic where it has one: `http.*.duration.p99`"),
      service: globs("`service.name`"),
      span: globs("the span's name"),
      severity: globs("the log record's severity range: `ERROR`"),
      attribute: z
        .record(z.string(), z.array(z.string()))
        .optional()
        .describe("By key of an attribute of the row or its resource: globs of its value."),
    })
    .optional()
    .describe(`Series ${verb}: those that fit everything named.`);

/** What `match` allows; decided once a series. */
export const matchOption = z
  .strictObject({
    include: matcher("to watch; all when absent"),
    exclude: matcher("to leave alone, whatever `include` says"),
  })
  .prefault({})
  .describe("Which series the detector watches.");

export type Match = z.output<typeof matchOption>;

/** A detector, or a processor that finds anomalies by itself. */
export type Finder = Pick<DetectorPlugin, "signal" | "defaults" | "scores">;

/** Where the line lies unless the detector or its user says otherwise. */
export const THRESHOLD = 5;

/** In false alarms a day. */
function alertBudget(ownLine: boolean) {
  const budget = rate().refine((perDay) => perDay > 0, {
    error: 'no false alarm at all cannot be promised; write a small budget, as in "1/month"',
  });
  if (!ownLine) {
    return budget.describe(
      "False alarms that you can bear of this detector, all its series together: `1/day`. The line is drawn by how often they surprise.",
    );
  }
  return budget
    .refine(() => false, {
      error: "this detector claims no rarity that could be rationed: its own options say what is too much",
    })
    .describe("Not for this detector, which claims no rarity: its own options say what is too much.");
}

function thresholdOption(ownLine: boolean, usual: number) {
  const threshold = z.number().positive();
  if (!ownLine) {
    return threshold
      .optional()
      .meta({ default: usual })
      .describe("Rarity from which a row is an anomaly: 5 is one normal row in 100,000. Not beside `alert_budget`.");
  }
  return threshold
    .refine(() => false, { error: "this detector claims no rarity: its own options say what is too much" })
    .optional()
    .describe("Not for this detector, which claims no rarity: its own options say what is too much.");
}

/** Of an object with the options of a detector: what is wrong with them together. */
export const oneLine = {
  check: ({ threshold, alert_budget }: { threshold?: unknown; alert_budget?: unknown }) =>
    threshold === undefined || alert_budget === undefined,
  path: ["alert_budget"],
  error: "cannot be used with threshold, which says itself where the line lies; drop one of the two",
};

/** The options that the agent adds to the detector's own. */
export function detectorOptions({ signal, defaults, scores }: Finder) {
  return {
    match: matchOption,
    alert_budget: alertBudget(scores === "line").optional(),
    threshold: thresholdOption(scores === "line", defaults?.threshold ?? THRESHOLD),
    warmup: z
      .int()
      .nonnegative()
      .default(defaults?.warmup ?? 50)
      .describe("Judged rows of a series before it may raise an anomaly."),
    max_series: z
      .int()
      .positive()
      .default(100_000)
      .describe("Series remembered; beyond it one that is new, or was not seen for an hour, makes room."),
    detection_direction: z
      .enum(["both", "above_expected", "below_expected"])
      .default(defaults?.detection_direction ?? "both")
      .describe("Which side of the expectation can be an anomaly."),
    min_dev_from_expected: z
      .number()
      .nonnegative()
      .default(0)
      .describe("Smallest distance from the expectation that matters, in the row's unit."),
    min_rel_dev_from_expected: z
      .number()
      .nonnegative()
      .default(0)
      .describe("Smallest distance from the expectation that matters, as a share of it: 0.1 is 10 %."),
    annotate: z
      .enum(signal === "metrics" ? ["exemplar", "attributes", "none"] : ["attributes", "none"])
      .default(signal === "metrics" ? "exemplar" : "attributes")
      .describe(
        signal === "metrics"
          ? "How the data point is marked: an exemplar keeps its series, attributes make a new one in most backends."
          : "Whether the row is marked with `anomaly.*` attributes.",
      ),
    companions: z
      .boolean()
      .default(false)
      .describe("Send gauges of score, expectation and bounds beside each anomaly event."),
  };
}

export type DetectorOptions = z.output<z.ZodObject<ReturnType<typeof detectorOptions>>>;

/** What `sending_queue`, `retry_on_failure` and `timeout` mean, as in the Collector's exporter helper; with an exporter's own defaults. */
export const sendingOptionsOf = (defaults: NonNullable<ExporterPlugin["defaults"]> = {}) => ({
  timeout: duration()
    .prefault(defaults.timeout ?? "5s")
    .describe("Longest that one attempt may take; 0 is no limit."),
  retry_on_failure: z
    .strictObject({
      enabled: z.boolean().default(true).describe("Try again after a failure that may pass."),
      initial_interval: duration().prefault("5s").describe("Wait after the first failure."),
      max_interval: duration().prefault("30s").describe("Longest wait between two attempts."),
      max_elapsed_time: duration()
        .prefault(defaults.max_elapsed_time ?? "300s")
        .describe("Give up after this long; 0 is never."),
      multiplier: z.number().min(1).default(1.5).describe("How much longer each wait is than the one before."),
      randomization_factor: z.number().min(0).max(1).default(0.5).describe("Share by which a wait varies at random."),
    })
    .prefault({})
    .describe("Retries."),
  sending_queue: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe(
          "Queue before sending. Without it a request is sent at once and its sender answered when it is delivered or dropped: of this group only `queue_size`, in requests being sent, and what to do on overflow count then.",
        ),
      num_consumers: z
        .int()
        .positive()
        .default(defaults.num_consumers ?? 10)
        .describe("Requests sent at the same time."),
      queue_size: z.int().positive().default(1000).describe("What the queue holds, requests being sent included."),
      sizer: z.enum(["requests", "items", "bytes"]).default("requests").describe("What `queue_size` counts."),
      block_on_overflow: z.boolean().default(false).describe("When full, let senders wait instead of refusing them."),
      drop_on_overflow: z
        .boolean()
        .default(false)
        .describe(
          "When full, drop what comes for this exporter instead of refusing it for all, so that a dead one does not stop the others.",
        ),
      wait_for_result: z
        .boolean()
        .default(false)
        .describe("Answer senders only when their request is delivered, or refuse it when it had to be dropped."),
      storage: extensionId("storage")
        .nullable()
        .default(null)
        .describe("Extension that keeps the queue on disk, so that it survives the process; none keeps it in memory."),
      batch: z
        .strictObject({
          flush_timeout: duration().prefault("200ms").describe("Longest that a request waits for others."),
          min_size: z.int().nonnegative().default(8192).describe("A batch of this size is sent at once."),
          max_size: z
            .int()
            .nonnegative()
            .default(0)
            .describe("No batch is larger, larger requests are split; 0 is no limit."),
          sizer: z.enum(["items", "bytes"]).default("items").describe("What `min_size` and `max_size` count."),
        })
        .refine(({ min_size, max_size }) => max_size === 0 || max_size >= min_size, {
          path: ["max_size"],
          error: "less than min_size; raise it, or write 0 for no limit",
        })
        .optional()
        .describe("Join requests before they are sent. Off unless given, or asked for by a `batch` processor."),
    })
    .refine(({ block_on_overflow, drop_on_overflow }) => !block_on_overflow || !drop_on_overflow, {
      path: ["drop_on_overflow"],
      error: "cannot be used with block_on_overflow: what is full either waits or drops; drop one of the two",
    })
    .refine(({ enabled, storage, wait_for_result }) => !enabled || storage === null || !wait_for_result, {
      path: ["wait_for_result"],
      error: "cannot be used with storage, which is there to answer before the result; drop one of the two",
    })
    .refine(
      (queue) => !queue.enabled || queue.batch?.sizer !== queue.sizer || queue.batch.min_size <= queue.queue_size,
      {
        path: ["batch", "min_size"],
        error: "more than queue_size, so that the queue is full before a batch is; raise queue_size",
      },
    )
    .prefault({})
    .describe("The queue before this exporter."),
});

export const sendingOptions = sendingOptionsOf();

export type SendingOptions = z.output<z.ZodObject<typeof sendingOptions>>;
