// What drain remembers, as JSON; tables as base64.
import { z } from "vedette";
import type { Miner } from "./miner.ts";
import type { Seed } from "./template.ts";

/** Raise it when tokens, keys or what is learnt of them change their meaning. */
const VERSION = 1;
const int = z.int();
const key = z.tuple([int, int]);
const table = z.object({ bits: int, old: z.string(), young: z.string() });

const state = z.object({
  version: z.literal(VERSION),
  lines: z.number(),
  next: int,
  budget: z.tuple([z.number(), z.number()]),
  templates: z.array(
    z.object({
      number: int.positive(),
      id: z.string().length(16),
      key,
      shape: key,
      kind: z.array(int),
      hash: z.array(int),
      words: z.array(z.string()),
      prefix: int,
      open: z.boolean(),
      seen: z.number(),
      hits: int,
    }),
  ),
  masks: z.array(z.object({ length: int, places: z.array(int), used: z.number() })),
  tables: z.record(z.string(), table),
});

/** Tables by name, and those whose values are number and slot of a template. */
const tablesOf = ({ known, masks, values, siblings, freeText, coarse }: Miner) => ({
  known,
  masks: masks.templates,
  coarse,
  prefixes: freeText.prefixes,
  shapes: values.shapes,
  seen: values.seen,
  counts: values.counts,
  siblings: siblings.counts,
  words: siblings.words,
  novel: siblings.novel,
});

export function save(miner: Miner): Uint8Array {
  const { store, budget, masks } = miner;
  const saved: z.input<typeof state> = {
    version: VERSION,
    lines: miner.lines,
    next: store.next,
    budget: [budget.left, budget.since],
    templates: [...store.all].map((each) => ({
      number: each.number,
      id: each.id,
      key: each.key,
      shape: each.shape,
      kind: [...each.kind],
      hash: [...each.hash],
      words: each.words,
      prefix: each.prefix,
      open: each.open,
      seen: store.seen[each.slot],
      hits: store.hits[each.slot],
    })),
    masks: [...masks.byLength].flatMap(([length, all]) =>
      all.map(({ places, used }) => ({ length, places: [...places], used })),
    ),
    tables: Object.fromEntries(Object.entries(tablesOf(miner)).map(([name, table]) => [name, table.save()])),
  };
  return Buffer.from(JSON.stringify(saved));
}

/** Into what has mined nothing yet. Throws when the bytes are not of `save`. */
export function load(bytes: Uint8Array, miner: Miner): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new Error("is not what drain saves");
  }
  const { data } = state.safeParse(parsed);
  if (!data) throw new Error("is of another version of drain, or damaged");
  const { store, budget, masks } = miner;
  // what may throw comes first, so that nothing is left of what is refused
  const tables = Object.entries(tablesOf(miner));
  for (const [name, table] of tables) {
    if (!data.tables[name]) throw new Error(`has no table ${name}`);
    table.check(data.tables[name]);
  }
  for (const [name, table] of tables) table.load(data.tables[name]);
  miner.lines = data.lines;
  [budget.left, budget.since] = data.budget;
  // with a smaller max_clusters the latest seen stay
  const latest = [...data.templates].sort((a, b) => b.seen - a.seen).slice(0, store.most);
  const staying = new Set(latest.map(({ number }) => number));
  for (const { number, id, kind, hash, seen, hits, ...rest } of data.templates) {
    if (!staying.has(number)) continue;
    const seed: Seed = { ...rest, kind: Uint8Array.from(kind), hash: Int32Array.from(hash) };
    store.restore(number, id, seed, seen, hits);
  }
  store.next = data.next;
  for (const { length, places, used } of data.masks) {
    const known = masks.byLength.get(length);
    if (known) known.push({ places, used });
    else masks.byLength.set(length, [{ places, used }]);
  }
  const slots = new Map([...store.all].map(({ number, slot }) => [number, slot]));
  const slotOf = (number: number) => slots.get(number);
  for (const table of [miner.known, masks.templates, miner.coarse]) table.remap(0, slotOf);
  miner.freeText.prefixes.remap(1, slotOf);
}
