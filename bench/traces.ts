// npm run quality:traces: how well faults in generated worlds of traces are found, into traces.md.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { presentDetectors } from "./detectors.ts";
import { faultTable, listOf, quietTable } from "./trace_report.ts";
import { type TrialOptions, trialsOf } from "./trace_trial.ts";
import type { FaultKind } from "./world/faults.ts";
import { FAULT_KINDS } from "./world/plan.ts";

/** Settings are chosen on seeds below it, figures are reported on seeds from it on. */
const REPORTED = 1000;
/** None: each detector draws its line where its own default says. */
const BUDGET = "";
/** Share of spans, in worlds where they are dropped from within traces. */
const DROPPED = 0.1;

const { values } = parseArgs({
  options: {
    /** Of the first world. */
    seed: { type: "string" },
    worlds: { type: "string" },
    /** Worlds without faults, of a day each. */
    days: { type: "string" },
    only: { type: "string", multiple: true },
    fault: { type: "string", multiple: true },
    budget: { type: "string" },
    rate: { type: "string" },
    sampling: { type: "string" },
    /** Worlds of which only a part is kept, of each kind. */
    sampled: { type: "string" },
    threads: { type: "string", default: "2" },
  },
});
/** Then every fault and false alarm is listed, and nothing is written. */
const tuning = Object.entries(values).some(([name, value]) => name !== "threads" && value !== undefined);
const strange = values.fault?.find((kind) => !FAULT_KINDS.includes(kind as FaultKind));
if (strange) throw new Error(`there is no fault ${strange}; there are ${FAULT_KINDS.join(", ")}`);
const detectors = presentDetectors(values.only);
if (detectors.length === 0) throw new Error("there are no such detectors");

const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text));
const budget = values.budget ?? BUDGET;
const seed = Number(values.seed ?? REPORTED);
const fewer = Number(values.sampled ?? (tuning ? 0 : 4));
const common = {
  only: detectors,
  budget,
  requestsPerSecond: numberOf(values.rate),
  sampling: numberOf(values.sampling),
};
const faults = FAULT_KINDS.filter((kind) => values.fault?.includes(kind) ?? true);
const count = FAULT_KINDS.length;
const several = (first: number, worlds: number, options: Omit<TrialOptions, "seed">): TrialOptions[] =>
  Array.from({ length: worlds }, (_, i) => ({ ...options, seed: seed + first + i }));

/** What changes the shape of traces, for the figures of `sampled`. */
const SHAPES: readonly FaultKind[] = [
  "new_call",
  "missing_call",
  "retry_storm",
  "repeated_call",
  "fan_out",
  "new_operation",
  "new_path",
];
const told = { trace_structure: { sampled: true } };
const shapes = { only: ["trace_structure"], settings: told, budget, faults: SHAPES, count: SHAPES.length };

const groups = {
  faulty: several(0, Number(values.worlds ?? (tuning ? 3 : 12)), { ...common, faults, count }),
  normal: several(100, Number(values.days ?? (tuning ? 1 : 8)), { ...common, faults: "none" }),
  sampled: several(200, fewer, { ...common, faults, count, requestsPerSecond: 20, sampling: 0.1 }),
  told: several(200, fewer, { ...shapes, requestsPerSecond: 20, sampling: 0.1 }),
  dropped: several(300, fewer, { ...shapes, noise: { dropped: DROPPED } }),
};
const trials = await trialsOf(Object.values(groups).flat(), Number(values.threads));
const rest = [...trials];
const [faulty, normal, sampled, whole, dropped] = Object.values(groups).map(({ length }) => rest.splice(0, length));

const sections: string[] = [];
if (faulty.length > 0) sections.push(`## Faults\n\n${faultTable(faulty)}`);
if (sampled.length > 0) {
  sections.push(`## Faults where a tenth of the traces is kept

Four times the requests, head sampling of 10 %.

${faultTable(sampled)}`);
}
if (whole.length > 0) {
  sections.push(`## With \`sampled: true\`

\`trace_structure\` alone, told that spans are missing from traces: in the worlds above, and in worlds of which each span is dropped with a chance of
${100 * DROPPED} %, whatever becomes of the others of its trace. A call of which half is left out is then no news, as its option says.

### A tenth of the traces is kept

${faultTable(whole)}

### ${100 * DROPPED} % of the spans are dropped

${faultTable(dropped)}

${quietTable(dropped)}`);
}
if (normal.length > 0) sections.push(`## False alarms on days without a fault\n\n${quietTable(normal)}`);
if (faulty.length > 0) sections.push(`## False alarms between the faults\n\n${quietTable(faulty)}`);

const spans = trials.reduce((sum, trial) => sum + trial.spans, 0);
const report = `# Detection in traces

Written by \`npm run quality:traces\`: generated worlds of ten services, some 50 operations and 5 requests a second by day (\`world/\`), with the noise of
real ones: heavy tails, slow common factors, small outages, retries, deployments, late exports, clocks that are off. ${detectors.map((each) => `\`${each}\``).join(", ")}
${budget === "" ? "without an option" : `with \`alert_budget: ${budget}\` each, and nothing else configured`}. 8 hours to learn, then a fault every 40 minutes, for 10 minutes each. Found: an
alarm about a service at fault while it lasts; of an edge that is either end. First blamed: whom the first alarm of all is about; what is said within the
same moment is first together. Settings were chosen on worlds of other seeds.

${trials.length} worlds, ${(spans / 1e6).toFixed(1)} million spans; Node ${process.version}, ${cpus()[0]?.model ?? "unknown CPU"}.

${sections.join("\n\n")}
`;
if (tuning) process.stdout.write(`${listOf(trials)}\n\n`);
process.stdout.write(report);
if (!tuning) writeFileSync(new URL("traces.md", import.meta.url), report);
