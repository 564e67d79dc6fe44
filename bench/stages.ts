// What each stage of the data path costs, beside an ordinary decode of the same bytes.
import ewma from "../plugins/processors/ewma/index.ts";
import logRate from "../plugins/processors/log_rate/index.ts";
import spanDuration from "../plugins/processors/span_duration/index.ts";
import type { Anomaly, DetectorPlugin, Processor, StateShape, Telemetry } from "../src/api/index.ts";
import { LogScan, MetricScan, type ScannedRows, SpanScan } from "../src/otlp/columns.ts";
import { anomalyAttributes, encodeAttributes, encodeExemplar } from "../src/otlp/encode.ts";
import { jsonToProtobuf } from "../src/otlp/from_json.ts";
import { scanLogs } from "../src/otlp/logs.ts";
import { scanMetrics } from "../src/otlp/metrics.ts";
import { Edits } from "../src/otlp/splice.ts";
import { protobufToJson } from "../src/otlp/to_json.ts";
import { scanTraces } from "../src/otlp/traces.ts";
import { PipelineBatch } from "../src/pipeline/batch.ts";
import { Detector } from "../src/pipeline/detect.ts";
import { emitInto, Turn } from "../src/pipeline/hub.ts";
import { Intake } from "../src/pipeline/intake.ts";
import type { DetectorOptions } from "../src/pipeline/options.ts";
import { TelemetryPipeline } from "../src/pipeline/pipeline.ts";
import type { Queue } from "../src/pipeline/queue.ts";
import { Stage } from "../src/pipeline/stage.ts";
import { optionsOf } from "../src/registry.ts";
import { SeriesState } from "../src/series/state.ts";
import { fakeHost } from "../src/testing/index.ts";
import { type Case, measure } from "./harness.ts";
import { logRequest, metricRequests, ordinary, spanRequest } from "./payloads.ts";

export interface Row {
  readonly signal: Telemetry;
  readonly stage: string;
  readonly cpu: number;
  readonly allocated: number;
  /** CPU of the ordinary decode over this stage's: of a Uint8Array, and of a Buffer. */
  readonly cheaper: number;
  readonly cheaperThanBuffer: number;
}

const SEED = 42;
const SERIES = 100_000;
const POINTS = 1000;

const SIGNALS = {
  metrics: { scan: scanMetrics, columns: () => new MetricScan(), detector: ewma },
  traces: { scan: scanTraces, columns: () => new SpanScan(), detector: spanDuration },
  logs: { scan: scanLogs, columns: () => new LogScan(), detector: logRate },
} as const;

const ANOMALY: Anomaly = {
  id: "0f1e2d3c4b5a6978-lz1",
  fingerprint: "0f1e2d3c4b5a6978",
  state: "open",
  detector: "ewma",
  signal: "metrics",
  type: "spike",
  severity: "warning",
  labels: {
    resource: {},
    scope: { name: "", version: "" },
    name: "m",
    statistic: "",
    unit: "",
    attributes: {},
    traceId: "",
    spanId: "",
  },
  time: 1_700_000_000_000,
  score: 1.7,
  rarity: 10.2,
  observed: 95,
  expected: 55,
  lower: 45,
  upper: 65,
  reason: "shop/service-1 system.disk.operation is 95; usually it is about 55 (rarer than 1 in 16 billion).",
  contributors: [],
  companions: false,
};

/** The signal's detector, with its default options. */
export function detectorOf(signal: Telemetry, intake: Intake<Telemetry>): Detector {
  const plugin = SIGNALS[signal].detector as unknown as DetectorPlugin<any, any, any>;
  const options = optionsOf(SIGNALS[signal].detector as never).parse({});
  return new Detector(
    plugin,
    options,
    options as unknown as DetectorOptions,
    fakeHost(plugin.type),
    intake.table,
    () => {},
  );
}

