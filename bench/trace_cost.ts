// npm run bench:traces: what the trace processors cost a span, each and all together, at 2,000 operations; writes trace_cost.md. --smoke: shows that it runs.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { meanOf, playerOf, playInTurns, type Run } from "./players.ts";
import { OPERATIONS, SERVICES, SPANS_A_SECOND, SPANS_OF_A_TRACE, START, spanSeconds } from "./span_traffic.ts";

const DETECTORS = ["span_duration", "span_errors", "span_rate", "trace_structure", "service_graph"];
const SETS: readonly (readonly [name: string, processors: readonly string[]])[] = [
  ["nothing: forwarded", []],
  ...[...DETECTORS, "anomaly_sampling"].map((type) => [`\`${type}\` alone`, [type]] as const),
  ["all five detectors", DETECTORS],
  ["all five, and `anomaly_sampling` at 10 %", [...DETECTORS, "anomaly_sampling"]],
];

const smoke = process.argv.includes("--smoke");
const SECONDS = smoke ? 20 : 300;
const WARM = smoke ? 10 : 150;

const runs: Run[] = [];
for (const [name, processors] of SETS) {
  const options = (type: string) =>
    type === "anomaly_sampling" ? { sampling_percentage: 10 } : { alert_budget: "5/day" };
  const written = Object.fromEntries(processors.map((type) => [type, options(type)]));
  runs.push({ name, player: await playerOf("traces", written, START), spent: [] });
}
await playInTurns("traces", runs, spanSeconds(), { start: START, warm: WARM, length: SECONDS });

const mean = (run: Run) => meanOf(run, SPANS_A_SECOND);
const memory = ({ player }: Run) =>
  player.agent
    .measurements()
    .filter(({ name }) => name === "vedette_detector_state_bytes" || name === "vedette_traces_bytes")
    .reduce((sum, { value }) => sum + value, 0);
const [nothing] = runs;
const lines = runs.map((run) => {
  const more = run === nothing ? "" : (mean(run) - mean(nothing)).toFixed(0);
  return `| ${run.name} | ${mean(run).toFixed(0)} | ${more} | ${(memory(run) / 1e6).toFixed(1)} |`;
});
const report = `# What trace detection costs

What \`npm run bench:traces\` measured on ${cpus()[0].model}, Node ${process.version}: CPU of the whole process, second by second in turns, after ${WARM} s of the same traffic:
${SPANS_A_SECOND.toLocaleString("en-US")} spans a second of ${OPERATIONS.toLocaleString("en-US")} operations in ${SERVICES} services, traces of ${SPANS_OF_A_TRACE} spans spread over as many requests as they have services. "More" is
what the processors cost beside reading and forwarding, the putting together of traces included, which the detectors share. Memory is the columns of detectors and of
open traces; what finders keep in maps is not in it.

| processors | ns a span | more | MB of columns |
|---|---:|---:|---:|
${lines.join("\n")}
`;
console.log(report);
if (!smoke) writeFileSync(new URL("trace_cost.md", import.meta.url), report);
for (const { player } of runs) await player.stop();
