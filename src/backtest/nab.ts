// The score of the Numenta Anomaly Benchmark: early detections in a window earn more, each alarm outside costs.
// Lavin & Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", ICMLA 2015.
import { countedFrom, eachNormalRow, type JudgedSeries, LINE, type Span } from "./series.ts";
import { Sweep } from "./sweep.ts";

/** What a window found at its very start earns, what an alarm far from any window costs, and what a missed window costs. */
interface Profile {
  readonly found: number;
  readonly falseAlarm: number;
  readonly missed: number;
}

/** As published. */
export const PROFILES = {
  standard: { found: 1, falseAlarm: 0.11, missed: 1 },
  reward_low_fp: { found: 1, falseAlarm: 0.22, missed: 1 },
  reward_low_fn: { found: 1, falseAlarm: 0.11, missed: 2 },
} as const satisfies Record<string, Profile>;

export interface NabScore {
  /** At the detector's own line. 100 finds all at once without a false alarm, 0 raises none at all. */
  readonly default: number;
  /** At the one line for all series that gives the most, as NAB publishes it. */
  readonly best: number;
  readonly threshold: number;
}

/** Weight of a row at position y: -1 the start of a window, 0 its end, beyond it the rows after. */
const sigmoid = (y: number) => 2 / (1 + Math.exp(5 * y)) - 1;

/** Beyond this many lengths of the last window an alarm costs in full. */
const FORGIVEN = 3;

/** Of series with at least one window among them. A window that lies within probation counts as missed. */
export function nabScore(all: readonly JudgedSeries[], profile: Profile): NabScore {
  const windows = all.reduce((sum, { events }) => sum + events.length, 0);
  const sweep = new Sweep();
  for (const series of all) {
    addFalseAlarms(sweep, series, profile);
    for (const window of series.events) addWindow(sweep, series, window, profile);
  }
  // the sweep sums what is gained over a detector that raises nothing
  const scaled = (gained: number) => (100 * gained) / ((profile.found + profile.missed) * windows);
  const best = sweep.best((gained) => gained);
  return { default: scaled(sweep.at(LINE)[0]), best: scaled(best.value), threshold: best.threshold };
}

function addFalseAlarms(sweep: Sweep, series: JudgedSeries, { falseAlarm }: Profile): void {
  let next = 0;
  eachNormalRow(series, (row) => {
    while (next < series.events.length && series.events[next][1] < row) next++;
    const [first, last] = series.events[next - 1] ?? [];
    const y = first === undefined ? Number.POSITIVE_INFINITY : (row - last) / (last - first);
    sweep.add(series.score[row], falseAlarm * (y > FORGIVEN ? -1 : sigmoid(y)), 0);
  });
}

/**
 * The first alarm in a window counts. Which row that is depends on the line: each row that tops all before it is first for some
 * lines, and adds what it is worth beyond the higher row that would be first for lines above its own.
 */
function addWindow(sweep: Sweep, series: JudgedSeries, [first, last]: Span, { found, missed }: Profile): void {
  const { score } = series;
  const tops: number[] = [];
  let top = Number.NEGATIVE_INFINITY;
  for (let row = Math.max(first, countedFrom(series)); row <= last; row++) {
    const own = Number.isNaN(score[row]) ? 0 : score[row];
    if (own <= top) continue;
    top = own;
    tops.push(row);
  }
  const width = last - first + 1;
  const worth = (row: number) => (found * sigmoid(-(last - row + 1) / width)) / sigmoid(-1);
  for (const [k, row] of tops.entries()) {
    const beyond = k + 1 < tops.length ? worth(tops[k + 1]) : -missed;
    sweep.add(score[row], worth(row) - beyond, 0);
  }
}
