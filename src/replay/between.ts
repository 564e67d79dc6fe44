// The user's pipelines as a replay runs them: between a source and a listener of ours.
import { parseId, type Section } from "../config/id.ts";
import type { PipelineConfig } from "../config/pipelines.ts";
import type { ComponentConfig, Config } from "../config/shape.ts";

/** Type and id of what stands for all receivers, and among the exporters of anomalies; no user can write it. */
export const OURS = "(replay)";

/** Milliseconds of timers of the agent that are not to fire. */
const NEVER = 2 ** 31 - 1;

const NOWHERE = { file: "", line: 0, column: 0 };

/** The configuration with its receivers replaced, and without its exporters and extensions unless they are to run. */
export function between(config: Config, exports: boolean): Config {
  const own = (section: Section): [string, ComponentConfig] => [
    OURS,
    { section, type: OURS, name: "", id: OURS, options: {}, references: [], location: NOWHERE },
  ];
  const { service } = config;
  const pipelines = service.pipelines.map((pipeline): PipelineConfig => {
    const received = pipeline.receivers.filter((id) => config.connectors.has(id));
    const receivers = received.length < pipeline.receivers.length ? [OURS, ...received] : received;
    const exporters = pipeline.exporters.filter((id) => exports || config.connectors.has(id));
    return pipeline.signal === "anomalies"
      ? { ...pipeline, exporters: [...exporters, OURS] }
      : { ...pipeline, receivers, exporters };
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
