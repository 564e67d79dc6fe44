// The user's pipelines as a replay runs them: between a source and a listener of ours.
import { parseId, type Section } from "../config/id.ts";
import type { PipelineConfig } from "../config/pipelines.ts";
import type { ComponentConfig, Config } from "../config/shape.ts";

/** Type and id of what stands for all receivers, and among the exporters of anomalies; no user can write it. */
export const OURS = "(replay)";

/** Milliseconds of timers of the agent that are not to fire. */
const NEVER = 2 ** 31 - 1;

const NOWHERE = { file: "", line: 0, column: 0 };

/** The configuration with its receivers replaced, and only with the exporters that are to `run`, by type, and the extensions that are needed. */
export function between(config: Config, run: (exporter: string) => boolean): Config {
  const own = (section: Section): [string, ComponentConfig] => [
    OURS,
    { section, type: OURS, name: "", id: OURS, options: {}, references: [], location: NOWHERE },
  ];
  const { service } = config;
  const passing = new Set(
    service.pipelines.flatMap(({ signal, exporters }) => (signal === "anomalies" ? exporters : [])),
  );
  const pipelines = service.pipelines.map((pipeline): PipelineConfig => {
    const received = pipeline.receivers.filter((id) => config.connectors.has(id));
    const receivers = received.length < pipeline.receivers.length ? [OURS, ...received] : received;
    const exporters = pipeline.exporters.filter((id) => {
      const type = config.exporters.get(id)?.type;
      return type === undefined ? config.connectors.has(id) : run(type);
    });
    if (pipeline.signal !== "anomalies") return { ...pipeline, receivers, exporters };
    // what is routed there was heard of where it came from
    const heard = received.length > 0 && received.every((id) => passing.has(id));
    return { ...pipeline, exporters: heard ? exporters : [...exporters, OURS] };
  });
  if (!pipelines.some(({ signal }) => signal === "anomalies")) {
    const signal = "anomalies" as const;
    pipelines.push({ id: signal, signal, receivers: [], processors: [], exporters: [OURS], location: NOWHERE });
  }
  const running = pipelines.flatMap(({ processors, exporters }) => [...processors, ...exporters]);
  const needed = [config.processors, config.connectors, config.exporters]
    .flatMap((components) => [...components.values()].filter(({ id }) => running.includes(id)))
    .flatMap(({ references }) => references.map(({ id }) => nameOf(id)));
  return {
    ...config,
    receivers: new Map([own("receivers")]),
    connectors: new Map([...config.connectors, own("connectors")]),
    service: {
      ...service,
      pipelines,
      extensions: service.extensions.filter((id) => needed.includes(id)),
      state: { ...service.state, interval: NEVER },
      shutdown_timeout: NEVER,
    },
  };
}

/** The id as the configuration's maps have it; what is no id names nothing. */
function nameOf(written: string): string {
  const id = parseId(written);
  return typeof id === "string" ? written : id.id;
}
