// The series that detectors watch: found by words, listed with sparklines, and one of them with all its points.
import {
  type AnomalyStore,
  type AttributeValue,
  type ExtensionHost,
  type History,
  type Labels,
  type SeriesPoints,
  serviceName,
  type WatchedSeries,
} from "vedette";
import { shortText } from "vedette/http";
import { type Answer, badRequest, json, notFound } from "./answer.ts";
import type { SeriesItem, SeriesPage, SeriesWhole, SparkPoints } from "./contract.ts";
import { explanation } from "./explain.ts";
import { Parameters } from "./parameters.ts";
import type { Prometheus } from "./prometheus.ts";

/** Points of a sparkline, and the milliseconds that it looks back. */
const SPARK = 60;
const SPARK_SPAN = 3_600_000;
const MOST_ATTRIBUTES = 20;
const MOST_SERVICES = 500;
const LONGEST_SEARCHED = 1024;
const LONGEST = 256;
const DAY = 86_400_000;

/** Of a resource, what tells its instances apart. */
const INSTANCE = ["service.instance.id", "host.name", "k8s.pod.name", "container.name"];

export interface SeriesSource {
  readonly host: ExtensionHost;
  readonly history: () => History;
  readonly store: () => AnomalyStore | undefined;
  readonly prometheus?: Prometheus | undefined;
}

const STATES = ["warming", "quiet", "over"] as const;

export function listSeries(query: URLSearchParams, { history: historyOf }: SeriesSource): Answer {
  const asked = new Parameters(query, ["q", "state", "service", "fingerprint", "limit", "cursor"]);
  const words = (asked.text("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const state = asked.choice("state", STATES);
  const [service, fingerprints] = [asked.text("service"), asked.texts("fingerprint")];
  const limit = asked.limit();
  const from = asked.whole("cursor", { least: 0, most: 1e9, usual: 0 });
  const history = historyOf();
  const found: Found[] = [];
  const states = { warming: 0, quiet: 0, over: 0 };
  const services = new Set<string>();
  for (const one of history.series()) {
    const of = serviceName(one.labels);
    if (services.size < MOST_SERVICES) services.add(of);
    if (fingerprints && !fingerprints.has(one.fingerprint)) continue;
    if (service !== undefined && of !== service) continue;
    const text = searchTextOf(one);
    if (!words.every((word) => text.includes(word))) continue;
    states[one.state]++;
    if (state !== undefined && one.state !== state) continue;
    const last = one.state === "over" ? Number.POSITIVE_INFINITY : one.lastOver;
    found.push({ one, text, last: Number.isNaN(last) ? Number.NEGATIVE_INFINITY : last });
  }
  found.sort(anomalousFirst);
  const items = found.slice(from, from + limit).map(({ one }) => itemOf(one, history));
  const next = from + limit < found.length ? String(from + limit) : null;
  const page: SeriesPage = { items, next, total: found.length, states, services: [...services].sort().map(short) };
  return json(page);
}

interface Found {
  readonly one: WatchedSeries;
  readonly text: string;
  /** When it was past the line last; infinite while it is. */
  readonly last: number;
}

/** Those that are past the line, then those that were, the latest first; the rest by name. */
function anomalousFirst(a: Found, b: Found): number {
  if (a.last !== b.last) return b.last > a.last ? 1 : -1;
  if (a.text !== b.text) return a.text < b.text ? -1 : 1;
  return a.one.fingerprint < b.one.fingerprint ? -1 : 1;
}

/** What words are looked for in, by the labels of a series, which stay the same object. */
const texts = new WeakMap<Labels, string>();

function searchTextOf({ labels, detector, signal }: WatchedSeries): string {
  let text = texts.get(labels);
  if (text === undefined) {
    const { name, statistic, part = "", template = "" } = labels;
    const attributes = pairsOf(labels, signal).map(([key, value]) => `${key}=${textOf(value)}`);
    const all = [serviceName(labels), name, statistic, part, template, detector, ...attributes];
    text = all
      .map((each) => each.slice(0, LONGEST_SEARCHED))
      .join(" ")
      .toLowerCase();
    texts.set(labels, text);
  }
  return text;
}

const short = (text: string) => shortText(text, LONGEST);

/** "http.server.duration p95", "GET /cart 503", "ERROR payment <*> refused". */
export const nameOf = ({ name, statistic, part, template }: Labels): string =>
  [name, statistic, part ?? template ?? ""]
    .filter((each) => each !== "")
    .map(short)
    .join(" ");

function pairsOf({ attributes, resource, kind }: Labels, signal: WatchedSeries["signal"]): [string, AttributeValue][] {
  // those of a span or record are its own, not the series'
  if (signal !== "metrics") return kind === undefined ? [] : [["span.kind", kind]];
  const instance = INSTANCE.flatMap((key) => (resource[key] === undefined ? [] : [[key, resource[key]] as const]));
  return [
    ...Object.entries(attributes),
    ...instance.map(([key, value]): [string, AttributeValue] => [key, value]),
  ].slice(0, MOST_ATTRIBUTES);
}

const attributesOf = (labels: Labels, signal: WatchedSeries["signal"]): Record<string, string> =>
  Object.fromEntries(pairsOf(labels, signal).map(([key, value]) => [short(key), short(textOf(value))]));

const textOf = (value: AttributeValue): string =>
  typeof value === "object"
    ? JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? `${inner}` : inner))
    : String(value);

