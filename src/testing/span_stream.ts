// A labelled stream of spans.

import { encodeAttributes } from "../otlp/encode.ts";
import { Wire, type Writer } from "../otlp/writer.ts";
import { seededRandom } from "./fake_host.ts";
import {
  complete,
  gaussian,
  incidents,
  type Kind,
  type LabelledRequest,
  poisson,
  requestOf,
  type StreamOptions,
  season,
} from "./stream.ts";

const SLOW = 0;
const SPAN_KINDS: readonly Kind[] = [
  { longest: 4, factor: (x) => 5 + 10 * x },
  { longest: 4, factor: () => 1 },
];
const SERVER = 2;
const CLIENT = 3;
const ERROR_STATUS = 2;

/** Server spans with a database call in each; intervals in which an operation is slow, or fails, are planted. */
export function* spans(given: StreamOptions = {}): Generator<LabelledRequest<"traces">> {
  const options = complete(given, { points: 600 });
  const { seed, series, points, step, start, services, rate } = options;
  const random = seededRandom(seed);
  const planned = incidents(random, options, SPAN_KINDS);
  const usual = planned.map(() => 5 * Math.exp(2 * random()));
  for (let point = 0; point < points; point++) {
    for (let service = 0; service < services; service++) {
      const calls: { operation: number; time: number }[] = [];
      for (let operation = service; operation < series; operation += services) {
        const count = poisson(random, rate * season(start + point * step, operation));
        for (let i = 0; i < count; i++) calls.push({ operation, time: start + (point + random()) * step });
      }
      if (calls.length === 0) continue;
      calls.sort((a, b) => a.time - b.time);
      const planted = new Uint8Array(calls.length * 2);
      const bytes = requestOf(service, (writer) => {
        for (const [i, { operation, time }] of calls.entries()) {
          const incident = planned[operation].find(({ from, to }) => point >= from && point < to);
          const factor = incident?.kind === SLOW ? incident.factor : 1;
          const failing = incident && incident.kind !== SLOW ? 0.8 : 0.005;
          const duration = usual[operation] * factor * Math.exp(0.3 * gaussian(random));
          const failed = random() < failing;
          const traceId = id(random, 16);
          const root = id(random, 8);
          const common = { traceId, time, failed };
          writeSpan(writer, { ...common, id: root, name: `GET /${operation}`, kind: SERVER, duration });
          const inner = { ...common, id: id(random, 8), parent: root, duration: 0.6 * duration };
          writeSpan(writer, { ...inner, name: `SELECT table_${operation}`, kind: CLIENT });
          planted[2 * i] = planted[2 * i + 1] = incident ? 1 : 0;
        }
      });
      yield { signal: "traces", bytes, items: planted.length, planted };
    }
  }
}

function id(random: () => number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => 1 + Math.floor(random() * 255));
}

function writeSpan(
  writer: Writer,
  span: {
    traceId: Uint8Array;
    id: Uint8Array;
    parent?: Uint8Array;
    name: string;
    kind: number;
    time: number;
    duration: number;
    failed: boolean;
  },
): void {
  const opened = writer.open(2);
  writer.field(1, Wire.bytes).bytes(span.traceId);
  writer.field(2, Wire.bytes).bytes(span.id);
  if (span.parent) writer.field(4, Wire.bytes).bytes(span.parent);
  writer.field(5, Wire.bytes).string(span.name);
  writer.field(6, Wire.varint).varint(span.kind);
  writer.field(7, Wire.fixed64).time(span.time);
  writer.field(8, Wire.fixed64).time(span.time + span.duration);
  writer.append(encodeAttributes(9, { "server.address": "shop.example", "server.port": 8443n }));
  const status = writer.open(15);
  if (span.failed) writer.field(3, Wire.varint).varint(ERROR_STATUS);
  writer.close(status);
  writer.close(opened);
}
