// What feedback teaches: a pure function from what users said, and of what, to the effects on anomalies to come.
import type { Effect, Feedback } from "vedette";

/** What was judged, and how large it was. Of a silence that names no more, fields are absent. */
export interface Subject {
  readonly fingerprint?: string;
  readonly detector?: string;
  readonly type?: string;
  readonly service?: string;
  readonly name?: string;
  readonly direction?: "above" | "below";
  /** Highest score when it was judged. */
  readonly peak: number;
  /** How far it lay from what was expected, or beyond its bounds, in the row's unit. */
  readonly deviation?: number;
  /** Of the row, as UCUM has it; of sentences only. */
  readonly unit?: string;
  /** The same as a multiple of how far its bound lay from what was expected. */
  readonly bands?: number;
  /** Its score is that of a fixed limit, and the same for whatever is past it: it says nothing of others of its kind. */
  readonly fixed?: true;
}

/** Feedback with what it is about: one subject, or the episodes of an incident. */
export interface Lesson {
  readonly feedback: Feedback;
  readonly subjects: readonly Subject[];
}

/** Different fingerprints, called nothing at different times, from which their kind on a service is held back; services from which look-alikes are. */
const MANY = 3;
/**
 * Of them, the share that lies within what others must pass. Elsewhere the same measure is the fairest sample there is; a kind is of different ones, which
 * say less of each other.
 */
const SHARE = { kind: 1 / 3, look_alike: 1 / 2 };
/** What is planned may grow: it is told from so many times the limit of what was called nothing. */
const PLANNED = 2;
/** What was confirmed counts so much more each time, and so much at most. */
const SHARPER = 0.25;
const SHARPEST = 1.5;

/** A score just below the line. */
const BELOW = 0.99;

interface Heard {
  readonly lesson: Lesson;
  readonly subject: Subject;
}

/**
 * In an order that depends on the lessons alone. `raise`: how many times the peak that was called nothing an anomaly must score to be told
 * again. Of one fingerprint and direction the latest word counts of what is as large or larger when called nothing, and as large or smaller when
 * confirmed: so what was confirmed is not held back by what was smaller, and does not bring that back.
 */
export function effectsOf(lessons: readonly Lesson[], raise: number): Effect[] {
  const heard = [...lessons]
    .sort((a, b) => a.feedback.at - b.feedback.at || compare(a.feedback.id, b.feedback.id))
    .flatMap((lesson) => lesson.subjects.map((subject): Heard => ({ lesson, subject })));
  const nothing: Heard[] = [];
  const effects: Effect[] = [];
  for (const group of grouped(
    heard,
    ({ subject: { fingerprint, direction } }) => fingerprint && [fingerprint, direction],
  )) {
    const of = (opinion: Feedback["opinion"]) => group.filter(({ lesson }) => lesson.feedback.opinion === opinion);
    const [good, bad] = [of("good"), of("bad")];
    const standing = bad.filter((each) => !good.some((later) => isLater(later, each) && !isLarger(later, each)));
    const confirmed = good.filter((each) => !bad.some((later) => isLater(later, each) && !isLarger(each, later)));
    nothing.push(...standing);
    if (standing.length > 0) effects.push(raised(standing, confirmed, raise));
    if (confirmed.length > 0) effects.push(sharpened(confirmed));
  }
  for (const each of heard) if (each.lesson.feedback.opinion === "expected") effects.push(planned(each, raise));
  for (const group of grouped(nothing, kindOf)) {
    if (count(group, ({ subject }) => subject.fingerprint) >= MANY) effects.push(ofKind(group));
  }
  for (const group of grouped(nothing, looksOf)) {
    if (count(group, ({ subject }) => subject.service) >= MANY) effects.push(ofLookAlikes(group));
  }
  return effects;
}

const isLater = (a: Heard, b: Heard) => a.lesson.feedback.at > b.lesson.feedback.at;

/** By how far off it was; where that is not known, by its score. */
function isLarger({ subject: a }: Heard, { subject: b }: Heard): boolean {
  return a.deviation !== undefined && b.deviation !== undefined ? a.deviation > b.deviation : a.peak > b.peak;
}

/** The kind of a subject: undefined where it does not say. */
function kindOf({ subject: { detector, type, service, fixed } }: Heard) {
  return detector && type && service && !fixed ? [detector, type, service] : undefined;
}

function looksOf({ subject: { type, name, direction, service, fixed } }: Heard) {
  return type && name && service && !fixed ? [type, name, direction] : undefined;
}