function itemOf(one: WatchedSeries, history: History): SeriesItem {
  const { labels, lastOver, time } = one;
  return {
    fingerprint: one.fingerprint,
    signal: one.signal,
    service: short(serviceName(labels)),
    name: nameOf(labels),
    attributes: attributesOf(labels, one.signal),
    unit: short(labels.unit),
    detector: one.detector,
    pipeline: one.pipeline,
    state: one.state,
    score: brief(one.score) as SeriesItem["score"],
    observed: brief(one.observed) as SeriesItem["observed"],
    expected: brief(one.expected) as SeriesItem["expected"],
    lower: brief(one.lower) as SeriesItem["lower"],
    upper: brief(one.upper) as SeriesItem["upper"],
    time,
    last_over: Number.isFinite(lastOver) ? lastOver : null,
    rows: one.rows,
    warmup: one.warmup,
    spark: sparkOf(history.points(one.fingerprint, time - SPARK_SPAN)),
  };
}

/** Points are kept in single precision: further digits are none. */
const brief = (x: number): number => (Number.isFinite(x) ? Number(x.toPrecision(7)) : x);

function briefly({ observed, expected, lower, upper, score, ...rest }: SeriesPoints): SeriesPoints {
  const short = (column: readonly number[]) => column.map(brief);
  const numbers = { observed: short(observed), expected: short(expected), lower: short(lower), upper: short(upper) };
  return { ...rest, ...numbers, score: short(score) };
}

/** Of neighbours the one that surprised most stands for all. */
function sparkOf(points: SeriesPoints | undefined): SparkPoints {
  const spark = { observed: [] as number[], lower: [] as number[], upper: [] as number[], over: [] as (0 | 1)[] };
  const length = points?.time.length ?? 0;
  const step = Math.max(1, Math.ceil(length / SPARK));
  for (let from = 0; points && from < length; from += step) {
    let most = from;
    for (let i = from + 1; i < Math.min(from + step, length); i++) {
      if (points.score[i] > points.score[most] || Number.isNaN(points.score[most])) most = i;
    }
    spark.observed.push(brief(points.observed[most]));
    spark.lower.push(brief(points.lower[most]));
    spark.upper.push(brief(points.upper[most]));
    spark.over.push(points.score[most] >= 1 ? 1 : 0);
  }
  return spark as SparkPoints;
}

export async function oneSeries(id: string, query: URLSearchParams, source: SeriesSource): Promise<Answer> {
  const asked = new Parameters(query, ["from", "until"]);
  const [from, until] = [asked.time("from"), asked.time("until")];
  if (from !== undefined && until !== undefined && from >= until) {
    throw badRequest("the parameter from", "it does not lie before until", "give an earlier time");
  }
  const history = source.history();
  const series = history.find(id);
  const own = series && history.points(id, from, until);
  if (!series || !own) {
    const cause = "no detector watches such a series, or there was no room for its points";
    throw notFound(`/api/v1/series/${id.slice(0, 100)}`, cause, "look it up in /api/v1/series");
  }
  const store = source.store();
  const now = source.host.now();
  const first = own.time[0] ?? series.time;
  const further = await furtherBack(series, own, from, until ?? now, source);
  const episodes = (await store?.episodes(id, Math.min(from ?? first, first), until ?? now + DAY)) ?? [];
  const told = explanation({ series, points: own, effects: store?.effects ?? [], now });
  const points = briefly(further?.points ?? own);
  const whole: SeriesWhole = {
    ...itemOf(series, history),
    points: points as SeriesWhole["points"],
    source: further?.points ? "prometheus" : "agent",
    further: source.prometheus !== undefined && series.signal === "metrics",
    episodes,
    explain: further?.says === undefined ? told : [...told, further.says],
  };
  return json(whole);
}

/** What Prometheus has of the time before the first point of ours; and a sentence, where there is something to say. */
async function furtherBack(
  series: WatchedSeries,
  own: SeriesPoints,
  from: number | undefined,
  until: number,
  { history, prometheus }: SeriesSource,
): Promise<{ points?: SeriesPoints; says?: string } | undefined> {
  if (!prometheus || series.signal !== "metrics" || from === undefined) return undefined;
  const first = history().points(series.fingerprint)?.time[0] ?? series.time;
  if (from >= first - own.width) return undefined;
  try {
    const { time, observed, width, says } = await prometheus.range(series.labels, from, Math.min(until, first));
    const unknown = time.map(() => Number.NaN);
    const join = (ours: readonly number[]) => [...unknown, ...ours];
    const points = {
      width: Math.max(width, own.width),
      time: [...time, ...own.time],
      observed: [...observed, ...own.observed],
      expected: join(own.expected),
      lower: join(own.lower),
      upper: join(own.upper),
      score: join(own.score),
    };
    return { points, says };
  } catch (error) {
    return { says: `Points from further back are missing: ${(error as Error).message}.` };
  }
}
