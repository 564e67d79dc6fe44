// The logs of a Nezha day as OTLP requests in the order of their time, as a Collector that reads container logs would send them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encodeAttributes } from "../src/otlp/encode.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";
import { BEFORE, type Day, faultsIn, rowsOf, serviceOf, TRANSFER } from "./nezha_day.ts";

interface Logged {
  readonly service: string;
  readonly pod: string;
  /** Unix milliseconds. */
  readonly time: number;
  readonly trace: string;
  readonly span: string;
  readonly text: string;
}

const SEVERITIES: Readonly<Record<string, number>> = { TRACE: 1, DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17, FATAL: 21 };

/** Whether there are logs in the folder. */
export const hasLogs = (folder: string) => existsSync(join(folder, "faults", "log"));

/** The normal traffic is moved before the first fault, as that of the traces is. */
export function readLogDay(folder: string): Day {
  const faulty = logsIn(join(folder, "faults", "log"));
  const normal = logsIn(join(folder, "normal", "log"));
  const first = faulty.reduce((least, { time }) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const last = normal.reduce((most, { time }) => Math.max(most, time), Number.NEGATIVE_INFINITY);
  const shift = first - BEFORE - last;
  const all = [...normal.map((each) => ({ ...each, time: each.time + shift })), ...faulty];
  const bySecond = Map.groupBy(all, ({ time }) => Math.ceil((time + TRANSFER) / 1000) * 1000);
  const requests = [...bySecond]
    .sort(([a], [b]) => a - b)
    .map(([at, some]) => ({ at, bytes: request(some), rows: some.length }));
  const services = [...new Set(all.map(({ service }) => service))].sort();
  return { requests, faults: faultsIn(join(folder, "faults")), services };
}

/** Once each, since its files overlap. */
function logsIn(folder: string): Logged[] {
  const seen = new Set<string>();
  const logs: Logged[] = [];
  for (const file of readdirSync(folder).sort()) {
    for (const cells of rowsOf(gunzipSync(readFileSync(join(folder, file))).toString()).slice(1)) {
      const [text, nanos, , pod, , trace, span, container] = cells;
      const key = `${nanos} ${pod} ${span} ${container}`;
      if (cells.length < 8 || seen.has(key)) continue;
      seen.add(key);
      logs.push({ service: serviceOf(pod), pod, time: timeOf(nanos, text), trace, span, text: textOf(container) });
    }
  }
  return logs;
}

/** Of some failures the nanoseconds are of the year 1754; their text is in UTC and does not say so. */
const timeOf = (nanos: string, text: string) => (Number(nanos) > 0 ? Number(nanos) / 1e6 : Date.parse(`${text}Z`));

/** What stands in `log` of the container's JSON, which is cut off behind it now and then. */
function textOf(container: string): string {
  const [, quoted] = /^\{"log":("(?:[^"\\]|\\.)*")/.exec(container) ?? [];
  return quoted === undefined ? container : (JSON.parse(quoted) as string).trimEnd();
}

function request(logs: readonly Logged[]): Uint8Array {
  const writer = new Writer(65_536);
  for (const [pod, own] of Map.groupBy(logs, (each) => each.pod)) {
    own.sort((a, b) => a.time - b.time);
    const resource = writer.open(1);
    const described = writer.open(1);
    writer.append(encodeAttributes(1, { "service.name": own[0].service, "k8s.pod.name": pod }));
    writer.close(described);
    const scope = writer.open(2);
    for (const each of own) record(writer, each);
    writer.close(scope);
    writer.close(resource);
  }
  return writer.finish();
}

/** The level is read from the line: it stands behind the time. */
function record(writer: Writer, { time, trace, span, text }: Logged): void {
  const level = /^\S+ +([A-Z]+) /.exec(text)?.[1] ?? "";
  const opened = writer.open(2);
  writer.field(1, Wire.fixed64).time(time);
  if (level in SEVERITIES) {
    writer.field(2, Wire.varint).varint(SEVERITIES[level]).field(3, Wire.bytes).string(level);
  }
  const body = writer.open(5);
  writer.field(1, Wire.bytes).string(text);
  writer.close(body);
  writer.append(encodeAttributes(6, { "log.iostream": "stdout" }));
  if (/^[0-9a-f]{32}$/.test(trace)) writer.field(9, Wire.bytes).bytes(Buffer.from(trace, "hex"));
  if (/^[0-9a-f]{16}$/.test(span)) writer.field(10, Wire.bytes).bytes(Buffer.from(span, "hex"));
  writer.close(opened);
}
