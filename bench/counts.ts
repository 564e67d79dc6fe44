// npm run bench:counts: false alarms, delays and cost of the statistics of counts, into counts.md. --smoke: a little of each.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { StateShape } from "../src/api/index.ts";
import {
  judgeRate,
  judgeRatio,
  paceOf,
  RATE_STATE,
  RATIO_STATE,
  type RateState,
  type RatioState,
  rate,
  ratio,
} from "../src/counts/index.ts";
import { SeriesState } from "../src/series/state.ts";
import { seededRandom } from "../src/testing/fake_host.ts";
import { poisson } from "../src/testing/stream.ts";
import { measure } from "./harness.ts";
import { KINDS, type Kind, traffic } from "./traffic.ts";

const smoke = process.argv.includes("--smoke");
/** Constants were chosen on traffic of seeds below it. */
const SEED = 1000;
const STEP = 10;
const DAY = 86_400 / STEP;
/** A Monday, in seconds. */
const MONDAY = 1_728_259_200;
const LINE = 6;
const PACE = paceOf(STEP * 1000);
const RATES = [0.1, 1, 10, 1000];

function columns<Shape extends StateShape>(shape: Shape, series: number): SeriesState<Shape> {
  const state = new SeriesState(shape);
  state.grow(series);
  return state;
}

/** The rarity of interval i with y events. */
function judged(state: RateState, s: number, i: number, y: number): number {
  judgeRate(state, s, MONDAY + i * STEP, y, PACE, LINE);
  return rate.rarity;
}

/** Anomalies per 1,000 series and day where nothing is wrong: on the first two days, and after them. */
function falseAlarms(kind: Kind, perSecond: number): string {
  const [series, days] = smoke ? [2, 3] : [30, 10];
  const { columns: state } = columns(RATE_STATE, series);
  const told = [0, 0];
  for (let s = 0; s < series; s++) {
    const next = traffic(kind, perSecond * STEP, SEED + s);
    for (let i = 1; i <= days * DAY; i++) {
      if (judged(state, s, i, next(MONDAY + i * STEP)) >= LINE) told[i <= 2 * DAY ? 0 : 1]++;
    }
  }
  const share = (count: number, of: number) => ((1000 * count) / series / of).toFixed(1);
  return `${share(told[0], 2)} / ${share(told[1], days - 2)}`;
}

/** Median seconds until a change by that factor is told, after three days of the traffic; and the share of series where it is, within two hours. */
function delay(kind: Kind, perSecond: number, factor: number): string {
  const series = smoke ? 2 : 30;
  const { columns: state } = columns(RATE_STATE, series);
  const delays: number[] = [];
  for (let s = 0; s < series; s++) {
    const next = traffic(kind, perSecond * STEP, SEED + s);
    const begin = Math.floor((3 + s / series) * DAY);
    let after = Number.POSITIVE_INFINITY;
    for (let i = 1; i <= begin + 720 && after === Number.POSITIVE_INFINITY; i++) {
      const found = judged(state, s, i, next(MONDAY + i * STEP, i > begin ? factor : 1)) >= LINE;
      if (found && i > begin && rate.observed > rate.expected === factor > 1) after = (i - begin) * STEP;
    }
    delays.push(after);
  }
  return timeOf(delays);
}

/** The median, and the share of those that are finite. */
function timeOf(delays: number[]): string {
  delays.sort((a, b) => a - b);
  const found = delays.filter(Number.isFinite).length / delays.length;
  const median = delays[delays.length >> 1];
  const time = median < 120 ? `${median} s` : `${Math.round(median / 60)} min`;
  return `${Number.isFinite(median) ? time : "-"}${found < 1 ? ` (${Math.round(100 * found)} %)` : ""}`;
}

/** CPU nanoseconds an interval of a series. */
function cost(perSecond: number): number {
  const series = 2000;
  const { columns: state } = columns(RATE_STATE, series);
  const next = traffic("uneven", perSecond * STEP, SEED);
  const counts = Float64Array.from({ length: 10_007 }, (_, i) => next(MONDAY + i * STEP));
  let i = 0;
  const run = () => {
    i++;
    for (let s = 0; s < series; s++) judged(state, s, i, counts[(i * series + s) % counts.length]);
  };
  for (let warm = 0; warm < (smoke ? 10 : 1000); warm++) run();
  return measure([{ name: "", items: series, run }], smoke ? { rounds: 1, slice: 5 } : {})[0].cpu;
}

/** Shares of failing calls, and how many fail together. */
const SHARES: readonly (readonly [name: string, share: number, together: number])[] = [
  ["none fail", 0, 1],
  ["0.5 %", 0.005, 1],
  ["2 %", 0.02, 1],
  ["30 %", 0.3, 1],
  ["all fail", 1, 1],
  ["2 %, three together on average", 0.02, 3],
];
/** Calls a second for which errors are measured. */
const CALLS = [0.1, 1, 10];

/** Judges interval i, of calls that fail with that share; the rarity. */
function failing(
  state: RatioState,
  s: number,
  i: number,
  calls: number,
  random: () => number,
  share: number,
  together = 1,
): number {
  const n = poisson(random, calls);
  let k = 0;
  for (let call = 0; call < n; call++) {
    if (random() < share / together) k += together > 1 ? 1 + poisson(random, together - 1) : 1;
  }
  judgeRatio(state, s, (MONDAY + i * STEP) * 1000, STEP * 1000, n, Math.min(n, k), 3, LINE);
  return ratio.rarity;
}

