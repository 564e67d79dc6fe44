// A labelled stream of log records.

import { encodeAttributes } from "../otlp/encode.ts";
import { Wire, type Writer } from "../otlp/writer.ts";
import { seededRandom } from "./fake_host.ts";
import {
  complete,
  incidents,
  type Kind,
  type LabelledRequest,
  poisson,
  requestOf,
  type StreamOptions,
  season,
} from "./stream.ts";

const BURST = 0;
const LOG_KINDS: readonly Kind[] = [
  { longest: 3, factor: (x) => 15 + 20 * x },
  { longest: 1, factor: () => 1 },
];
const SEVERITY = { INFO: 9, WARN: 13, ERROR: 17 } as const;
type SeverityText = keyof typeof SEVERITY;
const BODIES: readonly ((n: number) => string)[] = [
  (n) => `request ${n} finished in ${n % 900} ms`,
  (n) => `user ${n} logged in from 10.0.${n % 250}.${n % 199}`,
  (n) => `cache warm-${n % 7} refreshed: ${n % 50} rows`,
];

/** Records of a service, few of them warnings and errors; bursts of errors and a message never seen before are planted. */
export function* logs(given: StreamOptions = {}): Generator<LabelledRequest<"logs">> {
  const options = complete(given, { series: 6, points: 600, rate: 6, services: 6 });
  const { seed, series, points, step, start, rate } = options;
  const random = seededRandom(seed);
  const planned = incidents(random, options, LOG_KINDS);
  for (let point = 0; point < points; point++) {
    for (let service = 0; service < series; service++) {
      const records: { severity: SeverityText; body: string; time: number; planted: number }[] = [];
      const add = (count: number, severity: SeverityText, body: (n: number) => string, planted: number) => {
        for (let i = 0; i < count; i++) {
          const time = start + (point + random()) * step;
          records.push({ severity, body: body(Math.floor(random() * 1e6)), time, planted });
        }
      };
      const load = rate * season(start + point * step, service);
      for (const body of BODIES) add(poisson(random, load / BODIES.length), "INFO", body, 0);
      add(poisson(random, load / 20), "WARN", (n) => `slow answer of upstream: ${n % 5000} ms`, 0);
      add(poisson(random, load / 50), "ERROR", (n) => `payment ${n} refused`, 0);
      const incident = planned[service].find(({ from, to }) => point >= from && point < to);
      if (incident?.kind === BURST) add(Math.round(incident.factor), "ERROR", (n) => `no connection for order ${n}`, 1);
      else if (incident) add(1, "INFO", (n) => `kernel: segment ${n} of core dump written at point ${point}`, 1);
      if (records.length === 0) continue;
      records.sort((a, b) => a.time - b.time);
      const bytes = requestOf(service, (writer) => {
        for (const record of records) writeRecord(writer, record.severity, record.body, record.time);
      });
      const planted = Uint8Array.from(records, (record) => record.planted);
      yield { signal: "logs", bytes, items: records.length, planted };
    }
  }
}

function writeRecord(writer: Writer, severity: SeverityText, text: string, time: number): void {
  const opened = writer.open(2);
  writer.field(1, Wire.fixed64).time(time);
  writer.field(2, Wire.varint).varint(SEVERITY[severity]);
  writer.field(3, Wire.bytes).string(severity);
  const body = writer.open(5);
  writer.field(1, Wire.bytes).string(text);
  writer.close(body);
  writer.append(encodeAttributes(6, { "thread.name": "main" }));
  writer.field(11, Wire.fixed64).time(time);
  writer.close(opened);
}
