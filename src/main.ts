#!/usr/bin/env -S node --max-semi-space-size=8
// The command line: arguments, signals, exit codes; nothing else. (The flag: see "garbage" in README.md beside this file.)
import { parseArgs } from "node:util";
import { backtest } from "./commands/backtest.ts";
import { type Arguments, type Command, EXIT, OPTIONS, print, UsageError } from "./commands/command.ts";
import { components } from "./commands/components.ts";
import { create } from "./commands/create.ts";
import { demo } from "./commands/demo.ts";
import { feedback } from "./commands/feedback.ts";
import { printConfig } from "./commands/print_config.ts";
import { replay } from "./commands/replay.ts";
import { run } from "./commands/run.ts";
import { schema } from "./commands/schema.ts";
import { helpFor, usage } from "./commands/usage.ts";
import { validate } from "./commands/validate.ts";
import { version } from "./commands/version.ts";
import { ConfigError, didYouMean } from "./config/problems.ts";

const COMMANDS: Readonly<Record<string, Command>> = {
  run,
  validate,
  "print-config": printConfig,
  components,
  schema,
  replay,
  backtest,
  feedback,
  demo,
  create,
};

function parse(argv: readonly string[]) {
  const options = {
    config: { type: "string", multiple: true, short: "c" },
    set: { type: "string", multiple: true },
    format: { type: "string" },
    kind: { type: "string" },
    dir: { type: "string" },
    input: { type: "string", multiple: true },
    scores: { type: "string" },
    anomalies: { type: "string" },
    labels: { type: "string" },
    export: { type: "boolean" },
    "save-state": { type: "boolean" },
    quiet: { type: "boolean" },
    endpoint: { type: "string" },
    header: { type: "string", multiple: true },
    note: { type: "string" },
    until: { type: "string" },
    undo: { type: "boolean" },
    list: { type: "boolean" },
    agent: { type: "boolean" },
    faults: { type: "string" },
    speed: { type: "string" },
    seed: { type: "string" },
    duration: { type: "string" },
    help: { type: "boolean", short: "h" },
    version: { type: "boolean", short: "v" },
  } as const;
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split(". ")[0]); // what follows is about arguments that begin with "-"
  }
}

async function main(argv: readonly string[]): Promise<number> {
  let named: string | undefined;
  try {
    const { values, positionals } = parse(argv);
    const helping = values.help || positionals[0] === "help";
    const [name = "run", ...words] = positionals[0] === "help" ? positionals.slice(1) : positionals;
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) {
      throw new UsageError(`there is no command ${JSON.stringify(name)}.${didYouMean(name, Object.keys(COMMANDS))}`);
    }
    if (helping && positionals.length > 0 && positionals.join(" ") !== "help") return print(helpFor(name, command));
    if (helping) return print(usage(COMMANDS));
    if (values.version) return print(`${version()}\n`);
    if (positionals.length > 0) named = name;
    const [format = "text"] = command.formats ?? [];
    return await command.run(checked(name, command, { ...NOTHING, format, ...values, words }));
  } catch (error) {
    if (error instanceof UsageError) {
      const help = named === undefined ? usage(COMMANDS) : helpFor(named, COMMANDS[named]);
      process.stderr.write(`${error.message}\n\n${help}`);
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

/** What is not given. */
const NOTHING = {
  config: [],
  set: [],
  kind: undefined,
  dir: undefined,
  input: [],
  scores: undefined,
  anomalies: undefined,
  labels: undefined,
  export: false,
  "save-state": false,
  quiet: false,
  endpoint: undefined,
  header: [],
  note: undefined,
  until: undefined,
  undo: false,
  list: false,
  agent: false,
  faults: undefined,
  speed: undefined,
  seed: undefined,
  duration: undefined,
} as const;

/** The arguments, if the command takes all of them. */
function checked(name: string, { options, formats = [], words = 0 }: Command, args: Arguments): Arguments {
  for (const option of Object.keys(OPTIONS) as (keyof typeof OPTIONS)[]) {
    const value = args[option];
    const given = Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
    if (option !== "format" && given && !options.includes(option)) throw new UsageError(`${name} takes no --${option}`);
  }
  if (args.words.length > words) {
    const remedy = options.includes("config") ? "; a file is given with --config" : "";
    throw new UsageError(`unexpected argument ${JSON.stringify(args.words[words])}${remedy}`);
  }
  if (formats.length > 0 && !formats.includes(args.format)) {
    throw new UsageError(`--format is ${formats.join(" or ")}, not ${JSON.stringify(args.format)}`);
  }
  return args;
}

const code = await main(process.argv.slice(2));
// a plugin's forgotten timer must not keep a stopped agent alive; output that is still under way must leave first
process.stdout.write("", () => process.exit(code));