/** Takes one request after the other, round and round. */
function cycle<T>(requests: readonly T[]): () => T {
  let next = 0;
  return () => requests[next++ % requests.length];
}

function cases(signal: Telemetry, requests: readonly Uint8Array[], items: number): Case[] {
  const { scan, columns } = SIGNALS[signal];
  const scanInto = scan as (bytes: Uint8Array, into: ScannedRows, seed: number) => void;
  const own = columns();
  const decode = cycle(requests);
  const decodeBuffer = cycle(requests.map((bytes) => Buffer.from(bytes)));
  const scanned = cycle(requests);
  const tabled = cycle(requests);
  const scored = cycle(requests);
  const detected = cycle(requests);
  const piped = cycle(requests);

  const table = new Intake<Telemetry>(signal, SEED, 1_000_000);
  const bare = new Intake<Telemetry>(signal, SEED, 1_000_000);
  const plugin = SIGNALS[signal].detector as unknown as DetectorPlugin<any, any, any>;
  const settings = optionsOf(SIGNALS[signal].detector as never).parse({});
  const state = new SeriesState(plugin.state as StateShape);
  const age = new Uint32Array(items).fill(1);
  const column = () => new Float64Array(items);
  const numbers = { score: column(), observed: column(), expected: column(), lower: column(), upper: column() };
  const verdicts = {
    ...numbers,
    finding: new Uint8Array(numbers.score.length),
    basis: new Uint8Array(numbers.score.length),
    since: new Float64Array(numbers.score.length).fill(Number.NaN),
    rows: new Float64Array(numbers.score.length).fill(Number.NaN),
    lasts: new Uint8Array(numbers.score.length),
  };
  const watched = new Intake<Telemetry>(signal, SEED, 1_000_000);
  const detector = detectorOf(signal, watched);
  const batch = new PipelineBatch<Telemetry>(signal);

  const intake = new Intake<Telemetry>(signal, SEED, 1_000_000);
  const host = fakeHost("bench");
  // a queue that delivers at once: what sending costs is measured end to end
  const queue = {
    room: () => true,
    push: (_: unknown, __: unknown, release: () => void) => release(),
  } as unknown as Queue;
  const stage = new Stage(detectorOf(signal, intake) as Processor<Telemetry>, host);
  const pipeline = new TelemetryPipeline<Telemetry>(signal, signal, {
    processors: [stage],
    queues: [queue],
    connectors: [],
  });
  const route = { pipelines: [pipeline], counts: { accepted: 0, refused: 0, failed: 0 } };
  const emit = emitInto(intake, route, new Turn([]), Date.now);

  const edits = new Edits();
  const columnsOf = columns();
  scanInto(requests[0], columnsOf, SEED);
  const attributes = anomalyAttributes(ANOMALY);
  const extra =
    signal === "metrics"
      ? encodeExemplar(5, { attributes, time: ANOMALY.time, value: ANOMALY.observed })
      : encodeAttributes(signal === "logs" ? 6 : 9, attributes);
  const splice = (every: number) => () => {
    edits.clear();
    for (let row = 0; row < columnsOf.length; row += every) edits.append(row, extra);
    edits.apply(requests[0], columnsOf);
  };

  return [
    { name: "ordinary decode (protobufjs) of a Uint8Array", items, run: () => void ordinary[signal].decode(decode()) },
    {
      name: "ordinary decode (protobufjs) of a Buffer",
      items,
      run: () => void ordinary[signal].decode(decodeBuffer()),
    },
    { name: "scan", items, run: () => scanInto(scanned(), own, SEED) },
    {
      name: "scan + table",
      items,
      run: () => {
        table.read(tabled());
        table.rows();
      },
    },
    {
      name: `scan + table + ${SIGNALS[signal].detector.type}`,
      items,
      run: () => {
        bare.read(scored());
        const rows = bare.rows();
        if (state.capacity < bare.table.length) state.grow(2 * bare.table.length);
        plugin.scoreThenLearn({ ...rows, age }, state.columns, verdicts, settings);
      },
    },
    {
      name: `scan + table + ${SIGNALS[signal].detector.type} as the agent runs it, calibrated`,
      items,
      run: () => {
        const bytes = detected();
        watched.read(bytes);
        detector.process(batch.open(bytes, 0, watched.scan, watched.rows()) as never);
      },
    },
    { name: "whole pipeline, accepted to queue", items, run: () => void emit(piped()) },
    { name: "splice annotations into 1 % of rows", items, run: splice(100) },
    { name: "splice annotations into all rows", items, run: splice(1) },
  ];
}

