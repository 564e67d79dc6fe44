// npm run bench:traces: what the trace processors cost a span, each and all together, at 2,000 operations; writes trace_cost.md. --smoke: shows that it runs.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { encodeAttributes } from "../src/otlp/encode.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";
import { seededRandom } from "../src/testing/fake_host.ts";
import { meanOf, playerOf, playInTurns, type Run } from "./players.ts";

const SERVICES = 50;
const OPERATIONS = 2000;
/** Kinds of entries, each with a tree of calls of its own. */
const ENTRIES = 400;
const SPANS_OF_A_TRACE = 10;
const SPANS_A_SECOND = 5000;
const START = Date.UTC(2026, 0, 5, 12);
const SERVER = 2;
const CLIENT = 3;

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

/** What arrives in one second: a request a service, the spans of a trace in as many requests as it has services. */
function* seconds(): Generator<Uint8Array[]> {
  const random = seededRandom(1);
  const usual = Float64Array.from({ length: OPERATIONS }, () => 2 * Math.exp(2 * random()));
  // the operation of each place in the tree of an entry; a server span and what it calls are in the same service or the next
  const tree = Array.from({ length: ENTRIES }, () =>
    Uint32Array.from({ length: SPANS_OF_A_TRACE }, () => Math.floor(random() * OPERATIONS)),
  );
  const id = Buffer.alloc(16);
  for (let second = 0; ; second++) {
    const waiting = Array.from({ length: SERVICES }, () => [] as (() => void)[]);
    const writers = Array.from({ length: SERVICES }, () => new Writer(64 * 1024));
    for (let trace = 0; trace < SPANS_A_SECOND / SPANS_OF_A_TRACE; trace++) {
      const operations = tree[Math.floor(random() ** 2 * ENTRIES)];
      for (let i = 0; i < 16; i++) id[i] = 1 + Math.floor(random() * 255);
      const traceId = Uint8Array.from(id);
      const first = Math.floor(random() * 2 ** 31);
      const began = START + second * 1000 + random() * 1000;
      for (let place = SPANS_OF_A_TRACE - 1; place >= 0; place--) {
        const operation = operations[place];
        const service = operation % SERVICES;
        const writer = writers[service];
        const own = usual[operation] * Math.exp(0.3 * (random() + random() + random() - 1.5));
        const lasts = own * 2 ** (3 - Math.floor(Math.log2(place + 1)));
        const failed = random() < 0.003;
        waiting[service].push(() => {
          const span = writer.open(2);
          writer.field(1, Wire.bytes).bytes(traceId);
          writer.field(2, Wire.bytes).bytes(idOf(first + place));
          if (place > 0) writer.field(4, Wire.bytes).bytes(idOf(first + ((place - 1) >> 1)));
          writer.field(5, Wire.bytes).string(`GET /service-${service}/operation-${operation}`);
          writer.field(6, Wire.varint).varint(place % 2 === 0 ? SERVER : CLIENT);
          writer.field(7, Wire.fixed64).time(began + place);
          writer.field(8, Wire.fixed64).time(began + place + lasts);
          writer.append(ATTRIBUTES);
          if (failed) {
            const status = writer.open(15);
            writer.field(3, Wire.varint).varint(2);
            writer.close(status);
          }
          writer.close(span);
        });
      }
    }
    yield writers.map((writer, service) => {
      const ofResource = writer.open(1);
      const resource = writer.open(1);
      writer.append(
        encodeAttributes(1, { "service.name": `service-${service}`, "service.instance.id": `${service}-0` }),
      );
      writer.close(resource);
      const ofScope = writer.open(2);
      for (const write of waiting[service]) write();
      writer.close(ofScope);
      writer.close(ofResource);
      return writer.finish();
    });
  }
}

const ATTRIBUTES = encodeAttributes(9, {
  "http.request.method": "GET",
  "http.response.status_code": 200n,
  "server.address": "shop.example",
  "url.path": "/cart/items",
});

function idOf(number: number): Uint8Array {
  const bytes = Buffer.alloc(8, 1);
  bytes.writeInt32BE(number | 0, 4);
  return bytes;
}

const runs: Run[] = [];
for (const [name, processors] of SETS) {
  const options = (type: string) =>
    type === "anomaly_sampling" ? { sampling_percentage: 10 } : { alert_budget: "5/day" };
  const written = Object.fromEntries(processors.map((type) => [type, options(type)]));
  runs.push({ name, player: await playerOf("traces", written, START), spent: [] });
}
await playInTurns("traces", runs, seconds(), { start: START, warm: WARM, length: SECONDS });

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
