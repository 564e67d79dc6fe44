// Section and type -> plugin module. The path is the name: processors.ewma is plugins/processors/ewma/; only what is named is imported.
import { existsSync, readdirSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Plugin, z } from "./api/index.ts";
import type { Draft, PluginReference } from "./config/file.ts";
import { SECTIONS, type Section, singular } from "./config/id.ts";
import { nearest, type Problem, quoted } from "./config/problems.ts";
import { combinationOptions } from "./pipeline/compose.ts";
import { intervalOptions } from "./pipeline/interval_options.ts";
import { detectorOptions, oneLine, sendingOptionsOf } from "./pipeline/options.ts";
import { vectorOptions } from "./pipeline/vector_options.ts";

const OURS = new URL("../plugins/", import.meta.url);
/** This file's own ending: .ts in a clone, .js in a published package. */
const ENDING = import.meta.url.slice(import.meta.url.lastIndexOf("."));

/** Names that the Collector's users still write. */
const ALIASES: Partial<Record<Section, Readonly<Record<string, string>>>> = {
  processors: { log_schema: "schema_drift" },
  connectors: { spanmetrics: "span_metrics" },
  exporters: { otlp: "otlp_grpc", otlphttp: "otlp_http", prometheusremotewrite: "prometheus_remote_write" },
};

const HOME: Record<Plugin["kind"], Section> = {
  receiver: "receivers",
  detector: "processors",
  combination: "processors",
  processor: "processors",
  finder: "processors",
  connector: "connectors",
  exporter: "exporters",
  extension: "extensions",
};

/** What `import ... from "vedette"` means in a module anywhere on this machine, ours included. */
const PUBLIC: Readonly<Record<string, string>> = {
  vedette: new URL(`./api/index${ENDING}`, import.meta.url).href,
  "vedette/counts": new URL(`./counts/index${ENDING}`, import.meta.url).href,
  "vedette/http": new URL(`./http/index${ENDING}`, import.meta.url).href,
  "vedette/otlp": new URL(`./otlp/index${ENDING}`, import.meta.url).href,
  "vedette/testing": new URL(`./testing/index${ENDING}`, import.meta.url).href,
};

/** The scheme of an import that is to be resolved as if a module in the folder had written it. */
const FROM_FOLDER = "vedette-plugin:";

let hooked = false;

/** Lets modules in any folder import "vedette", and lets us import a package as the configuration's folder sees it. */
function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const ours = PUBLIC[specifier];
      if (ours) return { url: ours, shortCircuit: true };
      if (!specifier.startsWith(FROM_FOLDER)) return next(specifier, context);
      const [folder, name] = JSON.parse(decodeURIComponent(specifier.slice(FROM_FOLDER.length))) as [string, string];
      return next(name, { ...context, parentURL: pathToFileURL(join(folder, "configuration.js")).href });
    },
  });
}

function importFrom(folder: string, specifier: string): Promise<{ default?: unknown }> {
  return import(FROM_FOLDER + encodeURIComponent(JSON.stringify([folder, specifier])));
}

/** Why an exported value is no plugin; undefined when it is one. */
export function manifestFault(value: unknown): string | undefined {
  const plugin = value as Partial<Plugin> | null | undefined;
  if (typeof plugin !== "object" || plugin === null)
    return 'its default export is not made by a define function of "vedette"';
  if (!plugin.kind || !Object.hasOwn(HOME, plugin.kind))
    return 'its default export is not made by a define function of "vedette"';
  if (typeof plugin.type !== "string" || !/^[a-z][a-z0-9_]*$/.test(plugin.type))
    return `its type ${quoted(String(plugin.type))} is not snake_case`;
  if (typeof plugin.summary !== "string" || plugin.summary === "") return "it has no summary";
  if (!(plugin.config instanceof z.ZodObject)) return 'its config is not a z.object of "vedette"';
  const judges = plugin.kind === "detector" || plugin.kind === "combination";
  if (judges && typeof plugin.scoreThenLearn !== "function") return "it has no scoreThenLearn";
  if (!judges && typeof (plugin as { create?: unknown }).create !== "function") return "it has no create";
  const added = Object.keys(agentOptions(plugin as Plugin)).filter((name) => name in plugin.config!.shape);
  if (added.length > 0) return `its option ${quoted(added[0])} is one that the agent adds`;
  return undefined;
}

