// What trace_structure remembers, as JSON.
import type { z } from "vedette";
import { Caller, type Novelty, RETRIES, type Way } from "./caller.ts";
import type { Callers } from "./callers.ts";
import { type Change, type Changes, keyOf } from "./changes.ts";
import { Counts } from "./counts.ts";
import type { Reader } from "./reader.ts";
import { type counts, type State, type sighting, state, VERSION } from "./shape.ts";
import { Sighting } from "./sighting.ts";

export interface Remembered {
  readonly callers: Callers;
  readonly reader: Reader;
  readonly changes: Changes;
}

const finite = (value: number) => (Number.isFinite(value) ? value : null);
const fresh = ({ fresh }: Novelty) => (fresh ? { ...fresh } : null);
const savedCounts = (each: Counts | undefined) =>
  each ? { base: each.base, recent: each.recent, atOnce: each.atOnce, limit: each.limit } : null;

/** `judged` is Unix milliseconds of the clock. */
export function save({ callers, reader, changes }: Remembered, judged: number): Uint8Array {
  reader.settle();
  const saved: State = {
    version: VERSION,
    judged: finite(judged),
    sightings: reader.sightings,
    next: callers.next,
    callers: [...callers.byKey.values()].map(savedCaller),
    stirred: reader.stirred.map(({ id }) => id),
    ways: savedWays(callers.entries.values()),
    episodes: [...changes.episodes].map(({ began, since, tried, adopted, changes, told }) => ({
      began,
      since: finite(since),
      tried,
      adopted,
      changes: [...changes.values()].map(savedChange),
      told: told ? { ...told, caller: told.caller.id, contributors: [...told.contributors] } : null,
    })),
  };
  return Buffer.from(JSON.stringify(saved));
}

function savedCaller({
  wanted: _,
  watched: _w,
  hop: _h,
  stamp: _s,
  stirred: _t,
  ...own
}: Caller): State["callers"][number] {
  return {
    ...own,
    habitAt: finite(own.habitAt),
    crowded: finite(own.crowded),
    far: own.far instanceof Caller ? own.far.id : (own.far ?? null),
    calls: [...own.calls.values()].map((each) => ({
      to: each.to.id,
      traces: each.traces,
      odd: each.odd,
      tainted: each.tainted,
      with: each.share.with,
      of: each.share.of,
      moments: each.share.moments,
      weights: each.share.weights,
      recent: each.share.recent,
      counts: savedCounts(each.counts),
      retries: savedCounts(each.retries),
      fresh: fresh(each),
      next: [...each.next.values()].map((step) => ({ to: step.to.id, fresh: fresh(step) })),
    })),
  };
}

/** A way before those that go on from it. */
function savedWays(entries: Iterable<Way>): State["ways"] {
  const ways: State["ways"] = [];
  const add = (each: Way, up: number) => {
    const { to, traces, born, next } = each;
    const at = ways.push({ up, to: to.id, traces, born, fresh: fresh(each) }) - 1;
    for (const on of next.values()) add(on, at);
  };
  for (const entry of entries) add(entry, -1);
  return ways;
}

function savedChange({ type, caller, to, after, entry, began, facts, rarity, traceId, spanId }: Change) {
  const { observed, expected, lower, upper, spans, of, since } = facts;
  const figures = {
    observed: finite(observed),
    expected: finite(expected),
    lower: finite(lower),
    upper: finite(upper),
  };
  return {
    type,
    caller: caller.id,
    to: to.id,
    after: after?.id ?? null,
    entry: entry?.id ?? null,
    began,
    facts: { ...figures, spans, of, since: finite(since) },
    rarity,
    traceId,
    spanId,
  };
}

