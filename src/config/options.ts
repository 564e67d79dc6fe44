// Checks what was written under one key against its zod schema: strict at every level, in plain words, without secrets.
import type { z } from "zod";
import type { Capability } from "../api/index.ts";
import { expectation } from "./expectation.ts";
import { didYouMean, type Location, type Problem, pathText, quoted } from "./problems.ts";
import { type Accepts, ANYTHING, accepts, anyKeyOf, entryOf, holdsSecret, objectsFor, takes } from "./schema.ts";
import type { Branch, Entry, Leaf, Tree } from "./tree.ts";
import { withoutUserinfo } from "./url.ts";

type Path = readonly PropertyKey[];

/** An option that names an extension, what that must offer, or a detector or pipeline; and where that is written. */
export interface ExtensionReference extends Location {
  readonly capability: Capability | "detector" | "pipeline";
  readonly id: string;
  /** "exporters.otlp_http.auth.authenticator". */
  readonly path: string;
  /** For messages: quoted, or "(redacted)". */
  readonly shown: string;
}

/**
 * The parsed options, or undefined when `problems` has grown. `path` and `at` are those of the key above `tree`; a `tree`
 * that is null stands for a map without keys. Extensions that are named in it are added to `references`.
 */
export function checkOptions<S extends z.ZodObject>(
  schema: S,
  tree: Tree,
  path: Path,
  at: Location,
  problems: Problem[],
  references: ExtensionReference[] = [],
): z.output<S> | undefined {
  const before = problems.length;
  const reading = new Reading(tree, path, at, problems, references);
  const value = tree.kind === "leaf" && tree.value === null ? {} : reading.plain(tree, accepts([schema]), [], false);
  let issues: readonly z.core.$ZodIssue[];
  try {
    const result = schema.safeParse(value, { error: expectation });
    if (result.success) return problems.length === before && !reading.broken ? result.data : undefined;
    issues = result.error.issues;
  } catch (error) {
    issues = [{ code: "custom", path: [], message: `its check failed: ${(error as Error)?.message}`, input: value }];
  }
  for (const issue of issues) reading.report(issue);
  return undefined;
}

/** What older YAML takes for a boolean. */
const YAML_1_1: Readonly<Record<string, boolean>> = { yes: true, on: true, no: false, off: false };

class Reading {
  readonly #tree: Tree;
  readonly #path: Path;
  readonly #at: Location;
  readonly #problems: Problem[];
  readonly #references: ExtensionReference[];
  readonly #secrets = new Map<Tree, string>();
  /** Whether something in it was already reported as unreadable. */
  broken = false;

  constructor(tree: Tree, path: Path, at: Location, problems: Problem[], references: ExtensionReference[]) {
    this.#tree = tree;
    this.#path = path;
    this.#at = at;
    this.#problems = problems;
    this.#references = references;
  }