/** Options that every plugin of this kind has beside its own. */
function agentOptions(plugin: Plugin): Record<string, z.ZodType> {
  if (plugin.kind === "detector") {
    if (plugin.rows === "vectors") return vectorOptions(plugin);
    return plugin.rows === "intervals" ? intervalOptions(plugin) : detectorOptions(plugin);
  }
  if (plugin.kind === "combination") return combinationOptions();
  if (plugin.kind === "finder") {
    // annotated as metrics are where it watches them
    const all = detectorOptions({ ...plugin, signal: plugin.signals[0] });
    const { detection_direction, min_dev_from_expected, min_rel_dev_from_expected, ...left } = all;
    return left;
  }
  return plugin.kind === "exporter" && plugin.sends ? sendingOptionsOf(plugin.defaults) : {};
}

/** All options of the component as a user writes them. */
export function optionsOf(plugin: Plugin): z.ZodObject {
  const all = plugin.config.safeExtend(agentOptions(plugin));
  return ["detector", "combination", "finder"].includes(plugin.kind) ? all.refine(oneLine.check, oneLine) : all;
}

/** What is built from: who has the plugins. */
export type Plugins = Pick<Registry, "get">;

export class Registry {
  readonly problems: Problem[] = [];
  readonly #plugins = new Map<string, Plugin>();
  readonly #known: Record<Section, string[]>;

  private constructor() {
    this.#known = Object.fromEntries(SECTIONS.map((section) => [section, folders(section)])) as Record<
      Section,
      string[]
    >;
  }

