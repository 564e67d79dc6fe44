// How many false alarms there are on 30 days of generated normal telemetry, where one a day was asked for.
import { eventScore } from "../src/backtest/events.ts";
import type { JudgedSeries } from "../src/backtest/series.ts";
import { corpusOf } from "../test/quality/corpus.ts";
import { shapeNamed } from "../test/quality/normal.ts";
import { type AnyDetector, scored } from "../test/quality/trial.ts";

const SHAPES = ["noise around a level", "daily season", "counted requests", "bursty latency", "autocorrelated"];
const SERIES = 200;
const WEEK = 7 * 86_400_000;

export interface FalseAlarms {
  readonly days: number;
  readonly series: number;
  readonly perDay: number;
  /** By week, the first one first; the last one is what is left. */
  readonly weeks: readonly number[];
  readonly byShape: ReadonlyMap<string, number>;
}

/** Minute by minute. `options` are those of the detector. */
export function falseAlarms(plugin: AnyDetector, options: object, days = 30): FalseAlarms {
  const normal = SERIES / SHAPES.length;
  const corpus = corpusOf(SHAPES.map(shapeNamed), { days, step: 60_000, normal, faulty: 0 });
  const all = scored(plugin, corpus, options);
  const perDay = (series: readonly JudgedSeries[]) => eventScore(series).false_alarms_a_day ?? 0;
  const weeks = Array.from({ length: Math.ceil(days / 7) }, (_, week) => perDay(all.map((one) => within(one, week))));
  const byShape = SHAPES.map((name): [string, number] => [
    name,
    perDay(all.filter((_, i) => corpus.series[i].shape.name === name)),
  ]);
  return { days, series: SERIES, perDay: perDay(all), weeks, byShape: new Map(byShape) };
}

/** The rows of one week of its time. */
function within(series: JudgedSeries, week: number): JudgedSeries {
  const { time, score } = series;
  const first = time.findIndex((each) => each >= time[0] + week * WEEK);
  const next = time.findIndex((each) => each >= time[0] + (week + 1) * WEEK);
  const last = next < 0 ? time.length : next;
  return { ...series, time: time.subarray(first, last), score: score.subarray(first, last) };
}
