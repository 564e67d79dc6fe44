// The configuration as it takes effect, written as a user would write it: merged, defaults filled in, secrets left out.
import { join } from "node:path";
import type { z } from "zod";
import type { Draft } from "./file.ts";
import { parseId, SECTIONS, type Section } from "./id.ts";
import { accepts, objectsFor, takes } from "./schema.ts";
import { service } from "./shape.ts";
import type { Branch, Tree } from "./tree.ts";
import { withoutUserinfo } from "./url.ts";

type Schema = z.core.$ZodType;

const REDACTED = "(redacted)";
const NOWHERE = { file: "", line: 1, column: 1 };

/**
 * Sections in the order of the documentation, options in that of their schema. Of a valid draft; reads again to the same
 * configuration where nothing was redacted. Relative plugin paths are made absolute.
 */
export function effectiveConfig(
  draft: Draft,
  schemaOf: (section: Section, type: string) => z.ZodObject | undefined,
): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const section of SECTIONS) {
    const components = draft.root.entries.get(section)?.value;
    if (components?.kind !== "map" || components.entries.size === 0) continue;
    config[section] = Object.fromEntries(
      [...components.entries].map(([key, { value }]) => {
        const id = parseId(key);
        const schema = typeof id === "string" ? undefined : schemaOf(section, id.type);
        return [typeof id === "string" ? key : id.id, schema ? filled(schema, orEmpty(value), false) : {}];
      }),
    );
  }
  config["service"] = filled(service, orEmpty(draft.root.entries.get("service")?.value), false);
  const plugins = draft.plugins.map(({ specifier, from, secret }) =>
    secret ? REDACTED : written(/^\.{1,2}\//.test(specifier) ? join(from, specifier) : specifier),
  );
  if (plugins.length > 0) config["plugins"] = plugins;
  return config;
}

/** The value at one place; undefined where there is none and no default. `hidden`: what stands around it is secret. */
function filled(schema: Schema, tree: Tree | undefined, hidden: boolean): unknown {
  const here = accepts([schema]);
  const nothing = !tree || (tree.kind === "leaf" && tree.value === null && !takes(here, null));
  if (nothing && !here.hasDefault) return tree && isGroup(here.kinds) ? filled(schema, EMPTY, hidden) : undefined;
  if (nothing) return filled(schema, treeOf(defaultOf(schema)), false);
  const secret = hidden || here.secret;
  if (tree.kind === "leaf") {
    if (tree.value === null || tree.value === undefined) return null;
    if (secret && !isDefault(tree)) return REDACTED;
    if (tree.secret) return REDACTED;
    const asText = tree.text !== undefined && !takes(here, tree.value) && takes(here, tree.text);
    return written(asText ? tree.text : tree.value);
  }
  const kind = kindFor(here.kinds, tree);
  return tree.kind === "list" ? list(kind, tree.items, secret) : map(kind, tree, secret);
}

function list(kind: z.core.$ZodTypes | undefined, items: readonly Tree[], secret: boolean): unknown[] {
  const def = kind?._zod.def;
  return items.map((item, i) => {
    const entry = def?.type === "array" ? def.element : def?.type === "tuple" ? (def.items[i] ?? def.rest) : undefined;
    return filled(entry ?? ANY, item, secret);
  });
}

function map(kind: z.core.$ZodTypes | undefined, tree: Branch, secret: boolean): Record<string, unknown> {
  const def = kind?._zod.def;
  const shape = def?.type === "object" ? def.shape : {};
  const others = def?.type === "record" || def?.type === "map" ? (def.valueType as Schema) : undefined;
  const rest = others ?? (def?.type === "object" ? def.catchall : undefined) ?? ANY;
  const keys = [...Object.keys(shape), ...[...tree.entries.keys()].filter((key) => !Object.hasOwn(shape, key))];
  const values = keys.map((key) => [key, filled(shape[key] ?? rest, tree.entries.get(key)?.value, secret)]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** The one of several schemas that the value was written for. */
function kindFor(kinds: readonly z.core.$ZodTypes[], tree: Tree): z.core.$ZodTypes | undefined {
  const fitting = kinds.filter(({ _zod: { def } }) =>
    tree.kind === "list" ? def.type === "array" || def.type === "tuple" : isGroup([{ _zod: { def } } as never]),
  );
  if (fitting.length < 2 || tree.kind !== "map") return fitting[0];
  const told = objectsFor(fitting, (key) => {
    const value = tree.entries.get(key)?.value;
    return value?.kind === "leaf" ? (value.text ?? value.value ?? undefined) : undefined;
  });
  const keys = [...tree.entries.keys()];
  return told.find(({ _zod: { def } }) => keys.every((key) => Object.hasOwn(def.shape, key))) ?? told[0] ?? fitting[0];
}

const isGroup = (kinds: readonly z.core.$ZodTypes[]) =>
  kinds.some(({ _zod: { def } }) => def.type === "object" || def.type === "record" || def.type === "map");

/** What stands behind `.default()` or `.prefault()`, the outermost one. */
function defaultOf(schema: Schema): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === "default" || def.type === "prefault") return def.defaultValue;
  if (def.type === "pipe") return defaultOf(def.in._zod.def.type === "transform" ? def.out : def.in);
  return "innerType" in def ? defaultOf(def.innerType as Schema) : undefined;
}

const isDefault = (tree: Tree) => tree.at === NOWHERE;

function treeOf(value: unknown): Tree | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) {
    return { kind: "list", items: value.flatMap((item) => treeOf(item) ?? []), at: NOWHERE };
  }
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).flatMap(([key, inner]) => {
      const tree = treeOf(inner);
      return tree ? [[key, { at: NOWHERE, value: tree }] as const] : [];
    });
    return { kind: "map", entries: new Map(entries), at: NOWHERE };
  }
  return { kind: "leaf", value: value as string | number | boolean | null, secret: false, at: NOWHERE };
}

const EMPTY = treeOf({})!;
const ANY = { _zod: { def: { type: "any" } } } as Schema;

const orEmpty = (tree: Tree | undefined): Tree =>
  !tree || (tree.kind === "leaf" && (tree.value === null || tree.value === undefined)) ? EMPTY : tree;

/** Text as it stands in a configuration, where a dollar may begin a variable. */
const written = (value: string | number | boolean | undefined) =>
  typeof value === "string" ? withoutUserinfo(value).replaceAll("$", "$$$$") : value;
