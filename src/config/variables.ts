// ${env:NAME}, ${env:NAME:-default}, ${NAME} and $$ inside the text of one YAML scalar.
import { isScalar, parseDocument, Scalar } from "yaml";
import { quoted } from "./problems.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Expansion {
  readonly text: string;
  /** The text was one variable and nothing else, so YAML decides its type. */
  readonly whole: boolean;
  /** Some of the text came from the environment, so no message may show it. */
  readonly secret: boolean;
  /** What could not be replaced; then `text` is not to be used. */
  readonly problems: readonly { code: string; message: string }[];
}

const MAX_LENGTH = 1 << 20;
const MAX_NESTING = 10;
const PLAIN = 'a plain "$" is written "$$"';

/** Replaces the variables in `text`, as the Collector does; what a variable holds is not looked into again. */
export function expand(text: string, env: Environment, nesting = 0): Expansion {
  const problems: { code: string; message: string }[] = [];
  let result = "";
  let secret = false;
  let whole = false;
  let from = 0;
  for (let at = text.indexOf("$"); at >= 0; at = text.indexOf("$", from)) {
    result += text.slice(from, at);
    from = at + 1;
    if (text[from] !== "{") {
      if (text[from] === "$") from++;
      result += "$";
      continue;
    }
    const end = closing(text, from);
    if (end < 0) {
      problems.push({ code: "invalid-variable", message: `"\${" is never closed by "}"; ${PLAIN}` });
      return { text: result, whole, secret, problems };
    }
    const value = lookUp(text.slice(from + 1, end), env, nesting);
    problems.push(...value.problems);
    secret ||= value.secret;
    result += value.text;
    if (result.length > MAX_LENGTH) {
      problems.push({ code: "too-large", message: `longer than ${MAX_LENGTH} characters with its variables replaced` });
      return { text: "", whole, secret, problems };
    }
    whole = at === 0 && end === text.length - 1;
    from = end + 1;
  }
  return { text: result + text.slice(from), whole, secret, problems };
}

/** Names after a dollar without a brace: the Collector once replaced those, now they are text there as here. */
export function bareNames(text: string): string[] {
  return [...text.replaceAll("$$", "").matchAll(/\$([A-Za-z_]\w*)/g)].map(([, name]) => name);
}

/** Does not show the text, which may be a secret. */
export const BARE = `a "$" and the name of an environment variable are text without braces; write \${env:NAME}, or "$$" for a dollar`;

/** Where the brace opened at `open` closes, a default's own variables skipped; -1 if nowhere. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "{" && text[i - 1] === "$") depth++;
    else if (text[i] === "}" && --depth === 0) return i;
  }
  return -1;
}

function lookUp(reference: string, env: Environment, nesting: number): Omit<Expansion, "whole"> {
  const failed = (code: string, message: string) => ({ text: "", secret: false, problems: [{ code, message }] });
  const parts = /^(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(reference);
  if (!parts) {
    const remedy = `write \${env:NAME} or \${env:NAME:-default}; ${PLAIN}`;
    return failed("invalid-variable", `${quoted(`\${${reference}}`)} names no environment variable: ${remedy}`);
  }
  const [, name, fallback] = parts;
  const value = env[name];
  if (typeof value === "string") return { text: value, secret: true, problems: [] };
  if (fallback === undefined) {
    const remedy = `set it, or give a default: \${env:${name}:-default}`;
    return failed("missing-variable", `the environment variable ${name} is not set; ${remedy}`);
  }
  if (nesting < MAX_NESTING) return expand(fallback, env, nesting + 1);
  return failed("invalid-variable", `defaults nested deeper than ${MAX_NESTING}`);
}

/** The number, boolean or null that YAML reads in `text` when that is all it holds; else the text itself. */
export function scalarOf(text: string): string | number | boolean | null {
  if (text.length > 100) return text;
  if (text.trim() === "") return null;
  const { contents, errors } = parseDocument(text);
  if (errors.length > 0 || !isScalar(contents) || contents.type !== Scalar.PLAIN) return text;
  if (contents.source !== text.trim() || contents.tag) return text;
  const { value } = contents;
  return typeof value === "number" || typeof value === "boolean" || value === null ? value : text;
}
