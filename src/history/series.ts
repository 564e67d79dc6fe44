// The series that detectors judged of late, with their points: bounded, what was anomalous before what was not.
import type { Attributes, AttributeValue, Labels, SeriesPoints, WatchedSeries } from "../api/index.ts";
import { clipped } from "../otlp/labels.ts";
import { fingerprint } from "../pipeline/finding.ts";
import type { Judge, Judgement, Tap } from "../pipeline/tap.ts";
import { Points, roomForPoints, SERIES_BYTES } from "./points.ts";
import type { Slabs } from "./slabs.ts";

/** What a series takes beside its points: labels, texts, places in maps; about. */
const OTHER_BYTES = 2048;
const MOST_ATTRIBUTES = 32;
const LONGEST_VALUE = 256;
/** Times in one request that a series is looked for which makes room for another: a look at all of them. */
const MOST_SEARCHES = 16;

/** By the rows of one detector: `null` where there was no room. */
type Rows = (Kept | null | undefined)[];

// What is kept of the last row, and when one was past the line last.
const TIME = 0;
const SCORE = 1;
const RARITY = 2;
const OBSERVED = 3;
const EXPECTED = 4;
const LOWER = 5;
const UPPER = 6;
const OVER = 7;
const ALL = [TIME, SCORE, RARITY, OBSERVED, EXPECTED, LOWER, UPPER, OVER];

class Kept {
  readonly fingerprint: string;
  readonly detector: string;
  readonly pipeline: string;
  readonly labels: Labels;
  readonly points: Points;
  by: Judge;
  /** Where it is looked up when its detector judges it: in `rows`, which is undefined once that has forgotten it. */
  rows: Rows | undefined;
  own: number;

  constructor(mark: string, { detector, by }: Judgement, pipeline: string, labels: Labels, span: number, room: Slabs) {
    this.fingerprint = mark;
    this.detector = detector;
    this.pipeline = pipeline;
    this.by = by;
    this.own = -1;
    this.labels = labels;
    this.points = new Points(span, room);
    const { last, lastAt } = this.points;
    last.fill(Number.NaN, lastAt, lastAt + OVER);
    last[lastAt + OVER] = Number.NEGATIVE_INFINITY;
  }

  lastly(which: number): number {
    return this.points.last[this.points.lastAt + which];
  }
}

export class SeriesHistory {
  readonly #most: number;
  readonly #span: number;
  readonly #kept = new Map<string, Kept>();
  readonly #room = roomForPoints();
  #searches = 0;

  /** `span` in milliseconds. */
  constructor(maxMemory: number, span: number) {
    this.#most = Math.max(1, Math.floor(maxMemory / (SERIES_BYTES + OTHER_BYTES)));
    this.#span = span;
  }

  get byteLength(): number {
    return this.#kept.size * (SERIES_BYTES + OTHER_BYTES);
  }

  list(): WatchedSeries[] {
    return [...this.#kept.values()].map(shown);
  }

  find(mark: string): WatchedSeries | undefined {
    const kept = this.#kept.get(mark);
    return kept && shown(kept);
  }

  points(mark: string, from?: number, until?: number): SeriesPoints | undefined {
    return this.#kept.get(mark)?.points.read(from, until);
  }

  /** What reads the verdicts of one detector in that pipeline. */
  watching(pipeline: string): Required<Pick<Tap, "judged" | "forgot">> {
    const rows: Rows = [];
    return {
      judged: (_, judgement) => this.#judged(pipeline, rows, judgement),
      forgot: (own) => {
        const kept = rows[own];
        if (kept) kept.rows = undefined;
        rows[own] = undefined;
      },
    };
  }

  #judged(pipeline: string, rows: Rows, judgement: Judgement): void {
    const { count, series, time, score, rarity, verdicts } = judgement;
    const { expected, lower, upper } = verdicts;
    this.#searches = 0;
    for (let i = 0; i < count; i++) {
      const own = series[i];
      let kept = rows[own];
      if (!kept) {
        if (kept === null && !(score[i] >= 1)) continue;
        kept = this.#admit(pipeline, rows, judgement, i);
        rows[own] = kept ?? null;
        if (!kept) continue;
      }
      const observed = judgement.observed(i);
      const { points } = kept;
      const { last, lastAt } = points;
      last[lastAt + TIME] = time[i];
      last[lastAt + SCORE] = score[i];
      last[lastAt + RARITY] = rarity[i];
      last[lastAt + OBSERVED] = observed;
      last[lastAt + EXPECTED] = expected[i];
      last[lastAt + LOWER] = lower[i];
      last[lastAt + UPPER] = upper[i];
      if (score[i] >= 1) last[lastAt + OVER] = time[i];
      points.add(time[i], observed, expected[i], lower[i], upper[i], score[i]);
    }
  }

