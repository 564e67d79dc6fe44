// npm run quality:nezha_logs: which faults of a Nezha day are found in its logs alone, and whom they blame, into nezha_logs.md.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { LOG_DETECTORS, LOG_EVIDENCE, MINER, presentLogs } from "./detectors.ts";
import { clock, lasting, table } from "./markdown.ts";
import type { InjectedFault } from "./nezha_day.ts";
import { evidenceOf } from "./nezha_evidence.ts";
import { hasLogs, readLogDay } from "./nezha_log_day.ts";
import { type Ranked, ranked, WITHIN } from "./nezha_rank.ts";
import { distinct } from "./trace_figures.ts";
import { configOf, play } from "./trial.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const { values } = parseArgs({
  options: {
    /** The folder that holds `normal` and `faults`. */
    data: { type: "string", default: resolve(root, "../shared/data/nezha") },
    /** Some processors only; the report is left as it is. */
    only: { type: "string", multiple: true },
    /** Also each alarm within three minutes of a fault; the report is left as it is. */
    verbose: { type: "boolean" },
  },
});
if (!hasLogs(values.data)) {
  process.stderr.write(
    `there are no Nezha logs in ${values.data}; name the folder, with normal and faults, by --data\n`,
  );
  process.exit(1);
}
/** What comes before the first fault is three minutes. */
const LEARNING = { learning: "2m", warmup: 5 };
/** Those whose service is looked for in the logs by the second. */
const FOUND_KINDS = ["exception", "return"];

const types = presentLogs(values.only ?? [...LOG_DETECTORS, ...LOG_EVIDENCE]);
const day = readLogDay(values.data);
const pipeline = [MINER, ...types];

interface Alarm {
  readonly detector: string;
  readonly service: string;
  readonly fingerprint: string;
  readonly reason: string;
  readonly at: number;
}
const alarms: Alarm[] = [];
const loaded = await configOf("logs", pipeline, () => LEARNING);
await play(loaded, "logs", day.requests[0].at, day.requests, ({ detector, labels, fingerprint, reason }, at) => {
  alarms.push({ detector, service: `${labels.resource["service.name"] ?? ""}`, fingerprint, reason, at });
});
const told = distinct(alarms);
const faults = day.faults.map((fault) => {
  const during = told.filter(({ at }) => at >= fault.time && at <= fault.time + WITHIN);
  const own = during.filter(({ service }) => service === fault.service);
  return { fault, during, own, others: during.length - own.length };
});

const { heard } = await evidenceOf(day, "logs", types, loaded, true);
const together = ranked(day, heard);
const alone = types.map((type) => ranked(day, new Map([[type, heard.get(type)!]])));
const kinds = [...new Set(day.faults.map(({ kind }) => kind))];

const ofKind = <T extends { readonly fault: InjectedFault }>(all: readonly T[], kind?: string) =>
  all.filter(({ fault }) => kind === undefined || fault.kind === kind);
function figures(all: readonly Ranked[], kind?: string): string {
  const within = (place: number) => ofKind(all, kind).filter(({ rank }) => rank <= place).length;
  return `${within(1)} / ${within(3)}`;
}

const ranking = table(
  ["faults", "", "first / first three", ...types.map((type) => `${type} alone`)],
  [undefined, ...kinds].map((kind) => [
    kind ?? "all",
    ofKind(together, kind).length,
    figures(together, kind),
    ...alone.map((own) => figures(own, kind)),
  ]),
);
const finding = table(
  ["faults", "", "found", "alarms about others meanwhile", ...types.map((type) => `found by ${type}`)],
  [...FOUND_KINDS, ...kinds.filter((kind) => !FOUND_KINDS.includes(kind))].map((kind) => {
    const some = ofKind(faults, kind);
    return [
      kind,
      some.length,
      some.filter(({ own }) => own.length > 0).length,
      some.reduce((sum, { others }) => sum + others, 0),
      ...types.map((type) => some.filter(({ own }) => own.some(({ detector }) => detector === type)).length),
    ];
  }),
);
const listed = table(
  ["time", "fault", "service", "first alarm after", "by", "about others", "rank", "first three"],
  together.map(({ fault, rank, first }, i) => {
    const { own, others } = faults[i];
    return [
      clock(fault.time),
      fault.kind,
      fault.service,
      own.length > 0 ? lasting(own[0].at - fault.time) : "",
      [...new Set(own.map(({ detector }) => detector))].join(", "),
      others,
      Number.isFinite(rank) ? rank : "",
      first.join(", "),
    ];
  }),
);
const records = day.requests.reduce((sum, { rows }) => sum + rows, 0);
const covered = told.filter(({ at }) => faults.some(({ fault }) => at >= fault.time && at <= fault.time + WITHIN));

const report = `# Which service is at fault, by its logs alone: Nezha

Written by \`npm run quality:nezha_logs -- --data DIR\`. [Nezha](https://github.com/IntelligentDDS/Nezha) is TrainTicket with faults injected; one day, its logs only, as
a Collector that reads container logs and takes the level from the line would send them, through \`${MINER}\` and ${types.map((type) => `\`${type}\``).join(", ")} in event time:
${records.toLocaleString("en-US")} records of ${day.services.length} services. What comes before the first fault is three minutes, so that \`learning\` is 2 minutes and \`warmup\` 5; nothing
else is configured. Before each fault the data begins a minute or so, and ends soon after it. Nothing was tuned on it but that \`log_mix\` is there.

## Found within three minutes

An alarm about the service at fault, at the default lines. In the three minutes after the ${faults.length} faults there were ${covered.length} alarms, at all other times ${told.length - covered.length}.

${finding}

## Rank of the service

By what all detectors say in the three minutes after the injection, also below the default line, put together as in [nezha.md](nezha.md), where traces alone are ranked; and what \`log_mix\` says, which tells nothing by itself.

${ranking}

${listed}

Node ${process.version}, ${cpus()[0]?.model ?? "unknown CPU"}, ${process.platform} ${process.arch}.
`;
if (values.verbose) {
  for (const { fault, during } of faults) {
    process.stdout.write(`${clock(fault.time)} ${fault.kind} ${fault.service}\n`);
    for (const alarm of during) {
      process.stdout.write(`  ${clock(alarm.at)} ${alarm.detector} ${alarm.service}: ${alarm.reason}\n`);
    }
  }
}
process.stdout.write(report);
if (values.only === undefined && !values.verbose) writeFileSync(new URL("nezha_logs.md", import.meta.url), report);
process.exit(0);
