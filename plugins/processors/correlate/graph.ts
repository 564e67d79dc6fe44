// Which services call which, over a few hops, as far as traces and anomalies tell.
import type { ServiceCall } from "vedette";

/** Edges that anomalies told of; the one told longest ago goes first. */
const MOST_LEARNT = 5000;
/** Services whose neighbourhood is remembered at a time. */
const MOST_REMEMBERED = 5000;

type Adjacent = ReadonlyMap<string, ReadonlySet<string>>;
/** How many calls away each is: 1 of those right beside it. */
export type Neighbours = ReadonlyMap<string, number>;

export class ServiceGraph {
  readonly #hops: number;
  #callees: Adjacent = new Map();
  #callers: Adjacent = new Map();
  #calls: ReadonlyMap<string, readonly [from: string, to: string]> = new Map();
  readonly #learnt = new Map<string, readonly [from: string, to: string]>();
  #below = new Map<string, Neighbours>();
  #above = new Map<string, Neighbours>();
  /** By name without namespace: the one service that has it, null where there are several. */
  #full = new Map<string, string | null>();
  #stale = false;

  constructor(hops: number) {
    this.#hops = hops;
  }

  /** Takes in what processors have learnt of it by now. Whether it has changed. */
  follow(calls: readonly ServiceCall[]): boolean {
    const all = new Map(calls.map(({ from, to }) => [keyOf(from, to), [from, to] as const]));
    const same = all.size === this.#calls.size && [...all.keys()].every((key) => this.#calls.has(key));
    if (same) return false;
    this.#calls = all;
    this.#stale = true;
    return true;
  }

  learn(from: string, to: string): void {
    const key = keyOf(from, to);
    if (from === "" || to === "" || from === to) return;
    if (!this.#learnt.delete(key)) this.#stale = true;
    this.#learnt.set(key, [from, to]);
    if (this.#learnt.size > MOST_LEARNT) this.#learnt.delete(this.#learnt.keys().next().value as string);
  }

  /** What it calls, directly or not. */
  below(service: string): Neighbours {
    this.#refresh();
    return near(this.#below, this.#callees, service, this.#hops);
  }

  /** What calls it. */
  above(service: string): Neighbours {
    this.#refresh();
    return near(this.#above, this.#callers, service, this.#hops);
  }

  /** Whether a call of the first can reach the second. */
  leads(from: string, to: string): boolean {
    return this.below(from).has(to);
  }

  /** Of a service that is named without its namespace, as metrics may: the one that others know by its whole name. */
  whole(service: string): string {
    this.#refresh();
    return this.knows(service) ? service : (this.#full.get(service) ?? service);
  }

  knows(service: string): boolean {
    this.#refresh();
    return this.#callees.has(service) || this.#callers.has(service);
  }

  /** Learnt from anomalies, the one told longest ago first. */
  get learnt(): (readonly [from: string, to: string])[] {
    return [...this.#learnt.values()];
  }

  #refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    const callees = new Map<string, Set<string>>();
    const callers = new Map<string, Set<string>>();
    const add = (to: Map<string, Set<string>>, key: string, value: string) => {
      const known = to.get(key);
      if (known) known.add(value);
      else to.set(key, new Set([value]));
    };
    for (const [from, to] of [...this.#calls.values(), ...this.#learnt.values()]) {
      if (from === to) continue;
      add(callees, from, to);
      add(callers, to, from);
    }
    this.#full = new Map();
    // what only is called may be a queue or a database, of which the first part of the name is the system
    for (const service of callees.keys()) {
      const slash = service.lastIndexOf("/");
      const bare = service.slice(slash + 1);
      if (slash > 0) this.#full.set(bare, this.#full.has(bare) ? null : service);
    }
    this.#callees = callees;
    this.#callers = callers;
    this.#below = new Map();
    this.#above = new Map();
  }
}

const keyOf = (from: string, to: string) => `${from}\0${to}`;

function near(remembered: Map<string, Neighbours>, adjacent: Adjacent, service: string, hops: number): Neighbours {
  const known = remembered.get(service);
  if (known) return known;
  const found = new Map<string, number>();
  let edge: Iterable<string> = [service];
  for (let distance = 1; distance <= hops; distance++) {
    const next: string[] = [];
    for (const each of edge) {
      for (const neighbour of adjacent.get(each) ?? []) {
        if (neighbour === service || found.has(neighbour)) continue;
        found.set(neighbour, distance);
        next.push(neighbour);
      }
    }
    edge = next;
  }
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(service, found);
  return found;
}
