// npm run bench:counts: false alarms, delays and cost of the statistics of counts, into counts.md. --smoke: a little of each.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { judgeRate, paceOf, RATE_STATE, type RateState, rate } from "../src/counts/index.ts";
import { SeriesState } from "../src/series/state.ts";
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

function columns(series: number): SeriesState<typeof RATE_STATE> {
  const state = new SeriesState(RATE_STATE);
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
  const { columns: state } = columns(series);
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
  const { columns: state } = columns(series);
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
  delays.sort((a, b) => a - b);
  const found = delays.filter(Number.isFinite).length / series;
  const median = delays[series >> 1];
  const time = median < 120 ? `${median} s` : `${Math.round(median / 60)} min`;
  return `${Number.isFinite(median) ? time : "-"}${found < 1 ? ` (${Math.round(100 * found)} %)` : ""}`;
}

/** CPU nanoseconds an interval of a series. */
function cost(perSecond: number): number {
  const series = 2000;
  const { columns: state } = columns(series);
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

## Rates: CPU an interval of a series, of ${columns(1000).byteLength / 1000} bytes

${table(["", ...perSecond], costs)}
`;

if (smoke) process.stdout.write(text);
else writeFileSync(new URL("counts.md", import.meta.url), text);
