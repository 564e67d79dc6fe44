// Precision, recall and F1 of points: plain, and adjusted for delay.
import { countedEvents, eachNormalRow, type JudgedSeries, LINE, type Span } from "./series.ts";
import { Sweep } from "./sweep.ts";

export interface PointScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** The largest F1 that one line for all series gives, and that line. */
  readonly best_f1: number;
  readonly best_threshold: number;
}

/** Each labelled row by itself. Undefined where none is labelled. */
export function pointScore(all: readonly JudgedSeries[]): PointScore | undefined {
  return scored(all, (sweep, { score }, [first, last]) => {
    for (let row = first; row <= last; row++) sweep.add(score[row], 1, 0);
  });
}

/**
 * An event counts as found, with all of its rows, when one of its first k + 1 rows is an alarm, and as missed otherwise.
 * Ren et al., "Time-Series Anomaly Detection Service at Microsoft", KDD 2019, after the AIOps challenge of 2018.
 */
export function delayScore(all: readonly JudgedSeries[]): PointScore | undefined {
  return scored(all, (sweep, series, [first, last]) => {
    sweep.add(soonestTop(series, [first, last]), last - first + 1, 0);
  });
}

/** The highest score among the rows of an event that count as in time. */
export function soonestTop(series: JudgedSeries, [first, last]: Span): number {
  let top = Number.NEGATIVE_INFINITY;
  const soon = Math.min(last, first + longestDelay(series));
  for (let row = first; row <= soon; row++) top = Math.max(top, series.score[row] || 0);
  return top;
}

const HOUR = 3_600_000;

/** k: 7 rows, or 3 where rows are an hour or more apart. */
export function longestDelay({ time }: JudgedSeries): number {
  const steps = Math.min(time.length - 1, 10);
  return steps > 0 && (time[steps] - time[0]) / steps >= HOUR ? 3 : 7;
}

function scored(
  all: readonly JudgedSeries[],
  addEvent: (sweep: Sweep, series: JudgedSeries, event: Span) => void,
): PointScore | undefined {
  const sweep = new Sweep();
  let labelled = 0;
  for (const series of all) {
    eachNormalRow(series, (row) => sweep.add(series.score[row], 0, 1));
    for (const event of countedEvents(series)) {
      addEvent(sweep, series, event);
      labelled += event[1] - event[0] + 1;
    }
  }
  if (labelled === 0) return undefined;
  const f1 = (right: number, wrong: number) => (2 * right) / (right + wrong + labelled);
  const [right, wrong] = sweep.at(LINE);
  const best = sweep.best(f1);
  return {
    precision: right + wrong === 0 ? 0 : right / (right + wrong),
    recall: right / labelled,
    f1: f1(right, wrong),
    best_f1: best.value,
    best_threshold: best.threshold,
  };
}
