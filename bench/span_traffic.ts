// Made-up spans of a system of 2,000 operations, second by second: what the cost of trace detection is measured on.
import { encodeAttributes } from "../src/otlp/encode.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";
import { seededRandom } from "../src/testing/fake_host.ts";

export const SERVICES = 50;
export const OPERATIONS = 2000;
/** Kinds of entries, each with a tree of calls of its own. */
const ENTRIES = 400;
export const SPANS_OF_A_TRACE = 10;
export const SPANS_A_SECOND = 5000;
/** Unix milliseconds at which it begins. */
export const START = Date.UTC(2026, 0, 5, 12);
const SERVER = 2;
const CLIENT = 3;

/** What arrives in one second: a request a service, the spans of a trace in as many requests as it has services. */
export function* spanSeconds(): Generator<Uint8Array[]> {
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
