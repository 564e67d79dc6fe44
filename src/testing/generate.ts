// Labelled OTLP streams, for tests of detectors and for benchmarks.
import { logs } from "./log_stream.ts";
import { metrics } from "./metric_stream.ts";
import { spans } from "./span_stream.ts";
import { vectors } from "./vector_stream.ts";

export type { LabelledRequest, StreamOptions } from "./stream.ts";

/** Streams of requests in the order of time. Rates, seasons and noise are those of an ordinary shop of small services. */
export const generate = { metrics, vectors, spans, logs } as const;