/** Fills what has learnt nothing yet; when it was judged last. Throws when the bytes are not of `save`. */
export function load(bytes: Uint8Array, { callers, reader, changes }: Remembered): number {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new Error("is not what trace_structure saves");
  }
  const { data } = state.safeParse(parsed);
  if (!data) throw new Error("is of another version of trace_structure, or damaged");
  const byId = new Map<number, Caller>();
  for (const each of data.callers) byId.set(each.id, callers.restore(each, each.id, each.born));
  callers.next = Math.max(data.next, 1, ...byId.keys().map((id) => id + 1));
  reader.sightings = data.sightings;
  const sighted: Novelty[] = [];
  const sight = (novelty: Novelty, saved: z.infer<typeof sighting> | null) => {
    if (!saved) return;
    const { order, after, since, last, count, traceId, spanId } = saved;
    novelty.fresh = Object.assign(new Sighting(order, after, since, last, traceId, spanId), { count });
    sighted.push(novelty);
  };
  for (const saved of data.callers) recall(saved, byId, callers, sight);
  const ways: (Way | undefined)[] = [];
  for (const { up, to, born, traces, fresh } of data.ways) {
    const before = up < 0 ? undefined : ways[up];
    const called = byId.get(to);
    const made = called && (up < 0 || before) ? callers.way(before, called, born) : undefined;
    ways.push(made);
    if (!made) continue;
    made.traces = traces;
    if (before) sight(made, fresh);
  }
  sighted.sort((a, b) => a.fresh!.order - b.fresh!.order);
  for (const novelty of sighted) reader.fresh.add(novelty);
  for (const each of data.stirred) {
    const caller = byId.get(each);
    if (!caller || caller.stirred) continue;
    caller.stirred = true;
    reader.stirred.push(caller);
  }
  for (const each of data.episodes) restoreEpisode(each, byId, changes);
  return data.judged ?? Number.NaN;
}

function recall(
  saved: State["callers"][number],
  byId: ReadonlyMap<number, Caller>,
  callers: Callers,
  sight: (novelty: Novelty, saved: z.infer<typeof sighting> | null) => void,
): void {
  const caller = byId.get(saved.id)!;
  const { traces, seen, begun, bucket, learnt, habits, habitAt, crowded, far } = saved;
  Object.assign(caller, { traces, seen, begun, bucket, learnt, habits, habitAt: habitAt ?? Number.NEGATIVE_INFINITY });
  caller.far = typeof far === "number" ? byId.get(far) : (far ?? undefined);
  refill(caller.recent, saved.recent);
  for (const { to, next, ...each } of saved.calls) {
    const called = byId.get(to);
    const call = called && callers.call(caller, called);
    if (!call) continue;
    const { traces, odd, tainted, with: having, of, moments, weights } = each;
    Object.assign(call, { traces, odd, tainted });
    Object.assign(call.share, { with: having, of, moments, weights });
    refill(call.share.recent, each.recent);
    call.counts = restoredCounts(each.counts, []);
    call.retries = restoredCounts(each.retries, RETRIES);
    sight(call, each.fresh);
    for (const { to, fresh } of next) {
      const then = byId.get(to);
      const step = then && callers.step(call, then);
      if (step) sight(step, fresh);
    }
  }
  caller.crowded = crowded ?? Number.NEGATIVE_INFINITY;
}

function restoredCounts(saved: z.infer<typeof counts> | null, prior: readonly number[]): Counts | undefined {
  if (!saved) return undefined;
  const restored = new Counts(prior);
  restored.restore(saved.base, saved.recent);
  restored.atOnce = saved.atOnce;
  restored.limit = saved.limit;
  return restored;
}

function refill(into: number[], from: readonly number[]): void {
  for (const [i, value] of from.entries()) into[i] = value;
}

function restoreEpisode(saved: State["episodes"][number], byId: ReadonlyMap<number, Caller>, changes: Changes): void {
  const { began, since, tried, adopted, told } = saved;
  const restored = new Map<string, Change>();
  for (const each of saved.changes) {
    const { type, began, rarity, traceId, spanId } = each;
    const caller = byId.get(each.caller);
    const to = byId.get(each.to);
    if (!caller || !to) continue;
    const unknown = (value: number | null) => value ?? Number.NaN;
    const { observed, expected, lower, upper, since, spans, of } = each.facts;
    const facts = {
      observed: unknown(observed),
      expected: unknown(expected),
      lower: unknown(lower),
      upper: unknown(upper),
      spans,
      of,
      since: unknown(since),
    };
    const after = each.after === null ? undefined : byId.get(each.after);
    const entry = each.entry === null ? undefined : byId.get(each.entry);
    const change: Change = { type, caller, to, after, entry, began, facts, rarity, traceId, spanId };
    restored.set(keyOf(change), change);
    if (type !== "new_edge" && type !== "new_path" && traceId === "") caller.want(change);
  }
  const who = told && byId.get(told.caller);
  changes.restore({
    began,
    since: since ?? Number.NaN,
    tried,
    adopted,
    changes: restored,
    told: told && who ? { ...told, caller: who } : undefined,
  });
}
