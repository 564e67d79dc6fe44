// Reads who called whom out of a complete trace.
import type { Labels, Operation, Trace } from "vedette";
import { ALLOWED, AWAITS, CALLS, type Caller, Callers, UNKNOWN } from "./callers.ts";
import type { Edges, End } from "./edges.ts";
import type { Callees, Peers } from "./peers.ts";
import { RecentEdges } from "./recent_edges.ts";
import { TraceGaps } from "./trace_gaps.ts";

/** Of calls whose peer is to be asked for each span, one in so many is used to learn which service is behind it. */
const LEARN_ONE_IN = 16;
/** Instead of a row: no edge. */
const NONE = -2;

export class Calls {
  readonly #edges: Edges;
  readonly #peers: Peers;
  readonly #callers: Callers;
  readonly #recent = new RecentEdges();
  readonly #gaps = new TraceGaps();
  /** By span: how many spans of other services are right below it, -1 where a call of its own service is; and the last of them. */
  #reached = new Int32Array(0);
  #far = new Int32Array(0);
  #traces = 0;
  /** How often ends, edges and what is known of peers had changed when it was looked at. */
  #generation = 0;
  #forgotten = 0;
  #changes = 0;

  /** `met` is called with each operation that it had not seen. */
  constructor(edges: Edges, peers: Peers, allows: (labels: Labels) => boolean, met: (operation: Operation) => void) {
    this.#edges = edges;
    this.#peers = peers;
    this.#callers = new Callers(edges, allows, met);
  }

  read(trace: Trace): void {
    if (this.#reached.length < trace.length) {
      this.#reached = new Int32Array(2 * trace.length);
      this.#far = new Int32Array(2 * trace.length);
    }
    this.#traces++;
    if (this.#generation !== this.#edges.generation) this.#callers.clear();
    this.#generation = this.#edges.generation;
    this.#refresh();
    this.#survey(trace);
    const { length, operation } = trace;
    const reached = this.#reached;
    const { does } = this.#callers;
    for (let i = 0; i < length; i++) {
      if (reached[i] < 0 || (does[operation[i]] & (CALLS | ALLOWED)) !== (CALLS | ALLOWED)) continue;
      if (reached[i] > 0) this.#call(trace, i, reached[i] === 1);
      else this.#callToSilent(trace, i);
    }
    this.#gaps.finish(trace, this.#edges.slot);
  }

  /** Lets go of rows of edges that are no more. */
  #refresh(): void {
    const { forgotten } = this.#edges;
    const { changes } = this.#peers;
    if (this.#forgotten === forgotten && this.#changes === changes) return;
    if (this.#forgotten !== forgotten) this.#recent.clear();
    this.#callers.doubt();
    this.#forgotten = forgotten;
    this.#changes = changes;
  }

  /** Which spans of others are below each; counts what is called without a span of the call itself. */
  #survey({ length, parent, operation, operations, duration, failed }: Trace): void {
    const callers = this.#callers;
    const known = callers.operations;
    const reached = this.#reached;
    for (let i = 0; i < length; i++) {
      const number = operation[i];
      if (known[number] !== operations[number]) callers.meet(number, operations[number]);
      reached[i] = 0;
      const p = parent[i];
      if (p < 0) continue;
      const above = operation[p];
      const from = callers.end[above];
      const to = callers.end[number];
      if (from === to) {
        if (callers.does[number] & callers.does[above] & CALLS) reached[p] = -1;
        continue;
      }
      if (callers.does[above] & AWAITS) {
        if (reached[p] >= 0) reached[p]++;
        this.#far[p] = i;
        continue;
      }
      // a message may be taken by many; and without a span of the call itself it is known by what it led to
      reached[p] = -1;
      if ((callers.does[above] & ALLOWED) === 0) continue;
      let row = this.#recent.find(from, to);
      if (row < 0) row = this.#rowOf(callers.all[above].end, callers.all[number].end);
      this.#count(row, duration[i], failed[i]);
    }
  }

  #count(row: number, duration: number, failed: number): void {
    const { tallies, slot, now } = this.#edges;
    if (row >= 0) tallies.called(row, slot, duration, failed, now);
  }

