// YAML as a tree in which every key and value knows where it was written; merging of such trees.
import { isAlias, isMap, isScalar, isSeq, type ParsedNode, parseDocument, Scalar, type YAMLMap } from "yaml";
import { type Location, type Problem, pathText, quoted } from "./problems.ts";
import { BARE, bareNames, type Environment, expand, scalarOf } from "./variables.ts";

export type Tree = Leaf | List | Branch;

export interface Leaf {
  readonly kind: "leaf";
  /** undefined: what stood here is already reported; say no more about it. */
  readonly value: string | number | boolean | null | undefined;
  /** What the environment variable behind `value` holds, or how a number is written, for an option that wants text. */
  readonly text?: string;
  readonly secret: boolean;
  readonly at: Location;
}

export interface List {
  readonly kind: "list";
  readonly items: readonly Tree[];
  readonly at: Location;
}

export interface Branch {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Entry>;
  readonly at: Location;
}

export interface Entry {
  /** Where the key stands. */
  readonly at: Location;
  readonly value: Tree;
}

export interface Source {
  readonly file: string;
  readonly env: Environment;
  readonly problems: Problem[];
  /** Column of the text's first character; 1 unless it is part of a command line argument. */
  readonly column?: number;
}

/** A whole number with its digits in groups, as YAML 1.1 and the Collector take it: 10_000. */
const GROUPED = /^[-+]?\d+(_\d+)+$/;
const MAX_NODES = 100_000;
const MAX_DEPTH = 64;
const MAX_SYNTAX_PROBLEMS = 20;
const TOO_LARGE = `more than ${MAX_NODES} values, aliases counted; nothing after is read`;
const TOO_DEEP = `nested deeper than ${MAX_DEPTH} levels`;

/** Reads one YAML document; undefined when its syntax is wrong. All problems go to `source.problems`. */
export function readTree(text: string, source: Source): Tree | undefined {
  const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false });
  const locate = locator(text, source);
  let last = 0;
  for (const { code, message, pos } of [...document.errors, ...document.warnings].slice(0, MAX_SYNTAX_PROBLEMS)) {
    const at = locate(pos[0]);
    // what follows from the mistake before it is not told
    if (last > 0 && code === "UNEXPECTED_TOKEN" && (at.line === last || message.includes("in YAML stream"))) continue;
    last = at.line;
    const variable = code === "UNEXPECTED_TOKEN" && text.startsWith("${", pos[0] - 1);
    const cause = variable ? `inside {...} or [...] a variable is put in quotes: "\${env:NAME}"` : plainWords[code];
    source.problems.push({ ...at, code: "yaml-syntax", path: "", message: cause ?? said(message) });
  }
  if (document.errors.length + document.warnings.length > 0) return undefined;
  return new Builder(source, locate).build(document.contents, [], locate(0));
}

/** Turns an offset into a place. */
function locator(text: string, { file, column = 1 }: Source): (offset: number) => Location {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    const within = Math.min(offset, text.length);
    let line = 0;
    for (let end = starts.length; end - line > 1; ) {
      const middle = (line + end) >> 1;
      if (starts[middle] <= within) line = middle;
      else end = middle;
    }
    return { file, line: line + 1, column: within - starts[line] + (line === 0 ? column : 1) };
  };
}

const plainWords: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "a tab cannot indent YAML; use spaces",
  MULTIPLE_DOCS: "a second YAML document starts here; put each in a file of its own and name both with --config",
  BLOCK_AS_IMPLICIT_KEY: 'a second "key:" on one line; start a new line, or quote the text that holds ": "',
  RESOURCE_EXHAUSTION: "nested too deep",
};

/** The library's message without what it quotes from the text, which may be a secret. */
const said = (message: string) =>
  message
    .replace(/: [\s\S]*$/, "")
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, 200);

/** Turns the YAML library's nodes into a tree. Aliases share what they name, so that size is counted, not copied. */
class Builder {
  readonly #source: Source;
  readonly #locate: (offset: number) => Location;
  readonly #anchors = new Map<string, { tree: Tree; nodes: number; height: number }>();
  #nodes = 0;
  #deepest = 0;

  constructor(source: Source, locate: (offset: number) => Location) {
    this.#source = source;
    this.#locate = locate;
  }

  /** `keyAt` stands in for a value that has no place of its own: an empty one, or a block on the lines below. */
  build(node: ParsedNode | null, path: readonly PropertyKey[], keyAt: Location, depth = 0): Tree {
    const inPlace = node && (isScalar(node) ? node.range[1] > node.range[0] : isAlias(node) || node.flow);
    const at = inPlace ? this.#locate(node.range[0]) : keyAt;
    this.#nodes++;
    if (depth > MAX_DEPTH) return this.#broken(at, path, "too-deep", TOO_DEEP);
    if (this.#nodes > MAX_NODES) {
      if (this.#nodes > MAX_NODES + 1) return { kind: "leaf", value: undefined, secret: false, at };
      return this.#broken(at, path, "too-large", TOO_LARGE);
    }
    if (node === null) return { kind: "leaf", value: null, secret: false, at };
    if (isAlias(node)) return this.#alias(node.source, at, path, depth);

    const nodes = this.#nodes;
    const deepest = this.#deepest;
    this.#deepest = depth;
    const tree = isMap(node)
      ? this.#branch(node, path, at, depth)
      : isSeq(node)
        ? this.#list(node.items as ParsedNode[], path, at, depth)
        : this.#leaf(node as Scalar.Parsed, path, at);
    const height = this.#deepest - depth;
    this.#deepest = Math.max(deepest, this.#deepest);
    if (node.anchor) this.#anchors.set(node.anchor, { tree, nodes: this.#nodes - nodes, height });
    return tree;
  }

  #alias(name: string, at: Location, path: readonly PropertyKey[], depth: number): Tree {
    const target = this.#anchors.get(name);
    if (!target) return this.#broken(at, path, "unknown-alias", `no anchor &${name} ends before this alias`);
    if (depth + target.height > MAX_DEPTH) {
      return this.#broken(at, path, "too-deep", TOO_DEEP);
    }
    this.#deepest = Math.max(this.#deepest, depth + target.height);
    if (this.#nodes <= MAX_NODES && this.#nodes + target.nodes > MAX_NODES) {
      this.#nodes = MAX_NODES + 1;
      return this.#broken(at, path, "too-large", TOO_LARGE);
    }
    this.#nodes += target.nodes;
    return target.tree;
  }

