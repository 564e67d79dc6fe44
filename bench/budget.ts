// npm run bench:budget: months of normal telemetry through real detectors with an alert budget; writes budget.md. --smoke: an hour of each.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Batch, DetectorPlugin, Labels } from "../src/api/index.ts";
import { Detector } from "../src/pipeline/detect.ts";
import type { DetectorOptions } from "../src/pipeline/options.ts";
import { optionsOf, Registry } from "../src/registry.ts";
import { SeriesTable } from "../src/series/table.ts";
import { fakeHost, seededRandom } from "../src/testing/fake_host.ts";

const MINUTE = 60_000;
const DAY = 1440;
const BEGIN = Date.UTC(2026, 0, 5);

type Random = () => number;
/** The value of a series at a minute. */
type Shape = (random: Random) => (minute: number) => number;

const exponential = (random: Random) => -Math.log(1 - random());
const gaussian = (random: Random) => Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random());
const t3 = (random: Random) => Math.sqrt(3 * ((1 - random()) ** (-2 / 3) - 1)) * Math.cos(2 * Math.PI * random());
const daily = (minute: number) => Math.sin((2 * Math.PI * minute) / DAY);

function poisson(random: Random, mean: number): number {
  const end = Math.exp(-mean);
  let count = 0;
  for (let p = random(); p > end; p *= random()) count++;
  return count;
}

const walk =
  (step: (random: Random) => number, memory: number): Shape =>
  (random) => {
    let x = 0;
    return () => {
      x = memory * x + step(random);
      return 1000 + x;
    };
  };

const SHAPES: Record<string, Shape> = {
  normal: (random) => () => 100 + 10 * gaussian(random),
  "log-normal": (random) => () => 50 * Math.exp(0.5 * gaussian(random)),
  Laplace: (random) => () => 100 + 5 * exponential(random) * (random() < 0.5 ? -1 : 1),
  t3: (random) => () => 100 + 5 * t3(random),
  Poisson: (random) => () => poisson(random, 8),
  "daily season": (random) => (minute) => 200 + 80 * daily(minute) + 10 * gaussian(random),
  "AR(0.9)": walk(gaussian, 0.9),
  "AR(0.99) of t3": walk(t3, 0.99),
};

const FIVE = ["normal", "log-normal", "Laplace", "t3", "Poisson"];
const HEAVY = ["normal", "log-normal", "daily season", "Poisson", "AR(0.99) of t3"];

interface Scenario {
  readonly detector: string;
  readonly series: number;
  readonly shapes: readonly string[];
  readonly days: number;
  readonly budget: string;
  readonly perDay: number;
}

const one = (detector: string): Scenario[] =>
  ["normal", "t3", "daily season", "AR(0.99) of t3"].map((shape) => {
    return { detector, series: 1, shapes: [shape], days: 30, budget: "1/day", perDay: 1 };
  });
const fleet = (detector: string, days: number): Scenario[] => [
  { detector, series: 200, shapes: FIVE, days: 30, budget: "1/day", perDay: 1 },
  { detector, series: 200, shapes: FIVE, days: 30, budget: "10/day", perDay: 10 },
  { detector, series: 200, shapes: HEAVY, days: 30, budget: "1/day", perDay: 1 },
  { detector, series: 10_000, shapes: HEAVY, days, budget: "1/day", perDay: 1 },
];

const NAMELESS: Labels = {
  resource: {},
  scope: { name: "", version: "" },
  name: "m",
  statistic: "",
  unit: "1",
  attributes: {},
  traceId: "",
  spanId: "",
};

/** False alarms by day, and rarity where the line lies at the end. */
function run(plugin: DetectorPlugin<any, any, any>, { series, shapes, days, budget }: Scenario, minutes: number) {
  const table = new SeriesTable(series);
  const options = optionsOf(plugin as never).parse({ alert_budget: budget, annotate: "none" });
  const byDay = new Array<number>(days).fill(0);
  const raise = ({ time }: { time: number }) => byDay[Math.floor((time - BEGIN) / MINUTE / DAY)]++;
  const detector = new Detector(plugin, options, options as unknown as DetectorOptions, fakeHost(), table, raise);
  const rows = {
    length: series,
    series: new Uint32Array(series),
    time: new Float64Array(series),
    offset: new Uint32Array(series),
    value: new Float64Array(series),
  };
  const hashes = Int32Array.from({ length: series }, (_, s) => Math.imul(s + 1, 0x9e3779b1));
  table.assign(hashes, hashes, series, rows.series);
  const values = Array.from({ length: series }, (_, s) =>
    SHAPES[shapes[s % shapes.length]](seededRandom(7919 * s + 1)),
  );
  for (let minute = 0; minute < Math.min(days * DAY, minutes); minute++) {
    const time = BEGIN + minute * MINUTE;
    rows.time.fill(time);
    for (let s = 0; s < series; s++) rows.value[s] = values[s](minute);
    const batch = { signal: "metrics", bytes: new Uint8Array(0), receivedAt: time, rows, labels: () => NAMELESS };
    detector.process(batch as unknown as Batch<any>);
  }
  return { byDay, threshold: detector.threshold };
}

const smoke = process.argv.includes("--smoke");
const only = process.argv.find((argument) => argument.startsWith("--only="))?.slice("--only=".length);
const plugins = new Map((await Registry.all()).list().map(({ plugin }) => [plugin.type, plugin]));
const scenarios = [...fleet("ewma", 20), ...one("ewma"), ...fleet("auto", 6), ...one("auto")];
const lines: string[] = [];
for (const scenario of scenarios) {
  const { detector, series, shapes, days, budget, perDay } = scenario;
  const plugin = plugins.get(detector);
  if (!plugin || (only && detector !== only)) continue;
  const { byDay, threshold } = run(plugin as DetectorPlugin<any, any, any>, scenario, smoke ? 60 : Infinity);
  const mean = (from: number) => {
    const some = byDay.slice(from);
    return some.length === 0 ? "" : (some.reduce((sum, n) => sum + n, 0) / some.length).toFixed(2);
  };
  const what = shapes === FIVE ? "five shapes" : shapes === HEAVY ? "five shapes, a fifth heavy" : shapes[0];
  const cells = [detector, series.toLocaleString("en-US"), what, days, budget, byDay[0], mean(1), mean(0)];
  lines.push(`| ${cells.join(" | ")} | ${(Number(mean(0)) / perDay).toFixed(2)} | ${threshold.toFixed(1)} |`);
  console.log(lines.at(-1));
}

const report = `# Alert budgets

What \`npm run bench:budget\` measured on ${cpus()[0].model}, Node ${process.version}: points of normal telemetry, one a minute and series, without a single fault in
them, so that every anomaly is a false alarm. \`alert_budget\` is all that was configured. Seeded: the same code gives the same table.

Five shapes: ${FIVE.join(", ")}. A fifth heavy: ${HEAVY.join(", ")}.

| detector | series | values | days | asked | first day | a day after it | a day in all | measured / asked | line at the end |
|---|---:|---|---:|---:|---:|---:|---:|---:|---:|
${lines.join("\n")}
`;
if (!smoke && !only) writeFileSync(new URL("budget.md", import.meta.url), report);
