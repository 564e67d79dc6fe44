// An operation as a caller: which calls its spans make, in which order, and by which ways they are reached.
import type { Labels } from "vedette";
import type { Change } from "./changes.ts";
import { Counts, LEVELS } from "./counts.ts";
import { RING, Share } from "./share.ts";
import type { Sighting } from "./sighting.ts";

/** Milliseconds within which new things of one caller have one cause. */
const TOGETHER = 300_000;

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
const CLIENT = 3;
export const PRODUCER = 4;

/** Retries of a call that failed as one may expect them before any were seen: up to two are common. */
export const RETRIES: readonly number[] = [8, 7, 3, 1.2, 0.5, 0.2];

export interface Learning {
  /** Traces, and milliseconds of the clock, for which a caller is watched before anything of it is new. */
  readonly warmup: number;
  readonly learning: number;
  /** Whether spans may be missing because they were not chosen. */
  readonly sampled: boolean;
}

/** Whether too little is known of a caller to judge it. */
export function young({ traces, born }: Caller, { warmup, learning }: Learning, now: number): boolean {
  return traces < warmup || now - born < learning;
}

/** Something that may have been seen for the first time. */
export interface Novelty {
  /** Whose spans do it, and what they call. */
  readonly caller: Caller;
  readonly to: Caller;
  /** While it is not known yet. */
  fresh: Sighting | undefined;
  /** Spans that could have had it, so far. */
  readonly chances: number;
  /** The last trace that it was counted in. */
  stamp: number;
}

/** An operation. Its identity is `key`. */
export class Caller {
  readonly id: number;
  readonly key: string;
  readonly service: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: number;
  /** Whether `match` lets it through. */
  readonly watched: boolean;
  /** Whether its spans only stand for a call, when another service is below them. */
  readonly hop: boolean;
  /** By id of what is called. */
  readonly calls = new Map<number, Call>();
  /** Of a hop: what is below it; `several` when that differs, undefined while nothing ever was. */
  far: Caller | "several" | undefined;
  /** Traces with it, and when it came first and last, by the clock. */
  traces = 0;
  readonly born: number;
  seen: number;
  stamp = 0;
  /** Spans by bucket, the bucket that is filled now, and when it was begun. */
  readonly recent: number[] = new Array(RING).fill(0);
  bucket = 0;
  begun: number;
  /** Spans that were learnt. A field that will hold fractions begins with -0, which V8 keeps as one: its class stays the same. */
  learnt = -0;
  /** Whether there were spans since it was judged. */
  stirred = false;
  /** How often new things of it came to stay, and when they last did, by the clock. */
  habits = -0;
  habitAt = Number.NEGATIVE_INFINITY;
  /** When there was no room for what it does, by the clock: what is new after that may not be. */
  crowded = Number.NEGATIVE_INFINITY;
  /** Changes that an example is wanted of. */
  wanted: Set<Change> | undefined;

  constructor(id: number, named: CallerName, watched: boolean, now: number) {
    this.id = id;
    this.key = named.key;
    this.service = interned(named.service);
    this.namespace = interned(named.namespace);
    this.name = named.name;
    this.kind = named.kind;
    this.hop = named.kind === CLIENT || named.kind === PRODUCER;
    this.watched = watched;
    this.born = this.seen = this.begun = now;
  }

  /** New things came to stay; those that do so together are one. */
  inure(now: number): void {
    if (Math.abs(now - this.habitAt) < TOGETHER) return;
    this.habitAt = now;
    this.habits++;
  }

  /** An example of a change is wanted. */
  want(change: Change): void {
    this.wanted ??= new Set();
    this.wanted.add(change);
  }

  unwant(change: Change): void {
    this.wanted?.delete(change);
    if (this.wanted?.size === 0) this.wanted = undefined;
  }

  /** Spans in the ring. */
  get window(): number {
    let sum = 0;
    for (const spans of this.recent) sum += spans;
    return sum;
  }
}

