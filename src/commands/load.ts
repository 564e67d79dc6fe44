// From the command line to a checked configuration and the plugins that it names.
import { type Draft, readDraft } from "../config/file.ts";
import { isError, type Problem } from "../config/problems.ts";
import { type Config, checkConfig } from "../config/shape.ts";
import { Registry } from "../registry.ts";
import { wiringProblems } from "../wiring.ts";
import { type Arguments, UsageError } from "./command.ts";

export interface Loaded {
  /** Undefined when one of the problems is an error. */
  readonly config: Config | undefined;
  readonly draft: Draft;
  readonly registry: Registry;
  /** All there is to say, as a reader of the files meets it. */
  readonly problems: readonly Problem[];
}

export async function load({ config: sources, set }: Pick<Arguments, "config" | "set">): Promise<Loaded> {
  if (sources.length === 0) {
    throw new UsageError("--config FILE is missing; there is a config.example.yaml to start from");
  }
  const draft = await readDraft({ config: sources, set });
  const registry = await Registry.load(draft);
  const { config, problems: found } = checkConfig(draft, registry.schemaOf, registry.known);
  const problems = [...registry.problems, ...found].sort(byPlace(draft.files));
  if (!config || problems.some(isError)) return { config: undefined, draft, registry, problems };
  problems.push(...wiringProblems(config, registry));
  return { config: problems.some(isError) ? undefined : config, draft, registry, problems };
}

function byPlace(files: readonly string[]): (a: Problem, b: Problem) => number {
  return (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column;
}
