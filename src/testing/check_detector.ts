// The laws of detectors: each is tried on a labelled stream, through the agent's own series table, state and calibration.
import type { Attributes, JudgedRows, Labels, StateOf, StateShape, Telemetry } from "../api/index.ts";
import { type RowOwner, SeriesTable } from "../series/table.ts";
import type { Law, Violation } from "./check_plugin.ts";
import { START, seededRandom } from "./fake_host.ts";
import { generate, type LabelledRequest } from "./generate.ts";
import { intervals } from "./interval_stream.ts";
import { type Recording, record, successors } from "./recording.ts";
import { judge } from "./sense.ts";
import { type AnyDetector, lending, type Parse, type ScoreThenLearn, Trial } from "./trial.ts";

type Report = (law: Law, seen: string) => void;

const STREAMS = {
  metrics: (seed: number) => generate.metrics({ seed, anomalies: 40 }),
  traces: (seed: number) => generate.spans({ seed, anomalies: 30 }),
  logs: (seed: number) => generate.logs({ seed, anomalies: 20 }),
} as const;

function recorded(
  { signal, rows }: AnyDetector,
  seed: number,
  stream?: Iterable<LabelledRequest<any>>,
): Recording<any> {
  if (rows === "intervals") return intervals(signal, { seed });
  if (stream) return record(signal as Telemetry, stream);
  if (rows === "vectors") return record("metrics", generate.vectors({ seed, points: 1500, anomalies: 30 }));
  return record<Telemetry>(signal, STREAMS[signal as Telemetry](seed));
}

/** `stream` stands in for the labelled stream that we generate, where a detector of rows or vectors finds what is not planted there. */
export function checkDetector(plugin: AnyDetector, parse: Parse, stream?: Iterable<LabelledRequest<any>>): Violation[] {
  const violations: Violation[] = [];
  const report: Report = (law, seen) => violations.push({ law, seen });
  const recording = recorded(plugin, 1, stream);
  try {
    const trial = new Trial(plugin, parse(), recording.table);
    trial.feed(recording, 0, recording.rows.length).end();
    if (repeats(plugin, parse, recording, trial, report)) {
      splits(plugin, parse, recording, trial, report);
      remembers(plugin, parse, recording, report);
    }
    makesSense(plugin, parse, recording, report);
  } catch (error) {
    report("hostile values", `threw on an ordinary stream: ${messageOf(error)}`);
    return violations;
  }
  survives(plugin, parse, report);
  return violations;
}

/** Runs it a second time, in another year and by other dice than the first. */
function repeats(plugin: AnyDetector, parse: Parse, recording: Recording, first: Trial, report: Report): boolean {
  const second = elsewhere(() => new Trial(plugin, parse(), recording.table).feed(recording, 0, recording.rows.length));
  second.end();
  return same("repeatability", "the first time", first, "the second time", second, report);
}

/** Calls `run` with another clock and other chance than the process has. */
function elsewhere<T>(run: () => T): T {
  const { Date: OrdinaryDate } = globalThis;
  const { random } = Math;
  const { now } = performance;
  const other = seededRandom(7);
  let time = START + 40 * 365 * 86_400_000;
  const tick = () => (time += 1000);
  globalThis.Date = class extends OrdinaryDate {
    constructor(...given: unknown[]) {
      super(...((given.length === 0 ? [tick()] : given) as [number]));
    }
    static override now = tick;
  } as DateConstructor;
  Math.random = other;
  performance.now = tick;
  try {
    return run();
  } finally {
    globalThis.Date = OrdinaryDate;
    Math.random = random;
    performance.now = now;
  }
}

/** One batch, and batches of nothing to some hundred rows. */
function splits(plugin: AnyDetector, parse: Parse, recording: Recording, whole: Trial, report: Report): void {
  const random = seededRandom(3);
  const { length } = recording.rows;
  const ends: number[] = [];
  for (let end = 0; end < length; end += Math.floor(random() ** 3 * 700)) ends.push(end);
  const cut = new Trial(plugin, parse(), recording.table).feed(recording, 0, length, ends);
  cut.end();
  same("splitting", "in one batch", whole, `in ${ends.length} batches`, cut, report);
}

