// Why the last row of a series is an anomaly or is none, in sentences with numbers.
import { type Effect, type SeriesPoints, serviceName, spokenDuration, type WatchedSeries } from "vedette";

/** Effects of feedback that are told. */
const MOST_EFFECTS = 5;
/** Milliseconds without a row after which that is said first. */
const OLD = 5 * 60_000;

export interface Explained {
  readonly series: WatchedSeries;
  readonly points: SeriesPoints;
  readonly effects: readonly Effect[];
  /** Unix milliseconds. */
  readonly now: number;
}

export function explanation({ series, points, effects, now }: Explained): string[] {
  const age = Math.max(0, now - series.time);
  return [
    ...(age > OLD ? [`The last row is ${spokenDuration(age)} old: what it is now is not known.`] : []),
    verdict(series),
    ...expectation(series),
    ...rareness(series),
    ...past(series, now),
    ...effects
      .filter((effect) => isMeant(series, effect))
      .slice(0, MOST_EFFECTS)
      .map(({ says }) => `Feedback counts here: ${says}.`),
    ...(age > OLD ? [] : [`The last row came ${age < 1000 ? "just now" : `${spokenDuration(age)} ago`}.`]),
    ...(points.width > 1
      ? [
          `A point of the chart stands for ${spokenDuration(points.width)} at most: the row of them that surprised most.`,
        ]
      : []),
  ];
}

function verdict({ state, score, rows, warmup, detector }: WatchedSeries): string {
  if (state === "warming") {
    return `${detector} is still learning: it has judged ${rows} of the ${warmup} rows that it wants to see before it says anything.`;
  }
  if (Number.isNaN(score)) return `Of the last row ${detector} says nothing: it cannot judge it yet.`;
  if (state === "over" || score >= 1)
    return `The last row is an anomaly: its score is ${digits(score)}, and 1 is the line.`;
  return `The last row is no anomaly: its score is ${digits(score)}, and 1 is the line.`;
}

function expectation({ observed, expected, lower, upper, labels: { unit } }: WatchedSeries): string[] {
  if (Number.isNaN(observed)) return [];
  const was = `It was ${quantity(observed, unit)}`;
  const about = Number.isFinite(expected) ? `about ${quantity(expected, unit)}` : "";
  if (Number.isFinite(lower) && Number.isFinite(upper)) {
    const range = `${quantity(lower, unit)} to ${quantity(upper, unit)}`;
    const place =
      observed > upper
        ? "above what was expected"
        : observed < lower
          ? "below what was expected"
          : "within what was expected";
    return [`${was}, ${place}: ${range}${about && `, ${about}`}.`];
  }
  if (Number.isFinite(upper)) return [`${was}; up to ${quantity(upper, unit)} is usual.`];
  if (Number.isFinite(lower)) return [`${was}; from ${quantity(lower, unit)} on is usual.`];
  return [about ? `${was}; ${about} was expected.` : `${was}; this detector states no expectation.`];
}

/** How often a normal row surprises as much, against the line. */
function rareness({ rarity, score, state }: WatchedSeries): string[] {
  if (state === "warming" || Number.isNaN(score)) return [];
  if (Number.isNaN(rarity)) return ["The detector claims no probability: options of its own say what is too much."];
  const line = score > 0 ? `; the line is at one in ${rowsOf(rarity / score)}` : "";
  return [`Of normal rows one in ${rowsOf(rarity)} surprises as much${line}.`];
}

/** 10^rarity: "23", "1.2 million". */
function rowsOf(rarity: number): string {
  const rows = 10 ** rarity;
  if (rows >= 1e12) return "a trillion";
  for (const [size, word] of [
    [1e9, "billion"],
    [1e6, "million"],
    [1e3, "thousand"],
  ] as const) {
    if (rows >= size * 0.9995) return `${Number((rows / size).toPrecision(2))} ${word}`;
  }
  return String(Math.max(1, Math.round(rows)));
}

function past({ lastOver, state }: WatchedSeries, now: number): string[] {
  if (state === "over" || state === "warming") return [];
  if (!Number.isFinite(lastOver)) return ["None of its rows was past the line since the agent watches."];
  return [`The last row past the line was ${spokenDuration(Math.max(0, now - lastOver))} ago.`];
}

/** As far as a series can tell: what kind of anomaly comes, and on which side, is not known yet. */
function isMeant({ fingerprint, detector, labels }: WatchedSeries, { match }: Effect): boolean {
  const own = { fingerprint, detector, service: serviceName(labels), name: labels.name };
  return (Object.keys(own) as (keyof typeof own)[]).every((key) => match[key] === undefined || match[key] === own[key]);
}

const digits = (value: number) =>
  Math.abs(value) >= 1e5 ? value.toExponential(2) : String(Number(value.toPrecision(3)));

/** "1.2 s", "930 ms", "12.5". */
function quantity(value: number, unit: string): string {
  if (unit === "ms" && Math.abs(value) >= 1000) return `${digits(value / 1000)} s`;
  if (unit === "s" && value !== 0 && Math.abs(value) < 1) return `${digits(value * 1000)} ms`;
  const word =
    unit === "1"
      ? ""
      : unit
          .replace(/^1\//, "/")
          .replace(/^\{(.*?)\}/, "$1")
          .slice(0, 40);
  return word === "" ? digits(value) : word.startsWith("/") ? digits(value) + word : `${digits(value)} ${word}`;
}
