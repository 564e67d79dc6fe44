// npm run quality:templates -- --data FOLDER: how well drain groups labelled lines, and what it costs; writes templates.md. --smoke: shows that it runs.
import { existsSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import drain from "../plugins/processors/drain/index.ts";
import { Intake } from "../src/pipeline/intake.ts";
import { TelemetryPipeline } from "../src/pipeline/pipeline.ts";
import { Stage } from "../src/pipeline/stage.ts";
import { fakeHost, seededRandom } from "../src/testing/fake_host.ts";
import { Drained, requestOf, type Scanned } from "./drained.ts";
import { groupAccuracy, type LabelledLines, readSystems } from "./group_accuracy.ts";
import { HOSTILE } from "./hostile_logs.ts";
import { median, table } from "./markdown.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const { values: given } = parseArgs({
  options: { data: { type: "string" }, smoke: { type: "boolean", default: false } },
});
if (given.data === undefined || !existsSync(given.data)) {
  console.error(
    "pass --data FOLDER with loghub's *.csv or *.csv.gz, columns Content and EventId: https://github.com/logpai/loghub",
  );
  process.exit(2);
}
const { smoke } = given;
const ROUNDS = smoke ? 2 : 25;
const LONG = 200;
const A_REQUEST = 1000;

const systems = readSystems(given.data);
const fixed = (value: number, digits = 3) => value.toFixed(digits);

function accuracy(): string {
  const rows = systems.map(({ system, lines, events }) => {
    const drained = new Drained();
    const arrival = drained.idsOf(requestOf(lines));
    const { templates } = drained.mined;
    const ids = new Map<string, number>();
    const final = arrival.map((number) => {
      const id = templates.id(number);
      if (!ids.has(id)) ids.set(id, ids.size);
      return ids.get(id)!;
    });
    return {
      system,
      figures: [groupAccuracy(arrival, events), groupAccuracy(final, events)],
      found: ids.size,
      events: new Set(events).size,
    };
  });
  const mean = (k: number) => rows.reduce((sum, { figures }) => sum + figures[k], 0) / rows.length;
  return table(
    ["system", "id at arrival", "id after merges", "templates", "events"],
    [
      ...rows.map(({ system, figures, found, events }) => [system, ...figures.map((x) => fixed(x)), found, events]),
      ["**mean**", `**${fixed(mean(0))}**`, `**${fixed(mean(1))}**`, "", ""],
    ],
  );
}

function inRequests(lines: readonly string[]): Scanned[] {
  return Array.from({ length: Math.ceil(lines.length / A_REQUEST) }, (_, i) =>
    requestOf(lines.slice(i * A_REQUEST, (i + 1) * A_REQUEST)),
  );
}

/** Lines of letters only, so that nothing in them is a parameter by its shape but one number. */
function syntheticLines(templates: number): string[] {
  const random = seededRandom(3);
  const word = () =>
    Array.from({ length: 4 + Math.floor(random() * 6) }, () => "etaoinshrdlucmfw"[Math.floor(random() * 16)]).join("");
  const all = Array.from({ length: templates }, () => Array.from({ length: 12 }, word));
  return all.map((words) => `${words.slice(0, 6).join(" ")} ${Math.floor(random() * 1e6)} ${words.slice(6).join(" ")}`);
}

function costs(): string {
  const lines = systems.flatMap(({ lines }: LabelledLines) => lines);
  const long = lines.map((line) =>
    `${line} `.repeat(Math.ceil(LONG / (line.length + 1))).slice(0, Math.max(LONG, line.length)),
  );
  const cases: [string, readonly string[], number][] = [
    ["all lines of all systems", lines, 1],
    [`the same, each repeated up to ${LONG} bytes`, long, 1],
    ["lines of 12 words, 1,000 templates", syntheticLines(1000), 20],
    ["lines of 12 words, 8,000 templates", syntheticLines(8000), smoke ? 1 : 60],
  ];
  const rows = cases.map(([name, all, warming]) => {
    const requests = inRequests(all);
    const size = requests.reduce((sum, each) => sum + each.size, 0);
    const cold = median(Array.from({ length: 3 }, () => new Drained({ max_clusters: 10_000 }).cost(requests)));
    const drained = new Drained({ max_clusters: 10_000 });
    for (let i = 0; i < warming; i++) drained.cost(requests);
    const warm = median(Array.from({ length: ROUNDS }, () => drained.cost(requests)));
    return [
      name,
      Math.round(size / all.length),
      fixed(cold / all.length, 2),
      fixed(warm / all.length, 2),
      fixed((1000 * warm) / size, 1),
    ];
  });
  return table(["lines", "bytes a line", "us a line, the first time", "us a line, known", "ns a byte, known"], rows);
}

