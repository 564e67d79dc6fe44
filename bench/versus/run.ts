// npm run bench:versus: Vedette beside the OpenTelemetry Collector and Rotel, on the same work in turns; writes versus.md and versus.svg. --smoke: shows that it runs.
import { existsSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CASES, type Case } from "./cases.ts";
import { chart } from "./chart.ts";
import { contestants } from "./contestants.ts";
import { type Measured, measure, measureWays, type Way } from "./measure.ts";
import { report } from "./report.ts";
import { type Side, side } from "./trial.ts";

const { values } = parseArgs({
  options: {
    smoke: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    against: { type: "string", default: "" },
  },
});
const { smoke, only, against } = values;

if (!existsSync("/proc/self/stat")) {
  console.log("skipped: CPU time of other processes is read from /proc, which this system does not have");
  process.exit();
}
const { present, missing } = contestants();
for (const sentence of missing) console.log(`left out: ${sentence}`);
if (present.length === 1 && !smoke) {
  console.log("skipped: there is nothing to compare with");
  process.exit();
}

const among = present.filter(({ name }, i) => i === 0 || name.toLowerCase().includes(against.toLowerCase()));
const chosen = (smoke ? CASES.slice(0, 2) : CASES).filter(({ name }) => name.includes(only));
const rounds = smoke ? 1 : Number(values.rounds);
const results: [Case, Measured[]][] = [];
const ways: [Case, Way[]][] = [];
for (const each of chosen) {
  const able = among.filter((contestant) => contestant.does(each) !== undefined);
  const between: Side = await side(smoke ? { ...each, series: 1000 } : each);
  try {
    const measured = await measure(each, able, between, { rounds, smoke });
    results.push([each, measured]);
    for (const { contestant, cpu, rate } of measured) {
      console.log(
        `${each.name}: ${contestant.name} ${cpu.median.toFixed(0)} ns a row, ${Math.round(rate.median)} rows/s`,
      );
    }
    if (each.ways) ways.push([each, await measureWays(each, measured, between, { rounds, smoke })]);
  } finally {
    between.stop();
  }
}
const text = report({ present: among, missing, results, ways, rounds });
console.log(text);
if (!smoke && only === "" && against === "") {
  writeFileSync(new URL("../versus.md", import.meta.url), text);
  writeFileSync(new URL("../versus.svg", import.meta.url), chart(results));
}
