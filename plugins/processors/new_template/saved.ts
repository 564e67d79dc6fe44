// What new_template remembers, at rest.
import { labelsShape, packed, timeShape, unpacked, z } from "vedette";
import { type Candidate, Service } from "./service.ts";
import { RANKS } from "./surprise.ts";

const VERSION = 1;
const TYPE = "new_template";

const number = z.number();
const statement = z.object({
  id: z.string(),
  rank: z
    .int()
    .min(0)
    .max(RANKS - 1),
  variant: z.boolean(),
  words: z.custom<Int32Array>((value) => value instanceof Int32Array).optional(),
  first: number,
  rarity: timeShape,
  day: number,
  records: number,
  last: number,
  added: number,
  tried: number,
  part: z.boolean(),
});
const service = z.object({
  key: z.string(),
  began: number,
  statements: z.array(statement),
  discoveries: z.array(z.array(number)).length(2 * RANKS),
  /** Ids of statements. */
  recent: z.array(z.string()),
  candidates: z.array(z.object({ id: z.string(), labels: labelsShape })),
  waiting: timeShape,
  event: z.object({ began: number, until: number, rank: number }).optional(),
  versions: z.array(z.string()),
  changed: timeShape,
});
const state = z.object({ version: z.literal(VERSION), services: z.array(service) });

export function save(services: ReadonlyMap<string, Service>): Uint8Array {
  const saved: z.input<typeof state> = {
    version: VERSION,
    services: [...services.values()].map((each) => ({
      key: each.key,
      began: each.began,
      statements: [...each.statements.values()],
      discoveries: each.discoveries.map(({ times }) => times),
      recent: each.recent.map(({ id }) => id),
      candidates: each.candidates.map(({ statement, labels }) => ({ id: statement.id, labels })),
      waiting: each.waiting,
      event: each.event,
      versions: each.versions,
      changed: each.changed,
    })),
  };
  return packed(saved);
}

/** Throws when the bytes are not of `save`. */
export function load(bytes: Uint8Array): Service[] {
  const { services } = unpacked(bytes, state, TYPE);
  return services.map((each) => {
    const own = new Service(each.key, each.began);
    for (const saved of each.statements) own.statements.set(saved.id, { ...saved, words: saved.words });
    for (const [kind, times] of each.discoveries.entries()) own.discoveries[kind].times = times;
    for (const id of each.recent) {
      const statement = own.statements.get(id);
      if (statement?.words) own.compareWith(statement);
    }
    own.candidates = each.candidates.flatMap(({ id, labels }): Candidate[] => {
      const statement = own.statements.get(id);
      return statement ? [{ statement, labels }] : [];
    });
    own.waiting = own.candidates.length > 0 ? each.waiting : Number.NaN;
    own.event = each.event;
    own.versions = each.versions;
    own.changed = each.changed;
    return own;
  });
}
