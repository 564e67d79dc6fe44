// What log_mix remembers, at rest.
import { labelsShape, packed, timeShape, unpacked, z } from "vedette";
import { type Moves, RECENT } from "./mix.ts";
import { Service } from "./service.ts";

const VERSION = 1;

const numbers = z.custom<Float64Array<ArrayBuffer>>(
  (value) => value instanceof Float64Array && value.every(Number.isFinite),
);
const number = z.number();
const service = z
  .object({
    key: z.string(),
    began: number,
    labels: labelsShape,
    names: z.array(z.string()),
    texts: z.array(z.string()),
    said: numbers,
    told: z.object({ template: z.string(), labels: labelsShape, rarity: number }).optional(),
    ids: z.array(z.string()),
    base: numbers,
    total: number,
    moved: numbers,
    weight: numbers,
    recent: numbers,
    recentTotal: numbers,
    odd: number,
    looks: number,
    events: numbers,
    largest: numbers,
    calm: numbers,
  })
  .refine(({ ids, names, texts, base, moved, weight, recent, recentTotal, said, events, largest, calm }) => {
    const long = [base, moved, weight, largest, calm].every(
      ({ length }) => length === base.length && length >= ids.length,
    );
    if (events.length < base.length) return false;
    const short = recentTotal.length === RECENT && said.length === RECENT;
    return long && short && recent.length === RECENT * base.length && names.length === texts.length;
  }, "has columns of other lengths");
const state = z.object({
  version: z.literal(VERSION),
  now: timeShape,
  sum: number,
  weight: number,
  services: z.array(service),
});

interface Memory {
  readonly services: Map<string, Service>;
  readonly moves: Moves;
  readonly now: number;
}

export function save({ services, moves, now }: Memory): Uint8Array {
  const saved = Array.from(services.values(), ({ key, began, labels, names, texts, said, told, mix }) => {
    const { ids, base, total, moved, weight, recent, recentTotal, odd } = mix;
    const { looks, events, largest, calm } = mix.claims;
    const own = { ids, base, total, moved, weight, recent, recentTotal, odd, looks, events, largest, calm };
    return { ...{ key, began, labels, names, texts, said }, ...(told && { told }), ...own };
  });
  return packed({ version: VERSION, now, ...moves, services: saved });
}

/** Fills `services` and `moves`; the number of the bucket under way. Throws when it is not what `save` gave. */
export function load(bytes: Uint8Array, services: Map<string, Service>, moves: Moves): number {
  const { now, sum, weight, services: all } = unpacked(bytes, state, "log_mix");
  Object.assign(moves, { sum, weight });
  for (const { key, began, labels, names, texts, said, told, ids, recentTotal, ...own } of all) {
    const service = new Service(key, began, labels);
    service.names.splice(0, Number.POSITIVE_INFINITY, ...names);
    service.texts.splice(0, Number.POSITIVE_INFINITY, ...texts);
    service.said.set(said);
    service.told = told;
    const { looks, events, largest, calm, ...columns } = own;
    Object.assign(service.mix, columns);
    Object.assign(service.mix.claims, { looks, events, largest, calm, claimed: new Float64Array(calm.length) });
    service.mix.recentTotal.set(recentTotal);
    service.mix.restore(ids);
    services.set(key, service);
  }
  return now;
}
