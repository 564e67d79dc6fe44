// Agent, services, instances, series: who is below whom, when each was last heard on its parent's clock, and its gaps.
import type { Labels, Telemetry } from "vedette";
import { decodeAttributes, encodeAttributes } from "vedette/otlp";
import { Clock, SET_BACK } from "./clock.ts";
import { Deadlines, Places } from "./deadlines.ts";
import { Gaps } from "./gaps.ts";

type Attributes = Labels["resource"];
export type Back = (node: number, time: number, silence: number) => void;
export type Level = "agent" | "service" | "instance";

/** A silence that was told teaches a gap of no more than so many usual ones: a habit is learnt, an outage is not. */
const HABIT = 10;
const SMALLEST = 256;

/** What the series of one metric, span name or severity of a service have in common. */
export interface Metric {
  readonly key: string;
  readonly name: string;
  readonly statistic: string;
  readonly kind: string;
  readonly scope: Labels["scope"];
  /** Series that have it now. */
  series: number;
  /** The series that came last, or came back, and when, on the service's clock. */
  newest: number;
  born: number;
  /** Series that were silent for long. */
  gone: number;
}

/** A node with children. */
export class Group {
  readonly level: Level;
  readonly node: number;
  readonly parent: Group | undefined;
  /** Its attributes as OTLP has them, one byte a character: compact, and exact on the way back. */
  readonly resource: string;
  readonly clock = new Clock();
  readonly children: Deadlines;
  /** By `resource`: services of the agent, instances of a service. */
  readonly groups = new Map<string, Group>();
  /** Of a service. */
  readonly metrics = new Map<string, Metric>();
  /** Children that are not silent. */
  living = 0;
  /** The child that came last, or came back, and when, on this clock. */
  newest = -1;
  born = 0;
  /** The fewest living children in this day of the clock and the one before; the day began at `day`. */
  fewest = Number.POSITIVE_INFINITY;
  fewestBefore = Number.POSITIVE_INFINITY;
  day = 0;
  /** Of a service: whether series of it wait for room, so that nobody knows what replaces what. */
  crowded = false;
  /** Children that were silent for long. */
  gone = 0;
  /** Whether a row came since it was last looked after. */
  stirred = false;

  constructor(level: Level, node: number, parent: Group | undefined, resource: string, places: Places) {
    this.level = level;
    this.node = node;
    this.parent = parent;
    this.resource = resource;
    this.children = new Deadlines(places);
  }
}

/** What a node is now: heard, silent and not worth telling, or silent and told. */
export const HEARD = 0;
export const QUIET = 1;
export const TOLD = 2;

/** Nodes are dense numbers, 0 the agent; columns by node, of a node that is free without meaning. */
export class Tree {
  readonly signal: Telemetry;
  /** Seconds after which a node that is not known well enough is looked at again. */
  readonly later: number;
  readonly gaps = new Gaps();
  readonly #places = new Places();
  /** Its parent's clock when it was last heard; -1 before. */
  stamp = new Float64Array(0);
  /** When its last row came, in seconds. */
  last = new Float64Array(0);
  state = new Uint8Array(0);
  readonly parent: (Group | undefined)[] = [];
  readonly group = new Map<number, Group>();
  /** Of series. */
  readonly metric: (Metric | undefined)[] = [];
  readonly attributes: string[] = [];
  /** Whose clocks have moved. */
  stirred: Group[] = [];
  series = 0;
  #nodes = 0;
  readonly #free: number[] = [];
  #lastGroup: Group | undefined;
  #lastSecond = 0;
  readonly agent: Group;
  /** A silent node was heard, at `time` in seconds, after so many on its parent's clock. */
  readonly #back: Back;

  constructor(signal: Telemetry, later: number, back: Back) {
    this.signal = signal;
    this.later = later;
    this.#back = back;
    this.agent = new Group("agent", this.#take(), undefined, "", this.#places);
    this.group.set(0, this.agent);
  }

  #take(): number {
    let node = this.#free.pop();
    if (node === undefined) {
      node = this.#nodes++;
      if (node === this.state.length) this.#grow(Math.max(SMALLEST, node * 2));
    }
    this.gaps.clear(node);
    this.stamp[node] = -1;
    this.last[node] = 0;
    this.state[node] = HEARD;
    return node;
  }

