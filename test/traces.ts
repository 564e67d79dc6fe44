// Complete traces written as trees, as the agent hands them to processors.
import type { Operation, Service, Trace } from "vedette";
import type { Json } from "./unit/otlp/otlp_json.ts";

export interface SpanOptions {
  /** OTLP span kind; 2, server, unless said otherwise. */
  readonly kind?: number;
  readonly failed?: boolean;
  /** Milliseconds after its parent's start; unless said otherwise when the child before it has ended. */
  readonly at?: number;
  /** Milliseconds; unless said otherwise as long as its children take, and one. */
  readonly took?: number;
}

export interface SpanTree extends SpanOptions {
  readonly service: string;
  readonly name: string;
  readonly children: readonly SpanTree[];
}

export interface TraceOptions {
  /** Unix milliseconds. */
  readonly time?: number;
  readonly id?: string;
  /** Of each of these spans the parent did not come. */
  readonly orphans?: readonly SpanTree[];
}

export const INTERNAL = 1;
export const SERVER = 2;
export const CLIENT = 3;
export const PRODUCER = 4;
export const CONSUMER = 5;

/** A span of "service name", as in "gateway GET /cart". */
export function span(of: string, options: SpanOptions = {}, ...children: SpanTree[]): SpanTree {
  let named = names.get(of);
  if (!named) {
    const space = of.indexOf(" ");
    named = { service: of.slice(0, space), name: of.slice(space + 1) };
    names.set(of, named);
  }
  return { ...options, service: named.service, name: named.name, children };
}

/** The same texts each time: tests make millions of spans, and texts that are known are found at once. */
const names = new Map<string, { service: string; name: string }>();

/** A call as two spans: the client's in the calling service, named as what it calls, and the server's below it. */
export function call(from: string, to: string, options: SpanOptions = {}, ...children: SpanTree[]): SpanTree {
  const far = span(to, { failed: options.failed ?? false }, ...children);
  return span(`${from} ${far.name}`, { ...options, kind: CLIENT }, far);
}

/** A call to what does not report. */
export const ask = (from: string, what: string, options: SpanOptions = {}): SpanTree =>
  span(`${from} ${what}`, { ...options, kind: CLIENT });

/** Made by one maker, traces share their operations, as those of one agent do. */
export function traceMaker() {
  /** Of each service, its operations' numbers by name and kind. */
  const services = new Map<string, { service: Service; numbers: Map<string, number[]> }>();
  const operations: Operation[] = [];
  let made = 0;

  function number({ service: name, name: spanName, kind = SERVER }: SpanTree): number {
    let known = services.get(name);
    if (!known) {
      known = { service: { name, namespace: "", names: 1, overflow: undefined }, numbers: new Map() };
      services.set(name, known);
    }
    let byKind = known.numbers.get(spanName);
    if (!byKind) {
      byKind = [];
      known.numbers.set(spanName, byKind);
    }
    byKind[kind] ??=
      operations.push({ key: `\n${name}\n${spanName}\n${kind}`, service: known.service, name: spanName, kind }) - 1;
    return byKind[kind];
  }

  return function trace(root: SpanTree, { time = 1e12, id, orphans = [] }: TraceOptions = {}): Trace {
    const spans: { tree: SpanTree; parent: number; start: number; duration: number; self: number }[] = [];
    /** Its duration. */
    function place(tree: SpanTree, parent: number, start: number): number {
      const own = { tree, parent, start, duration: 0, self: 0 };
      const index = spans.push(own) - 1;
      let end = 0;
      let covered = 0;
      for (const child of tree.children) {
        const at = child.at ?? end;
        const took = place(child, index, start + at);
        covered += took;
        end = Math.max(end, at + took);
      }
      own.duration = tree.took ?? end + 1;
      own.self = Math.max(0, own.duration - covered);
      return own.duration;
    }
    place(root, -1, time);
    for (const orphan of orphans) place(orphan, -2, time + (orphan.at ?? 0));
    const traceId = id ?? (++made).toString(16).padStart(32, "0");
    const { length } = spans;
    const columns = {
      parent: new Int32Array(length),
      start: new Float64Array(length),
      duration: new Float64Array(length),
      self: new Float64Array(length),
      failed: new Uint8Array(length),
      operation: new Uint32Array(length),
    };
    for (let i = 0; i < length; i++) {
      const { tree, parent, start, duration, self } = spans[i];
      columns.parent[i] = parent;
      columns.start[i] = start;
      columns.duration[i] = duration;
      columns.self[i] = self;
      columns.failed[i] = tree.failed ? 1 : 0;
      columns.operation[i] = number(tree);
    }
    return {
      ...columns,
      length,
      id: traceId,
      operations,
      spanId: (index) => (index + 1).toString(16).padStart(16, "0"),
      whole: orphans.length === 0,
      left: 0,
    };
  };
}

/** The spans of a trace as OTLP/JSON, one export each, in depth-first order. */
export function exportsOf(trace: Trace): Json[] {
  const nanos = (time: number) => `${BigInt(Math.round(time * 1e6))}`;
  return Array.from({ length: trace.length }, (_, i) => {
    const { service, name, kind } = trace.operations[trace.operation[i]];
    const parent = trace.parent[i];
    const span = {
      traceId: trace.id,
      spanId: trace.spanId(i),
      ...(parent >= 0 && { parentSpanId: trace.spanId(parent) }),
      name,
      kind,
      startTimeUnixNano: nanos(trace.start[i]),
      endTimeUnixNano: nanos(trace.start[i] + trace.duration[i]),
      status: { code: trace.failed[i] === 1 ? 2 : 0 },
    };
    const resource = { attributes: [{ key: "service.name", value: { stringValue: service.name } }] };
    return { resource, scopeSpans: [{ scope: { name: "test", version: "1" }, spans: [span] }] };
  });
}
