// npm run quality:incidents: how many incidents the faults of generated worlds become, and whom they blame, into incidents.md.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { type IncidentOutcome, incidentOutcomes, isIncident, opened } from "./incident_figures.ts";
import { COMPANIES } from "./incident_plan.ts";
import { type IncidentTrial, incidentTrialsOf } from "./incident_trial.ts";
import { type Cell, clock, lasting, median, table } from "./markdown.ts";
import { present } from "./trial.ts";

/** Settings are chosen on seeds below it, figures are reported on seeds from it on. */
const REPORTED = 1000;
/** Slots of a world, with a fault or two each. */
const SLOTS = 9;

const { values } = parseArgs({
  options: {
    /** Of the first world. */
    seed: { type: "string" },
    worlds: { type: "string" },
    threads: { type: "string", default: "2" },
  },
});
/** Then every fault is listed with what was told of it, and nothing is written. */
const tuning = values.seed !== undefined || values.worlds !== undefined;
const first = Number(values.seed ?? REPORTED);
const processors = {
  ...Object.fromEntries(present(["episodes"]).map((type) => [type, {}])),
  correlate: { pass: "all" },
};
const wanted = Array.from({ length: Number(values.worlds ?? (tuning ? 2 : 8)) }, (_, i) => {
  return { seed: first + i, slots: SLOTS, processors };
});
const trials = await incidentTrialsOf(wanted, Number(values.threads));

const outcomes = trials.flatMap(incidentOutcomes);
const incidents = trials.map((trial) => opened(trial, isIncident));
const before = trials.map((trial) => opened(trial, (told) => !isIncident(told)));
const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
const share = (some: number, all: number) => `${((100 * some) / all).toFixed(0)} %`;

function rowOf(name: string, some: readonly IncidentOutcome[]): Cell[] {
  const told = some.filter(({ ids }) => ids.length > 0);
  const within = (place: number) => some.filter(({ rank }) => rank <= place).length;
  return [
    name,
    some.length,
    told.length,
    told.length > 0 ? lasting(median(told.map(({ delay }) => delay))) : "",
    share(some.filter(({ atFirst }) => atFirst).length, some.length),
    share(within(1), some.length),
    share(within(3), some.length),
    some.filter(({ ids }) => ids.length > 1).length,
    some.filter(({ shared }) => shared).length,
  ];
}

const HEAD = [
  "",
  "faults",
  "told",
  "median delay",
  "right when told",
  "right by the end",
  "among three",
  "told in several",
  "in one with another",
];
const kinds = [...new Set(outcomes.map(({ cause }) => cause.kind))].sort();
const pages = sum(incidents.map(({ wrong }) => wrong.length));
const episodes = sum(before.map(({ wrong }) => wrong.length));
const resolution = lasting(
  median(outcomes.filter(({ shared, resolved }) => !shared && !Number.isNaN(resolved)).map(({ resolved }) => resolved)),
);
const hours = sum(trials.map(({ learnt, end }) => (end - learnt) / 3_600_000));
const spans = sum(trials.map((trial) => trial.spans));
const records = sum(trials.map((trial) => trial.records));

const report = `# Incidents

Written by \`npm run quality:incidents\`: generated worlds, the shop of [traces.md](traces.md) with the thirty services of [logs.md](logs.md), nine of which are the same, and metrics of each service worked
out of its spans (CPU, the 95th percentile of whole durations, the share that failed: of those a caller has its callees' too). All detectors of traces and logs
without an option, \`auto\` for metrics with \`alert_budget: 1/day\`; behind them ${Object.keys(processors)
  .map((type) => `\`${type}\``)
  .join(
    " and ",
  )}. 8 hours to learn, then every 40 minutes a fault of 10 minutes: alone; two at once, of operations neither of
which calls the other; or one two to six minutes after another, anywhere else. Some have errors in the logs of their service as well, and a third of the second ones are in the logs of a
service that no trace knows. Settings were chosen on worlds of other seeds.

${trials.length} worlds, ${(spans / 1e6).toFixed(1)} million spans, ${(records / 1e6).toFixed(1)} million records; Node ${process.version}, ${cpus()[0]?.model ?? "unknown CPU"}.

- Incidents opened while something was wrong: ${pages}, **${(pages / outcomes.length).toFixed(2)} a fault** (at most 1.2 were aimed at). Of the episodes that they were made of there were ${(episodes / outcomes.length).toFixed(1)} a fault.
- The right service first by the end of the fault: **${share(outcomes.filter(({ byTheEnd }) => byTheEnd).length, outcomes.length)}** (at least 80 %), where faults that were not told at all count as wrong.
- Resolved after the end of a fault that shares its incident with none: ${resolution} in the median.
- Incidents opened at other times: ${sum(incidents.map(({ quiet }) => quiet.length))} in ${hours.toFixed(0)} hours.

A fault is told by an incident with an episode of a service at fault that was seen during the fault. Two faults that share an incident have one page between them, and mostly only one of
them is blamed first.

${table(HEAD, [
  ...COMPANIES.map((company) =>
    rowOf(
      company,
      outcomes.filter(({ cause }) => cause.company === company),
    ),
  ),
  rowOf("all", outcomes),
])}

## By kind of fault

${table(
  HEAD,
  kinds.map((kind) =>
    rowOf(
      kind,
      outcomes.filter(({ cause }) => cause.kind === kind),
    ),
  ),
)}
`;
if (tuning) process.stdout.write(`${trials.map(listOf).join("\n")}\n\n`);
process.stdout.write(report);
if (!tuning) writeFileSync(new URL("incidents.md", import.meta.url), report);
process.exit(0);

/** Every fault, and between them what was told. */
function listOf(trial: IncidentTrial): string {
  const lines: [at: number, line: string][] = incidentOutcomes(trial).map(({ cause, ids, rank, resolved, shared }) => {
    const { company, kind, trace, log, services, from } = cause;
    const where = `${trace?.target ?? log?.service} ${trace?.peer ?? ""} x${trace?.size ?? log?.size}`;
    const verdict = ids.length === 0 ? "NOT TOLD" : rank === 1 ? "" : `RANK ${rank}`;
    const end = Number.isNaN(resolved) ? "" : ` resolved ${lasting(resolved)} after it`;
    return [from, `>>> ${company} ${kind} ${where} of ${services}: ${verdict}${shared ? " shared" : ""}${end}`];
  });
  for (const { at, anomaly } of trial.told) {
    if (!anomaly.incident || at < trial.learnt) continue;
    const origins = anomaly.incident.origins.map((each) => `${each.service} ${each.share.toFixed(2)}`);
    lines.push([at, `  ${anomaly.state} ${anomaly.severity} ${anomaly.id} [${origins.join(", ")}] ${anomaly.reason}`]);
  }
  lines.sort((a, b) => a[0] - b[0]);
  return [`seed ${trial.options.seed}`, ...lines.map(([at, line]) => `${clock(at)} ${line}`)].join("\n");
}
