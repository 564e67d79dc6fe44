// What a zod schema accepts at one place, seen through its wrappers: for strict keys, for secrets, for the docs.
import type { z } from "zod";
import type { Capability } from "../api/index.ts";

type Schema = z.core.$ZodType;

export interface Accepts {
  /** The schema without optional, default, union and the like; a union gives several. Empty: anything goes. */
  readonly kinds: readonly z.core.$ZodTypes[];
  /** Whether `.meta({secret: true})` stands anywhere on the way. */
  readonly secret: boolean;
  /** What the extension must offer whose id is to stand here, by `.meta({extension})`; or it is the id of a detector or pipeline. */
  readonly extension?: Capability | "detector" | "pipeline";
  readonly hasDefault: boolean;
}

export const ANYTHING: Accepts = { kinds: [], secret: false, hasDefault: false };

/** Looks through the wrappers of `schemas`, all of which apply at the same place. */
export function accepts(schemas: readonly Schema[]): Accepts {
  const kinds: z.core.$ZodTypes[] = [];
  let secret = false;
  let extension: Accepts["extension"];
  let hasDefault = false;
  let open = schemas.length === 0;
  const seen = new Set<Schema>();
  const visit = (schema: Schema) => {
    if (seen.has(schema)) return;
    seen.add(schema);
    const type = schema as z.core.$ZodTypes;
    const meta = (schema as z.ZodType).meta?.();
    if (meta?.secret === true) secret = true;
    extension ??= meta?.extension as Accepts["extension"];
    const { def } = type._zod;
    if (def.type === "default" || def.type === "prefault") hasDefault = true;
    if (def.type === "union") def.options.forEach(visit);
    else if (def.type === "intersection") [def.left, def.right].forEach(visit);
    else if (def.type === "lazy") visit(def.getter());
    else if (def.type === "pipe") visit(def.in._zod.def.type === "transform" ? def.out : def.in);
    else if ("innerType" in def) visit(def.innerType as Schema);
    else if (def.type === "any" || def.type === "unknown" || def.type === "custom" || def.type === "transform")
      open = true;
    else kinds.push(type);
    if (def.type === "nullable") kinds.push(NULL);
  };
  schemas.forEach(visit);
  return { kinds: open ? [] : kinds, secret, extension, hasDefault };
}

const NULL = { _zod: { def: { type: "null" } } } as z.core.$ZodNull;

/** The object schemas among `kinds` that fit the discriminating literals in `value`; all of them when none does. */
export function objectsFor(kinds: Accepts["kinds"], value: (key: string) => unknown): z.core.$ZodObject[] {
  const objects = kinds.filter((kind) => kind._zod.def.type === "object") as z.core.$ZodObject[];
  if (objects.length < 2) return objects;
  const fitting = objects.filter(({ _zod: { def } }) =>
    Object.entries(def.shape).every(([key, schema]) => {
      const { values } = schema._zod;
      return !values || value(key) === undefined || values.has(value(key) as string);
    }),
  );
  return fitting.length > 0 ? fitting : objects;
}

/** Whether something within so many levels below is secret: what was written in its stead may be too. */
export function holdsSecret({ kinds }: Pick<Accepts, "kinds">, levels = 5): boolean {
  if (levels === 0) return false;
  return kinds.some((kind) => {
    const { def } = kind._zod;
    const below =
      def.type === "object" ? Object.values(def.shape) : (anyKeyOf({ kinds: [kind] }) ?? entryOf({ kinds: [kind] }, 0));
    return below.some((schema) => {
      const inside = accepts([schema]);
      return inside.secret || holdsSecret(inside, levels - 1);
    });
  });
}

/** Whether a scalar of this value may stand here as far as its type goes. */
export function takes({ kinds }: Accepts, value: string | number | boolean | null): boolean {
  const type = value === null ? "null" : typeof value;
  return (
    kinds.length === 0 ||
    kinds.some((kind) => {
      const { values, def } = kind._zod;
      if (def.type === "template_literal") return type === "string";
      return def.type === type || [...(values ?? [])].some((each) => typeof each === type || each === value);
    })
  );
}

/** The schemas of a list's entry. */
export function entryOf({ kinds }: Pick<Accepts, "kinds">, index: number): Schema[] {
  return kinds.flatMap(({ _zod: { def } }) => {
    if (def.type === "array") return [def.element];
    if (def.type !== "tuple") return [];
    const entry = def.items[index] ?? def.rest;
    return entry ? [entry] : [];
  });
}

/** The schemas of a map's values where any key may stand, or undefined when only the objects' own keys may. */
export function anyKeyOf({ kinds }: Pick<Accepts, "kinds">): Schema[] | undefined {
  if (kinds.length === 0) return [];
  const values = kinds.flatMap(({ _zod: { def } }) => {
    if (def.type === "record") return [def.valueType];
    if (def.type === "map") return [def.valueType as Schema];
    if (def.type === "object" && def.catchall && def.catchall._zod.def.type !== "never") return [def.catchall];
    return [];
  });
  return values.length > 0 ? values : undefined;
}
