// What new_template remembers, as JSON.
import { type Labels, z } from "vedette";
import { Service } from "./service.ts";
import { RANKS } from "./surprise.ts";

const VERSION = 1;
const number = z.number();
const maybe = number.nullable();

/** id, rank, variant, first, day, sights, last, added, tried. */
const statement = z.tuple([z.string(), number, z.boolean(), number, number, number, number, number, number]);
const state = z.object({
  version: z.literal(VERSION),
  services: z.array(
    z.object({
      key: z.string(),
      began: number,
      statements: z.array(statement),
      discoveries: z.array(z.array(number)).length(2 * RANKS),
      texts: z.array(z.string()),
      version: z.string(),
      changed: maybe,
      waiting: maybe,
      candidates: z.array(z.object({ id: z.string(), text: z.string(), rarity: number, labels: z.unknown() })),
      event: z.object({ until: number, began: number, rank: number, rarity: number }).nullable(),
    }),
  ),
});
type Saved = z.infer<typeof state>;

const finite = (value: number) => (Number.isFinite(value) ? value : null);

export function save(services: ReadonlyMap<string, Service>): Uint8Array {
  const saved: Saved = {
    version: VERSION,
    services: [...services.values()].map((service) => ({
      key: service.key,
      began: service.began,
      statements: [...service.statements.values()].map((each) => {
        const { id, rank, variant, first, day, sights, last, added, tried } = each;
        return [id, rank, variant, first, day, sights, last, added, tried];
      }),
      discoveries: service.discoveries.map(({ times }) => times),
      texts: service.texts,
      version: service.version,
      changed: finite(service.changed),
      waiting: finite(service.waiting),
      candidates: service.candidates.map(({ statement, ...rest }) => ({ id: statement.id, ...rest })),
      event: service.event ?? null,
    })),
  };
  return Buffer.from(JSON.stringify(saved));
}

/** Throws when the bytes are not of `save`. */
export function load(bytes: Uint8Array): Service[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new Error("is not what new_template saves");
  }
  const { data } = state.safeParse(parsed);
  if (!data) throw new Error("is of another version of new_template, or damaged");
  return data.services.map((each) => {
    const service = new Service(each.key, each.began);
    for (const [id, rank, variant, first, day, sights, last, added, tried] of each.statements) {
      service.statements.set(id, { id, rank, variant, first, day, sights, last, added, tried });
    }
    for (const [kind, times] of each.discoveries.entries()) service.discoveries[kind].times = times;
    for (const text of each.texts) service.learn(text);
    service.version = each.version;
    service.changed = each.changed ?? Number.NaN;
    service.waiting = each.waiting ?? Number.NaN;
    for (const { id, text, rarity, labels } of each.candidates) {
      const statement = service.statements.get(id);
      if (statement) service.candidates.push({ statement, text, rarity, labels: labels as Labels });
    }
    service.event = each.event ?? undefined;
    return service;
  });
}