  /** Imports what the draft names: third-party modules first, then ours. What fails is in `problems`. */
  static async load(draft: Pick<Draft, "plugins" | "uses">): Promise<Registry> {
    hook();
    const registry = new Registry();
    for (const plugin of draft.plugins) await registry.#third(plugin);
    if (registry.problems.length > 0) registry.#presume(draft.uses);
    for (const { section, type, location } of draft.uses) {
      try {
        await registry.#own(section, type);
      } catch (error) {
        registry.#problem(
          "plugin-failed",
          location,
          `${section}.${type}`,
          `the module cannot be loaded: ${messageOf(error)}`,
        );
      }
    }
    return registry;
  }

  /** Every plugin of ours, for tables and tests; and third-party modules. */
  static async all(third: Draft["plugins"] = []): Promise<Registry> {
    hook();
    const registry = new Registry();
    for (const plugin of third) await registry.#third(plugin);
    for (const section of SECTIONS) for (const type of folders(section)) await registry.#own(section, type);
    return registry;
  }

  /** Types that may be written, aliases included. */
  get known(): Readonly<Record<Section, readonly string[]>> {
    return Object.fromEntries(
      SECTIONS.map((section) => [section, [...this.#known[section], ...Object.keys(ALIASES[section] ?? {})]]),
    ) as Record<Section, string[]>;
  }

  /** Other names of a type. */
  aliasesOf(section: Section, type: string): string[] {
    return Object.entries(ALIASES[section] ?? {}).flatMap(([alias, target]) => (target === type ? [alias] : []));
  }

  get(section: Section, type: string): Plugin | undefined {
    return this.#plugins.get(`${section}.${canonicalType(section, type)}`);
  }

  /** For `checkConfig`. */
  readonly schemaOf = (section: Section, type: string): z.ZodObject | undefined => {
    const plugin = this.get(section, type);
    return plugin && optionsOf(plugin);
  };

  /** Everything loaded, by section and type. */
  list(): { section: Section; plugin: Plugin }[] {
    return [...this.#plugins.values()]
      .map((plugin) => ({ section: HOME[plugin.kind], plugin }))
      .sort(
        (a, b) => SECTIONS.indexOf(a.section) - SECTIONS.indexOf(b.section) || (a.plugin.type < b.plugin.type ? -1 : 1),
      );
  }

  async #own(section: Section, written: string): Promise<void> {
    const type = canonicalType(section, written);
    if (this.#plugins.has(`${section}.${type}`) || !folders(section).includes(type)) return;
    const module = (await import(new URL(`${section}/${type}/index${ENDING}`, OURS).href)) as { default?: unknown };
    const fault = manifestFault(module.default);
    if (fault) throw new Error(fault);
    this.#plugins.set(`${section}.${type}`, module.default as Plugin);
  }

  async #third({ specifier, from, secret, location }: PluginReference): Promise<void> {
    try {
      const file = /^\.{0,2}\/|^file:/.test(specifier) ? fileOf(specifier, from) : undefined;
      if (file && !existsSync(file)) throw new Error(`there is no file ${file}`);
      const module = file ? await import(versioned(file)) : await importFrom(from, specifier);
      const exported = Array.isArray(module.default) ? module.default : [module.default];
      for (const plugin of exported) {
        const fault = manifestFault(plugin);
        if (fault) throw new Error(fault);
        const section = HOME[(plugin as Plugin).kind];
        const key = `${section}.${plugin.type}`;
        if (this.#known[section].includes(plugin.type))
          throw new Error(`there is a ${singular(section)} ${plugin.type} already; give it another type`);
        this.#known[section].push(plugin.type);
        this.#plugins.set(key, plugin);
      }
    } catch (error) {
      const why = missing(error, specifier, from) ?? `cannot be loaded: ${messageOf(error)}`;
      const message = secret
        ? "(redacted) cannot be loaded; it comes out of an environment variable, so neither it nor the cause is shown"
        : `${quoted(specifier)} ${why}`;
      this.#problem("plugin-failed", location, "plugins", message);
    }
  }

  /** A type that nothing we know comes near may be one of a module that failed: that is told already. */
  #presume(uses: Draft["uses"]): void {
    const all = Object.values(this.known).flat();
    for (const { section, type } of uses) {
      if (!nearest(type, all) && !this.#known[section].includes(type)) this.#known[section].push(type);
    }
  }

  #problem(code: string, at: Pick<Problem, "file" | "line" | "column">, path: string, message: string): void {
    this.problems.push({ file: at.file, line: at.line, column: at.column, code, path, message });
  }
}

/** Says it in our words when there is no package of that name; undefined when the failure is another. */
function missing(error: unknown, specifier: string, from: string): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== "ERR_MODULE_NOT_FOUND" || !message.startsWith(`Cannot find package '${nameOf(specifier)}'`))
    return undefined;
  if (existsSync(join(from, specifier)) || /\.[cm]?ts$/.test(specifier))
    return `is a file, not a package: write ${quoted(`./${specifier}`)}`;
  return `is not installed: run "npm install ${nameOf(specifier)}" in ${from}; a file begins with "./" or "/"`;
}

/** "@scope/name" of "@scope/name/part". */
const nameOf = (specifier: string) => specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");

/** A URL of the file as it is now: a reload imports it anew when it has changed. What it imports itself stays as it was. */
function versioned(file: string): string {
  const { mtimeMs, size } = statSync(file);
  return `${pathToFileURL(file).href}?version=${mtimeMs}-${size}`;
}

function canonicalType(section: Section, type: string): string {
  return ALIASES[section]?.[type] ?? type;
}

function fileOf(specifier: string, from: string): string {
  return specifier.startsWith("file:")
    ? fileURLToPath(specifier)
    : join(specifier.startsWith("/") ? "/" : from, specifier);
}

/** The types that have a folder of ours. */
function folders(section: Section): string[] {
  const at = new URL(`${section}/`, OURS);
  if (!existsSync(at)) return [];
  return readdirSync(at, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(new URL(`${entry.name}/index${ENDING}`, at)))
    .map((entry) => entry.name)
    .sort();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0] : String(error);
}
