// Made-up log records of 2,000 templates, second by second: what the cost of log detection is measured on.
import { encodeAttributes } from "../src/otlp/encode.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";
import { seededRandom } from "../src/testing/fake_host.ts";

export const SERVICES = 50;
export const TEMPLATES = 2000;
export const RECORDS_A_SECOND = 5000;
export const RECORDS_OF_A_TRACE = 8;
/** Kinds of traces of a service. */
export const TASKS = TEMPLATES / SERVICES / RECORDS_OF_A_TRACE;
/** Unix milliseconds at which it begins. */
export const START = Date.UTC(2026, 0, 5, 12);

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
export function* logSeconds(): Generator<Uint8Array[]> {
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
