// `vedette schema`: a JSON Schema of the whole configuration, so that an editor completes and checks it.
import { readDraft } from "../config/file.ts";
import { ConfigError } from "../config/problems.ts";
import { configSchema } from "../config/reference.ts";
import { optionsOf, Registry } from "../registry.ts";
import { type Command, printJson } from "./command.ts";

/** The schema of what `registry` holds. */
export function schemaOf(registry: Registry): object {
  return configSchema(
    registry.list().map(({ section, plugin }) => ({
      section,
      types: [plugin.type, ...registry.aliasesOf(section, plugin.type)],
      summary: plugin.summary,
      config: optionsOf(plugin),
    })),
  );
}

export const schema: Command = {
  synopsis: "[--config FILE...]",
  summary: "write a JSON Schema of the configuration, for editors",
  details: `Every component that comes with the agent is in it, and the plugins that a given configuration names.
An editor with YAML support reads it where the first line of a configuration says: # yaml-language-server: $schema=FILE`,
  options: ["config", "set"],
  async run({ config, set }) {
    const { plugins, problems, complete } = await readDraft({ config, set });
    if (!complete) throw new ConfigError(problems);
    const registry = await Registry.all(plugins);
    if (registry.problems.length > 0) throw new ConfigError(registry.problems);
    return printJson(schemaOf(registry));
  },
};
