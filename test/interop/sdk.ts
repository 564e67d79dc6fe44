// The OpenTelemetry SDK as a service uses it: every instrument, kind of span and log record, through several exporters at once.
import grpc from "@grpc/grpc-js";
import {
  type Attributes,
  context,
  createTraceState,
  type Histogram,
  type Logger,
  type Meter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
  ValueType,
} from "@opentelemetry/api";
import { OTLPLogExporter as GrpcLogs } from "@opentelemetry/exporter-logs-otlp-grpc";
import { OTLPLogExporter as JsonLogs } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtoLogs } from "@opentelemetry/exporter-logs-otlp-proto";
import { OTLPMetricExporter as GrpcMetrics } from "@opentelemetry/exporter-metrics-otlp-grpc";
import { OTLPMetricExporter as JsonMetrics } from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtoMetrics } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter as GrpcTraces } from "@opentelemetry/exporter-trace-otlp-grpc";
import { OTLPTraceExporter as JsonTraces } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtoTraces } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from "@opentelemetry/sdk-logs";
import {
  type AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";

export interface Exporters {
  readonly metrics: PushMetricExporter;
  readonly traces: SpanExporter;
  readonly logs: LogRecordExporter;
}

export type Transport = "grpc" | "http/protobuf" | "http/json";

/** `endpoint` is "127.0.0.1:4318"; with `tls` it must be "localhost:4318". */
export function exporters(
  transport: Transport,
  endpoint: string,
  gzip = false,
  tls?: { ca: Buffer; cert: Buffer; key: Buffer },
): Exporters {
  const secured = tls && {
    httpAgentOptions: tls,
    credentials: grpc.credentials.createSsl(tls.ca, tls.key, tls.cert),
  };
  const to = (path: string): any => ({
    url: `${tls ? "https" : "http"}://${endpoint}${transport === "grpc" ? "" : path}`,
    compression: gzip ? "gzip" : "none",
    timeoutMillis: 5000,
    ...secured,
  });
  const [Metrics, Traces, Logs] = {
    grpc: [GrpcMetrics, GrpcTraces, GrpcLogs] as const,
    "http/protobuf": [ProtoMetrics, ProtoTraces, ProtoLogs] as const,
    "http/json": [JsonMetrics, JsonTraces, JsonLogs] as const,
  }[transport];
  return {
    metrics: new Metrics(to("/v1/metrics")),
    traces: new Traces(to("/v1/traces")),
    logs: new Logs(to("/v1/logs")),
  };
}

type Result = Parameters<Parameters<SpanExporter["export"]>[1]>[0];

/** One exporter that hands each batch to all, and fails when one of them does. */
function tee<T>(all: readonly { export(items: T, done: (result: Result) => void): void; shutdown(): Promise<void> }[]) {
  return {
    export(items: T, done: (result: Result) => void) {
      const results = all.map((one) => new Promise<Result>((resolve) => one.export(items, resolve)));
      void Promise.all(results).then((settled) => done(settled.find(({ code }) => code !== 0) ?? settled[0]));
    },
    async forceFlush() {},
    async shutdown() {
      await Promise.all(all.map((one) => one.shutdown()));
    },
  };
}

/** The SDK of one service; nothing is sent before `flush`. */
export class Service {
  readonly #meters: MeterProvider;
  readonly #tracers: TracerProvider;
  readonly #loggers: LoggerProvider;
  readonly meter: Meter;
  readonly tracer: Tracer;
  readonly logger: Logger;

  constructor(name: string, temporality: AggregationTemporality, to: readonly Exporters[]) {
    const resource = resourceFromAttributes({
      "service.name": name,
      "service.namespace": "shop",
      "process.pid": 4711,
      "host.load": 0.25,
      "k8s.ready": true,
      "host.ip": ["10.0.0.7", "fe80::1"],
    });
    const scope = [`@shop/${name}`, "1.4.0", { schemaUrl: "https://opentelemetry.io/schemas/1.30.0" }] as const;
    const exporter = {
      ...tee(to.map(({ metrics }) => metrics)),
      selectAggregationTemporality: () => temporality,
    };
    this.#meters = new MeterProvider({
      resource,
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
      views: [{ instrumentName: "*.exponential", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
    });
    this.#tracers = new TracerProvider({
      resource,
      spanLimits: { eventCountLimit: 3, linkCountLimit: 2, attributeCountLimit: 12 },
      spanProcessors: [
        new BatchSpanProcessor({ exporter: tee(to.map(({ traces }) => traces)), scheduledDelayMillis: 3_600_000 }),
      ],
    });
    this.#loggers = new LoggerProvider({
      resource,
      processors: [
        new BatchLogRecordProcessor({ exporter: tee(to.map(({ logs }) => logs)), scheduledDelayMillis: 3_600_000 }),
      ],
    });
    this.meter = this.#meters.getMeter(...scope);
    this.tracer = this.#tracers.getTracer(...scope);
    this.logger = this.#loggers.getLogger(...scope);
  }

  /** One request of each signal that has something to send; rejects when an exporter fails. */
  async flush(): Promise<void> {
    await this.#meters.forceFlush();
    await this.#tracers.forceFlush();
    await this.#loggers.forceFlush();
  }

  async shutdown(): Promise<void> {
    await Promise.all([this.#meters.shutdown(), this.#tracers.shutdown(), this.#loggers.shutdown()]);
  }
}

const VALUES: Attributes = {
  text: "Zürich ☃ 𝄞",
  empty: "",
  int: 42,
  negative: -7,
  large: 2 ** 53 - 1,
  double: 0.1,
  yes: true,
  no: false,
  texts: ["a", "b"],
  numbers: [1, 2.5],
  nested: { map: { deep: [1, "two", { three: 3 }] }, bytes: Uint8Array.of(0, 127, 255) },
};

const DURATIONS = [0, 0.4, 7, 12, 12.5, 80, 950, 12_000];

/** Observable instruments are read at each flush, with the values of the last call. */
export function instruments(meter: Meter): () => void {
  const int = { valueType: ValueType.INT };
  const orders = meter.createCounter("orders", { ...int, unit: "{order}", description: "Orders taken." });
  const revenue = meter.createCounter("revenue", { unit: "EUR" });
  const active = meter.createUpDownCounter("active", int);
  const load = meter.createUpDownCounter("load");
  const temperature = meter.createGauge("temperature", { unit: "Cel" });
  const level = meter.createGauge("level", int);
  const histograms: Histogram[] = [
    meter.createHistogram("latency", { unit: "ms" }),
    meter.createHistogram("size", { ...int, unit: "By", advice: { explicitBucketBoundaries: [10, 100, 1000] } }),
    meter.createHistogram("latency.exponential", { unit: "ms" }),
  ];
  let round = 0;
  meter.createObservableCounter("cpu.time", { unit: "s" }).addCallback((result) => {
    result.observe(1.5 * round, { mode: "user" });
    result.observe(0.5 * round, { mode: "system" });
  });
  meter.createObservableUpDownCounter("memory", { ...int, unit: "By" }).addCallback((result) => {
    result.observe(1_000_000 + round);
  });
  meter.createObservableGauge("uptime").addCallback((result) => result.observe(-0.5 * round, VALUES as never));
  return () => {
    round++;
    for (const route of ["/pay", "/cart", "/ümlaut"]) {
      orders.add(round, { route });
      revenue.add(19.99 * round, { route });
      active.add(round % 2 === 0 ? 2 : -1, { route });
      for (const histogram of histograms) for (const value of DURATIONS) histogram.record(value * round, { route });
    }
    load.add(-0.25);
    temperature.record(21.5 + round);
    level.record(-3, VALUES as never);
  };
}

/** A trace of every kind of span with events, links, statuses and attributes of every type; one more than the limits allow. */
export function spans(tracer: Tracer): void {
  const remote = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    traceFlags: TraceFlags.SAMPLED,
    traceState: createTraceState("vendor=abc,other=1"),
    isRemote: true,
  });
  const server = tracer.startSpan("POST /pay", { kind: SpanKind.SERVER, attributes: VALUES }, remote);
  const within = trace.setSpan(context.active(), server);
  for (const kind of [SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER]) {
    const link = { context: server.spanContext(), attributes: { "link.kind": kind, ...VALUES } };
    const child = tracer.startSpan(`child ${kind}`, { kind, links: [link, link, link] }, within);
    child.addEvent("retry", { attempt: 1, ...VALUES });
    child.addEvent("plain");
    child.recordException(new RangeError("out of stock"));
    child.addEvent("cut by the limit");
    child.setStatus(
      kind === SpanKind.CLIENT ? { code: SpanStatusCode.ERROR, message: "declined" } : { code: SpanStatusCode.OK },
    );
    child.end();
  }
  server.setAttribute("many.0", 1).setAttribute("many.1", 2).setAttribute("many.2", 3);
  server.end();
  tracer.startSpan("", { root: true }).end();
}

/** Records of every severity and kind of body, with and without trace context and event name. */
export function records(logger: Logger): void {
  const traced = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: "5b8efff798038103d269b633813fc60c",
    spanId: "eee19b7ec3c1b174",
    traceFlags: TraceFlags.SAMPLED,
  });
  const now = Date.now();
  for (let severityNumber = 0; severityNumber <= 24; severityNumber++) {
    logger.emit({
      severityNumber,
      severityText: `level ${severityNumber}`,
      body: `record ${severityNumber}`,
      timestamp: now,
    });
  }
  const bodies = [
    "",
    17,
    -0.5,
    true,
    Uint8Array.of(1, 2, 3),
    ["a", 1, [true]],
    { user: { id: 7, tags: ["x"] } },
    VALUES,
  ];
  for (const body of bodies) logger.emit({ body, attributes: VALUES, context: traced });
  logger.emit({ attributes: { only: "attributes" }, timestamp: now, observedTimestamp: now + 5 });
  logger.emit({ eventName: "order.paid", body: { amount: 19.99 }, severityNumber: 9, context: traced });
}
