// Who calls whom: services, what they call that does not report, and what is known of the calls between two of them.
import type { ServiceCall } from "vedette";
import { BUCKET, BUCKETS, Gaps } from "./gaps.ts";

/** Peers of one service that do not report; the rest is one. */
const MOST_PEERS = 100;
const OTHERS = "other peers";
/** As SDKs call what names no service. */
const NAMELESS = "unknown_service";
/** Edges, whatever `max_series` says; and ends beside those that they have. */
export const MOST_EDGES = 20_000;
const MOST_IDLE_ENDS = 4000;
/** Milliseconds without a call after which an edge is forgotten; and after which one makes room though it was called often. */
const FORGOTTEN = 24 * 3_600_000;
const IDLE = 3_600_000;
/** Calls from which an edge is not displaced by new ones. */
const ESTABLISHED = 50;
/** The median follows at least as fast as if this many calls had come. */
const MEDIAN_MEMORY = 128;

/** A service, or a peer that does not report. */
export class End {
  /** "" of a peer. */
  readonly namespace: string;
  readonly service: string;
  readonly reports: boolean;
  readonly calls = new Map<End, Edge>();
  /** Of the names under which it calls others: the service behind it; null where there are several. */
  readonly behind = new Map<string, End | null>();
  peers = 0;
  /** Edges that begin or end here. */
  edges = 0;
  /** Forgotten: what holds it asks anew. */
  gone = false;
  /** For the blame: evidence for it and against it, and whether a slow edge leads to it. */
  slow = 0;
  normal = 0;
  called = false;

  constructor(namespace: string, service: string, reports: boolean) {
    this.namespace = namespace;
    this.service = service;
    this.reports = reports;
  }

  get name(): string {
    const service = this.service || NAMELESS;
    return this.namespace === "" ? service : `${this.namespace}/${service}`;
  }

  /** Notes that what it calls `name` is `end`. */
  reach(name: string, end: End): void {
    const known = this.behind.get(name);
    if (known === end || known === null) return;
    if (known === undefined && this.behind.size >= MOST_PEERS) this.behind.clear();
    this.behind.set(name, known === undefined || known.gone ? end : null);
  }
}

export class Edge {
  readonly from: End;
  readonly to: End;
  /** By bucket. */
  readonly count = new Float64Array(BUCKETS);
  readonly failed = new Float64Array(BUCKETS);
  /** All calls that it had. */
  calls = 0;
  /** Of the durations in milliseconds: their median, and the mean distance from it. */
  median = 0;
  spread = 0;
  /** When it was first and last called: Unix milliseconds of the agent's clock. */
  born: number;
  seen: number;
  /** Of calls between two that report. */
  readonly gaps = new Gaps();
  /** The trace that is being read: which, and the sum and number of its log gaps. */
  trace = 0;
  sum = 0;
  gapCount = 0;
  start = 0;
  /** The span of the slowest of them, and its log gap. */
  example = 0;
  slowest = 0;
  /** The slowest call on its way in the last window. */
  traceId = "";
  spanId = "";
  surprise = 0;
  /** How it was judged last, and for how many buckets in a row it has been slow; of how many traces. */
  rarity = 0;
  slow = false;
  slowFor = 0;
  judged = 0;
  /** Forgotten: what holds it asks anew. */
  gone = false;
  /** Id of the anomaly that is open about it. */
  anomaly = "";

  constructor(from: End, to: End, now: number) {
    this.from = from;
    this.to = to;
    this.born = this.seen = now;
  }

  get name(): string {
    return `${this.from.name} > ${this.to.name}`;
  }

  /** One call of `duration` milliseconds. The median by stochastic approximation (Tierney 1983). */
  called(slot: number, duration: number, failed: number, now: number): void {
    this.count[slot]++;
    this.failed[slot] += failed;
    this.seen = now;
    const n = Math.min(++this.calls, MEDIAN_MEMORY);
    if (this.calls === 1) this.median = duration;
    const off = duration - this.median;
    this.spread += (Math.min(Math.abs(off), 10 * this.spread + duration) - this.spread) / n;
    if (off !== 0) this.median = Math.max(0, this.median + (off > 0 ? 2 : -2) * (this.spread / n));
  }
}

export class Edges {
  readonly all = new Set<Edge>();
  readonly #ends = new Map<string, End>();
  readonly #most: number;
  readonly #full: () => void;
  /** Unix milliseconds of the agent's clock, and the bucket that it is in. */
  now = Number.NaN;
  bucket = 0;
  /** How often ends were forgotten. */
  generation = 0;

