#!/usr/bin/env -S node --initial-old-space-size=256
// The command line: arguments, signals, exit codes; nothing else. (The flag: see "garbage" in README.md beside this file.)
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Agent } from "./agent.ts";
import { readDraft } from "./config/file.ts";
import { ConfigError, formatProblem, isError, type Problem } from "./config/problems.ts";
import { type Config, checkConfig } from "./config/shape.ts";
import { Log } from "./observe/log.ts";
import { Registry } from "./registry.ts";
import { wiringProblems } from "./wiring.ts";

const EXIT = { done: 0, bad: 1, usage: 2, internal: 70 } as const;

const USAGE = `vedette: an OpenTelemetry agent that finds what is abnormal while it passes

usage: vedette [run] --config FILE... [--set PATH=VALUE]...
       vedette validate --config FILE... [--format text|json]
       vedette components [--format text|json]
       vedette --version | --help

  --config FILE      a YAML file, or yaml:TEXT, or env:NAME; repeatable, files merge, the later wins
  --set PATH=VALUE   one value, as in --set receivers.otlp.protocols.http.endpoint=127.0.0.1:5318
  --format FORMAT    text (default) or json

exit codes: 0 done, 1 bad configuration or input, 2 bad usage, 70 internal error
`;

class UsageError extends Error {}

interface Arguments {
  readonly command: string;
  readonly config: readonly string[];
  readonly set: readonly string[];
  readonly json: boolean;
}

function version(): string {
  return (JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string }).version;
}

function read(argv: readonly string[]): Arguments {
  const options = {
    config: { type: "string", multiple: true, default: [] as string[] },
    set: { type: "string", multiple: true, default: [] as string[] },
    format: { type: "string", default: "text" },
    help: { type: "boolean", short: "h", default: false },
    version: { type: "boolean", short: "v", default: false },
  } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split(". ")[0]); // what follows is about arguments that begin with "-"
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1)
    throw new UsageError(`unexpected argument ${JSON.stringify(positionals[1])}; a file is given with --config`);
  if (values.format !== "text" && values.format !== "json") {
    throw new UsageError(`--format is text or json, not ${JSON.stringify(values.format)}`);
  }
  const command = values.help ? "help" : values.version ? "version" : (positionals[0] ?? "run");
  return { command, config: values.config, set: values.set, json: values.format === "json" };
}

/** The checked configuration, or undefined; and everything there is to say of it. */
async function load({ config, set }: Arguments): Promise<{ config?: Config; registry: Registry; problems: Problem[] }> {
  if (config.length === 0)
    throw new UsageError("--config FILE is missing; there is a config.example.yaml to start from");
  const draft = await readDraft({ config, set });
  const registry = await Registry.load(draft);
  const checked = checkConfig(draft, registry.schemaOf, registry.known);
  const problems = [...registry.problems, ...checked.problems].sort(byPlace(draft.files));
  if (!checked.config || problems.some(isError)) return { registry, problems };
  problems.push(...wiringProblems(checked.config, registry));
  return { config: problems.some(isError) ? undefined : checked.config, registry, problems };
}

/** As a reader of the files meets them. */
function byPlace(files: readonly string[]): (a: Problem, b: Problem) => number {
  return (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column;
}

async function validate(args: Arguments): Promise<number> {
  const { config, problems } = await load(args);
  if (args.json) process.stdout.write(`${JSON.stringify({ valid: config !== undefined, problems }, null, 2)}\n`);
  else {
    for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
    if (config) process.stdout.write("the configuration is valid\n");
  }
  return config ? EXIT.done : EXIT.bad;
}

async function components(args: Arguments): Promise<number> {
  const rows = (await Registry.all()).list().map(({ section, plugin }) => {
    const signals = "signals" in plugin ? plugin.signals : "signal" in plugin ? [plugin.signal] : [];
    return { section, type: plugin.type, signals, stability: plugin.stability, summary: plugin.summary };
  });
  if (args.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else {
    for (const { section, type, signals, stability, summary } of rows) {
      const columns = [section.padEnd(11), type.padEnd(14), signals.join(",").padEnd(29), stability.padEnd(7), summary];
      process.stdout.write(`${columns.join(" ")}\n`);
    }
  }
  return EXIT.done;
}

/** Runs until SIGTERM or SIGINT; a second signal ends it at once. */
async function run(args: Arguments): Promise<number> {
  const { config, registry, problems } = await load(args);
  if (!config) throw new ConfigError(problems);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  const log = new Log(config.service.telemetry.logs);
  const own = log.for("vedette");
  let agent: Agent;
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(128 + (signal === "SIGINT" ? 2 : 15)));
        resolve(signal);
      });
    }
  });
  try {
    agent = new Agent(config, registry, log);
    await agent.start();
  } catch (error) {
    own.error("the agent could not start", { error: (error as Error).message });
    return EXIT.bad;
  }
  own.info(`vedette ${version()} is running: point OTLP exporters at an endpoint listed above`);
  const signal = await asked;
  own.info(`${signal}: stopping; what was accepted is being delivered`);
  await agent.stop();
  own.info("stopped");
  return EXIT.done;
}

const COMMANDS: Readonly<Record<string, (args: Arguments) => Promise<number>>> = {
  run,
  validate,
  components,
  version: async () => print(`${version()}\n`),
  help: async () => print(USAGE),
};

function print(text: string): number {
  process.stdout.write(text);
  return EXIT.done;
}

async function main(argv: readonly string[]): Promise<number> {
  try {
    const args = read(argv);
    const command = Object.hasOwn(COMMANDS, args.command) ? COMMANDS[args.command] : undefined;
    if (!command) throw new UsageError(`there is no command ${JSON.stringify(args.command)}`);
    return await command(args);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${USAGE}`);
      return EXIT.usage;
    }
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.message}\n`);
      return EXIT.bad;
    }
    process.stderr.write(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
    return EXIT.internal;
  }
}

const code = await main(process.argv.slice(2));
// a plugin's forgotten timer must not keep a stopped agent alive; output that is still under way must leave first
process.stdout.write("", () => process.exit(code));
