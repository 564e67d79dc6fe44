// A day of the Nezha data set (TrainTicket with injected faults) as OTLP requests in the order of their time, and its faults.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { request, type Span } from "../test/spans.ts";

/** Milliseconds between a span's end, or what is logged, and its arrival. */
export const TRANSFER = 1000;
/** The normal traffic lies between two faults: it is moved so far before the first span of the others. */
export const BEFORE = 60_000;

/** OTLP span kinds. */
const INTERNAL = 1;
const SERVER = 2;
const CLIENT = 3;

export interface InjectedFault {
  /** Unix milliseconds. */
  readonly time: number;
  readonly kind: string;
  readonly service: string;
}

export interface Day {
  /** By the second of their arrival, Unix milliseconds; `rows` are spans or log records. */
  readonly requests: readonly { readonly at: number; readonly bytes: Uint8Array; readonly rows: number }[];
  readonly faults: readonly InjectedFault[];
  readonly services: readonly string[];
}

/** Whether there is a day in the folder. */
export const hasDay = (folder: string) => existsSync(join(folder, "faults", "trace"));

export function readDay(folder: string): Day {
  const faulty = spansIn(join(folder, "faults", "trace"));
  const normal = spansIn(join(folder, "normal", "trace"));
  const first = faulty.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY);
  const last = normal.reduce((most, { to }) => Math.max(most, to), Number.NEGATIVE_INFINITY);
  const shift = first - BEFORE - last;
  const spans = [...normal.map((span) => ({ ...span, from: span.from + shift, to: span.to + shift })), ...faulty];
  const bySecond = Map.groupBy(spans, ({ to }) => Math.ceil((to + TRANSFER) / 1000) * 1000);
  const requests = [...bySecond]
    .sort(([a], [b]) => a - b)
    .map(([at, some]) => {
      some.sort((a, b) => (a.service === b.service ? a.to - b.to : a.service! < b.service! ? -1 : 1));
      return { at, bytes: request(some), rows: some.length };
    });
  const services = [...new Set(spans.map(({ service }) => service!))].sort();
  return { requests, faults: faultsIn(join(folder, "faults")), services };
}

/** Once each, since its files overlap. It has neither kinds nor statuses: a kind is told by the name and the parent. */
function spansIn(folder: string): Span[] {
  const spans = new Map<string, Span & { service: string }>();
  for (const file of readdirSync(folder).sort()) {
    for (const cells of rowsOf(gunzipSync(readFileSync(join(folder, file))).toString()).slice(1)) {
      const [trace, id, parent, pod, name, from, to] = cells;
      if (cells.length < 8 || spans.has(trace + id)) continue;
      const span = {
        trace,
        id,
        name,
        kind: INTERNAL,
        service: serviceOf(pod),
        from: Number(from) / 1e6,
        to: Number(to) / 1e6,
      };
      spans.set(trace + id, parent === "root" ? span : { ...span, parent });
    }
  }
  return [...spans.values()].map((span) => {
    const parent = span.parent && spans.get(span.trace + span.parent);
    if (/^HTTP (GET|POST|PUT|DELETE|PATCH)$/.test(span.name)) return { ...span, kind: CLIENT };
    return !parent || parent.service !== span.service ? { ...span, kind: SERVER } : span;
  });
}

/** "ts-basic-service" of the pod "ts-basic-service-5dc8d4f9fd-46997"; each has one. */
export const serviceOf = (pod: string) => pod.replace(/-[0-9a-z]+-[0-9a-z]+$/, "");

/** Cells of CSV; quoted ones may hold commas and doubled quotes. */
export function rowsOf(text: string): string[][] {
  return text
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .map((line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell]) => unquoted(cell)));
}

const unquoted = (cell: string) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);

interface Listed {
  readonly inject_time: string;
  readonly inject_pod: string;
  readonly inject_type: string;
}

/** In the order of their time; `inject_time` is UTC, `inject_timestamp` is hours off for some. */
export function faultsIn(folder: string): InjectedFault[] {
  const file = readdirSync(folder).find((name) => name.endsWith("fault_list.json"));
  if (!file) throw new Error(`there is no fault list in ${folder}`);
  const listed: Record<string, Listed[]> = JSON.parse(readFileSync(join(folder, file), "utf8"));
  return Object.values(listed)
    .flat()
    .map(({ inject_time, inject_pod, inject_type }) => {
      return {
        time: Date.parse(`${inject_time.replace(" ", "T")}Z`),
        kind: inject_type,
        service: serviceOf(inject_pod),
      };
    })
    .sort((a, b) => a.time - b.time);
}
