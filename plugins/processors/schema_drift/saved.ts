// What schema_drift remembers, as JSON.
import { type Telemetry, z } from "vedette";
import type { Drifts } from "./drift.ts";
import { LEVELS } from "./level.ts";
import type { Sampled, Sampler } from "./sampler.ts";
import { Kind, Service } from "./services.ts";
import { fieldOf } from "./shape.ts";

const VERSION = 3;
const number = z.number();

/** name, type, known, other; rows, present, same, doubt, retyped, pending, without, having, keeping. */
const field = z.tuple([
  z.string(),
  z.string(),
  z.boolean(),
  z.string(),
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
]);
const kind = z.object({
  name: z.string(),
  detail: z.string(),
  template: z.string(),
  templates: z.array(z.string()),
  rows: number,
  began: number.nullable(),
  last: number.nullable(),
  passed: number,
  skip: number,
  window: number.nullable(),
  fields: z.array(field),
});
type SavedKind = z.infer<typeof kind>;
const change = z.enum(["missing", "new", "type"]);
const resource = z.record(z.string(), z.string());
const told = z.object({
  type: z.string(),
  about: z.string(),
  reason: z.string(),
  contributors: z.array(z.string()),
  /** labels.name and .template; the rest of the labels is the service's. */
  name: z.string(),
  template: z.string(),
});
const state = z.object({
  version: z.literal(VERSION),
  signal: z.enum(["metrics", "traces", "logs"]).nullable(),
  dice: z.int().nonnegative(),
  services: z.array(
    z.object({
      resource,
      window: number.nullable(),
      seen: z.array(z.tuple([z.string(), z.string()])),
      all: kind,
      kinds: z.array(kind),
      /** Their `detail` says which. */
      levels: z.array(kind),
      episode: z
        .object({
          began: number,
          since: number.nullable(),
          tried: number,
          told: told.nullable(),
          /** Which of the kinds, then of the levels (-1 is the service itself), field, change, rarity. */
          changes: z.array(z.tuple([z.int(), z.string(), change, number])),
        })
        .nullable(),
    }),
  ),
});

interface State {
  readonly watched: { readonly services: ReadonlyMap<string, Service>; readonly sampler: Sampler };
  readonly drifts: Drifts | undefined;
  readonly dice: number;
}

const UNSAMPLED: Sampled = { last: Number.NaN, passed: 0, skip: 0 };
const finite = (value: number) => (Number.isFinite(value) ? value : null);

function savedOf(kind: Kind, sampler: Sampler): SavedKind {
  const { name, detail, template, templates, rows, began, window, slot, shape } = kind;
  const { last, passed, skip } = slot < 0 ? UNSAMPLED : sampler.of(slot);
  const fields = [...shape.fields.values()].map((each): SavedKind["fields"][number] => {
    const { rows, present, same, doubt, retyped, pending, without, having, keeping } = each;
    const counts = [rows, present, same, doubt, retyped, pending, without, having, keeping] as const;
    return [each.name, each.type, each.known, each.other, ...counts];
  });
  const times = { began: finite(began), last: finite(last), window: finite(window) };
  return { name, detail, template, templates, rows, passed, skip, ...times, fields };
}

export function save({ watched, drifts, dice }: State): Uint8Array {
  const savedKind = (kind: Kind) => savedOf(kind, watched.sampler);
  const saved = [...watched.services.values()].map((service): z.infer<typeof state>["services"][number] => {
    const kinds = [...service.kinds.values()];
    const levels = service.levels.filter((each) => each !== undefined);
    const episode = drifts?.episodes.get(service);
    return {
      resource: service.resource as Record<string, string>,
      window: finite(service.window),
      seen: [...service.seen],
      all: savedKind(service.all),
      kinds: kinds.map(savedKind),
      levels: levels.map(savedKind),
      episode: episode
        ? {
            began: episode.began,
            since: finite(episode.since),
            tried: episode.tried,
            told: episode.told
              ? {
                  type: episode.told.type,
                  about: episode.told.about ?? "",
                  reason: episode.told.reason,
                  contributors: [...(episode.told.contributors ?? [])],
                  name: episode.told.labels.name,
                  template: episode.told.labels.template ?? "",
                }
              : null,
            changes: [...episode.changes.values()].map((each) => {
              return [[...kinds, ...levels].indexOf(each.kind), each.field, each.change, each.rarity];
            }),
          }
        : null,
    };
  });
  const signal = drifts?.signal ?? null;
  return Buffer.from(JSON.stringify({ version: VERSION, signal, dice, services: saved }));
}

/** Throws when the bytes are not of `save`. */
export function load(bytes: Uint8Array, make: (signal: Telemetry) => Drifts, sampler: Sampler) {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new Error("is not what schema_drift saves");
  }
  const { data } = state.safeParse(parsed);
  if (!data) throw new Error("is of another version of schema_drift, or damaged");
  const drifts = data.signal ? make(data.signal) : undefined;
  const services = data.services.map((each) => {
    const service = new Service(each.resource, data.signal === "metrics");
    service.window = each.window ?? Number.NaN;
    for (const [name, type] of each.seen) service.seen.set(name, type);
    recall(service.all, each.all);
    const kinds = each.kinds.map((saved) => {
      const kind = new Kind(service, saved.name, saved.detail, saved.template);
      service.kinds.set(kind.key, kind);
      for (const id of saved.templates) service.join(id, kind);
      recall(kind, saved);
      kind.slot = sampler.add({ ...saved, last: saved.last ?? Number.NaN });
      return kind;
    });
    for (const saved of each.levels) {
      const kind = new Kind(service, "", saved.detail);
      const level = LEVELS.findIndex(({ word }) => word === saved.detail);
      if (level > 0) service.levels[level] = kind;
      kinds.push(kind);
      recall(kind, saved);
    }
    if (!each.episode || !drifts) return service;
    const { began, since, tried, told, changes } = each.episode;
    drifts.adopt({
      service,
      began,
      tried,
      since: since ?? Number.NaN,
      told: told ? { ...told, labels: drifts.labelsOf(service, told) } : undefined,
      changes: changes.flatMap(([index, field, change, rarity]) => {
        const kind = index < 0 ? service.all : kinds[index];
        return kind ? [{ kind, field, change, rarity }] : [];
      }),
    });
    return service;
  });
  return { services, drifts, dice: data.dice };
}

function recall(kind: Kind, { fields, rows, began, window }: SavedKind): void {
  Object.assign(kind, { rows, began: began ?? Number.NaN, window: window ?? Number.NaN });
  for (const [
    name,
    type,
    known,
    other,
    rows,
    present,
    same,
    doubt,
    retyped,
    pending,
    without,
    having,
    keeping,
  ] of fields) {
    const counts = { other, rows, present, same, doubt, retyped, pending, without, having, keeping };
    kind.shape.fields.set(name, { ...fieldOf(name, type, known), ...counts });
  }
}
