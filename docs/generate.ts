// `npm run docs`: option tables in the plugins' READMEs and of the service, the tables of all components and of the agent's metrics, and the JSON Schema, from the code itself.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin, z } from "../src/api/index.ts";
import { schemaOf } from "../src/commands/schema.ts";
import type { Section } from "../src/config/id.ts";
import { optionTable } from "../src/config/reference.ts";
import { service } from "../src/config/shape.ts";
import { INSTRUMENTS } from "../src/observe/instruments.ts";
import { optionsOf, Registry } from "../src/registry.ts";

const ROOT = new URL("../", import.meta.url);
const BEGIN = "<!-- options -->";
const END = "<!-- /options -->";

/** A generated file: its path from the root, and its text as it is, empty when there is none, and as it should be. */
export interface Generated {
  readonly path: string;
  readonly current: string;
  readonly wanted: string;
}

/** Everything that is generated. Throws when a README has not the two markers. */
export async function generated(): Promise<Generated[]> {
  const registry = await Registry.all();
  const plugins = registry.list();
  const readmes = plugins.map(({ section, plugin }) => {
    const path = `plugins/${section}/${plugin.type}/README.md`;
    const current = textOf(path);
    return { path, current, wanted: withOptions(path, current, optionsOf(plugin)) };
  });
  const configuration = "docs/configuration.md";
  const page = textOf(configuration);
  const path = "docs/components.md";
  const numbers = "docs/metrics.md";
  const schema = "docs/config.schema.json";
  return [
    ...readmes,
    { path: configuration, current: page, wanted: withOptions(configuration, page, service) },
    { path, current: textOf(path), wanted: components(plugins) },
    { path: numbers, current: textOf(numbers), wanted: metrics() },
    { path: schema, current: textOf(schema), wanted: `${JSON.stringify(schemaOf(registry), null, 2)}\n` },
  ];
}

function textOf(path: string): string {
  const at = new URL(path, ROOT);
  return existsSync(at) ? readFileSync(at, "utf8") : "";
}

function withOptions(path: string, text: string, schema: z.ZodObject): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${path} has no ${BEGIN} with ${END} after it`);
  const table = Object.keys(schema.shape).length > 0 ? optionTable(schema) : "It has no options.";
  return `${text.slice(0, begin + BEGIN.length)}\n${table}\n${text.slice(end)}`;
}

function components(plugins: readonly { section: Section; plugin: Plugin }[]): string {
  const rows = plugins.map(({ section, plugin }) => {
    const link = `[\`${plugin.type}\`](../plugins/${section}/${plugin.type}/README.md)`;
    return `| ${section} | ${link} | ${signalsOf(plugin)} | ${plugin.stability} | ${plugin.summary} |`;
  });
  return `${HEAD}\n\n| section | type | signals | stability | what it does |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
}

const HEAD = `# Components

Every component that comes with Vedette. \`npm run docs\` writes this file, and the option tables of the READMEs that it links to.
How to add one: [plugins](../plugins/README.md).`;

function metrics(): string {
  const rows = Object.entries(INSTRUMENTS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { kind, unit, level, description }]) => {
      return `| \`${name}\` | ${kind} | \`${unit}\` | ${level} | ${description} |`;
    });
  return `${METRICS_HEAD}\n\n| name | kind | unit | level | what it tells |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
}

const METRICS_HEAD = `# The agent's own metrics

What the agent tells about itself; \`npm run docs\` writes this file. \`otelcol_\` names and their meaning are the OpenTelemetry Collector's,
\`vedette_\` ones are ours. They are served to Prometheus at http://127.0.0.1:8888/metrics unless \`service.telemetry.metrics\` says otherwise: with
\`address\`, or with \`readers\` that serve them elsewhere or push them as OTLP. \`level: basic\` tells those marked basic; \`normal\`, the
default, tells all.

Prometheus reads the names below as they stand from the endpoint that is there by default. A reader that was written adds units and \`_total\`, as
the Collector's does, unless \`without_units\` and \`without_type_suffix\` are set. Components may add metrics of their own: 100 names each,
with 500 series a name.`;

function signalsOf(plugin: Plugin): string {
  if (plugin.kind === "detector") return plugin.signal;
  if (plugin.kind === "extension") return "";
  if (plugin.kind === "connector") return `${plugin.from.join(", ")} to ${plugin.to.join(", ")}`;
  return plugin.signals.join(", ");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const stale = (await generated()).filter(({ current, wanted }) => current !== wanted);
  if (process.argv.includes("--check")) {
    for (const { path } of stale) process.stderr.write(`${path} is not current: run "npm run docs"\n`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else {
    for (const { path, wanted } of stale) {
      writeFileSync(new URL(path, ROOT), wanted);
      process.stdout.write(`${path}\n`);
    }
  }
}