/** The same through a pipeline: with the attribute written, and without drain. */
function annotating(): string {
  const lines = systems.flatMap(({ lines }) => lines);
  const requests = inRequests(lines);
  const run = (options: object | undefined) => {
    const host = fakeHost("drain");
    const processors = options === undefined ? [] : [new Stage(drain.create(drain.config.parse(options), host), host)];
    const pipeline = new TelemetryPipeline<"logs">("logs", "logs", { processors, connectors: [], queues: [] });
    const intake = new Intake("logs", 1, 1000);
    return () => {
      const before = process.cpuUsage();
      for (const { bytes } of requests) {
        intake.read(bytes);
        pipeline.run(bytes, 0, intake.scan, intake.rows(0));
      }
      const { user, system } = process.cpuUsage(before);
      return (user + system) / lines.length;
    };
  };
  const runs = [run(undefined), run({ annotate: "none" }), run({})];
  const taken = runs.map(() => [] as number[]);
  for (let i = 0; i < ROUNDS + 2; i++) for (const [k, each] of runs.entries()) taken[k].push(each());
  const names = [
    "scanned and passed on",
    "with drain, `annotate: none`",
    "with drain, the template written on each record",
  ];
  return table(
    ["a pipeline of logs", "us a line"],
    names.map((name, k) => [name, fixed(median(taken[k].slice(2)), 2)]),
  );
}

/** Bytes of memory that are in use; what is no longer is freed first. */
function used(): number {
  collect();
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function processed(drained: Drained, make: (smoke: boolean) => Scanned[]) {
  const requests = make(smoke);
  const records = requests.reduce((sum, { rows }) => sum + rows.length, 0);
  const first = drained.cost(requests) / records;
  const again = Array.from({ length: records > A_REQUEST ? 0 : 9 }, () => drained.cost(requests) / records);
  const templates = new Set(drained.mined.template.subarray(0, requests.at(-1)!.rows.length)).size;
  return { first, again, templates };
}

function hostile(): string {
  const rows = HOSTILE.map(([name, make]) => {
    const before = used();
    const drained = new Drained();
    const { first, again, templates } = processed(drained, make);
    const kept = (used() - before) / 2 ** 20;
    const saved = drained.part.save!().length / 2 ** 20;
    const repeated = again.length === 0 ? "" : fixed(median(again), 1);
    return [name, fixed(first, 1), repeated, fixed(kept, 1), fixed(saved, 2), templates];
  });
  return table(
    ["records", "us a record, the first time", "again", "MiB kept", "MiB saved", "templates of the last request"],
    rows,
  );
}

const report = `# What drain finds, and what it costs

What \`npm run quality:templates\` measured on ${cpus()[0].model}, Node ${process.version}: CPU time, medians of rounds in turns.

## Group accuracy

Lines of loghub (Zhu, He, He, Liu & Lyu, ISSRE 2023), 2,000 a system, of which people said which event each is; only the text of the line is mined. One configuration
for all: the defaults. A line counts where its group is exactly that of its event. At arrival: the template that the line was given when it came. After merges: once templates
that turned out to be one were merged.

${accuracy()}

## Cost

${costs()}

${annotating()}

## Records made to be costly

By default options; of each kind the records came in requests of 1,000, or alone. Memory is what drain keeps afterwards.

${hostile()}
`;
console.log(report);
if (!smoke) writeFileSync(new URL("templates.md", import.meta.url), report);