  /** `full` is called when there is no room for an edge. */
  constructor(most: number, full: () => void) {
    this.#most = Math.min(most, MOST_EDGES);
    this.#full = full;
  }

  get slot(): number {
    return this.bucket % BUCKETS;
  }

  at(now: number): void {
    this.now = now;
    this.bucket = Math.max(0, Math.floor(now / BUCKET));
  }

  serviceOf(namespace: string, service: string): End {
    return this.#end(`${namespace}\0${service}`, namespace, service, true);
  }

  /** One of before a restart. */
  restored(namespace: string, service: string, reports: boolean): End {
    return reports ? this.serviceOf(namespace, service) : this.#end(`\0\0${service}`, "", service, false);
  }

  /** What `from` calls by a name of no service. */
  peerOf(from: End, name: string): End {
    const known = this.#ends.get(`\0\0${name}`);
    if (known && (from.calls.has(known) || from.peers < MOST_PEERS)) return known;
    return from.peers < MOST_PEERS
      ? this.#end(`\0\0${name}`, "", name, false)
      : this.#end(`\0\0${OTHERS}`, "", OTHERS, false);
  }

  #end(key: string, namespace: string, service: string, reports: boolean): End {
    let end = this.#ends.get(key);
    if (!end) {
      if (this.#ends.size >= 2 * this.#most + MOST_IDLE_ENDS) this.#tidy();
      end = new End(namespace, service, reports);
      this.#ends.set(key, end);
    }
    return end;
  }

  /** Forgets the ends that have no edge. */
  #tidy(): void {
    this.generation++;
    for (const [key, end] of this.#ends) {
      if (end.edges > 0) continue;
      end.gone = true;
      this.#ends.delete(key);
    }
  }

  /** Of a name that led to one service of late, that service. */
  behind(from: End, name: string): End | undefined {
    const end = from.behind.get(name);
    return end && !end.gone ? end : undefined;
  }

  /** Undefined where there is no room. */
  edgeOf(from: End, to: End): Edge | undefined {
    return from.calls.get(to) ?? this.add(from, to);
  }

  add(from: End, to: End): Edge | undefined {
    if (this.all.size >= this.#most && !this.#makeRoom()) {
      this.#full();
      return undefined;
    }
    const edge = new Edge(from, to, this.now);
    this.all.add(edge);
    from.calls.set(to, edge);
    from.edges++;
    to.edges++;
    if (!to.reports) from.peers++;
    return edge;
  }

  /** A tenth of the edges that may go, those that were called last of all stay. */
  #makeRoom(): boolean {
    const dispensable = [...this.all].filter(
      ({ calls, seen, anomaly }) => anomaly === "" && (calls < ESTABLISHED || seen < this.now - IDLE),
    );
    dispensable.sort((a, b) => a.seen - b.seen);
    for (const edge of dispensable.slice(0, Math.ceil(this.#most / 10))) this.#forget(edge);
    return dispensable.length > 0;
  }

  #forget(edge: Edge): void {
    const { from, to } = edge;
    edge.gone = true;
    this.all.delete(edge);
    from.calls.delete(to);
    from.edges--;
    to.edges--;
    if (!to.reports) from.peers--;
  }

  /** The bucket is over: the next one takes the place of the oldest, which is learnt. */
  roll(): void {
    this.bucket++;
    const { slot } = this;
    for (const edge of this.all) {
      edge.count[slot] = edge.failed[slot] = 0;
      if (edge.gaps.learnt > 0) edge.gaps.fold(slot, edge.anomaly !== "");
      edge.surprise *= 0.9;
      if (edge.seen < this.now - FORGOTTEN && edge.anomaly === "") this.#forget(edge);
    }
  }

  /** The busiest first. */
  list(): ServiceCall[] {
    const passed = (BUCKETS - 1) * BUCKET + (this.now - this.bucket * BUCKET);
    const calls = [...this.all].map(({ from, to, count, failed, median, born, anomaly }) => {
      const sum = count.reduce((a, b) => a + b, 0);
      const seconds = Math.max(1000, Math.min(passed, this.now - born)) / 1000;
      return {
        from: from.name,
        to: to.name,
        rate: sum / seconds,
        failed: sum > 0 ? failed.reduce((a, b) => a + b, 0) / sum : 0,
        latency: median,
        ...(anomaly !== "" && { anomaly }),
      };
    });
    return calls.sort((a, b) => b.rate - a.rate || order(a.from, b.from) || order(a.to, b.to));
  }
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
