// The shape of what trace_structure saves.
import { z } from "vedette";
import { TYPES } from "./changes.ts";
import { LEVELS } from "./counts.ts";
import { RING } from "./share.ts";

export const VERSION = 1;
const number = z.number();
const id = z.int().nonnegative();
const ring = z.array(number).length(RING);

export const sighting = z.object({
  order: number,
  after: number,
  since: number,
  last: number,
  count: number,
  traceId: z.string(),
  spanId: z.string(),
});
export const counts = z.object({
  base: z.array(number).length(LEVELS),
  recent: z.array(number).length(LEVELS * RING),
  atOnce: number,
  limit: number,
});
const call = z.object({
  to: id,
  traces: number,
  odd: number,
  tainted: number,
  with: number,
  of: number,
  moments: number,
  weights: number,
  recent: ring,
  counts: counts.nullable(),
  retries: counts.nullable(),
  fresh: sighting.nullable(),
  next: z.array(z.object({ to: id, fresh: sighting.nullable() })),
});
const caller = z.object({
  id,
  key: z.string(),
  service: z.string(),
  namespace: z.string(),
  name: z.string(),
  kind: number,
  /** An id, or several. */
  far: z.union([id, z.literal("several")]).nullable(),
  traces: number,
  born: number,
  seen: number,
  begun: number,
  bucket: z
    .int()
    .min(0)
    .max(RING - 1),
  recent: ring,
  learnt: number,
  habits: number,
  habitAt: number.nullable(),
  crowded: number.nullable(),
  calls: z.array(call),
});
/** Of each way: where in the list the one before it is (-1 of an entry), what is called, traces, born. */
const way = z.object({ up: z.int().min(-1), to: id, traces: number, born: number, fresh: sighting.nullable() });
const facts = z.object({
  observed: number.nullable(),
  expected: number.nullable(),
  lower: number.nullable(),
  upper: number.nullable(),
  spans: number,
  of: number,
  since: number.nullable(),
});
const change = z.object({
  type: z.enum(TYPES),
  caller: id,
  to: id,
  after: id.nullable(),
  entry: id.nullable(),
  began: number,
  facts,
  rarity: number,
  traceId: z.string(),
  spanId: z.string(),
});
const told = z.object({
  type: z.enum(TYPES),
  about: z.string(),
  reason: z.string(),
  contributors: z.array(z.string()),
  /** Whose change it is. */
  caller: id,
  traceId: z.string(),
  spanId: z.string(),
});
const episode = z.object({
  began: number,
  since: number.nullable(),
  tried: number,
  adopted: z.boolean(),
  changes: z.array(change),
  told: told.nullable(),
});
export const state = z.object({
  version: z.literal(VERSION),
  judged: number.nullable(),
  sightings: number,
  next: id,
  callers: z.array(caller),
  /** Ids of callers with spans since they were judged. */
  stirred: z.array(id),
  ways: z.array(way),
  episodes: z.array(episode),
});
export type State = z.infer<typeof state>;