/** The least of how many different values there are, and how many times something was said. */
function count(group: readonly Heard[], value: (heard: Heard) => string | undefined): number {
  const said = new Set(group.map(({ lesson }) => lesson.feedback.id));
  return Math.min(said.size, new Set(group.map(value)).size);
}

function sharpened(group: readonly Heard[]): Effect {
  const { subject } = group.at(-1)!;
  const factor = Math.min(SHARPEST, 1 + SHARPER * group.length);
  const until = latest(group);
  const says = `${what(subject)} counts ${shown(factor)} times, since it was confirmed, until ${day(until)}`;
  const upTo = Number.POSITIVE_INFINITY;
  return { feedback: ids(group), scope: "fingerprint", match: own(subject), factor, upTo, until, says };
}

function raised(group: readonly Heard[], confirmed: readonly Heard[], raise: number): Effect {
  const { subject } = group.at(-1)!;
  const largest = largestOf(group);
  const limits = limitsOf(largest, raise);
  const real = confirmed.map(({ subject }) => subject);
  for (const { peak } of real) if (peak > largest.peak) limits.upTo = Math.min(limits.upTo, (peak + largest.peak) / 2);
  for (const { deviation = 0 } of real) {
    if (limits.reach === undefined || deviation <= largest.deviation!) continue;
    limits.reach = Math.min(limits.reach, (deviation + largest.deviation!) / 2);
  }
  const until = latest(group);
  const times = group.length === 1 ? "called nothing" : `called nothing ${group.length} times`;
  const says = `${what(subject)}, ${times} at ${sizeOf(largest.peak, largest.deviation, subject.unit).replace(", or", " and")}, is told again beyond ${sizeOf(limits.upTo, limits.reach, subject.unit)}, until ${day(until)}`;
  return { feedback: ids(group), scope: "fingerprint", match: own(subject), ...heldBack(limits), until, says };
}

function planned({ lesson: { feedback }, subject }: Heard, raise: number): Effect {
  const limits = limitsOf(subject, PLANNED * raise);
  const { until } = feedback;
  const says = `${what(subject)} is expected until ${minute(until)}; only beyond ${sizeOf(limits.upTo, limits.reach, subject.unit)} is it told`;
  const scope = subject.fingerprint === undefined ? "kind" : "fingerprint";
  const { detector, type, service, name } = subject;
  const named = Object.entries({ detector, type, service, name }).filter(([, value]) => value !== undefined);
  const match = scope === "kind" ? Object.fromEntries(named) : own(subject);
  return { feedback: [feedback.id], scope, match, ...heldBack(limits), until, says };
}

function ofKind(group: readonly Heard[]): Effect {
  const { detector, type, service } = group[0].subject;
  const limits = usualOf(group, SHARE.kind);
  const until = heldUntil(group, ({ subject }) => subject.fingerprint);
  const says = `every ${type} by ${detector} on ${service} needs more than ${limitOf(limits, group)}, since ${group.length} of them were called nothing, until ${day(until)}`;
  return { feedback: ids(group), scope: "kind", match: { detector, type, service }, ...heldBack(limits), until, says };
}

function ofLookAlikes(group: readonly Heard[]): Effect {
  const { type, name, direction } = group[0].subject;
  const limits = usualOf(group, SHARE.look_alike);
  const until = heldUntil(group, ({ subject }) => subject.service);
  const services = new Set(group.map(({ subject }) => subject.service)).size;
  const side = direction ? ` ${direction} expectation` : "";
  const says = `a ${type} of ${name}${side} needs more than ${limitOf(limits, group)} on every service, since it was called nothing on ${services}, until ${day(until)}`;
  const match = { type, name, ...(direction && { direction }) };
  return { feedback: ids(group), scope: "look_alike", match, ...heldBack(limits), until, says };
}

/** What larger anomalies are not touched by: see Effect. */
interface Limits {
  upTo: number;
  reach?: number;
  bands?: number;
}

function limitsOf({ peak, deviation }: Pick<Subject, "peak" | "deviation">, times: number): Limits {
  return { upTo: times * peak, ...(deviation !== undefined && { reach: times * deviation }) };
}

/** Up to there it is below the line. */
const heldBack = (limits: Limits) => ({ ...limits, factor: BELOW / limits.upTo });

