// A cheap detector on every row, a costly one only on those that surprise the cheap one most, and on a few to know what is normal.
import { defineCombination, detectorId, z } from "vedette";

/** Step of the level that a share of the scores is above, on their logarithm: at first, and at least. */
const FIRST_STEP = 1;
const LEAST_STEP = 0.1;
/** The logarithm of a score stays within these; that of 0 is at the lower end. */
const FARTHEST = 100;

// What becomes of a row.
const ORDINARY = 0;
const TAUGHT = 1;
const EARLY = 2;
const PASSED = 3;

let chosen = new Uint32Array(0);
let fate = new Uint8Array(0);

/** In [0, 1); looks random, the same in every process. */
function chance(draw: number): number {
  let x = Math.imul(draw + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

export default defineCombination({
  type: "cascade",
  stability: "alpha",
  summary: "Runs a cheap detector on every row, and a costly one only on what surprises it.",
  config: z.object({
    first: detectorId().describe("Id of the cheap detector, as defined under `processors`: it judges every row."),
    second: detectorId().describe("Id of the costly one: it judges what passes, and its scores count."),
    share: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.05)
      .describe("Share of the rows of each series that passes: those that surprise the cheap one most."),
    sample: z
      .number()
      .min(0)
      .max(1)
      .default(0.05)
      .describe("Share of the other rows from which the costly one learns what is ordinary; they are not judged."),
    learn: z
      .int()
      .min(1)
      .default(256)
      .describe("Rows of a series that all go to the costly one at first, so that it has something to judge by."),
  }),
  parts: ({ first, second }) => [first, second],
  state: { rows: "u32", level: "f64" },
  scoreThenLearn({ length, series }, { rows, level }, verdicts, { share, sample, learn }, [first, second]) {
    const { score } = verdicts;
    if (chosen.length < length) {
      chosen = new Uint32Array(length);
      fate = new Uint8Array(length);
    }
    for (let i = 0; i < length; i++) chosen[i] = i;
    first.judge(chosen, length, verdicts);
    let count = 0;
    for (let i = 0; i < length; i++) {
      fate[i] = ORDINARY;
      if (!(score[i] >= 0)) continue;
      const s = series[i];
      const n = rows[s];
      if (n < 0xffffffff) rows[s] = n + 1;
      const x = Math.max(-FARTHEST, Math.min(FARTHEST, Math.log(score[i])));
      const above = n > 0 && x > level[s];
      // from 0, where there is no scale, the first step is as long as it takes
      if (n === 0 || level[s] === -FARTHEST) level[s] = x;
      const step = Math.max(LEAST_STEP, FIRST_STEP / Math.sqrt(n + 1));
      // rows above lift the level as much as those below lower it when there are `share` of them (Robbins & Monro 1951)
      level[s] = Math.max(-FARTHEST, level[s] + step * (above ? 1 - share : -share));
      fate[i] = n < learn ? EARLY : above ? PASSED : chance(n) < sample ? TAUGHT : ORDINARY;
      if (fate[i] !== ORDINARY) chosen[count++] = i;
    }
    second.judge(chosen, count, verdicts);
    for (let i = 0; i < length; i++) {
      if (fate[i] === EARLY) score[i] = Number.NaN;
      else if (fate[i] !== PASSED && score[i] >= 0) score[i] = 0;
    }
  },
});
