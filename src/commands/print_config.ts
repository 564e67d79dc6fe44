// `vedette print-config`: the configuration as the agent runs it, secrets left out.

import { stringify } from "yaml";
import { effectiveConfig } from "../config/effective.ts";
import { ConfigError, formatProblem } from "../config/problems.ts";
import { type Command, print, printJson } from "./command.ts";
import { load } from "./load.ts";

export const printConfig: Command = {
  synopsis: "--config FILE... [--set PATH=VALUE]... [--format yaml|json]",
  summary: "write the effective configuration: merged, variables replaced, defaults filled in, secrets redacted",
  details: `Options that are secret, and every value that an environment variable had a part in, read "(redacted)"; so does what
stands before the @ of a URL. A dollar reads "$$", as it is written in a configuration.`,
  options: ["config", "set", "format"],
  formats: ["yaml", "json"],
  async run(args) {
    const { config, draft, registry, problems } = await load(args);
    if (!config) throw new ConfigError(problems);
    for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
    const effective = effectiveConfig(draft, registry.schemaOf);
    // text that older readers take for a number or a boolean is put in quotes
    return args.format === "json"
      ? printJson(effective)
      : print(stringify(effective, { lineWidth: 0, version: "1.1" }));
  },
};
