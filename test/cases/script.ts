// Reads and plays the scripts of this folder: series in, anomalies out. README.md says how they are written.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Anomaly, Labels, Processor, ProcessorPlugin, Telemetry } from "../../src/api/index.ts";
import { parseDuration } from "../../src/api/index.ts";
import { oracle } from "../exporting.ts";
import { type AnyDetector, fakeHostNamed, wired } from "../wired.ts";

type Kind = "gauge" | "counter" | "span" | "log";

interface Series {
  readonly kind: Kind;
  /** As written: `cpu{service=shop}`. */
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** Of a span: the name of the one that it is a child of, in the same step. */
  readonly parent: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
  readonly terms: string;
}

interface Expectation {
  readonly line: number;
  readonly from: number;
  readonly to: number;
  readonly type: string;
  readonly series: string;
  readonly severity: string | undefined;
}

export interface Case {
  readonly name: string;
  readonly line: number;
  detector: string;
  options: object;
  readonly after: { type: string; options: object }[];
  step: number;
  readonly series: Series[];
  readonly expected: Expectation[];
}

/** The first step of every script: the begin of a minute. */
const BEGIN = 28_333_334 * 60_000;

const TRACES = { idle_timeout: 10_000, max_traces: 1000, max_spans: 10_000 };

const SERIES = /^(gauge|counter|span|log) (.+?)\{(.*?)\}\s+(.*)$/;
const EXPECT = /^at (\d+)(?:\.\.(\d+))?: (\w+) of (.+?\})(?:, (info|warning|critical))?$/;

