// How often each operation was called and how long it took, as metrics from spans.
import { defineConnector } from "vedette";
import { SpanMetrics } from "./connector.ts";
import { options } from "./options.ts";

export default defineConnector({
  type: "span_metrics",
  from: ["traces"],
  to: ["metrics"],
  stability: "beta",
  summary: "Makes metrics of spans: calls, errors and durations by operation.",
  config: options,
  create: (config, host, emit) => new SpanMetrics(config, host, emit),
});
