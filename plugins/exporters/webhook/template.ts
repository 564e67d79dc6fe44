// A body that a user wrote: JSON with placeholders, read once, filled for each alert.
import type { Json, JsonObject } from "./alert.ts";

/** What placeholders may begin with. */
const FIELDS =
  "version id fingerprint state detector signal type severity labels time score rarity observed expected lower upper contributors reason companions episode incident".split(
    " ",
  );

interface Placeholder {
  readonly path: string;
  /** Whether it stands in a JSON text, which it then becomes a part of; else it is a JSON value of its own. */
  readonly inText: boolean;
}

export class Template {
  /** Text and placeholders by turns. */
  readonly #parts: readonly (string | Placeholder)[];

  /** The text has no problem. */
  constructor(text: string) {
    this.#parts = partsOf(text);
  }

  /** What is wrong with the text; undefined when nothing is. */
  static problem(text: string): string | undefined {
    const parts = partsOf(text);
    for (const part of parts) {
      if (typeof part === "string") continue;
      const [field] = part.path.split(".", 1);
      if (part.path !== "alert" && !FIELDS.includes(field)) {
        return `{{${part.path}}} names nothing; there are alert, which is all of it, ${FIELDS.join(", ")}`;
      }
    }
    try {
      JSON.parse(new Template(text).fill({}));
      return undefined;
    } catch (error) {
      return `it is no JSON once it is filled: ${(error as Error).message}`;
    }
  }

  /** JSON, whatever the alert holds. A field that it has not is empty in a text, else null. */
  fill(alert: JsonObject): string {
    return this.#parts
      .map((part) => {
        if (typeof part === "string") return part;
        const value = part.path === "alert" ? alert : at(alert, part.path);
        if (!part.inText) return JSON.stringify(value ?? null);
        if (value === undefined || value === null) return "";
        const text = typeof value === "object" ? JSON.stringify(value) : String(value);
        return JSON.stringify(text).slice(1, -1);
      })
      .join("");
  }
}

function partsOf(text: string): (string | Placeholder)[] {
  let inText = false;
  return text.split(/\{\{\s*([^{}]*?)\s*\}\}/).map((part, i) => {
    if (i % 2 === 1) return { path: part, inText };
    for (const [found] of part.matchAll(/\\.|"/gs)) if (found === '"') inText = !inText;
    return part;
  });
}

/** A key may hold dots: of "resource.service.name" the longest key that is there counts. */
function at(value: Json | undefined, path: string): Json | undefined {
  if (value === undefined || value === null || typeof value !== "object") return undefined;
  if (Object.hasOwn(value, path)) return (value as JsonObject)[path];
  for (let dot = path.lastIndexOf("."); dot > 0; dot = path.lastIndexOf(".", dot - 1)) {
    const key = path.slice(0, dot);
    if (Object.hasOwn(value, key)) return at((value as JsonObject)[key], path.slice(dot + 1));
  }
  return undefined;
}
