// Reads who called whom out of a complete trace.
import type { Labels, Operation, Trace } from "vedette";
import type { Edge, Edges, End } from "./edges.ts";
import { logOf } from "./gaps.ts";
import { type Callees, keyOf, type Peers } from "./peers.ts";

/** OTLP span kinds. */
const CLIENT = 3;
const PRODUCER = 4;
const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];
/** Of calls whose peer is to be asked for each span, one in so many is used to learn which service is behind it. */
const LEARN_ONE_IN = 16;

/** What is known of an operation: who it belongs to, and whether the user wants it watched. */
interface Caller {
  readonly operation: Operation;
  readonly key: string;
  readonly end: End;
  readonly calls: boolean;
  readonly kind: number;
  readonly allowed: boolean;
  /** The one service that it calls; null where there are several. */
  reached: End | null | undefined;
  /** What its spans say of their peers. */
  callees: Callees | undefined;
  /** The edge of its last call; and the peer of its last call to one that did not report, by its name. */
  edge: Edge | undefined;
  silent: End | undefined;
  named: string;
}

export class Calls {
  readonly #edges: Edges;
  readonly #peers: Peers;
  readonly #allows: (labels: Labels) => boolean;
  readonly #met: (operation: Operation) => void;
  /** By number of the operation, which may come to mean another one. */
  readonly #callers: (Caller | undefined)[] = [];
  /** By span: how many spans of other services are right below it, -1 where a call of its own service is; and the last of them. */
  #reached = new Int32Array(0);
  #far = new Int32Array(0);
  /** Edges with gaps in the trace that is being read. */
  readonly #touched: Edge[] = [];
  #traces = 0;
  #generation = 0;

  /** `met` is called with each operation that it had not seen. */
  constructor(edges: Edges, peers: Peers, allows: (labels: Labels) => boolean, met: (operation: Operation) => void) {
    this.#edges = edges;
    this.#peers = peers;
    this.#allows = allows;
    this.#met = met;
  }

  read(trace: Trace): void {
    const { length, parent, operation, operations, duration, failed } = trace;
    if (this.#reached.length < length) {
      this.#reached = new Int32Array(2 * length);
      this.#far = new Int32Array(2 * length);
    }
    this.#traces++;
    if (this.#generation !== this.#edges.generation) {
      this.#generation = this.#edges.generation;
      this.#callers.length = 0;
    }
    const reached = this.#reached;
    reached.fill(0, 0, length);
    for (let i = 0; i < length; i++) {
      const callee = this.#caller(operation[i], operations);
      const p = parent[i];
      if (p < 0) continue;
      const caller = this.#callers[operation[p]]!;
      if (callee.end === caller.end) {
        if (callee.calls && caller.calls) reached[p] = -1;
        continue;
      }
      if (caller.kind === CLIENT) {
        if (reached[p] >= 0) reached[p]++;
        this.#far[p] = i;
        continue;
      }
      // a message may be taken by many; and without a span of the call itself it is known by what it led to
      reached[p] = -1;
      if (!caller.allowed) continue;
      const edge = this.#edges.edgeOf(caller.end, callee.end);
      edge?.called(this.#edges.slot, duration[i], failed[i], this.#edges.now);
    }
    for (let i = 0; i < length; i++) {
      const caller = this.#callers[operation[i]]!;
      if (!caller.calls || !caller.allowed || reached[i] < 0) continue;
      if (reached[i] > 0) this.#call(trace, i, caller, reached[i] === 1);
      else this.#callToSilent(trace, i, caller);
    }
    this.#finish(trace);
  }

  /** A call to a service that reports; `timed` where its gap means what it should. */
  #call(trace: Trace, span: number, caller: Caller, timed: boolean): void {
    const edges = this.#edges;
    const far = this.#far[span];
    const { end } = this.#callers[trace.operation[far]]!;
    this.#learn(trace, span, caller, end);
    const edge = this.#edge(caller, end);
    if (!edge) return;
    edge.called(edges.slot, trace.duration[span], trace.failed[span] | trace.failed[far], edges.now);
    if (!timed) return;
    const log = logOf(trace.self[span]);
    if (edge.trace !== this.#traces) {
      edge.trace = this.#traces;
      edge.sum = edge.gapCount = 0;
      edge.start = trace.start[span];
      edge.example = span;
      edge.slowest = log;
      this.#touched.push(edge);
    } else if (log > edge.slowest) {
      edge.example = span;
      edge.slowest = log;
    }
    edge.sum += log;
    edge.gapCount++;
  }