/** Everything it knows is in its columns, and in nothing that it was handed. */
function remembers(plugin: AnyDetector, parse: Parse, recording: Recording, report: Report): void {
  const { length } = recording.rows;
  const middle = length >> 1;
  const whole = new Trial(plugin, parse(), recording.table).feed(recording, 0, length, [middle]);
  whole.end();

  const before = new Trial(plugin, parse(), recording.table).feed(recording, 0, middle);
  const snapshot = before.detector.takeSnapshot();
  before.end();
  // whatever lies outside its columns belongs to another detector by now
  const stranger = recorded(plugin, 2);
  new Trial(plugin, parse(), stranger.table).feed(stranger, 0, stranger.rows.length).end();
  const after = new Trial(plugin, parse(), recording.table);
  try {
    after.detector.restore(snapshot);
  } catch (error) {
    report("memory", `what was saved could not be restored: its state ${messageOf(error)}`);
  }
  after.feed(recording, middle, length).end();
  const resumed = { scores: [...before.scores, ...after.scores], anomalies: [...before.anomalies, ...after.anomalies] };
  if (!same("memory", "going on", whole, "restored from a snapshot", resumed, report)) return;

  const lent = new Trial(plugin, parse(), recording.table, lending).feed(recording, 0, length, [middle]);
  lent.end();
  if (!same("memory", "as usual", whole, "with arguments that are taken back", lent, report)) return;

  if (plugin.rows === "vectors") replaced(plugin, parse, report);
  else recycled(plugin, parse, recording, middle, report);
}

/** Other series take the rows of the table over. */
function recycled(plugin: AnyDetector, parse: Parse, recording: Recording, middle: number, report: Report): void {
  const { length } = recording.rows;
  const changing = successors(recording, middle);
  const roomy = new Trial(plugin, parse(), changing.table).feed(changing, 0, length, [middle]);
  roomy.end();
  const crowded = new Trial(plugin, parse(), changing.table).feed(changing, 0, middle);
  for (let series = 0; series < recording.series; series++) (crowded.detector as RowOwner).recycle(series);
  crowded.feed(changing, middle, length).end();
  same("memory", "in a new row", roomy, "in a recycled row", crowded, report);
}

/** Another resource takes the place of one that there is no room for. */
function replaced(plugin: AnyDetector, parse: Parse, report: Report): void {
  const one = record("metrics", generate.vectors({ seed: 3, points: 1200, services: 1 }));
  const { length } = one.rows;
  const middle = length >> 1;
  const changing = successors(one, middle);
  const roomy = new Trial(plugin, parse(), changing.table).feed(changing, 0, length, [middle]);
  roomy.end();
  const crowded = new Trial(plugin, { ...parse(), max_series: 1 }, changing.table).feed(changing, 0, length, [middle]);
  crowded.end();
  same("memory", "in a new row", roomy, "in a recycled row", crowded, report);
}

type Outcome = Pick<Trial, "scores" | "anomalies">;

function same(law: Law, one: string, a: Outcome, other: string, b: Outcome, report: Report) {
  const length = Math.max(a.scores.length, b.scores.length);
  for (let row = 0; row < length; row++) {
    if (Object.is(a.scores[row], b.scores[row])) continue;
    report(law, `row ${row} of ${length} scores ${a.scores[row]} ${one} and ${b.scores[row]} ${other}`);
    return false;
  }
  const i = a.anomalies.findIndex((anomaly, i) => anomaly !== b.anomalies[i]);
  if (i < 0 && a.anomalies.length === b.anomalies.length) return true;
  const differ = `${a.anomalies[Math.max(i, 0)]} ${one}, ${b.anomalies[Math.max(i, 0)]} ${other}`;
  report(law, `equal scores, but other anomalies (${a.anomalies.length} and ${b.anomalies.length}): ${differ}`);
  return false;
}

/** More rows than this of one batch are counted by the agent, no longer described. */
const DESCRIBED = 500;

function makesSense(plugin: AnyDetector, parse: Parse, recording: Recording, report: Report): void {
  const { length } = recording.rows;
  const options = { ...parse(), threshold: 1, annotate: "attributes", min_dev_from_expected: 0 };
  const trial = new Trial(plugin, options, recording.table);
  for (let from = 0; from < length; from += DESCRIBED) {
    trial.feed(recording, from, Math.min(length, from + DESCRIBED));
  }
  trial.end();
  const vectors = plugin.rows === "vectors" ? rarities(trial, recording, Number(parse().interval)) : undefined;
  const fault = judge(recording, vectors ?? ((row) => trial.rarity.get(row) ?? 0));
  if (fault) report("sense", fault);
}

/** The rarity of the vector that a row is part of, as far as it was found. */
function rarities({ found }: Trial, recording: Recording, interval: number): (row: number) => number {
  const keyOf = (resource: Attributes, time: number) =>
    `${resource["service.name"]} ${resource["service.instance.id"]} ${Math.floor(time / interval)}`;
  const byVector = new Map(found.map(({ labels, time, rarity }) => [keyOf(labels.resource, time), rarity]));
  return (row) => byVector.get(keyOf(recording.labels(row).resource, recording.rows.time[row])) ?? 0;
}

