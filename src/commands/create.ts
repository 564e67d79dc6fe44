// `vedette create plugin NAME`: a folder with a plugin of the kind asked for, its test and all that it takes to publish it.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { oneOf, type Section } from "../config/id.ts";
import { quoted } from "../config/problems.ts";
import { Registry } from "../registry.ts";
import { type Command, EXIT, print, UsageError } from "./command.ts";
import { version } from "./version.ts";

const SECTION_OF: Readonly<Record<string, Section>> = {
  detector: "processors",
  processor: "processors",
  exporter: "exporters",
  receiver: "receivers",
  extension: "extensions",
};
const TEMPLATES = new URL("../../templates/", import.meta.url);
/** The folder of the package or clone that this file belongs to. */
const HOME = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "../../" : "../../../", import.meta.url));

export const create: Command = {
  synopsis: "plugin NAME --kind KIND [--dir FOLDER]",
  summary: "make a folder NAME with a new plugin, its test, and a configuration that loads it",
  details: "NAME is the plugin's type, in snake_case; a dash is read as an underscore.",
  options: ["kind", "dir"],
  words: 2,
  async run({ words: [what, name], kind, dir = "." }) {
    if (what !== "plugin") throw new UsageError(`create makes plugins: vedette create plugin NAME --kind KIND`);
    if (name === undefined) throw new UsageError("the plugin's NAME is missing");
    const type = name.replaceAll("-", "_");
    if (!/^[a-z][a-z0-9_]*$/.test(type) || type.length > 60) {
      throw new UsageError(`${quoted(name)} cannot be a type; write small letters, digits and underscores: my_plugin`);
    }
    if (!kind || !Object.hasOwn(SECTION_OF, kind)) {
      const fault = kind ? `--kind ${quoted(kind)} is none` : "--kind is missing";
      throw new UsageError(`${fault}; there are: ${Object.keys(SECTION_OF).join(", ")}`);
    }
    const section = SECTION_OF[kind];
    if ((await Registry.all()).known[section].includes(type)) {
      throw new UsageError(`there is ${oneOf(section)} ${type} already; give another name`);
    }
    const folder = resolve(dir, type);
    const fault = write(folder, filesOf(kind, type, folder));
    if (fault) {
      process.stderr.write(`${fault}\n`);
      return EXIT.bad;
    }
    const note = type === name ? "" : `a type has underscores: ${type}\n`;
    const shown = relative("", folder) || ".";
    return print(`${note}${shown} holds a new ${kind}. Next:

  cd ${shown}
  npm install
  npm test
  npx vedette run --config config.yaml
`);
  },
};

/** Name and text of each file. */
function filesOf(kind: string, type: string, folder: string): [name: string, text: string][] {
  return ["shared/", `${kind}/`].flatMap((home) => {
    const at = new URL(home, TEMPLATES);
    return readdirSync(at).map((name): [string, string] => {
      const text = readFileSync(new URL(name, at), "utf8")
        .replaceAll("my_plugin", type)
        .replaceAll("my-plugin", type.replaceAll("_", "-"))
        .replaceAll("KIND", kind)
        .replaceAll("VEDETTE_SOURCE", sourceFor(folder));
      // under these names npm would take them for its own
      return [{ "manifest.json": "package.json", gitignore: ".gitignore" }[name] ?? name, text];
    });
  });
}

/** What npm is to install as "vedette" in `folder`: what this command came from. */
function sourceFor(folder: string): string {
  const from = import.meta.url.endsWith(".ts") ? HOME : installedFrom();
  return from === undefined ? `^${version()}` : `file:${relative(folder, from).split(sep).join("/")}`;
}

/** The file or folder that npm installed this package from; undefined when that was a registry. */
function installedFrom(): string | undefined {
  const modules = join(HOME, "..");
  try {
    const lock = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8")) as {
      packages?: Record<string, { resolved?: string }>;
    };
    const resolved = lock.packages?.["node_modules/vedette"]?.resolved;
    return resolved?.startsWith("file:") ? resolve(modules, "..", resolved.slice("file:".length)) : undefined;
  } catch {
    return undefined; // no installation of npm's: what the registry has is as good a guess as any
  }
}

/** Why nothing was written; undefined when it was. */
function write(folder: string, files: readonly [name: string, text: string][]): string | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0) return `${folder} is not empty; give another name, or another --dir`;
    for (const [name, text] of files) writeFileSync(join(folder, name), text, { flag: "wx" });
    return undefined;
  } catch (error) {
    return `cannot write ${folder}: ${(error as Error).message}`;
  }
}