/** Throws at a line that it cannot read. */
export function readCases(file: URL): Case[] {
  const cases: Case[] = [];
  let current: Case | undefined;
  let defaults = "";
  for (const [index, raw] of readFileSync(file, "utf8").split("\n").entries()) {
    const line = raw.replace(/(^|\s)#.*/, "").trim();
    if (line === "" || line === "expect" || line === "expect nothing") continue;
    const [word, ...others] = line.split(" ");
    const rest = others.join(" ");
    const series = SERIES.exec(line);
    const expected = EXPECT.exec(line);
    if (word === "detector") defaults = rest;
    else if (word === "case") {
      current = {
        name: rest,
        line: index + 1,
        detector: defaults,
        options: {},
        after: [],
        step: 0,
        series: [],
        expected: [],
      };
      cases.push(current);
    } else if (!current) throw new Error(`line ${index + 1}: before the first case: ${line}`);
    else if (word === "with") current.options = parse(rest);
    else if (word === "then")
      current.after.push({ type: others[0], options: parse(others.slice(1).join(" ") || "{}") });
    else if (word === "load") current.step = parseDuration(rest) ?? Number.NaN;
    else if (series) current.series.push(seriesOf(series));
    else if (expected) {
      const [, from, to = from, type, id, severity] = expected;
      current.expected.push({ line: index + 1, from: Number(from), to: Number(to), type, series: id, severity });
    } else throw new Error(`line ${index + 1}: ${line}`);
  }
  return cases;
}

function seriesOf([, kind, name, labels, terms]: RegExpExecArray): Series {
  const {
    service = "",
    in: parent,
    ...attributes
  } = Object.fromEntries(labels.split(",").map((pair) => pair.split("=") as [string, string]));
  return { kind: kind as Kind, id: `${name}{${labels}}`, name, service, parent, attributes, terms };
}

/** One step of a series: its value, undefined where there is no row; and how many steps too late it comes. */
interface Sample {
  readonly value: number | undefined;
  readonly late: number;
  readonly reset?: "reset" | "restart";
}

const NUMBER = "-?[\\d.]+(?:e-?\\d+)?";
const TERM = new RegExp(
  `^(_|NaN|-?Inf|${NUMBER})(?:([+-]${NUMBER}))?(?:~(${NUMBER})/(${NUMBER}))?(?:±(${NUMBER}))?(?:@-(\\d+))?(?:x(\\d+))?$`,
);

function samples(terms: string, random: () => number): Sample[] {
  const list: Sample[] = [];
  for (const term of terms.split(/\s+/)) {
    if (term === "reset" || term === "restart") {
      list.push({ value: undefined, late: 0, reset: term });
      continue;
    }
    const parts = TERM.exec(term);
    if (!parts) throw new Error(`no such term: ${term}`);
    const [, first, slope = "0", swing = "0", period = "1", noise = "0", late = "0", times = "1"] = parts;
    const base = first === "_" ? undefined : Number(first.replace("Inf", "Infinity"));
    for (let i = 0; i < Number(times); i++) {
      const wave = swing === "0" ? 0 : Number(swing) * Math.sin((2 * Math.PI * list.length) / Number(period));
      const spread = noise === "0" ? 0 : Number(noise) * normal(random);
      list.push({ value: base === undefined ? base : base + Number(slope) * i + wave + spread, late: Number(late) });
    }
  }
  return list;
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const nanos = (ms: number) => `${Math.round(ms)}000000`;
const attribute = ([key, stringValue]: [string, string]) => ({ key, value: { stringValue } });
const SEVERITY: Record<string, number> = { TRACE: 1, DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 };

/** So many bytes, the same for the same text. */
const idOf = (text: string, bytes: number) => createHash("sha256").update(text).digest().subarray(0, bytes);

/** The row or rows of one series at one step, in its signal's own message. */
function resourceOf(series: Series, value: number, time: number, step: number, restarted: number): object {
  const resource = { attributes: [attribute(["service.name", series.service])] };
  const attributes = Object.entries(series.attributes).map(attribute);
  if (series.kind === "span") {
    const end = time + value;
    const span = {
      name: series.name,
      traceId: idOf(`${time}`, 16),
      spanId: idOf(`${time} ${series.name}`, 8),
      parentSpanId: series.parent === undefined ? undefined : idOf(`${time} ${series.parent}`, 8),
      kind: series.parent === undefined ? 2 : 1,
      startTimeUnixNano: nanos(time),
      endTimeUnixNano: nanos(end),
      attributes,
    };
    // protobufjs wants whole nanoseconds; a duration may have a fraction of a millisecond
    span.endTimeUnixNano = `${BigInt(Math.round(end * 1000)) * 1000n}`;
    return { resource, scopeSpans: [{ spans: [span] }] };
  }
  if (series.kind === "log") {
    const count = Math.max(0, Math.round(value));
    const logRecords = Array.from({ length: count }, (_, i) => ({
      timeUnixNano: nanos(time + (i * step) / count),
      severityNumber: SEVERITY[series.name],
      body: { stringValue: "message" },
      attributes,
    }));
    return { resource, scopeLogs: [{ logRecords }] };
  }
  const point = { timeUnixNano: nanos(time), asDouble: value, attributes };
  const metric =
    series.kind === "gauge"
      ? { name: series.name, gauge: { dataPoints: [point] } }
      : {
          name: series.name,
          sum: {
            aggregationTemporality: 2,
            isMonotonic: true,
            dataPoints: [{ ...point, startTimeUnixNano: nanos(restarted) }],
          },
        };
  return { resource, scopeMetrics: [{ metrics: [metric] }] };
}

const FIELD: Record<Telemetry, string> = { metrics: "resourceMetrics", logs: "resourceLogs", traces: "resourceSpans" };

export interface Told {
  readonly step: number;
  readonly series: string;
  readonly anomaly: Anomaly;
}

/** Plays a case through intake, pipeline and detector, one request a step; the anomalies it led to. */
export async function play(script: Case): Promise<Told[]> {
  const load = async (type: string) =>
    (await import(new URL(`../../plugins/processors/${type}/index.ts`, import.meta.url).href)).default;
  const detector: AnyDetector = await load(script.detector);
  const after: Processor<"anomalies">[] = [];
  for (const { type, options } of script.after) {
    const plugin: ProcessorPlugin<any, "anomalies"> = await load(type);
    after.push(plugin.create(plugin.config.strict().parse(options), fakeHostNamed(type)));
  }
  const { emit, anomalies, intake } = wired(detector, script.options, { after });
  if (detector.signal === "traces") intake.assemble(TRACES);
  const played = script.series.map((series, i) => ({
    series,
    samples: samples(series.terms, seeded(`${script.name}/${i}`)),
    sum: 0,
    restarted: 0,
    at: 0,
  }));
  const signal: Telemetry = detector.signal;
  for (let step = 0; played.some(({ samples, at }) => at < samples.length); step++) {
    const resources: object[] = [];
    for (const state of played) {
      const time = BEGIN + step * script.step;
      while (state.samples[state.at]?.reset) {
        if (state.samples[state.at++].reset === "restart") state.restarted = time - script.step / 2;
        state.sum = 0;
      }
      const { value, late } = state.samples[state.at++] ?? { value: undefined, late: 0 };
      if (value === undefined) continue;
      state.sum += value;
      const sent = state.series.kind === "counter" ? state.sum : value;
      resources.push(resourceOf(state.series, sent, time - late * script.step, script.step, state.restarted));
    }
    if (resources.length === 0) continue;
    if (emit(oracle[signal].request.encode({ [FIELD[signal]]: resources }).finish()) !== true)
      throw new Error("refused");
    await new Promise((sent) => setImmediate(sent));
  }
  return anomalies.map((anomaly) => ({
    step: Math.floor((anomaly.time - BEGIN) / script.step),
    series: script.series.find((series) => isOf(series, anomaly.labels, signal))?.id ?? anomaly.reason,
    anomaly,
  }));
}

function isOf(series: Series, labels: Labels, signal: Telemetry): boolean {
  if (series.name !== labels.name || series.service !== labels.resource["service.name"]) return false;
  return (
    signal !== "metrics" || Object.entries(series.attributes).every(([key, value]) => labels.attributes[key] === value)
  );
}

/** Uniform in [0, 1), the same for the same text: splitmix32. */
function seeded(text: string): () => number {
  let state = 0x9e3779b9;
  for (const character of text) state = Math.imul(state ^ character.charCodeAt(0), 0x85ebca6b);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let x = state ^ (state >>> 16);
    x = Math.imul(x, 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
}

/** What was expected and not told, and told but not expected; empty when the case holds. */
export function differences(script: Case, told: readonly Told[]): string[] {
  const fits = (expected: Expectation, { step, series, anomaly }: Told) =>
    step >= expected.from &&
    step <= expected.to &&
    series === expected.series &&
    anomaly.type === expected.type &&
    (expected.severity === undefined || anomaly.severity === expected.severity);
  const shown = ({ step, series, anomaly }: Told) =>
    `at ${step}: ${anomaly.type} of ${series}, ${anomaly.severity} (rarity ${anomaly.rarity.toFixed(1)}: ${anomaly.reason})`;
  return [
    ...script.expected
      .filter((expected) => !told.some((one) => fits(expected, one)))
      .map((expected) => `line ${expected.line}: not told: at ${expected.from}..${expected.to} of ${expected.series}`),
    ...told
      .filter((one) => !script.expected.some((expected) => fits(expected, one)))
      .map((one) => `not expected: ${shown(one)}`),
  ];
}
