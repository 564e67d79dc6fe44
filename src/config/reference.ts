// Documentation from schemas: option tables for READMEs, a JSON Schema for editors, and a check that nothing is undescribed.
import { z } from "zod";
import { SECTIONS, type Section } from "./id.ts";
import { SIGNALS } from "./pipelines.ts";
import { service } from "./shape.ts";

type Json = z.core.JSONSchema.BaseSchema;

interface Option {
  /** "protocols.grpc.endpoint", "rules[].match", "headers.*". */
  readonly path: string;
  readonly json: Json;
  readonly required: boolean;
}

/** A Markdown table of every option, nested ones by their dotted path. Throws when one has no description. */
export function optionTable(schema: z.ZodObject): string {
  const missing = undescribed(schema);
  if (missing.length > 0) throw new Error(`options without a description: ${missing.join(", ")}`);
  const rows = optionsOf(schema)
    .filter(({ json }) => json.description !== undefined)
    .map(({ path, json, required }) => [code(path), typeText(json), defaultText(json, required), json.description!]);
  const head = ["| option | type | default | what it does |", "|---|---|---|---|"];
  return [...head, ...rows.map((cells) => `| ${cells.map(cell).join(" | ")} |`)].join("\n");
}

/** Paths of the options that have no description. A group needs none where its options have theirs. */
export function undescribed(schema: z.ZodObject): string[] {
  return optionsOf(schema)
    .filter(({ json }) => json.description === undefined && inside(json, "", new Set()).length === 0)
    .map(({ path }) => path);
}

export interface Documented {
  readonly section: Section;
  /** Its type, and its aliases. */
  readonly types: readonly string[];
  readonly summary: string;
  readonly config: z.ZodObject;
}

/** JSON Schema (2020-12) of a whole configuration file with these components. A `${...}` may stand for any scalar. */
export function configSchema(components: readonly Documented[]): object {
  const $defs: Record<string, Json> = {};
  const sections = SECTIONS.map((section) => {
    const patternProperties: Record<string, object> = {};
    for (const { section: home, types, summary, config } of components) {
      if (home !== section) continue;
      patternProperties[`^(${types.join("|")})(/.+)?$`] = {
        description: summary,
        ...strict(config, `${section}.${types[0]}`, $defs),
      };
    }
    return [section, { type: ["object", "null"], patternProperties, additionalProperties: false }] as const;
  });
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Vedette configuration",
    type: "object",
    properties: {
      ...Object.fromEntries(sections),
      service: withSignals(strict(service, "service", $defs)),
      plugins: {
        description: "Third-party modules: a file path relative to this file, or a package name.",
        type: "array",
        items: { type: "string" },
      },
    },
    additionalProperties: false,
    ...(Object.keys($defs).length > 0 && { $defs }),
  };
}

/** The service's schema, its pipelines named for their signals. */
function withSignals(json: Json): Json {
  const pipelines = json.properties?.pipelines;
  if (isJson(pipelines)) pipelines.propertyNames = { pattern: `^(${SIGNALS.join("|")})(/.+)?$` };
  return json;
}

/**
 * What a user may write: unknown keys refused, variables allowed, and nothing where a map has only defaults. What the schema
 * refers to goes into `$defs`, under `name`.
 */
function strict(schema: z.ZodObject, name: string, $defs: Record<string, Json>): Json {
  const whole = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      if (def.type === "object") {
        jsonSchema.type = ["object", "null"] as never;
        if (!def.catchall) jsonSchema.additionalProperties = false;
      } else if (def.type === "number" || def.type === "boolean") {
        jsonSchema.type = [jsonSchema.type, "string"] as never;
        jsonSchema.pattern = def.type === "number" ? `${VARIABLE}|${GROUPED}` : VARIABLE;
      } else if (def.type === "enum") {
        jsonSchema.anyOf = [{ enum: jsonSchema.enum }, { type: "string", pattern: VARIABLE }];
        delete jsonSchema.enum;
        delete jsonSchema.type;
      } else if (def.type === "string") {
        const { pattern } = jsonSchema;
        // where several patterns must fit, an editor is told of none
        for (const key of ["format", "pattern", "allOf"] as const) delete jsonSchema[key];
        if (pattern) jsonSchema.pattern = `(?:${pattern})|${VARIABLE}`;
      }
    },
  });
  const text = JSON.stringify(whole).replaceAll('"#/$defs/', `"#/$defs/${name}.`);
  const { $schema: _, $defs: own, ...json } = JSON.parse(text) as Json;
  for (const [key, value] of Object.entries(own ?? {})) $defs[`${name}.${key}`] = value as Json;
  return json;
}

const VARIABLE = "\\$\\{";
/** 10_000, which is text in YAML 1.2. */
const GROUPED = "^[-+]?\\d+(_\\d+)+$";

const optionsOf = (schema: z.ZodObject) =>
  inside(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }), "", new Set());

/** The options below `json`, groups before what is in them. */
function inside(json: Json, prefix: string, seen: Set<string>): Option[] {
  const found: Option[] = [];
  for (const [key, value] of Object.entries(json.properties ?? {})) {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (seen.has(path) || typeof value === "boolean") continue;
    seen.add(path);
    found.push({ path, json: value, required: json.required?.includes(key) === true });
    found.push(...inside(value, path, seen));
  }
  for (const variant of variants(json)) found.push(...inside(variant, prefix, seen));
  if (isJson(json.items)) found.push(...inside(json.items, `${prefix}[]`, seen));
  if (isJson(json.additionalProperties)) found.push(...inside(json.additionalProperties, `${prefix}.*`, seen));
  return found;
}

const isJson = (json: unknown): json is Json => typeof json === "object" && json !== null && !Array.isArray(json);

const variants = ({ anyOf, oneOf, allOf }: Json) =>
  [...(anyOf ?? []), ...(oneOf ?? []), ...(allOf ?? [])].filter(isJson);

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  object: "map",
};

function typeText(json: Json): string {
  if (typeof json.quantity === "string") return json.quantity;
  if (json.enum) return json.enum.map((value) => code(value === "" ? '""' : String(value))).join(", ");
  if (json.const !== undefined) return code(String(json.const));
  const parts = variants(json).filter(({ type }) => type !== "null");
  if (parts.length > 0) return [...new Set(parts.map(typeText))].join(" or ");
  if (json.type === "array") return isJson(json.items) ? `list of ${typeText(json.items)}` : "list";
  if (json.type === "object" && isJson(json.additionalProperties))
    return `map of ${typeText(json.additionalProperties)}`;
  return typeNames[String(json.type ?? "any")] ?? String(json.type ?? "any");
}

function defaultText({ default: value }: Json, required: boolean): string {
  if (required) return "required";
  if (value === undefined || (isJson(value) && Object.keys(value).length === 0)) return "";
  return code(typeof value === "string" && value !== "" ? value : JSON.stringify(value));
}

const code = (text: string) => `\`${text}\``;
const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");
