// Asks the queues of the exporters behind it to join requests; data passes it untouched and is held by nobody but them.
import { defineProcessor, duration, z } from "vedette";

const size = () => z.int().nonnegative();

export default defineProcessor({
  type: "batch",
  signals: ["metrics", "logs", "traces"],
  stability: "beta",
  summary: "Has the sending queues join requests into larger ones.",
  config: z
    .object({
      timeout: duration().prefault("200ms").describe("Longest that a request waits for others; 0 sends each at once."),
      send_batch_size: size()
        .default(8192)
        .describe("Data points, records or spans with which a batch is sent at once; 0 sends each request at once."),
      send_batch_max_size: size()
        .default(0)
        .describe("Most of them in a batch, larger requests are split; 0 is no limit."),
      metadata_keys: z
        .array(z.string())
        .max(0, "requests carry no client metadata here, so they cannot be kept apart by it; remove metadata_keys")
        .default([])
        .describe("Only empty: requests carry no client metadata here."),
      metadata_cardinality_limit: size()
        .default(1000)
        .describe("Taken for the Collector's sake; without `metadata_keys` it has no meaning, here or there."),
    })
    .refine(({ send_batch_size, send_batch_max_size: max }) => max === 0 || max >= send_batch_size, {
      path: ["send_batch_max_size"],
      error: "less than send_batch_size; raise it, or write 0 for no limit",
    }),
  create: ({ timeout, send_batch_size, send_batch_max_size }) => ({
    unread: true,
    process: (data) => data,
    batching: { flush_timeout: timeout, min_size: send_batch_size, max_size: send_batch_max_size, sizer: "items" },
  }),
});
