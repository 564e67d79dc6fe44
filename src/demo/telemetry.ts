// What the made-up world does, told by OpenTelemetry's SDK: a process of the world is a resource with tracer, logger and meter.
import { type Context, type Histogram, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { LoggerProvider, SimpleLogRecordProcessor } from "@opentelemetry/sdk-logs";
import { AggregationType, MeterProvider, MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Call, Kind, Severity } from "./call.ts";
import type { Mail } from "./mail.ts";
import type { Process } from "./shop.ts";
import type { Usage } from "./world.ts";

const SCOPE = ["shop", "1.0.0"] as const;
const KINDS: Readonly<Record<Kind, SpanKind>> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};
const SEVERITIES: Readonly<Record<Severity, number>> = { INFO: 9, WARN: 13, ERROR: 17 };

/** Read when somebody asks: the world's time need not be ours. */
class Reader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

/** The SDK of one process. */
class Instrumented {
  readonly tracer;
  readonly logger;
  readonly requests: Histogram;
  usage: Usage | undefined;
  readonly #reader = new Reader();

  constructor({ service, instance }: Process, mail: Mail) {
    const resource = resourceFromAttributes({
      "service.name": service,
      "service.instance.id": instance,
    });
    const tracers = new TracerProvider({
      resource,
      spanProcessors: [new SimpleSpanProcessor({ exporter: mail.spans })],
    });
    const loggers = new LoggerProvider({
      resource,
      processors: [new SimpleLogRecordProcessor({ exporter: mail.records })],
    });
    const views = [
      { instrumentName: "*.duration", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const },
    ];
    const meter = new MeterProvider({ resource, readers: [this.#reader], views }).getMeter(...SCOPE);
    this.tracer = tracers.getTracer(...SCOPE);
    this.logger = loggers.getLogger(...SCOPE);
    this.requests = meter.createHistogram("http.server.request.duration", {
      unit: "s",
      description: "Duration of HTTP server requests.",
    });
    const gauge = (name: string, unit: string, description: string, value: (usage: Usage) => number) =>
      meter.createObservableGauge(name, { unit, description }).addCallback((result) => {
        if (this.usage) result.observe(value(this.usage));
      });
    gauge("process.memory.usage", "By", "Memory in use.", ({ memory }) => Math.round(memory));
    gauge("process.cpu.utilization", "1", "Share of one core in use.", ({ cpu }) => cpu);
  }

  /** As of a time, for counters that began at another: Unix milliseconds. */
  async collect(from: number, at: number): Promise<ResourceMetrics> {
    const { resourceMetrics } = await this.#reader.collect();
    const times = { startTime: hrTime(from), endTime: hrTime(at) };
    for (const { metrics } of resourceMetrics.scopeMetrics) {
      for (const { dataPoints } of metrics) for (const point of dataPoints) Object.assign(point, times);
    }
    return resourceMetrics;
  }
}

export class Telemetry {
  readonly #mail: Mail;
  readonly #began: number;
  readonly #processes = new Map<string, Instrumented>();

  /** `began` in Unix milliseconds: when the processes did. */
  constructor(mail: Mail, began: number) {
    this.#mail = mail;
    this.#began = began;
  }

  /** Spans, log records and durations of a call and all within it. */
  tell(call: Call, parent: Context = ROOT_CONTEXT): void {
    const { process, name, kind, start, end, failure, attributes } = call;
    const { tracer, logger, requests } = this.#of(process);
    const span = tracer.startSpan(name, { kind: KINDS[kind], startTime: hrTime(start), attributes }, parent);
    const context = trace.setSpan(parent, span);
    for (const child of call.children) this.tell(child, context);
    for (const { time, severity, body } of call.lines) {
      const severityNumber = SEVERITIES[severity];
      logger.emit({
        timestamp: hrTime(time),
        observedTimestamp: hrTime(time),
        severityNumber,
        severityText: severity,
        body,
        context,
      });
    }
    if (attributes["http.request.method"] !== undefined) {
      span.setAttribute("http.response.status_code", failure === undefined ? 200 : 500);
    }
    if (kind === "server") {
      const status = failure === undefined ? 200 : 500;
      requests.record((end - start) / 1000, { ...attributes, "http.response.status_code": status });
    }
    if (failure !== undefined) {
      span.setAttribute("error.type", failure);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end(hrTime(end));
  }

  /** Puts the metrics of the processes in use into the mail, as of a time. */
  async measure(usages: readonly Usage[], at: number): Promise<void> {
    for (const usage of usages) {
      const process = this.#of(usage.process);
      process.usage = usage;
      this.#mail.metrics.push(await process.collect(this.#began, at));
    }
  }

  #of(process: Process): Instrumented {
    let instrumented = this.#processes.get(process.instance);
    if (!instrumented) {
      instrumented = new Instrumented(process, this.#mail);
      this.#processes.set(process.instance, instrumented);
    }
    return instrumented;
  }
}

/** Seconds and nanoseconds, since a plain number near that of performance.now() is taken for one. */
function hrTime(time: number): [number, number] {
  const seconds = Math.floor(time / 1000);
  return [seconds, Math.round((time - 1000 * seconds) * 1e6)];
}