  /** The tree as JavaScript values, without the keys that `here` does not know: those are reported. */
  plain(tree: Tree, here: Accepts, path: Path, secret: boolean): unknown {
    const hidden = secret || here.secret || (tree.kind === "leaf" && (tree.secret || isMisplaced(tree, here)));
    if (hidden) this.#secrets.set(tree, tree.kind === "leaf" ? (tree.text ?? String(tree.value ?? "")) : "");
    if (tree.kind === "list") {
      return tree.items.map((item, i) => this.plain(item, accepts(entryOf(here, i)), [...path, i], hidden));
    }
    if (tree.kind === "map") return this.#object(tree, here, path, hidden);
    if (tree.value === undefined) this.broken = true;
    const text = tree.text ?? tree.value;
    if (here.extension && typeof text === "string") {
      const place = { ...tree.at, path: pathText([...this.#path, ...path]) };
      this.#references.push({ ...place, capability: here.extension, id: text, shown: this.#show(tree) });
    }
    if (tree.text !== undefined && tree.value !== undefined && !takes(here, tree.value) && takes(here, tree.text)) {
      return tree.text;
    }
    return tree.value;
  }

  #object(tree: Branch, here: Accepts, path: Path, secret: boolean): unknown {
    const objects = objectsFor(here.kinds, (key) => {
      const value = tree.entries.get(key)?.value;
      return value?.kind === "leaf" ? (value.text ?? value.value ?? undefined) : undefined;
    });
    const others = anyKeyOf(here);
    const strict = objects.length > 0 && others === undefined;
    const values: [string, unknown][] = [];
    for (const [key, entry] of tree.entries) {
      const known = objects.flatMap(({ _zod: { def } }) => (Object.hasOwn(def.shape, key) ? [def.shape[key]] : []));
      if (strict && known.length === 0) {
        const hint = didYouMean(key, keysOf(objects)) || elsewhere(key, objects) || listed(keysOf(objects));
        const message = `no such option.${hint}`;
        this.#add(entry.at, "unknown-option", [...path, key], message);
        continue;
      }
      const inside = known.length > 0 ? accepts(known) : others ? accepts(others) : ANYTHING;
      const value = this.plain(entry.value, inside, [...path, key], secret);
      if (value === null && !takes(inside, null)) {
        const group = inside.kinds.some(({ _zod: { def } }) => def.type === "object" || def.type === "record");
        if (group && !inside.hasDefault) values.push([key, {}]);
      } else if (value !== undefined) values.push([key, value]);
    }
    return Object.fromEntries(values);
  }

  report(issue: z.core.$ZodIssue): void {
    const { tree, at, missing } = this.#find(issue.path);
    if (tree?.kind === "leaf" && tree.value === undefined) return;
    const branch = fitting(issue);
    if (branch) {
      for (const inner of branch) this.report({ ...inner, path: [...issue.path, ...inner.path] });
      return;
    }
    const own = issue.message === expectation(issue);
    const message = own ? issue.message : this.#redact(issue.message);
    if (missing && issue.code !== "custom") {
      this.#add(at, "missing-option", issue.path, `this option is required: ${message}`);
      return;
    }
    const code =
      issue.code === "invalid_type" || (own && issue.code === "invalid_union") ? "wrong-type" : "invalid-value";
    const subject = tree && (tree.kind === "leaf" || own) ? `${this.#show(tree)} does not fit: ` : "";
    this.#add(at, code, issue.path, subject + message + this.#hint(issue, tree));
  }

  /** What stands at `path`, or where the nearest thing above it does. */
  #find(path: Path): { tree: Tree | undefined; at: Location; missing: boolean } {
    let tree: Tree | undefined = this.#tree;
    let at = this.#at;
    for (const key of path) {
      const entry: Entry | undefined = tree?.kind === "map" ? tree.entries.get(String(key)) : undefined;
      tree = tree?.kind === "list" ? tree.items[Number(key)] : entry?.value;
      if (!tree) return { tree: undefined, at, missing: true };
      at = tree.kind === "leaf" ? tree.at : (entry?.at ?? tree.at);
    }
    return { tree, at, missing: tree.kind === "leaf" && tree.value === null && path.length > 0 };
  }

  #show(tree: Tree): string {
    if (tree.kind !== "leaf") return tree.kind === "map" ? "a map" : "a list";
    if (this.#secrets.has(tree)) return "(redacted)";
    return typeof tree.value === "string" ? quoted(withoutUserinfo(tree.value)) : String(tree.value);
  }

  #hint(issue: z.core.$ZodIssue, tree: Tree | undefined): string {
    if (tree?.kind !== "leaf") return "";
    const unquoted = typeof tree.value === "number" || typeof tree.value === "boolean";
    if (unquoted && issue.code === "invalid_type" && issue.expected === "string") return "; put it in quotes";
    if (this.#secrets.has(tree)) return "";
    if (issue.code === "invalid_type" && typeof tree.value === "string") {
      const written = YAML_1_1[tree.value.toLowerCase()];
      if (issue.expected === "boolean" && written !== undefined) return `; write ${written}`;
      if (issue.expected === "array") return `; write [${quoted(tree.value)}]`;
    }
    if (issue.code === "invalid_value" && typeof tree.value === "string") {
      return didYouMean(tree.value, issue.values.map(String)).replace(/^ /, ". ");
    }
    return "";
  }

  /** A plugin's own message, which may repeat what it was given. */
  #redact(message: string): string {
    let safe = message;
    const longestFirst = [...this.#secrets.values()].sort((a, b) => b.length - a.length);
    for (const secret of longestFirst) if (secret !== "") safe = safe.replaceAll(secret, "(redacted)");
    return withoutUserinfo(safe);
  }

  #add(at: Location, code: string, path: Path, message: string): void {
    this.#problems.push({ ...at, code, path: pathText([...this.#path, ...path]), message });
  }
}

/** "headers: key=value": text where a map or list with secrets belongs most likely is one. */
const isMisplaced = ({ value }: Leaf, here: Accepts) =>
  typeof value === "string" && !takes(here, value) && holdsSecret(here);

/** The issues of the one branch of a union that was meant: whose own type fits, with the fewest faults inside. */
function fitting(issue: z.core.$ZodIssue): readonly z.core.$ZodIssue[] | undefined {
  if (issue.code !== "invalid_union" || issue.message !== expectation(issue)) return undefined;
  const branches = issue.errors.filter((errors) =>
    errors.every(({ code, path }) => path.length > 0 || code !== "invalid_type"),
  );
  return branches.sort((a, b) => a.length - b.length)[0];
}

const keysOf = (objects: readonly z.core.$ZodObject[]) =>
  objects.flatMap(({ _zod: { def } }) => Object.keys(def.shape));

/** Where below `objects` there is an option of that name. */
function elsewhere(key: string, objects: readonly z.core.$ZodObject[]): string {
  const paths = [...new Set(pathsTo(key, objects, 3))];
  if (paths.length === 1) return ` Did you mean ${quoted(paths[0])}?`;
  return paths.length === 2 ? ` Did you mean ${quoted(paths[0])} or ${quoted(paths[1])}?` : "";
}

function pathsTo(key: string, objects: readonly z.core.$ZodObject[], depth: number): string[] {
  if (depth === 0) return [];
  return objects.flatMap(({ _zod: { def } }) =>
    Object.entries(def.shape).flatMap(([name, schema]) => {
      const inner = objectsFor(accepts([schema]).kinds, () => undefined);
      const here = inner.some((object) => Object.hasOwn(object._zod.def.shape, key)) ? [`${name}.${key}`] : [];
      return [...here, ...pathsTo(key, inner, depth - 1).map((path) => `${name}.${path}`)];
    }),
  );
}

function listed(keys: readonly string[]): string {
  if (keys.length === 0) return " There are no options here.";
  return keys.length <= 12 ? ` There are: ${[...new Set(keys)].join(", ")}.` : "";
}