  /** Undefined where there is no room, and where another pipeline has a detector of that id that watches the same series. */
  #admit(pipeline: string, rows: Rows, judgement: Judgement, i: number): Kept | undefined {
    const { detector, by, series, score, time } = judgement;
    const labels = judgement.labels(i);
    const mark = fingerprint(detector, by.signal, labels, labels.part);
    let kept = this.#kept.get(mark);
    if (kept?.rows && kept.pipeline !== pipeline) return undefined;
    // a reload put this detector in the place of the one before
    if (kept?.rows) kept.rows[kept.own] = undefined;
    if (!kept) {
      if (this.#kept.size >= this.#most && !this.#makesRoom(score[i] >= 1, time[i])) return undefined;
      kept = new Kept(mark, judgement, pipeline, lasting(labels, by.signal === "metrics"), this.#span, this.#room);
      this.#kept.set(mark, kept);
    }
    kept.by = by;
    kept.rows = rows;
    kept.own = series[i];
    return kept;
  }

  /** One that nobody watches any more, or that did not come for long, makes room for any other; one that was anomalous least lately for one that is. */
  #makesRoom(anomalous: boolean, now: number): boolean {
    if (this.#searches++ >= MOST_SEARCHES) return false;
    let least: Kept | undefined;
    for (const kept of this.#kept.values()) {
      if (!least || isLess(kept, least)) least = kept;
    }
    if (!least || (least.rows && !anomalous && least.lastly(TIME) > now - this.#span)) return false;
    this.#kept.delete(least.fingerprint);
    least.points.free();
    if (least.rows) least.rows[least.own] = null;
    return true;
  }
}

function isLess(one: Kept, other: Kept): boolean {
  if ((one.rows === undefined) !== (other.rows === undefined)) return one.rows === undefined;
  const [a, b] = [one.lastly(OVER), other.lastly(OVER)];
  return a === b ? one.lastly(TIME) < other.lastly(TIME) : a < b;
}

/** What names the series; of spans and records what is one row's alone is left out, and what is very long is cut. */
function lasting(labels: Labels, isMetric: boolean): Labels {
  const { resource, attributes } = labels;
  const { example, ...named } = labels;
  const own = isMetric ? short(attributes) : {};
  return { ...named, resource: short(resource), attributes: own, traceId: "", spanId: "" };
}

const short = (attributes: Attributes): Attributes =>
  Object.fromEntries(
    Object.entries(attributes)
      .slice(0, MOST_ATTRIBUTES)
      .map(([key, value]) => [clipped(key, LONGEST_VALUE), shortValue(value)]),
  );

function shortValue(value: AttributeValue): AttributeValue {
  if (typeof value === "string") return clipped(value, LONGEST_VALUE);
  return typeof value === "object" ? "..." : value;
}

function shown(kept: Kept): WatchedSeries {
  const { by, rows, own, fingerprint, detector, pipeline, labels } = kept;
  const [time, score, rarity, observed, expected, lower, upper, over] = ALL.map((which) => kept.lastly(which));
  const { signal, warmup } = by;
  const judged = rows ? by.judged(own) : warmup + 1;
  return {
    fingerprint,
    detector,
    pipeline,
    signal,
    labels,
    rows: judged,
    warmup,
    state: judged <= warmup ? "warming" : score >= 1 ? "over" : "quiet",
    score,
    rarity,
    observed,
    expected,
    lower,
    upper,
    time,
    lastOver: over > 0 ? over : Number.NaN,
    bytes: SERIES_BYTES + OTHER_BYTES,
  };
}
