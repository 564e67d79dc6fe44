// From the command line's --config and --set to one tree: reads, replaces variables, merges.
import { createReadStream } from "node:fs";
import { dirname, resolve } from "node:path";
import { type ComponentId, parseId, SECTIONS, type Section } from "./id.ts";
import { type Location, type Problem, quoted } from "./problems.ts";
import { type Branch, keysIn, merge, plant, readTree } from "./tree.ts";
import type { Environment } from "./variables.ts";

/** A third-party module that the configuration names. */
export interface PluginReference {
  readonly specifier: string;
  /** The absolute folder that a relative path is relative to. */
  readonly from: string;
  /** An environment variable had a part in it, so no message may show it. */
  readonly secret: boolean;
  readonly location: Location;
}

/** What the user wrote, before any plugin's schema has seen it. */
export interface Draft {
  /** What reading met. `checkConfig` reports these again, with its own. */
  readonly problems: readonly Problem[];
  readonly plugins: readonly PluginReference[];
  /** Components that the configuration defines, so that the registry knows what to import. */
  readonly uses: readonly (ComponentId & { readonly section: Section; readonly location: Location })[];
  /** All sources merged. */
  readonly root: Branch;
  /** False when a source could not be read or is no YAML: what is missing then means nothing. */
  readonly complete: boolean;
  /** The names of the sources, in order. */
  readonly files: readonly string[];
}

const MAX_BYTES = 1 << 20;

/**
 * Reads every source. A `config` is a path, "file:PATH", "yaml:TEXT" or "env:NAME"; a `set` is "a.b.c=value" or
 * "a::b::c=value". Later ones win. Never rejects: what goes wrong is in `problems`.
 */
export async function readDraft(
  sources: { readonly config: readonly string[]; readonly set: readonly string[] },
  env: Environment = process.env,
): Promise<Draft> {
  const problems: Problem[] = [];
  const folders = new Map<string, string>();
  const trees: (Branch | undefined)[] = [];
  for (const config of sources.config) {
    const opened = await open(config, env);
    folders.set(opened.file, opened.folder);
    if (opened.text === undefined) {
      problems.push({ file: opened.file, line: 1, column: 1, path: "", code: opened.code, message: opened.message });
    }
    trees.push(opened.text === undefined ? undefined : readRoot(opened.text, opened.file, env, problems));
  }
  for (const set of sources.set) {
    folders.set("--set", process.cwd());
    trees.push(readSetting(set, env, problems));
  }

  const files = [...folders.keys()];
  const start = { file: files[0] ?? "--config", line: 1, column: 1 };
  let root: Branch = { kind: "map", entries: new Map(), at: start };
  for (const tree of trees) if (tree) root = merge(root, tree) as Branch;
  const complete = !trees.includes(undefined);
  return { problems, plugins: pluginsIn(root, folders), uses: usesIn(root), root, complete, files };
}

type Opened = { readonly file: string; readonly folder: string } & (
  | { readonly text: string }
  | { readonly text: undefined; readonly code: string; readonly message: string }
);

async function open(config: string, env: Environment): Promise<Opened> {
  const [, scheme, rest] = /^([A-Za-z][A-Za-z0-9+.-]+):([\s\S]*)$/.exec(config) ?? ["", "file", config];
  const here = process.cwd();
  if (scheme === "yaml") return { file: "yaml:", folder: here, text: rest };
  if (scheme === "env") {
    const failed = { code: "missing-variable", message: `the environment variable ${quoted(rest)} is not set` };
    const text = env[rest];
    return { file: config, folder: here, ...(typeof text === "string" ? { text } : { text: undefined, ...failed }) };
  }
  if (scheme !== "file") {
    const message = `cannot read from ${quoted(`${scheme}:`)}; use a path, file:PATH, yaml:TEXT or env:NAME`;
    return { file: config, folder: here, text: undefined, code: "unknown-source", message };
  }
  const folder = dirname(resolve(rest));
  try {
    return { file: rest, folder, text: await readText(rest) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const cause = (code && causes[code]) ?? message;
    return { file: rest, folder, text: undefined, code: "unreadable-file", message: `cannot be read: ${cause}` };
  }
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ERR_ENCODING_INVALID_ENCODED_DATA: "it is not UTF-8 text",
};

/** Reads no more than MAX_BYTES, so that a device or an endless pipe is an error too. */
async function readText(path: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of createReadStream(path, { end: MAX_BYTES })) {
    chunks.push(chunk);
    size += chunk.length;
  }
  if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
  return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
}

/** A whole source: a map, in which a key `a::b::c` stands for three maps. */
function readRoot(text: string, file: string, env: Environment, problems: Problem[]): Branch | undefined {
  if (text.length > MAX_BYTES) {
    problems.push({ file, line: 1, column: 1, code: "too-large", path: "", message: `larger than ${MAX_BYTES} bytes` });
    return undefined;
  }
  const tree = readTree(text, { file, env, problems });
  if (tree?.kind === "leaf" && tree.value === null) return { kind: "map", entries: new Map(), at: tree.at };
  if (tree?.kind !== "map") {
    const message = 'the configuration must be a map, such as "receivers: {...}"';
    if (tree) problems.push({ ...tree.at, code: "wrong-type", path: "", message });
    return undefined;
  }
  const placed = [...tree.entries].flatMap(([key, { at, value }]) => {
    const keys = key.includes("::") ? keysIn(key, "::", at, problems) : [key];
    return keys ? [{ keys, value, at }] : [];
  });
  return plant(placed, tree.at);
}

function readSetting(set: string, env: Environment, problems: Problem[]): Branch | undefined {
  const at = { file: "--set", line: 1, column: 1 };
  const equals = set.indexOf("=");
  if (equals < 0 || set.length > MAX_BYTES) {
    const message = 'write it as in --set "processors.ewma.alpha=0.1"';
    problems.push({ ...at, code: "invalid-setting", path: "", message });
    return undefined;
  }
  const key = set.slice(0, equals);
  const value = readTree(set.slice(equals + 1), { file: at.file, env, problems, column: equals + 2 });
  const keys = keysIn(key, key.includes("::") ? "::" : ".", at, problems);
  return value && keys && plant([{ keys, value, at }], at);
}

function pluginsIn(root: Branch, folders: ReadonlyMap<string, string>): Draft["plugins"] {
  const plugins = root.entries.get("plugins")?.value;
  if (plugins?.kind !== "list") return [];
  return plugins.items.flatMap((item) => {
    if (item.kind !== "leaf") return [];
    const { secret } = item;
    const specifier = item.text ?? item.value;
    const from = folders.get(item.at.file) ?? process.cwd();
    return typeof specifier === "string" && specifier !== "" ? [{ specifier, from, secret, location: item.at }] : [];
  });
}

function usesIn(root: Branch): Draft["uses"] {
  return SECTIONS.flatMap((section) => {
    const components = root.entries.get(section)?.value;
    if (components?.kind !== "map") return [];
    return [...components.entries].flatMap(([key, { at }]) => {
      const id = parseId(key);
      return typeof id === "string" ? [] : [{ section, ...id, location: at }];
    });
  });
}
