#!/usr/bin/env -S node --initial-old-space-size=256
// The command line: arguments, signals, exit codes; nothing else. (The flag: see "garbage" in README.md beside this file.)
import { parseArgs } from "node:util";
import { type Arguments, type Command, EXIT, print, UsageError } from "./commands/command.ts";
import { components } from "./commands/components.ts";
import { create } from "./commands/create.ts";
import { printConfig } from "./commands/print_config.ts";
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
  create,
};

function parse(argv: readonly string[]) {
  const options = {
    config: { type: "string", multiple: true, short: "c" },
    set: { type: "string", multiple: true },
    format: { type: "string" },
    kind: { type: "string" },
    dir: { type: "string" },
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
    return await command.run(
      checked(name, command, { config: [], set: [], kind: undefined, dir: undefined, format, ...values, words }),
    );
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

/** The arguments, if the command takes all of them. */
function checked(name: string, { options, formats = [], words = 0 }: Command, args: Arguments): Arguments {
  for (const option of ["config", "set", "format", "kind", "dir"] as const) {
    const given = Array.isArray(args[option]) ? args[option].length > 0 : args[option] !== undefined;
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
