// The configuration that a replay runs, checked and with its plugins.
import { readDraft } from "../config/file.ts";
import { ConfigError, isError } from "../config/problems.ts";
import { type Config, checkConfig } from "../config/shape.ts";
import { type Plugins, Registry } from "../registry.ts";
import { wiringProblems } from "../wiring.ts";

export interface Loaded {
  readonly config: Config;
  readonly registry: Plugins;
}

/** From sources as `--config` and `--set` take them: paths, "yaml:TEXT". Throws ConfigError. */
export async function loadSources(config: readonly string[], set: readonly string[] = []): Promise<Loaded> {
  const draft = await readDraft({ config, set });
  const registry = await Registry.load(draft);
  const { config: checked, problems } = checkConfig(draft, registry.schemaOf, registry.known);
  const all = [...registry.problems, ...problems, ...(checked ? wiringProblems(checked, registry) : [])];
  if (!checked || all.some(isError)) throw new ConfigError(all);
  return { config: checked, registry };
}

/** Whether anything runs that may look at the clock: how rows are joined must then follow their times. */
export function watchesTime({ config: { service, processors }, registry }: Loaded): boolean {
  const timeless = (id: string) => {
    const plugin = registry.get("processors", processors.get(id)!.type);
    return plugin?.kind === "detector" && plugin.rows !== "vectors";
  };
  return !service.pipelines.every((pipeline) => pipeline.processors.every(timeless));
}
