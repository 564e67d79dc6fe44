// Who calls whom: services, what they call that does not report, and what is known of the calls between two of them.
import type { ServiceCall } from "vedette";
import { BUCKET, BUCKETS, Gaps } from "./gaps.ts";
import { Tallies } from "./tallies.ts";

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

/** A service, or a peer that does not report. */
export class End {
  /** No other end ever has it. */
  readonly number: number;
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

  constructor(number: number, namespace: string, service: string, reports: boolean) {
    this.number = number;
    this.namespace = namespace;
    this.service = service;
    this.reports = reports;
  }

  get name(): string {
    const service = this.service || NAMELESS;
    return this.namespace === "" ? service : `${this.namespace}/${service}`;
  }

  /** Notes that what it calls `name` is `end`. Whether there was no room, and all other names were forgotten. */
  reach(name: string, end: End): boolean {
    const known = this.behind.get(name);
    if (known === end || known === null) return false;
    const full = known === undefined && this.behind.size >= MOST_PEERS;
    if (full) this.behind.clear();
    this.behind.set(name, known === undefined || known.gone ? end : null);
    return full;
  }
}

export class Edge {
  readonly from: End;
  readonly to: End;
  /** Of its calls in `Edges.tallies`. */
  readonly row: number;
  /** When it was called first: Unix milliseconds of the agent's clock. */
  born: number;
  /** Of calls between two that report. */
  readonly gaps = new Gaps();
  /** The slowest call on its way in the last window. */
  traceId = "";
  spanId = "";
  surprise = 0;
  /** How it was judged last, and for how many buckets in a row it has been slow; of how many traces. */
  rarity = 0;
  slow = false;
  slowFor = 0;
  judged = 0;
  /** Id of the anomaly that is open about it. */
  anomaly = "";

  constructor(from: End, to: End, row: number, now: number) {
    this.from = from;
    this.to = to;
    this.row = row;
    this.born = now;
  }

  get name(): string {
    return `${this.from.name} > ${this.to.name}`;
  }
}

export class Edges {
  readonly all = new Set<Edge>();
  readonly tallies = new Tallies();
  /** By row. */
  readonly byRow: Edge[] = [];
  readonly #ends = new Map<string, End>();
  /** The number of the next end. */
  #next = 0;
  readonly #most: number;
  readonly #full: () => void;
  /** Unix milliseconds of the agent's clock, and the bucket that it is in. */
  now = Number.NaN;
  bucket = 0;
  /** How often ends were forgotten, and edges. */
  generation = 0;
  forgotten = 0;

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
      end = new End(this.#next++, namespace, service, reports);
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
    const edge = new Edge(from, to, this.tallies.take(this.now), this.now);
    this.all.add(edge);
    this.byRow[edge.row] = edge;
    from.calls.set(to, edge);
    from.edges++;
    to.edges++;
    if (!to.reports) from.peers++;
    return edge;
  }

  /** A tenth of the edges that may go, those that were called last of all stay. */
  #makeRoom(): boolean {
    const { tallies } = this;
    const dispensable = [...this.all].filter(
      ({ row, anomaly }) => anomaly === "" && (tallies.calls(row) < ESTABLISHED || tallies.seen(row) < this.now - IDLE),
    );
    dispensable.sort((a, b) => tallies.seen(a.row) - tallies.seen(b.row));
    for (const edge of dispensable.slice(0, Math.ceil(this.#most / 10))) this.#forget(edge);
    return dispensable.length > 0;
  }

  #forget(edge: Edge): void {
    const { from, to, row } = edge;
    this.forgotten++;
    this.tallies.release(row);
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
      this.tallies.empty(edge.row, slot);
      if (edge.gaps.learnt > 0) edge.gaps.fold(slot, edge.anomaly !== "");
      edge.surprise *= 0.9;
      if (this.tallies.seen(edge.row) < this.now - FORGOTTEN && edge.anomaly === "") this.#forget(edge);
    }
  }

  /** The busiest first. */
  list(): ServiceCall[] {
    const passed = (BUCKETS - 1) * BUCKET + (this.now - this.bucket * BUCKET);
    const calls = [...this.all].map(({ from, to, row, born, anomaly }) => {
      const { count, failed } = this.tallies.window(row);
      const seconds = Math.max(1000, Math.min(passed, this.now - born)) / 1000;
      return {
        from: from.name,
        to: to.name,
        rate: count / seconds,
        failed: count > 0 ? failed / count : 0,
        latency: this.tallies.median(row),
        ...(anomaly !== "" && { anomaly }),
      };
    });
    return calls.sort((a, b) => b.rate - a.rate || order(a.from, b.from) || order(a.to, b.to));
  }
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
