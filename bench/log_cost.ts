// npm run bench:logs: what the log processors cost a record, each behind drain and all together, at 2,000 templates; writes log_cost.md. --smoke: shows that it runs.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { logSeconds, RECORDS_A_SECOND, RECORDS_OF_A_TRACE, SERVICES, START, TASKS, TEMPLATES } from "./log_traffic.ts";
import { meanOf, playerOf, playInTurns, type Run } from "./players.ts";

const DETECTORS = ["new_template", "template_rate", "log_sequence", "log_values", "log_schema"];
const SETS: readonly (readonly [name: string, processors: readonly string[], options?: object])[] = [
  ["nothing: forwarded", []],
  ["`drain` that annotates nothing", ["drain"], { annotate: "none" }],
  ["`drain`", ["drain"]],
  ...DETECTORS.map((type) => [`\`drain\` and \`${type}\``, ["drain", type]] as const),
  ["`drain` and all five detectors", ["drain", ...DETECTORS]],
];

const smoke = process.argv.includes("--smoke");
const LENGTH = smoke ? 20 : 240;
const WARM = smoke ? 10 : 120;

const runs: Run[] = [];
for (const [name, processors, options = {}] of SETS) {
  const written = Object.fromEntries(processors.map((type) => [type, type === "drain" ? options : {}]));
  runs.push({ name, player: await playerOf("logs", written, START), spent: [] });
}
await playInTurns("logs", runs, logSeconds(), { start: START, warm: WARM, length: LENGTH });

const [nothing, , drain] = runs.map((run) => meanOf(run, RECORDS_A_SECOND));
const lines = runs.map((run, i) => {
  const own = meanOf(run, RECORDS_A_SECOND);
  const more = i === 0 ? "" : (own - (i < 3 ? nothing : drain)).toFixed(0);
  return `| ${run.name} | ${own.toFixed(0)} | ${more} |`;
});
const report = `# What log detection costs

What \`npm run bench:logs\` measured on ${cpus()[0].model}, Node ${process.version}: CPU of the whole process, second by second in turns, after ${WARM} s of the same traffic:
${RECORDS_A_SECOND.toLocaleString("en-US")} records a second of ${TEMPLATES.toLocaleString("en-US")} templates in ${SERVICES} services, lines of some 200 bytes, half of them text and half JSON, with three parameters and five
attributes, ${RECORDS_OF_A_TRACE} records a trace, of ${TASKS} kinds a service. "More" is what \`drain\` costs beside reading and forwarding, and what a detector costs beside \`drain\`.

| processors | ns a record | more |
|---|---:|---:|
${lines.join("\n")}
`;
console.log(report);
if (!smoke) writeFileSync(new URL("log_cost.md", import.meta.url), report);
for (const { player } of runs) await player.stop();