/** Anomalies per 1,000 series and day where nothing is wrong. */
function falseErrors(perSecond: number, share: number, together: number): string {
  const [series, days] = smoke ? [2, 2] : [60, 5];
  const { columns: state } = columns(RATIO_STATE, series);
  let told = 0;
  for (let s = 0; s < series; s++) {
    const random = seededRandom(SEED + s);
    for (let i = 1; i <= days * DAY; i++)
      if (failing(state, s, i, perSecond * STEP, random, share, together) >= LINE) told++;
  }
  return ((1000 * told) / series / days).toFixed(1);
}

/** Median seconds until so many more calls fail than the usual, after a day; and the share of series where it is told within half an hour. */
function delayOfErrors(perSecond: number, usual: number, share: number): string {
  const series = smoke ? 2 : 60;
  const { columns: state } = columns(RATIO_STATE, series);
  const delays: number[] = [];
  for (let s = 0; s < series; s++) {
    const random = seededRandom(SEED + s);
    let after = Number.POSITIVE_INFINITY;
    for (let i = 1; i <= DAY + 180 && after === Number.POSITIVE_INFINITY; i++) {
      const found = failing(state, s, i, perSecond * STEP, random, i > DAY ? share : usual) >= LINE;
      if (found && i > DAY) after = (i - DAY) * STEP;
    }
    delays.push(after);
  }
  return timeOf(delays);
}

/** CPU nanoseconds an interval of a series of which 1 % fail. */
function costOfErrors(perSecond: number): number {
  const series = 2000;
  const { columns: state } = columns(RATIO_STATE, series);
  const random = seededRandom(SEED);
  const calls = Float64Array.from({ length: 10_007 }, () => poisson(random, perSecond * STEP));
  const errors = calls.map((n) => Math.min(n, poisson(random, 0.01 * n)));
  let i = 0;
  const run = () => {
    i++;
    for (let s = 0; s < series; s++) {
      const at = (i * series + s) % calls.length;
      judgeRatio(state, s, (MONDAY + i * STEP) * 1000, STEP * 1000, calls[at], errors[at], 3, LINE);
    }
  };
  for (let warm = 0; warm < (smoke ? 10 : 1000); warm++) run();
  return measure([{ name: "", items: series, run }], smoke ? { rounds: 1, slice: 5 } : {})[0].cpu;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [
    `| ${head.join(" | ")} |`,
    `|---|${"---:|".repeat(head.length - 1)}`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n");

const perSecond = RATES.map((each) => `${each}/s`);
const kinds = Object.keys(KINDS) as Kind[];
const quiet = kinds.map((kind) => [KINDS[kind], ...RATES.map((each) => falseAlarms(kind, each))]);
const CHANGES: readonly (readonly [name: string, factor: number])[] = [
  ["10 times", 10],
  ["3 times", 3],
  ["a third", 1 / 3],
  ["silence", 0],
];
const changes = CHANGES.map(([name, factor]) => [name, ...RATES.map((each) => delay("daily", each, factor))]);
const costs = [["ns", ...RATES.map((each) => cost(each).toFixed(0))]];
const calls = CALLS.map((each) => `${each}/s`);
const quietErrors = SHARES.map(([name, share, together]) => [
  name,
  ...CALLS.map((each) => falseErrors(each, share, together)),
]);
const INCREASES: readonly (readonly [name: string, usual: number, share: number])[] = [
  ["0.1 % to 3 %", 0.001, 0.03],
  ["0.1 % to 20 %", 0.001, 0.2],
  ["0.1 % to all", 0.001, 1],
  ["2 % to 6 %", 0.02, 0.06],
  ["2 % to 20 %", 0.02, 0.2],
];
const increases = INCREASES.map(([name, usual, share]) => [
  name,
  ...CALLS.map((each) => delayOfErrors(each, usual, share)),
]);
const costsOfErrors = [["ns", ...CALLS.map((each) => costOfErrors(each).toFixed(0))]];

const text = `# Statistics of counts

Written by \`npm run bench:counts\`: \`src/counts\` on generated counts in intervals of ${STEP} s, at a line of ${LINE}, which is one false alarm in a
million minutes of a series, or 1.4 per 1,000 series and day.

Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"}.

## Rates: false alarms

Per 1,000 series and day, in the first two days / after them; 30 series each, so that one alarm is 16.7 / 4.2.

${table(["traffic", ...perSecond], quiet)}

## Rates: how soon a change is told

Median after three days of a daily course, and the share of series where it was told within two hours, where that is not all.

${table(["change", ...perSecond], changes)}

## Rates: CPU an interval of a series, of ${columns(RATE_STATE, 1000).byteLength / 1000} bytes

${table(["", ...perSecond], costs)}

## Errors: false alarms

Per 1,000 series and day; 60 series of five days each, so that one alarm is 3.3. Here the line is one in a million intervals, or 8.6 per 1,000 series and
day.

${table(["calls that usually fail", ...calls], quietErrors)}

## Errors: how soon an increase is told

Median after a day of the usual share, and the share of series where it was told within half an hour, where that is not all.

${table(["share that fails", ...calls], increases)}

## Errors: CPU an interval of a series of which 1 % fail, of ${columns(RATIO_STATE, 1000).byteLength / 1000} bytes

${table(["", ...calls], costsOfErrors)}
`;

if (smoke) process.stdout.write(text);
else writeFileSync(new URL("counts.md", import.meta.url), text);
