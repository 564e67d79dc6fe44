// npm run bench:logs: what the log processors cost a record, each behind drain and all together, at 2,000 templates; writes log_cost.md. --smoke: shows that it runs.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { encodeAttributes } from "../src/otlp/encode.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";
import { seededRandom } from "../src/testing/fake_host.ts";
import { meanOf, playerOf, playInTurns, type Run } from "./players.ts";

const SERVICES = 50;
const TEMPLATES = 2000;
const RECORDS_A_SECOND = 5000;
const RECORDS_OF_A_TRACE = 8;
/** Kinds of traces of a service. */
const TASKS = TEMPLATES / SERVICES / RECORDS_OF_A_TRACE;
const START = Date.UTC(2026, 0, 5, 12);

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

const random = seededRandom(1);
const some = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)];
const SYLLABLES = ["con", "nec", "tion", "or", "der", "pay", "ment", "que", "ue", "cac", "he", "us", "er", "in", "dex"];
const word = () => Array.from({ length: 2 + Math.floor(random() * 3) }, () => some(SYLLABLES)).join("");

/** About 200 bytes with three parameters: a writer of lines for each template, half of them text and half JSON. */
const LINES = Array.from({ length: TEMPLATES }, (_, i): (() => string) => {
  const words = Array.from({ length: 16 }, word);
  const [first, second, third] = [words.slice(0, 6), words.slice(6, 10), words.slice(10)].map((part) => part.join(" "));
  const id = () => Math.floor(random() * 1e6);
  const took = () => Math.round(100 * Math.exp(random() + random() + random() - 1.5));
  if (i % 2 === 0) return () => `${first} ${id()} ${second} took=${took()}ms ${third} ${id()}`;
  return () =>
    `{"level":"info","msg":"${first} ${id()} ${second}","took_ms":${took()},"${words[15]}":"${id()}","thread":"main"}`;
});
const ATTRIBUTES = encodeAttributes(6, {
  "code.function": "handle",
  "thread.name": "main",
  "http.route": "/cart/items",
  "deployment.environment": "production",
  "user.tier": "gold",
});

let traceId = new Uint8Array(16);
let task = 0;

/** What arrives in one second: a request a service. */
function* seconds(): Generator<Uint8Array[]> {
  for (let second = 0; ; second++) {
    const requests: Uint8Array[] = [];
    for (let service = 0; service < SERVICES; service++) {
      const writer = new Writer(64 * 1024);
      const ofResource = writer.open(1);
      const resource = writer.open(1);
      writer.append(encodeAttributes(1, { "service.name": `service-${service}` }));
      writer.close(resource);
      const ofScope = writer.open(2);
      for (let i = 0; i < RECORDS_A_SECOND / SERVICES; i++) {
        if (i % RECORDS_OF_A_TRACE === 0) {
          traceId = Uint8Array.from({ length: 16 }, () => 1 + Math.floor(random() * 255));
          task = Math.floor(random() ** 2 * TASKS);
        }
        // what a task writes is always the same
        const own = task * RECORDS_OF_A_TRACE + (i % RECORDS_OF_A_TRACE);
        const record = writer.open(2);
        writer.field(1, Wire.fixed64).time(START + second * 1000 + i);
        writer.field(2, Wire.varint).varint(9);
        const body = writer.open(5);
        writer.field(1, Wire.bytes).string(LINES[service + own * SERVICES]());
        writer.close(body);
        writer.append(ATTRIBUTES);
        writer.field(9, Wire.bytes).bytes(traceId);
        writer.close(record);
      }
      writer.close(ofScope);
      writer.close(ofResource);
      requests.push(writer.finish());
    }
    yield requests;
  }
}

const runs: Run[] = [];
for (const [name, processors, options = {}] of SETS) {
  const written = Object.fromEntries(processors.map((type) => [type, type === "drain" ? options : {}]));
  runs.push({ name, player: await playerOf("logs", written, START), spent: [] });
}
await playInTurns("logs", runs, seconds(), { start: START, warm: WARM, length: LENGTH });

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
