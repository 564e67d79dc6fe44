// What a configuration asks for that its plugins cannot do together: found before anything is built.
import type { Signal } from "./api/index.ts";
import type { Section } from "./config/id.ts";
import type { Problem } from "./config/problems.ts";
import type { Config } from "./config/shape.ts";
import type { Registry } from "./registry.ts";

/** Pipelines whose components do not handle their signal. */
export function wiringProblems(config: Config, registry: Registry): Problem[] {
  const problems: Problem[] = [];
  for (const pipeline of config.service.pipelines) {
    const { signal, id: name, location } = pipeline;
    const check = (id: string, signals: readonly Signal[] | undefined, list: string) => {
      if (!signals || signals.includes(signal)) return;
      const message = `${id} handles ${signals.join(", ")}, not ${signal}: move it to a pipeline of those, or take it out`;
      const path = `service.pipelines.${name}.${list}`;
      problems.push({ ...location, code: "wrong-signal", path, message });
    };
    for (const id of pipeline.receivers) {
      check(id, handled(config, registry, "receivers", id) ?? connected(config, registry, id, "to"), "receivers");
    }
    for (const id of pipeline.processors) check(id, handled(config, registry, "processors", id), "processors");
    for (const id of pipeline.exporters) {
      check(id, handled(config, registry, "exporters", id) ?? connected(config, registry, id, "from"), "exporters");
    }
  }
  return problems;
}

function handled(config: Config, registry: Registry, section: Section, id: string): readonly Signal[] | undefined {
  const component = config[section].get(id);
  const plugin = component && registry.get(section, component.type);
  if (!plugin) return undefined;
  if (plugin.kind === "detector") return [plugin.signal];
  return "signals" in plugin ? (plugin.signals as readonly Signal[]) : undefined;
}

function connected(config: Config, registry: Registry, id: string, side: "from" | "to"): readonly Signal[] | undefined {
  const component = config.connectors.get(id);
  const plugin = component && registry.get("connectors", component.type);
  return plugin?.kind === "connector" ? plugin[side] : undefined;
}
