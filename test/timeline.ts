// A finder in a pipeline on a clock that the test moves: requests and ticks in, anomalies out, restarts in between.
import type { Anomaly, FinderPlugin, Telemetry } from "vedette";
import { Findings } from "../src/pipeline/detection.ts";
import { emitInto, Turn } from "../src/pipeline/hub.ts";
import { Intake } from "../src/pipeline/intake.ts";
import { lineOf } from "../src/pipeline/line.ts";
import type { DetectorOptions } from "../src/pipeline/options.ts";
import { AnomalyPipeline, TelemetryPipeline } from "../src/pipeline/pipeline.ts";
import { optionsOf } from "../src/registry.ts";
import { WordMiner } from "../src/testing/index.ts";
import { type Json, oracleEncode } from "./unit/otlp/otlp_json.ts";
import { fakeHostNamed, stage } from "./wired.ts";

export type Values = Readonly<Record<string, string | number | boolean>>;

/** Unix milliseconds at which timelines begin: a Monday, midnight. */
export const BEGINNING = Date.UTC(2026, 10, 2);

/** How traces are put together. */
const TRACES = { idle_timeout: 10_000, max_traces: 10_000, max_spans: 100_000 };

export interface Timeline {
  readonly anomalies: Anomaly[];
  /** "12:30 absence open: sentence", in minutes and seconds since the beginning. */
  readonly told: string[];
  /** That something it told goes on: by which fingerprint, and when, in minutes since the beginning. */
  readonly lasting: { readonly fingerprint: string; readonly minute: number }[];
  /** The clock, in seconds since the beginning. */
  now: number;
  /** Takes an Export request; false when it is refused. */
  send(bytes: Uint8Array): void;
  /** Lets time pass, with a tick each second. */
  tick(seconds?: number): void;
  /** What is saved now goes into a new process that begins `seconds` later; `limit` as at first. */
  restart(seconds?: number): void;
  save(): Uint8Array;
  load(saved: Uint8Array): void;
  readonly errors: number;
}

export function timeline(
  plugin: FinderPlugin<any, any> & { kind: "finder" },
  options: object = {},
  { signal = "metrics" as Telemetry, limit = 10_000, hidden = false } = {},
): Timeline {
  const parsed = optionsOf(plugin).parse(options) as DetectorOptions;
  const host = fakeHostNamed(plugin.type);
  host.clock = BEGINNING;
  const anomalies: Anomaly[] = [];
  const lasting: { fingerprint: string; minute: number }[] = [];
  const lasts = (fingerprint: string, time: number) => {
    lasting.push({ fingerprint, minute: (time - BEGINNING) / 60_000 });
  };
  const keep = { process: (found: readonly Anomaly[]) => void anomalies.push(...found) };
  const turn = new Turn([
    new AnomalyPipeline("anomalies", { processors: [stage(keep as never)], queues: [], connectors: [] }, host.log),
  ]);
  let seed = 1;

  function begin() {
    const intake = new Intake<Telemetry>(signal, seed++, limit);
    const line = lineOf(parsed, plugin);
    const findings = new Findings(host, parsed, line, turn.raise, undefined, undefined, lasts);
    const part = plugin.create(parsed, host, findings);
    const recycle = (series: number) => part.forget?.(signal, series);
    intake.table.own({ grow() {}, recycle });
    if (part.trace) intake.assemble(TRACES).onTrace = (trace) => part.trace!(trace);
    const before = plugin.templates === "needs" ? [stage<any>(new WordMiner(hidden), host)] : [];
    const stages = [...before, stage<any>(part, host)];
    const ends = { processors: stages as never, queues: [], connectors: [] };
    const route = {
      pipelines: [new TelemetryPipeline<Telemetry>(signal, signal, ends)],
      counts: { accepted: 0, refused: 0, failed: 0 },
    };
    return { part, stages, intake, emit: emitInto(intake, route, turn, () => host.clock) };
  }

  let running = begin();
  return {
    anomalies,
    lasting,
    get told() {
      return anomalies.map(({ time, type, state, reason }) => `${clock(time)} ${type} ${state}: ${reason}`);
    },
    get now() {
      return (host.clock - BEGINNING) / 1000;
    },
    set now(seconds) {
      host.clock = BEGINNING + seconds * 1000;
    },
    get errors() {
      return running.stages.at(-1)!.counts.errors;
    },
    send(bytes) {
      running.emit(bytes);
    },
    tick(seconds = 1) {
      for (let i = 0; i < seconds; i++) {
        host.clock += 1000;
        turn.begin();
        running.intake.assembler?.tick(host.clock);
        running.part.tick?.(host.clock);
        turn.end();
      }
    },
    restart(seconds = 0) {
      const saved = running.part.save!();
      host.clock += seconds * 1000;
      running = begin();
      running.part.load!(saved);
    },
    save: () => running.part.save!(),
    load: (saved) => running.part.load!(saved),
  };
}

