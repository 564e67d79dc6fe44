// What waits to be sent to an agent, and the SDK's exporters that send it.
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { LogRecordExporter, ReadableLogRecord } from "@opentelemetry/sdk-logs";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

type Done = Parameters<SpanExporter["export"]>[1];
type Result = Parameters<Done>[0];

/** Milliseconds for an answer. */
const PATIENCE = 10_000;

/** Takes in what the SDK's processors hand on. */
function collecting<T>(items: T[]) {
  return {
    export(some: T[], done: Done) {
      items.push(...some);
      done({ code: 0 });
    },
    async forceFlush() {},
    async shutdown() {},
  };
}

/** Whether anybody answers at an endpoint: rejects with why not at once, where the exporters would go on trying. */
export async function knock(endpoint: string): Promise<void> {
  const request = { method: "POST", headers: { "content-type": "application/x-protobuf" } };
  try {
    await fetch(`${endpoint}/v1/traces`, { ...request, body: "", signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    throw (error as Error).cause ?? error;
  }
}

export class Mail {
  readonly metrics: ResourceMetrics[] = [];
  readonly #spans: ReadableSpan[] = [];
  readonly #records: ReadableLogRecord[] = [];
  readonly spans: SpanExporter = collecting(this.#spans);
  readonly records: LogRecordExporter = collecting(this.#records);
  readonly #exporters;

  /** `endpoint` is "http://127.0.0.1:4318". */
  constructor(endpoint: string) {
    const to = (signal: string) => ({ url: `${endpoint}/v1/${signal}`, timeoutMillis: PATIENCE });
    this.#exporters = {
      metrics: new OTLPMetricExporter(to("metrics")),
      traces: new OTLPTraceExporter(to("traces")),
      logs: new OTLPLogExporter(to("logs")),
    };
  }

  /** Sends all that waits, in one request for spans, one for records and one a process for metrics. Rejects when one of them fails; then it is lost. */
  async send(): Promise<void> {
    const { metrics, traces, logs } = this.#exporters;
    const spans = this.#spans.splice(0);
    const records = this.#records.splice(0);
    const sent = await Promise.allSettled([
      spans.length > 0 && accepted((done) => traces.export(spans, done)),
      records.length > 0 && accepted((done) => logs.export(records, done)),
      ...this.metrics.splice(0).map((each) => accepted((done) => metrics.export(each, done))),
    ]);
    for (const each of sent) if (each.status === "rejected") throw each.reason;
  }

  /** Lets go of the connections; what waits is lost. */
  async close(): Promise<void> {
    const { metrics, traces, logs } = this.#exporters;
    await Promise.all([metrics.shutdown(), traces.shutdown(), logs.shutdown()]);
  }
}

function accepted(send: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    send(({ code, error }: Result) => (code === 0 ? resolve() : reject(error ?? new Error("the agent refused it"))));
  });
}