const LARGE = [Number.MAX_VALUE, -Number.MAX_VALUE, 1e308, -1e308, 1e154, -1e154];
const VALUES = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, ...LARGE, 0, -0, 5e-324, 1e-308];
/** Unix milliseconds: the first and the last that OTLP can write, and one day before the rest. */
const TIMES = [0, 2 ** 64 / 1e6, START - 86_400_000];

/** Strange values and times among ordinary ones: no throw, finite scores, finite state. */
function survives(plugin: AnyDetector, parse: Parse, report: Report): void {
  const signal = plugin.signal as Telemetry;
  const trials = [
    ...VALUES.map((value) => ({ what: `the value ${value}`, values: [value], times: [] as number[] })),
    ...TIMES.map((time) => ({ what: `the time ${time}`, values: [] as number[], times: [time] })),
    { what: "strange values and times", values: VALUES, times: TIMES },
  ];
  for (const { what, values, times } of trials) {
    const recording = strange(signal, values, times, plugin.rows === "vectors" ? 4 : 1, plugin.rows);
    let fault: string | undefined;
    const watch = (inner: ScoreThenLearn): ScoreThenLearn => {
      return (rows, state, verdicts, config) => {
        inner(rows, state, verdicts, config);
        fault ??= infinite(state);
        for (let i = 0; i < rows.length; i++) {
          if (Math.abs(verdicts.score[i]) === Number.POSITIVE_INFINITY) fault ??= `a score is ${verdicts.score[i]}`;
        }
      };
    };
    try {
      const trial = new Trial(plugin, parse(), recording.table, watch);
      const ends = Array.from({ length: 20 }, (_, i) => i * 25);
      trial.feed(recording, 0, recording.rows.length, ends).end();
    } catch (error) {
      fault = `it throws: ${messageOf(error)}`;
    }
    if (fault) {
      report("hostile values", `after ${what}: ${fault}`);
      return;
    }
  }
}

function infinite(state: StateOf<StateShape>): string | undefined {
  for (const [name, column] of Object.entries(state)) {
    if (!(column instanceof Float64Array || column instanceof Float32Array)) continue;
    const i = column.findIndex((value) => !Number.isFinite(value));
    if (i >= 0) return `state column ${name} holds ${column[i]}`;
  }
  return undefined;
}

/**
 * 600 rows of 4 series, or so many times as many; from the middle on every third has a value of `values` and a time of `times`,
 * where there are any.
 */
function strange(
  signal: Telemetry,
  values: readonly number[],
  times: readonly number[],
  scale: number,
  kind?: AnyDetector["rows"],
): Recording {
  const length = 600 * scale;
  const count = 4;
  const random = seededRandom(5);
  const table = new SeriesTable(count);
  const series = new Uint32Array(length);
  const hash = Int32Array.from({ length }, (_, i) => (i % count) + 1);
  table.assign(hash, hash, length, series);
  const odd = (i: number) => i >= length / 2 && i % 3 === 0;
  const pick = (from: readonly number[], i: number, usual: number) =>
    from.length > 0 && odd(i) ? from[Math.floor(random() * from.length)] : usual;
  const time = Float64Array.from({ length }, (_, i) => pick(times, i, START + i * 5000 * scale));
  const value = Float64Array.from({ length }, (_, i) => pick(values, i, 10 + random()));
  const u32 = new Uint32Array(length);
  const small = new Uint8Array(length);
  const ids = { traceId: u32, spanId: u32, parentSpanId: u32, bodyKind: small, bodyStart: u32, bodyEnd: u32 };
  const severity = Uint8Array.from({ length }, (_, i) => (odd(i) ? i % 25 : 9));
  const counted = { count: value, failed: kind === "intervals" ? value : small, others: value, part: small };
  const columns = { series, time, offset: u32, value, duration: value, self: value, kind: small, inherited: small };
  const all = { ...columns, severity, ...ids, ...counted };
  const rows = { length, age: u32, ...all } as unknown as JudgedRows<Telemetry>;
  return { signal, table, rows, series: count, item: series, planted: small, labels: () => NAMELESS };
}

const NAMELESS: Labels = {
  resource: {},
  scope: { name: "", version: "" },
  name: "",
  statistic: "",
  unit: "",
  attributes: {},
  traceId: "",
  spanId: "",
};

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