/** The stages of one signal. */
function stagesOf(
  signal: Telemetry,
  requests: readonly Uint8Array[],
  options: { rounds: number; slice: number },
): Row[] {
  const figures = measure(cases(signal, requests, POINTS), options);
  return figures.map(({ name, cpu, allocated }) => ({
    signal,
    stage: name,
    cpu,
    allocated,
    cheaper: figures[0].cpu / cpu,
    cheaperThanBuffer: figures[1].cpu / cpu,
  }));
}

/** A detector that has seen these requests. */
export function fed(requests: readonly Uint8Array[]): Detector {
  const intake = new Intake<Telemetry>("metrics", SEED, 1_000_000);
  const detector = detectorOf("metrics", intake);
  const batch = new PipelineBatch<Telemetry>("metrics");
  for (const bytes of requests) {
    intake.read(bytes);
    detector.process(batch.open(bytes, 0, intake.scan, intake.rows()) as never);
  }
  return detector;
}

/** Bytes held per series, by the table, the rates, the detector and its calibration, once `series` are known. */
function memoryPerSeries(series: number): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  const held = () => {
    collect?.();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + Math.max(external, arrayBuffers);
  };
  const requests = metricRequests(series, POINTS);
  const before = held();
  const detector = fed(requests);
  const bytes = held() - before;
  if (detector.series !== series) throw new Error(`expected ${series} series, got ${detector.series}`);
  return bytes / series;
}

export interface JsonRow {
  readonly signal: Telemetry;
  readonly parse: number;
  readonly toProtobuf: number;
  readonly toJson: number;
}

export interface Stages {
  readonly rows: readonly Row[];
  readonly json: readonly JsonRow[];
  readonly memory: number;
}

export function stages({ smoke }: { smoke: boolean }): Stages {
  const options = smoke ? { rounds: 1, slice: 5 } : { rounds: 9, slice: 150 };
  const series = smoke ? 10_000 : SERIES;
  // two values a series, so that detectors see some change; the time does not move, since gauges do not need it to
  const payloads: Record<Telemetry, Uint8Array[]> = {
    metrics: [...metricRequests(series, POINTS, 0), ...metricRequests(series, POINTS, 1)],
    traces: [1, 2, 3, 4].map((seed) => spanRequest(POINTS, seed)),
    logs: [1, 2, 3, 4].map((seed) => logRequest(POINTS, seed)),
  };
  const signals = ["metrics", "traces", "logs"] as const;
  const rows = signals.flatMap((signal) => stagesOf(signal, payloads[signal], options));
  const json = signals.map((signal): JsonRow => {
    const bytes = payloads[signal][0];
    const text = Buffer.from(protobufToJson(signal, bytes));
    const figures = measure(
      [
        { name: "JSON.parse", items: POINTS, run: () => void JSON.parse(text.toString()) },
        { name: "to protobuf", items: POINTS, run: () => void jsonToProtobuf(signal, text) },
        { name: "to JSON", items: POINTS, run: () => void protobufToJson(signal, bytes) },
      ],
      options,
    );
    return { signal, parse: figures[0].cpu, toProtobuf: figures[1].cpu, toJson: figures[2].cpu };
  });
  return { rows, json, memory: memoryPerSeries(series) };
}