function largestOf(group: readonly Heard[]): Pick<Subject, "peak" | "deviation"> {
  const deviations = group.flatMap(({ subject }) => subject.deviation ?? []);
  const peak = Math.max(...group.map(({ subject }) => subject.peak));
  return { peak, ...(deviations.length > 0 && { deviation: Math.max(...deviations) }) };
}

const own = ({ fingerprint, direction }: Subject) => ({ fingerprint, ...(direction && { direction }) });

/** Within which that share of them lies, by score, distance and usual ranges at once: the largest were called nothing too, but are rare. */
function usualOf(group: readonly Heard[], share: number): Limits {
  const subjects = group.map(({ subject }) => subject);
  const ofOneUnit = subjects.every(({ unit }) => unit === subjects[0].unit);
  const peaks = ordered(subjects.map(({ peak }) => peak));
  const deviations = ordered(subjects.map(({ deviation }) => (ofOneUnit ? deviation : undefined)));
  const bands = ordered(subjects.map((subject) => subject.bands));
  const ranks = subjects.map((_, i) => Math.max(peaks.ranks[i], deviations.ranks[i], bands.ranks[i]));
  const rank = ranks.sort(ascending)[Math.ceil(share * ranks.length) - 1];
  const limit = ({ sizes }: { readonly sizes: readonly number[] }) => sizes[Math.min(rank, sizes.length - 1)];
  return {
    upTo: limit(peaks),
    ...(deviations.sizes.length > 0 && { reach: limit(deviations) }),
    ...(bands.sizes.length > 0 && { bands: limit(bands) }),
  };
}

/** What is known, in its order, and of each its rank: how many are smaller. */
function ordered(all: readonly (number | undefined)[]) {
  const sizes = all.filter((size) => size !== undefined).sort(ascending);
  const first = new Map(sizes.map((size, i) => [size, i] as const).reverse());
  return { sizes, ranks: all.map((size) => (size === undefined ? 0 : first.get(size)!)) };
}

const ascending = (a: number, b: number) => a - b;

const latest = (group: readonly Heard[]) => Math.max(...group.map(({ lesson }) => lesson.feedback.until));

/** When fewer than MANY are left. */
function heldUntil(group: readonly Heard[], value: (heard: Heard) => string | undefined): number {
  const untils = [...new Set(group.map(({ lesson }) => lesson.feedback.until))].sort((a, b) => b - a);
  const left = (until: number) => group.filter(({ lesson }) => lesson.feedback.until >= until);
  return untils.find((until) => count(left(until), value) >= MANY)!;
}

const ids = (group: readonly Heard[]) => [...new Set(group.map(({ lesson }) => lesson.feedback.id))];

function grouped(heard: readonly Heard[], keyOf: (heard: Heard) => readonly unknown[] | string | undefined): Heard[][] {
  const groups = new Map<string, Heard[]>();
  for (const each of heard) {
    const parts = keyOf(each);
    if (!parts) continue;
    const key = JSON.stringify(parts);
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return [...groups.values()];
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const shown = (number: number) => (Number.isFinite(number) ? Number(number.toPrecision(3)).toString() : "infinity");
const sizeOf = (score: number, deviation?: number, unit = "") =>
  deviation === undefined
    ? `a score of ${shown(score)}`
    : `a score of ${shown(score)}, or ${measured(deviation, unit)} off`;

const MEBIBYTE = 1024 ** 2;

/** What curly braces annotate is no unit. */
function measured(size: number, unit: string): string {
  const named = unit.replace(/\{[^}]*\}/g, "");
  if (named === "By" && size >= MEBIBYTE) return `${shown(size / MEBIBYTE)} MiB`;
  if (named === "" || named === "1") return shown(size);
  return named.startsWith("/") ? `${shown(size)}${named}` : `${shown(size)} ${named}`;
}
const limitOf = ({ upTo, reach, bands }: Limits, [{ subject }]: readonly Heard[]) =>
  `${sizeOf(upTo, reach, subject.unit)}${bands === undefined ? "" : `, or ${shown(bands)} times its usual range`}`;
const day = (time: number) => new Date(time).toISOString().slice(0, 10);
const minute = (time: number) => `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;

function what({ type, name, service, detector, fingerprint }: Subject): string {
  const of = [name && `of ${name}`, service && `on ${service}`, detector && `(${detector})`].filter(Boolean).join(" ");
  return `${type ?? "what is found"}${of && ` ${of}`}${of || type ? "" : ` with the fingerprint ${fingerprint}`}`;
}
