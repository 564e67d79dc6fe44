// Calls that take longer on their way than usual: found, told once, over when they are as before or have lasted.
import type { Detection, Labels } from "vedette";
import { type Blamed, blame, isSlow, type Least } from "./blame.ts";
import type { Edge, Edges, End } from "./edges.ts";
import { BUCKET, BUCKETS, type Window } from "./gaps.ts";
import { adopted, ceased, over, type Slow, slow } from "./words.ts";

/** Buckets of the short window, and what two windows cost: either may find it. */
const SHORT = 2;
const LOOKS = Math.log10(2);
/** Buckets from which on it is known how much one differs from another; traces of a window that can tell anything. */
const KNOWN_BUCKETS = 8;
const LEAST_TRACES = 3;
/** Rarity and ratio of the last minute below which an edge is as before, and for how many buckets in a row all have to be. */
const CALM = { rarity: 1.3, ratio: 1.3 };
const CALM_BUCKETS = 2;
/** Milliseconds without a call that can be judged after which an incident is over. */
const SILENT = 600_000;
const MOST_CONTRIBUTORS = 10;
/** Milliseconds: traces that are judged began within it, by a clock that is right. */
const LONGEST_WINDOW = (BUCKETS + 2) * BUCKET;

export interface Incident {
  readonly end: End;
  readonly edges: Set<Edge>;
  readonly about: string;
  /** Unix milliseconds: when it began, and when calls of it were judged last. */
  readonly since: number;
  heard: number;
  calm: number;
  /** "Calls to and from ts-basic": how sentences about it begin. */
  readonly said: string;
  /** Id of its anomaly. */
  readonly id: string;
}

export interface IncidentOptions {
  readonly warmup: number;
  readonly least: Least;
  /** Milliseconds. */
  readonly adopt_after: number;
}

export class Incidents {
  readonly open = new Map<string, Incident>();
  readonly #edges: Edges;
  readonly #options: IncidentOptions;
  readonly #detection: Detection;
  /** The rarity that was not past the line, by what it was about. */
  #tried = new Map<string, number>();
  readonly #window: Window = { traces: 0, rarity: 0, mean: 1, ratio: 1 };

  constructor(edges: Edges, options: IncidentOptions, detection: Detection) {
    this.#edges = edges;
    this.#options = options;
    this.#detection = detection;
  }

  /** A bucket is over. */
  judge(): void {
    const { all } = this.#edges;
    const suspects: Edge[] = [];
    for (const edge of all) {
      this.#judgeEdge(edge);
      edge.slowFor = edge.slow ? edge.slowFor + 1 : 0;
      if (edge.slow && edge.anomaly === "") suspects.push(edge);
    }
    for (const [key, incident] of this.open) this.#follow(key, incident, suspects);
    const tried = this.#tried;
    this.#tried = new Map();
    const left = suspects.filter(({ anomaly }) => anomaly === "");
    for (const blamed of blame(left, all)) this.#tell(blamed, tried);
  }