  #leaf(node: Scalar.Parsed, path: readonly PropertyKey[], at: Location): Leaf {
    const value = node.value as unknown;
    if (typeof value !== "string") {
      const plain = typeof value === "number" || typeof value === "boolean" || value === null;
      return { kind: "leaf", value: plain ? value : String(value), secret: false, at };
    }
    if (node.type === Scalar.PLAIN && GROUPED.test(value)) {
      return { kind: "leaf", value: Number(value.replaceAll("_", "")), text: value, secret: false, at };
    }
    if (!value.includes("$")) return { kind: "leaf", value, secret: false, at };
    const { text, whole, secret, problems } = expand(value, this.#source.env);
    if (bareNames(value).some((name) => this.#source.env[name] !== undefined)) {
      const problem = {
        ...at,
        code: "bare-variable",
        path: pathText(path),
        message: BARE,
        severity: "warning",
      } as const;
      this.#source.problems.push(problem);
    }
    for (const { code, message } of problems) this.#broken(at, path, code, message);
    if (problems.length > 0) return { kind: "leaf", value: undefined, secret, at };
    return whole
      ? { kind: "leaf", value: scalarOf(text), text, secret, at }
      : { kind: "leaf", value: text, secret, at };
  }

  #list(items: readonly ParsedNode[], path: readonly PropertyKey[], at: Location, depth: number): List {
    this.#deepest = Math.max(this.#deepest, depth + 1);
    const trees = items.map((item, i) =>
      this.build(item, [...path, i], item?.range ? this.#locate(item.range[0]) : at, depth + 1),
    );
    return { kind: "list", items: trees, at };
  }

  #branch(node: YAMLMap.Parsed, path: readonly PropertyKey[], at: Location, depth: number): Branch {
    this.#deepest = Math.max(this.#deepest, depth + 1);
    const entries = new Map<string, Entry>();
    const inherited: Tree[] = [];
    for (const { key, value } of node.items) {
      const keyAt = this.#locate((key as ParsedNode | null)?.range?.[0] ?? node.range[0]);
      if (!isScalar(key)) {
        this.#broken(keyAt, path, "invalid-key", "a key must be plain text");
        continue;
      }
      const name = typeof key.value === "string" ? key.value : (key.source ?? "");
      const here = [...path, name];
      const tree = this.build(value, here, keyAt, depth + 1);
      if (name === "<<" && key.type === Scalar.PLAIN) inherited.push(...(tree.kind === "list" ? tree.items : [tree]));
      else if (!entries.has(name)) entries.set(name, { at: keyAt, value: tree });
      else {
        const { line } = entries.get(name)!.at;
        this.#broken(keyAt, here, "duplicate-key", `written before, on line ${line}; keep one of the two`);
      }
    }
    for (const tree of inherited) {
      if (tree.kind !== "map") this.#broken(tree.at, path, "wrong-type", '"<<" takes a map, or a list of maps');
      else for (const [name, entry] of tree.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return { kind: "map", entries, at };
  }

  #broken(at: Location, path: readonly PropertyKey[], code: string, message: string): Leaf {
    this.#source.problems.push({ ...at, code, path: pathText(path), message });
    return { kind: "leaf", value: undefined, secret: false, at };
  }
}

/** `over` laid on `base`: maps merge deeply, anything else is replaced. Neither is changed. */
export function merge(base: Tree, over: Tree): Tree {
  if (base.kind !== "map" || over.kind !== "map") return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    const both = below?.value.kind === "map" && entry.value.kind === "map";
    entries.set(key, both ? { at: below.at, value: merge(below.value, entry.value) } : entry);
  }
  return { kind: "map", entries, at: base.at };
}

/** A value and the keys that lead to it. */
export interface Placed {
  readonly keys: readonly string[];
  readonly value: Tree;
  readonly at: Location;
}

/** One map of all of them; where two lead to the same place, they merge. No path of keys may be empty. */
export function plant(placed: readonly Placed[], at: Location): Branch {
  const byKey = Map.groupBy(placed, ({ keys }) => keys[0]);
  const entries = new Map<string, Entry>();
  for (const [key, group] of byKey) {
    const deeper = group.filter(({ keys }) => keys.length > 1).map((one) => ({ ...one, keys: one.keys.slice(1) }));
    const trees = group.filter(({ keys }) => keys.length === 1).map(({ value }) => value);
    if (deeper.length > 0) trees.push(plant(deeper, deeper[0].at));
    entries.set(key, { at: group[0].at, value: trees.reduce(merge) });
  }
  return { kind: "map", entries, at };
}

/** The keys in `text`, or a problem when one is empty or there are too many. */
export function keysIn(text: string, separator: string, at: Location, problems: Problem[]): string[] | undefined {
  const keys = text.split(separator);
  if (keys.length <= MAX_DEPTH && keys.every((key) => key.trim() !== "")) return keys;
  const message = `${quoted(text)} is no path of keys: it has an empty part, or more than ${MAX_DEPTH} parts`;
  problems.push({ ...at, code: "invalid-key", path: "", message });
  return undefined;
}
