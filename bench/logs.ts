// npm run quality:logs: how well faults in generated worlds of logs are found, into logs.md.
//
// To look at one kind while building a detector (some 20 s; other seeds give other statements and places):
//
//     npm run -s quality:logs -- --seed 1 --only new_template --fault new_error --worlds 2 --days 0
//     npm run -s quality:logs -- --seed 1 --only new_template --worlds 0 --days 1 --verbose     (false alarms of a day)
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { LOG_DETECTORS, presentLogs } from "./detectors.ts";
import { listOfLogs, logFaultTable, quietLogTable } from "./log_report.ts";
import { type LogTrialOptions, logTrialsOf } from "./log_trial.ts";
import type { LogFaultKind } from "./log_world/faults.ts";
import { LOG_FAULT_KINDS } from "./log_world/plan.ts";

/** Settings are chosen on seeds below it, figures are reported on seeds from it on. */
const REPORTED = 1000;
/** None: each detector draws its line where its own default says. */
const BUDGET = "";
const LEAST = 8;

const { values } = parseArgs({
  options: {
    /** Of the first world. */
    seed: { type: "string" },
    worlds: { type: "string" },
    /** Worlds without faults, of a day each. */
    days: { type: "string" },
    only: { type: "string", multiple: true },
    fault: { type: "string", multiple: true },
    /** How many faults a world has; each of the kinds once unless given, but at least `LEAST`. */
    count: { type: "string" },
    budget: { type: "string" },
    rate: { type: "string" },
    verbose: { type: "boolean" },
    threads: { type: "string", default: "2" },
  },
});
/** Then every fault and false alarm is listed, and nothing is written. */
const tuning = Object.entries(values).some(([name, value]) => name !== "threads" && value !== undefined);
const strange = values.fault?.find((kind) => !LOG_FAULT_KINDS.includes(kind as LogFaultKind));
if (strange) throw new Error(`there is no fault ${strange}; there are ${LOG_FAULT_KINDS.join(", ")}`);
const detectors = presentLogs(values.only);
const absent = (values.only ?? LOG_DETECTORS).filter((type) => !detectors.includes(type));
if (absent.length > 0) process.stderr.write(`not there, and left out: ${absent.join(", ")}\n`);
if (detectors.length === 0) throw new Error("there are no such detectors");

const faults = LOG_FAULT_KINDS.filter((kind) => values.fault?.includes(kind) ?? true);
const seed = Number(values.seed ?? REPORTED);
const several = (first: number, worlds: number, some: LogTrialOptions["faults"]): LogTrialOptions[] =>
  Array.from({ length: worlds }, (_, i) => ({
    seed: seed + first + i,
    faults: some,
    count: Number(values.count ?? Math.max(LEAST, faults.length)),
    detectors,
    budget: values.budget ?? BUDGET,
    rate: values.rate === undefined ? undefined : Number(values.rate),
  }));
const faulty = several(0, Number(values.worlds ?? (tuning ? 3 : 8)), faults);
const normal = several(100, Number(values.days ?? (tuning ? 1 : 4)), "none");
const trials = await logTrialsOf([...faulty, ...normal], Number(values.threads));
const withFaults = trials.slice(0, faulty.length);
const quiet = trials.slice(faulty.length);

const sections: string[] = [];
if (withFaults.length > 0) sections.push(`## Faults\n\n${logFaultTable(withFaults)}`);
if (quiet.length > 0) sections.push(`## False alarms on days without a fault\n\n${quietLogTable(quiet)}`);
if (withFaults.length > 0) {
  sections.push(
    `## False alarms about services without a fault, while others have one\n\n${quietLogTable(withFaults)}`,
  );
}
const records = trials.reduce((sum, trial) => sum + trial.records, 0);
const told = values.budget
  ? `with \`alert_budget: ${values.budget}\` each, and nothing else configured`
  : "without an option";
const report = `# Detection in logs

Written by \`npm run quality:logs\`: generated worlds of thirty services (\`log_world/\`) that log some 36 records a second by day, as plain text of various
styles, logfmt, JSON, key-value lists and access logs, with the noise of real ones: seasons, slow common factors, statements at rates of a thousand to one, small
troubles, retries and aborts, hourly and daily jobs, restarts, deployments, statements that come once a day, numbers with heavy tails, values seen once in a
thousand. ${detectors.map((each) => `\`${each}\``).join(", ")} behind \`drain\`, ${told}. 8 hours to learn, then a fault every 25 minutes, for 15 minutes each. Found: an alarm
about the service at fault while it lasts. Template named: an alarm shows the words of a statement at fault. A deployment that adds statements and the first run of a
daily job are new and no fault: one alarm of \`new_template\` about each is counted by itself. Settings were chosen on worlds of other seeds.

${trials.length} worlds, ${(records / 1e6).toFixed(1)} million records; Node ${process.version}, ${cpus()[0]?.model ?? "unknown CPU"}.

${sections.join("\n\n")}
`;
if (tuning) process.stdout.write(`${listOfLogs(trials, values.verbose ?? false)}\n\n`);
process.stdout.write(report);
if (!tuning) writeFileSync(new URL("logs.md", import.meta.url), report);
