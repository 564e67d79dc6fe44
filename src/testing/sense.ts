// Whether scores are better than none: average precision against constant and random ones, by series and minute.
import { seededRandom } from "./fake_host.ts";
import type { Recording } from "./recording.ts";

const MINUTE = 60_000;
/** A detector's average precision must be this much above that of every trivial one. */
const MARGIN = 0.15;
const RANDOM_RUNS = 5;

type Score = (row: number) => number;

/** What is wrong with the scores of rows; undefined when they rank what was planted well before the rest. */
export function judge(recording: Recording, score: Score): string | undefined {
  const own = averagePrecision(minutes(recording, score));
  const constant = averagePrecision(minutes(recording, () => 1));
  let chance = 0;
  for (let run = 1; run <= RANDOM_RUNS; run++) {
    const random = seededRandom(run);
    chance += averagePrecision(minutes(recording, () => random())) / RANDOM_RUNS;
  }
  if (own >= Math.max(constant, chance) + MARGIN) return undefined;
  const figures = `average precision ${own.toFixed(3)}; flag everything: ${constant.toFixed(3)}, random: ${chance.toFixed(3)}`;
  return `hardly better than no detector: ${figures} (at least ${MARGIN} more is asked for)`;
}

export interface Judged {
  readonly planted: boolean;
  readonly score: number;
}

/**
 * The highest score in each minute of each series. What is planted may be told a minute late, by detectors that count
 * until a minute is over: the minute after it counts for it, and is no false alarm.
 */
export function minutes({ rows, item, planted, table }: Recording, score: Score): Judged[] {
  const bins = new Map<number, { planted: boolean; score: number }>();
  let seriesOfItem = 0;
  for (let row = 0; row < rows.length; row++) {
    // rows of one histogram are judged as one, under the series of the first
    if (row === 0 || item[row] !== item[row - 1]) seriesOfItem = rows.series[row];
    const key = Math.floor(rows.time[row] / MINUTE) * table.length + seriesOfItem;
    const bin = bins.get(key);
    const isPlanted = planted[item[row]] === 1;
    if (!bin) bins.set(key, { planted: isPlanted, score: score(row) });
    else {
      bin.planted ||= isPlanted;
      bin.score = Math.max(bin.score, score(row));
    }
  }
  const judged: Judged[] = [];
  for (const [key, bin] of bins) {
    const later = bins.get(key + table.length);
    if (bin.planted) judged.push({ planted: true, score: Math.max(bin.score, later?.score ?? 0) });
    else if (!bins.get(key - table.length)?.planted) judged.push(bin);
  }
  return judged;
}

/** Area under precision by recall; equal scores are one step, so that constant ones get the share of what is planted. */
export function averagePrecision(judged: readonly Judged[]): number {
  const positives = judged.filter(({ planted }) => planted).length;
  if (positives === 0) throw new Error("nothing is planted in the stream");
  const ranked = [...judged].sort((a, b) => b.score - a.score);
  let found = 0;
  let area = 0;
  for (let i = 0; i < ranked.length; ) {
    const before = found;
    const { score } = ranked[i];
    for (; i < ranked.length && ranked[i].score === score; i++) if (ranked[i].planted) found++;
    area += ((found - before) / positives) * (found / i);
  }
  return area;
}