  #judgeEdge(edge: Edge): void {
    const { gaps } = edge;
    const { least, warmup } = this.#options;
    const window = this.#window;
    edge.rarity = edge.judged = 0;
    edge.slow = false;
    if (gaps.learnt === 0) return;
    gaps.judge(this.#edges.slot, BUCKETS, window);
    if (window.traces === 0) return;
    edge.judged = window.traces;
    let { rarity } = window;
    let clear = isSlow(window, least);
    gaps.judge(this.#edges.slot, SHORT, window);
    if (window.traces >= LEAST_TRACES && window.rarity - LOOKS > rarity) {
      rarity = window.rarity - LOOKS;
      clear = isSlow(window, least);
    }
    edge.rarity = rarity;
    if (rarity > gaps.worst) gaps.worst = rarity;
    edge.slow =
      clear && edge.judged >= LEAST_TRACES && gaps.learnt >= warmup && gaps.buckets >= Math.min(warmup, KNOWN_BUCKETS);
  }

  #follow(key: string, incident: Incident, suspects: readonly Edge[]): void {
    const { edges, end, about, id, said, since } = incident;
    const { now, slot } = this.#edges;
    const whole = about === "network";
    for (const edge of suspects) {
      if (!whole || (edge.from !== end && edge.to !== end)) continue;
      edges.add(edge);
      edge.anomaly = id;
    }
    let calm = true;
    let heard = false;
    for (const { gaps } of edges) {
      gaps.judge(slot, SHORT, this.#window);
      const { traces, rarity, ratio } = this.#window;
      if (traces === 0) continue;
      heard = true;
      if (rarity >= CALM.rarity && ratio >= CALM.ratio) calm = false;
    }
    if (heard) {
      incident.heard = now;
      incident.calm = calm ? incident.calm + 1 : 0;
    }
    const lasting = now - since;
    if (incident.calm >= CALM_BUCKETS) this.#close(key, incident, over(said, lasting), false);
    else if (now - incident.heard >= SILENT) this.#close(key, incident, ceased(said, SILENT), false);
    else if (lasting >= this.#options.adopt_after) this.#close(key, incident, adopted(said, lasting), true);
  }

  #close(key: string, incident: Incident, reason: string, adopts: boolean): void {
    const { edges, end, about, since } = incident;
    this.open.delete(key);
    for (const edge of edges) {
      edge.anomaly = "";
      if (adopts) edge.gaps.adopt(this.#edges.slot);
      else edge.gaps.clear();
    }
    const labels = labelsOf(end);
    const { now } = this.#edges;
    const finding = { type: "latency", signal: "traces", labels, about, time: now, since, rarity: 0, reason } as const;
    this.#detection.find({ ...finding, state: "resolved" });
  }

  #tell({ end, edges, rarity }: Blamed, before: ReadonlyMap<string, number>): void {
    // where one edge is slow others may follow within half a minute
    if (edges.length === 1 && edges[0].slowFor < 2) return;
    const { now } = this.#edges;
    const told = this.#described(end, edges);
    const about = edges.length > 1 ? "network" : `network ${edges[0].name}`;
    const labels = labelsOf(end, edges[0]);
    const key = this.#detection.fingerprint("traces", labels, about);
    if (this.open.has(key)) return;
    const tried = before.get(key);
    const found = this.#detection.find({
      type: "latency",
      signal: "traces",
      labels,
      about,
      time: now,
      since: told.since,
      rarity,
      ...(tried !== undefined && { tried }),
      observed: told.observed,
      expected: told.expected,
      lower: told.lower,
      upper: told.upper,
      reason: slow(told),
      contributors: edges.slice(0, MOST_CONTRIBUTORS).map(({ name }) => name),
      untilResolved: true,
    });
    if (!found) {
      this.#tried.set(key, Math.max(rarity, tried ?? 0));
      return;
    }
    const id = `${key}-${Math.max(0, Math.trunc(told.since)).toString(36)}`;
    for (const edge of edges) edge.anomaly = id;
    const { said, since } = told;
    this.open.set(key, { end, edges: new Set(edges), about, since, heard: now, calm: 0, said, id });
  }

  /** Of all edges together, each weighed by its traces. */
  #described(end: End, edges: readonly Edge[]): Slow {
    const { slot, now } = this.#edges;
    const sums = { traces: 0, observed: 0, expected: 0, lower: 0, upper: 0 };
    let since = now;
    for (const { gaps } of edges) {
      const { traces, logs, since: own } = gaps.slow(slot);
      const [lower, upper] = gaps.usual;
      sums.traces += traces;
      sums.observed += logs;
      sums.expected += traces * gaps.mean;
      sums.lower += traces * Math.log(lower);
      sums.upper += traces * Math.log(upper);
      // clocks of senders may be far off
      since = Math.min(since, Math.max(own, now - LONGEST_WINDOW));
    }
    const mean = (sum: number) => Math.exp(sum / sums.traces);
    return {
      said: this.#said(end, edges),
      edges: edges.length,
      traces: sums.traces,
      since,
      observed: mean(sums.observed),
      expected: mean(sums.expected),
      lower: mean(sums.lower),
      upper: mean(sums.upper),
    };
  }

  #said(end: End, edges: readonly Edge[]): string {
    if (edges.length === 1) return `calls from ${edges[0].from.name} to ${edges[0].to.name}`;
    const into = edges.some(({ to }) => to === end);
    const out = edges.some(({ from }) => from === end);
    return `calls ${into && out ? "to and from" : into ? "to" : "from"} ${end.name}`;
  }
}

export function labelsOf({ namespace, service }: End, example?: Edge): Labels {
  const resource = { ...(namespace !== "" && { "service.namespace": namespace }), "service.name": service };
  const { traceId = "", spanId = "" } = example ?? {};
  return {
    resource,
    scope: { name: "", version: "" },
    name: "",
    statistic: "",
    unit: "ms",
    attributes: {},
    traceId,
    spanId,
  };
}
