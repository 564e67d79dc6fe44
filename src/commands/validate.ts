// `vedette validate`: every problem of a configuration at once.
import { formatProblem, type Problem } from "../config/problems.ts";
import { type Command, EXIT, printJson } from "./command.ts";
import { load } from "./load.ts";

/** A problem as `--format json` writes it: keys in this order, the severity always there. */
const written = ({ file, line, column, severity = "error", code, path, message }: Problem) => {
  return { file, line, column, severity, code, path, message };
};

export const validate: Command = {
  synopsis: "--config FILE... [--set PATH=VALUE]... [--format text|json]",
  summary: "name every problem of a configuration, each with its place; exit 0 or 1",
  details: `Text goes to standard error, a line a problem: FILE:LINE:COLUMN CODE PATH: MESSAGE. Warnings do not make it invalid.
JSON goes to standard output:
{"valid": BOOLEAN, "problems": [{"file", "line", "column", "severity": "error"|"warning", "code", "path", "message"}]}`,
  options: ["config", "set", "format"],
  formats: ["text", "json"],
  async run(args) {
    const { config, problems } = await load(args);
    if (args.format === "json") printJson({ valid: config !== undefined, problems: problems.map(written) });
    else {
      for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
      if (config) process.stdout.write("the configuration is valid\n");
    }
    return config ? EXIT.done : EXIT.bad;
  },
};