  #learn(trace: Trace, span: number, caller: Caller, end: End): void {
    if (caller.reached !== end && caller.reached !== null) caller.reached = caller.reached === undefined ? end : null;
    const callees = this.#callees(caller);
    if (callees && !callees.several) {
      if (callees.name !== "" && (caller.named !== callees.name || caller.silent !== end)) {
        caller.end.reach(callees.name, end);
        caller.named = callees.name;
        caller.silent = this.#edges.behind(caller.end, callees.name);
      }
    } else if (this.#traces % LEARN_ONE_IN === 0) {
      const peer = this.#peers.ofSpan(trace.spanId(span));
      if (peer !== "") caller.end.reach(peer, end);
    }
  }

  #callees(caller: Caller): Callees | undefined {
    if (!caller.callees || caller.callees.gone) caller.callees = this.#peers.of(caller.key);
    return caller.callees;
  }

  #edge(caller: Caller, to: End): Edge | undefined {
    const { edge } = caller;
    if (edge && edge.to === to && !edge.gone) return edge;
    caller.edge = this.#edges.edgeOf(caller.end, to);
    return caller.edge;
  }

  /** A call whose far side did not report, now or ever. What names no peer is no edge. */
  #callToSilent(trace: Trace, span: number, caller: Caller): void {
    const edges = this.#edges;
    const callees = this.#callees(caller);
    const peer = callees && !callees.several ? callees.name : this.#peers.ofSpan(trace.spanId(span));
    const to = peer === "" ? caller.reached : this.#named(caller, peer);
    if (!to) return;
    this.#edge(caller, to)?.called(edges.slot, trace.duration[span], trace.failed[span], edges.now);
  }

  #named(caller: Caller, peer: string): End {
    const { silent, named, end } = caller;
    if (silent && !silent.gone && named === peer) return silent;
    caller.named = peer;
    caller.silent = this.#edges.behind(end, peer) ?? this.#edges.peerOf(end, peer);
    return caller.silent;
  }

  #finish(trace: Trace): void {
    for (const edge of this.#touched) {
      const surprise = edge.gaps.add(edge.sum / edge.gapCount, this.#edges.slot, edge.start);
      if (surprise <= edge.surprise || surprise < 1) continue;
      edge.surprise = surprise;
      edge.traceId = trace.id;
      edge.spanId = trace.spanId(edge.example);
    }
    this.#touched.length = 0;
  }

  #caller(number: number, operations: readonly Operation[]): Caller {
    const known = this.#callers[number];
    const operation = operations[number];
    if (known?.operation === operation) return known;
    const { service, name, kind } = operation;
    const resource = {
      ...(service.namespace !== "" && { "service.namespace": service.namespace }),
      "service.name": service.name,
    };
    const caller: Caller = {
      operation,
      key: keyOf(service.namespace, service.name, name, kind),
      end: this.#edges.serviceOf(service.namespace, service.name),
      calls: kind === CLIENT || kind === PRODUCER,
      kind,
      allowed: this.#allows({ ...NOTHING, resource, name, kind: KINDS[kind] }),
      reached: undefined,
      callees: undefined,
      edge: undefined,
      silent: undefined,
      named: "",
    };
    this.#callers[number] = caller;
    this.#met(operation);
    return caller;
  }
}

const NOTHING = {
  scope: { name: "", version: "" },
  statistic: "",
  unit: "ms",
  attributes: {},
  traceId: "",
  spanId: "",
};
