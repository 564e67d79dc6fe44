// What a configuration asks for that its plugins cannot do together: found before anything is built.
import type { Capability, Signal } from "./api/index.ts";
import { parseId, SECTIONS, type Section } from "./config/id.ts";
import type { ExtensionReference } from "./config/options.ts";
import { didYouMean, type Problem, quoted } from "./config/problems.ts";
import type { ComponentConfig, Config } from "./config/shape.ts";
import type { Plugins } from "./registry.ts";

/** Pipelines whose components do not handle their signal, and components that name extensions which cannot serve them. */
export function wiringProblems(config: Config, registry: Plugins): Problem[] {
  return [
    ...signalProblems(config, registry),
    ...templateProblems(config, registry),
    ...extensionProblems(config, registry),
  ];
}

function signalProblems(config: Config, registry: Plugins): Problem[] {
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
      const fault = unfitness(config, registry, id, signal);
      const path = `service.pipelines.${name}.exporters`;
      if (fault)
        problems.push({ ...location, code: "wrong-signal", path, message: `${id} cannot be used here: ${fault}` });
    }
  }
  return problems;
}

/** Processors that need templates, where none before them mines any. */
function templateProblems(config: Config, registry: Plugins): Problem[] {
  const part = (id: string) => {
    const component = config.processors.get(id);
    return component && registry.get("processors", component.type)?.templates;
  };
  return config.service.pipelines.flatMap(({ id: name, processors, location }) => {
    const first = processors.findIndex((id) => part(id) === "gives");
    return processors
      .filter((id, i) => part(id) === "needs" && (first < 0 || i < first))
      .map((id) => {
        const remedy = first < 0 ? "list drain before it" : `move ${processors[first]} before it`;
        const message = `${id} judges templates of log records, and nothing before it mines them; ${remedy}`;
        return { ...location, code: "no-templates", path: `service.pipelines.${name}.processors`, message };
      });
  });
}

/** Of components that will run. */
function extensionProblems(config: Config, registry: Plugins): Problem[] {
  const { pipelines, extensions } = config.service;
  const listed = new Set([
    ...pipelines.flatMap(({ receivers, processors, exporters }) => [...receivers, ...processors, ...exporters]),
    ...extensions,
  ]);
  const running = SECTIONS.flatMap((section) => [...config[section].values()].filter(({ id }) => listed.has(id)));
  return running
    .flatMap(({ id, references }) => references.map((reference) => ({ id, reference })))
    .flatMap(({ id, reference }) => {
      const fault = faultOf(reference, config, registry, id);
      const { file, line, column, path } = reference;
      return fault ? [{ file, line, column, path, ...fault }] : [];
    });
}

/** Why the component cannot feed the pipeline that is named. */
function unfed(component: string, { id, shown }: ExtensionReference, { service: { pipelines } }: Config) {
  const named = pipelines.find((pipeline) => pipeline.id === id);
  if (named?.receivers.includes(component)) return undefined;
  const fed = pipelines.filter(({ receivers }) => receivers.includes(component)).map((pipeline) => pipeline.id);
  if (!named) {
    const some = fed.length > 0 ? ` ${component} feeds: ${fed.map(quoted).join(", ")}.` : "";
    return { code: "undefined-pipeline", message: `there is no pipeline ${shown}.${didYouMean(id, fed) || some}` };
  }
  return { code: "unfed-pipeline", message: `${component} does not feed ${shown}; list it among its receivers` };
}

/** Why what is named cannot serve the component. */
function faultOf(reference: ExtensionReference, config: Config, registry: Plugins, component: string) {
  const { id: written, shown, capability } = reference;
  if (capability === "pipeline") return unfed(component, reference, config);
  const parsed = parseId(written);
  const id = typeof parsed === "string" ? written : parsed.id;
  if (capability === "detector") {
    const ofType = ({ type }: ComponentConfig) => registry.get("processors", type)?.kind === "detector";
    const named = config.processors.get(id);
    if (named && ofType(named)) return undefined;
    const ids = [...config.processors.values()].filter(ofType).map(({ id }) => id);
    const hint = didYouMean(id, ids) || ' Define it under "processors"; no pipeline need list it.';
    return { code: "undefined-component", message: `there is no detector ${shown}.${hint}` };
  }
  const extension = config.extensions.get(id);
  if (!extension) {
    const fitting = [...config.extensions.values()].filter((each) => offers(each, registry).includes(capability));
    const ids = fitting.map(({ id }) => id);
    const some = ids.length > 0 ? ` There are: ${ids.map(quoted).join(", ")}.` : ' Define it under "extensions".';
    const hint = shown === quoted(written) ? didYouMean(id, ids) : "";
    return { code: "undefined-component", message: `there is no extension ${shown}.${hint || some}` };
  }
  const offered = offers(extension, registry);
  if (!offered.includes(capability)) {
    const instead =
      offered.length > 0 ? `${shown} offers ${offered.join(", ")} with its options` : `${shown} offers nothing`;
    return {
      code: "wrong-capability",
      message: `${instead}, and ${capability} is needed here; name one that offers it`,
    };
  }
  if (config.service.extensions.includes(id)) return undefined;
  return { code: "unlisted-extension", message: `${shown} would not run; list it under "service: extensions:"` };
}

function offers({ type, options }: ComponentConfig, registry: Plugins): readonly Capability[] {
  const plugin = registry.get("extensions", type);
  if (plugin?.kind !== "extension") return [];
  return typeof plugin.offers === "function" ? plugin.offers(options) : (plugin.offers ?? []);
}

function handled(config: Config, registry: Plugins, section: Section, id: string): readonly Signal[] | undefined {
  const component = config[section].get(id);
  const plugin = component && registry.get(section, component.type);
  if (!plugin) return undefined;
  if (plugin.kind === "detector") return [plugin.signal];
  return "signals" in plugin ? (plugin.signals as readonly Signal[]) : undefined;
}

/** Why the exporter, as it is configured, cannot serve a signal that its plugin handles. */
function unfitness(config: Config, registry: Plugins, id: string, signal: Signal): string | undefined {
  const component = config.exporters.get(id);
  const plugin = component && registry.get("exporters", component.type);
  if (plugin?.kind !== "exporter" || !plugin.signals.includes(signal)) return undefined;
  return plugin.unfit?.(component!.options, signal);
}

function connected(config: Config, registry: Plugins, id: string, side: "from" | "to"): readonly Signal[] | undefined {
  const component = config.connectors.get(id);
  const plugin = component && registry.get("connectors", component.type);
  return plugin?.kind === "connector" ? plugin[side] : undefined;
}