  #grow(capacity: number): void {
    const stamp = new Float64Array(capacity);
    const last = new Float64Array(capacity);
    const state = new Uint8Array(capacity);
    stamp.set(this.stamp);
    last.set(this.last);
    state.set(this.state);
    this.stamp = stamp;
    this.last = last;
    this.state = state;
    this.gaps.grow(capacity);
    this.#places.grow(capacity);
  }

  /** The group below `parent` of that resource, made if need be. */
  groupOf(level: Level, parent: Group, resource: string): Group {
    const known = parent.groups.get(resource);
    if (known) return known;
    const group = new Group(level, this.#take(), parent, resource, this.#places);
    parent.groups.set(resource, group);
    this.group.set(group.node, group);
    this.#born(group.node, parent);
    return group;
  }

  /** A new series of an instance. */
  add(instance: Group, labels: Named, attributes: string): number {
    const service = instance.parent!;
    const node = this.#take();
    const metric = metricOf(service, labels);
    metric.series++;
    this.metric[node] = metric;
    this.attributes[node] = attributes;
    this.series++;
    this.#born(node, instance);
    return node;
  }

  #born(node: number, parent: Group): void {
    this.parent[node] = parent;
    parent.living++;
    this.#came(node, parent);
    parent.children.set(node, parent.clock.now + this.later);
  }

  /** What falls silent now may have been replaced by it. */
  #came(node: number, parent: Group): void {
    parent.newest = node;
    parent.born = parent.clock.now;
    const metric = this.metric[node];
    if (!metric) return;
    metric.newest = node;
    metric.born = parent.parent!.clock.now;
  }

  /** Forgets a node without children, and whoever is without children then. */
  remove(node: number): void {
    const parent = this.parent[node]!;
    parent.children.remove(node);
    if (this.state[node] === HEARD) parent.living--;
    const metric = this.metric[node];
    if (metric) {
      this.series--;
      if (--metric.series === 0) parent.parent!.metrics.delete(metric.key);
    }
    const group = this.group.get(node);
    if (group) parent.groups.delete(group.resource);
    this.group.delete(node);
    this.parent[node] = undefined;
    this.metric[node] = undefined;
    this.attributes[node] = "";
    this.#free.push(node);
    this.#lastGroup = undefined;
    if (parent.children.size === 0 && parent.parent) this.remove(parent.node);
  }

  /** A row of the series came at `time`, in seconds. */
  hear(node: number, time: number): void {
    const group = this.parent[node]!;
    // parents are heard once a second
    const second = Math.floor(time);
    if (group !== this.#lastGroup || second > this.#lastSecond || second < this.#lastSecond - SET_BACK) {
      this.#arrive(group, second);
      this.#lastGroup = group;
      this.#lastSecond = second;
    }
    this.#event(node, group, time);
  }

  /** From the agent down, so that a child is heard on a clock that knows of it. */
  #arrive(group: Group, time: number): void {
    if (group.parent) {
      this.#arrive(group.parent, time);
      this.#event(group.node, group.parent, time);
    }
    group.clock.hear(time);
    this.stir(group);
  }

  /** Has the group looked after at the next tick. */
  stir(group: Group): void {
    if (group.stirred) return;
    group.stirred = true;
    this.stirred.push(group);
  }

  #event(node: number, group: Group, time: number): void {
    const { now, resumed } = group.clock;
    const was = this.state[node];
    const before = this.stamp[node];
    const own = time - this.last[node];
    // the points of one export are one event
    if (own > 0 || own < -SET_BACK) {
      if (before >= resumed && this.last[node] > 0) {
        // clocks go by seconds
        const gap = Math.abs(own - (now - before)) < 2 ? own : now - before;
        if (gap > 0) this.gaps.learn(node, was === TOLD ? Math.min(gap, HABIT * this.gaps.median(node)) : gap, now);
      }
      this.last[node] = time;
    }
    this.stamp[node] = now;
    if (was === HEARD) return;
    this.state[node] = HEARD;
    group.living++;
    group.children.set(node, now + this.later);
    this.#came(node, group);
    this.#back(node, time, now - before);
  }

  /** Takes the node out of the living, until it is heard; `due` is when to look at it again. */
  silence(node: number, state: typeof QUIET | typeof TOLD, due: number): void {
    const parent = this.parent[node]!;
    if (this.state[node] === HEARD) parent.living--;
    this.state[node] = state;
    parent.children.set(node, due);
  }

  /** Seconds on its parent's clock since it was last heard, or since the parent was heard again. */
  silentFor(node: number): number {
    const { now, resumed } = this.parent[node]!.clock;
    return now - Math.max(this.stamp[node], resumed);
  }

  /** Whether its silence can be judged. Metrics are sent by the clock, though their senders together look irregular. */
  knows(node: number, warmup: number): boolean {
    const rest = this.signal !== "metrics" || !this.group.has(node);
    return this.gaps.known(node, warmup, this.parent[node]!.clock.now, rest);
  }

  /** Series below the group that were not silent before it. */
  sizeOf(group: Group): number {
    if (group.level === "instance") return group.living;
    let size = 0;
    for (const child of group.groups.values()) if (this.state[child.node] === HEARD) size += this.sizeOf(child);
    return size;
  }
}

type Named = Pick<Metric, "name" | "statistic" | "kind" | "scope">;

export const metricKey = ({ name, statistic, kind, scope }: Named) =>
  JSON.stringify([name, statistic, kind, scope.name, scope.version]);

/** The metric of that name among a service's, made if need be. */
export function metricOf(service: Group, { name, statistic, kind, scope }: Named): Metric {
  const key = metricKey({ name, statistic, kind, scope });
  let metric = service.metrics.get(key);
  if (!metric) {
    metric = { key, name, statistic, kind, scope, series: 0, newest: -1, born: 0, gone: 0 };
    service.metrics.set(key, metric);
  }
  return metric;
}

/** Attributes as one string that tells equal ones from others, whatever their order. */
export function packed(attributes: Attributes): string {
  const sorted: Record<string, Attributes[string]> = Object.create(null);
  for (const key of Object.keys(attributes).sort()) sorted[key] = attributes[key];
  return Buffer.from(encodeAttributes(1, sorted)).toString("latin1");
}

export function unpacked(text: string): Attributes {
  const bytes = Buffer.from(text, "latin1");
  return decodeAttributes(bytes, 0, bytes.length, 1);
}

/** The attributes that name a service. */
export function serviceAttributes(resource: Attributes): Attributes {
  const some: Record<string, Attributes[string]> = Object.create(null);
  for (const key of ["service.namespace", "service.name"]) if (resource[key] !== undefined) some[key] = resource[key];
  return some;
}