  /** The row of an edge, new or known; `UNKNOWN` where there is no room. */
  #rowOf(from: End, to: End): number {
    const known = this.#recent.find(from.number, to.number);
    if (known >= 0) return known;
    const edge = this.#edges.edgeOf(from, to);
    // others may have made room for it
    this.#refresh();
    if (!edge) return UNKNOWN;
    this.#recent.put(from.number, to.number, edge.row);
    return edge.row;
  }

  /** A call to a service that reports; `timed` where its gap means what it should. */
  #call(trace: Trace, span: number, timed: boolean): void {
    const { operation, duration, failed } = trace;
    const { all, end, learnt } = this.#callers;
    const far = this.#far[span];
    const number = operation[span];
    const reached = operation[far];
    if (learnt[number] !== end[reached]) this.#learn(trace, span, all[reached].end);
    let row = this.#recent.find(end[number], end[reached]);
    if (row < 0) row = this.#rowOf(all[number].end, all[reached].end);
    this.#count(row, duration[span], failed[span] | failed[far]);
    if (timed && row >= 0) this.#gaps.add(this.#edges.byRow[row], trace, span);
  }

  #learn(trace: Trace, span: number, end: End): void {
    const number = trace.operation[span];
    const caller = this.#callers.all[number];
    if (caller.reached !== end && caller.reached !== null) caller.reached = caller.reached === undefined ? end : null;
    const callees = this.#callees(caller);
    if (callees && !callees.several) {
      if (callees.name !== "" && (caller.named !== callees.name || caller.silent !== end)) {
        this.#reach(caller.end, callees.name, end);
        caller.named = callees.name;
        caller.silent = this.#edges.behind(caller.end, callees.name);
      }
      const settled = callees.name === "" || caller.silent === end || caller.end.behind.get(callees.name) === null;
      this.#callers.learnt[number] = settled ? end.number : UNKNOWN;
      this.#callers.silent[number] = UNKNOWN;
    } else if (this.#traces % LEARN_ONE_IN === 0) {
      const peer = this.#peers.ofSpan(trace.spanId(span));
      if (peer !== "") this.#reach(caller.end, peer, end);
    }
  }

  #reach(from: End, name: string, end: End): void {
    if (from.reach(name, end)) this.#callers.doubt();
  }

  #callees(caller: Caller): Callees | undefined {
    if (!caller.callees || caller.callees.gone) caller.callees = this.#peers.of(caller.key);
    return caller.callees;
  }

  /** A call whose far side did not report, now or ever. */
  #callToSilent(trace: Trace, span: number): void {
    const known = this.#callers.silent[trace.operation[span]];
    const row = known === UNKNOWN ? this.#silentRow(trace, span) : known;
    this.#count(row, trace.duration[span], trace.failed[span]);
  }

  /** What names no peer is no edge. */
  #silentRow(trace: Trace, span: number): number {
    const number = trace.operation[span];
    const caller = this.#callers.all[number];
    const callees = this.#callees(caller);
    const alike = callees !== undefined && !callees.several;
    const peer = alike ? callees.name : this.#peers.ofSpan(trace.spanId(span));
    const to = peer === "" ? caller.reached : this.#named(caller, peer);
    const row = to ? this.#rowOf(caller.end, to) : NONE;
    if (alike) this.#callers.silent[number] = row;
    return row;
  }

  #named(caller: Caller, peer: string): End {
    const { silent, named, end } = caller;
    if (silent && !silent.gone && named === peer) return silent;
    caller.named = peer;
    caller.silent = this.#edges.behind(end, peer) ?? this.#edges.peerOf(end, peer);
    return caller.silent;
  }
}