function clock(time: number): string {
  const seconds = Math.round((time - BEGINNING) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function attributesOf(values: Values): Json[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === "string"
        ? { stringValue: value }
        : typeof value === "boolean"
          ? { boolValue: value }
          : { doubleValue: value },
  }));
}

const nanoseconds = (seconds: number) => `${BigInt(Math.round(BEGINNING + seconds * 1000)) * 1_000_000n}`;

export interface Point {
  readonly name: string;
  readonly attributes?: Values;
  readonly value?: number;
  readonly unit?: string;
  /** A gauge unless said otherwise. */
  readonly as?: "gauge" | "sum" | "histogram";
}

/** One export of one resource, `time` in seconds since the beginning. */
export function metricsOf(resource: Values, points: readonly Point[], time: number): Uint8Array {
  const metrics = points.map(({ name, attributes = {}, value = 1, unit = "1", as = "gauge" }) => {
    const common = { attributes: attributesOf(attributes), timeUnixNano: nanoseconds(time) };
    const start = { startTimeUnixNano: nanoseconds(0) };
    if (as === "gauge") return { name, unit, gauge: { dataPoints: [{ ...common, asDouble: value }] } };
    if (as === "sum") {
      const dataPoints = [{ ...common, ...start, asDouble: value }];
      return { name, unit, sum: { dataPoints, aggregationTemporality: 2, isMonotonic: true } };
    }
    const dataPoints = [
      { ...common, ...start, count: `${value}`, sum: value, bucketCounts: [`${value}`, "0"], explicitBounds: [1] },
    ];
    return { name, unit, histogram: { dataPoints, aggregationTemporality: 2 } };
  });
  const scopeMetrics = [{ scope: { name: "test", version: "1" }, metrics }];
  return encode("metrics", { resourceMetrics: [{ resource: { attributes: attributesOf(resource) }, scopeMetrics }] });
}

export interface Row {
  /** The span's name; the severity number of a record. */
  readonly name: string | number;
  readonly attributes?: Values;
  readonly time: number;
}

export function spansOf(resource: Values, rows: readonly Row[]): Uint8Array {
  const spans = rows.map(({ name, attributes = {}, time }, i) => ({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: (i + 1).toString(16).padStart(16, "0"),
    name,
    kind: 2,
    startTimeUnixNano: nanoseconds(time),
    endTimeUnixNano: nanoseconds(time + 0.01),
    attributes: attributesOf(attributes),
  }));
  const scopeSpans = [{ scope: { name: "test", version: "1" }, spans }];
  return encode("traces", { resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans }] });
}

export function recordsOf(resource: Values, rows: readonly Row[]): Uint8Array {
  const logRecords = rows.map(({ name, attributes = {}, time }) => ({
    timeUnixNano: nanoseconds(time),
    severityNumber: name,
    body: { stringValue: "said" },
    attributes: attributesOf(attributes),
  }));
  const scopeLogs = [{ scope: { name: "test", version: "1" }, logRecords }];
  return encode("logs", { resourceLogs: [{ resource: { attributes: attributesOf(resource) }, scopeLogs }] });
}

const encode = (signal: Telemetry, json: Json) => Uint8Array.from(oracleEncode(signal, json));