/** The same text as a key of an object, of which there is only one: comparing two of them does not look at what they say. */
const interned = (text: string) => Object.keys({ [text]: 0 })[0];

export interface CallerName {
  readonly key: string;
  readonly service: string;
  readonly namespace: string;
  readonly name: string;
  readonly kind: number;
}

export function labelsOf(
  { service, namespace, name, kind }: Omit<CallerName, "key">,
  traceId: string,
  spanId: string,
): Labels {
  const resource = {
    ...(service !== "" && { "service.name": service }),
    ...(namespace !== "" && { "service.namespace": namespace }),
  };
  const scope = { name: "", version: "" };
  return {
    resource,
    scope,
    name,
    statistic: "",
    kind: KINDS[kind] ?? KINDS[0],
    unit: "",
    attributes: {},
    traceId,
    spanId,
  };
}

/** What spans of one operation call: another operation, or what stands for something that does not report. */
export class Call implements Novelty {
  readonly caller: Caller;
  readonly to: Caller;
  readonly share = new Share();
  fresh: Sighting | undefined;
  stamp = 0;
  /** How many there are in one span, where it ever was more than one; and retries in spans in which one failed. */
  counts: Counts | undefined;
  retries: Counts | undefined;
  /** By id of what is called next. */
  readonly next = new Map<number, Step>();
  /** Traces in which it was made. */
  traces = 0;
  /** How rare what it did of late is; and how many of the next buckets to leave the ring are not learnt. */
  odd = -0;
  tainted = 0;

  constructor(caller: Caller, to: Caller) {
    this.caller = caller;
    this.to = to;
  }

  get chances(): number {
    return this.caller.traces;
  }

  /** Spans with it in the ring. */
  get window(): number {
    let sum = 0;
    for (const spans of this.share.recent) sum += spans;
    return sum;
  }

  /** `atOnce`: most of them overlapped. */
  count(bucket: number, many: number, atOnce: boolean): void {
    if (!this.counts) {
      if (many < 2) return;
      this.counts = new Counts([]);
      // so far it was one in each
      this.counts.base[0] = this.share.with;
      for (const [i, spans] of this.share.recent.entries()) this.counts.recent[i * LEVELS] = spans;
    }
    this.counts.observe(bucket, many, atOnce);
  }

  retry(bucket: number, many: number): void {
    this.retries ??= new Counts(RETRIES);
    this.retries.observe(bucket, many + 1, false);
  }

  /** So many spans made it once. */
  madeOnce(spans: number): void {
    const { bucket } = this.caller;
    this.share.recent[bucket] += spans;
    if (this.counts) this.counts.recent[bucket * LEVELS] += spans;
  }

  /** In so many spans it failed, and was not tried again. */
  failedOnce(spans: number): void {
    this.retries ??= new Counts(RETRIES);
    this.retries.recent[this.caller.bucket * LEVELS] += spans;
  }
}

/** One call after another in the same span. */
export class Step implements Novelty {
  readonly after: Call;
  readonly to: Caller;
  fresh: Sighting | undefined;
  stamp = 0;

  constructor(after: Call, to: Caller) {
    this.after = after;
    this.to = to;
  }

  get caller(): Caller {
    return this.after.caller;
  }

  get chances(): number {
    return this.after.traces;
  }
}

/** How an operation is reached from an entry: the calls on the way, as a tree. */
export class Way implements Novelty {
  readonly up: Way | undefined;
  readonly to: Caller;
  readonly depth: number;
  readonly next = new Map<number, Way>();
  fresh: Sighting | undefined;
  stamp = 0;
  /** Traces that came this way, and when the first did, by the clock. */
  traces = 0;
  readonly born: number;

  constructor(up: Way | undefined, to: Caller, now: number) {
    this.up = up;
    this.to = to;
    this.depth = up ? up.depth + 1 : 0;
    this.born = now;
  }

  get caller(): Caller {
    return this.up!.to;
  }

  get chances(): number {
    return this.up!.traces;
  }

  get entry(): Caller {
    return this.up ? this.up.entry : this.to;
  }
}
