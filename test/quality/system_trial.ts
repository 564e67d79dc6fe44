// Processors that find by themselves, and detectors of vectors, over a generated system as the agent runs them.
import type { Anomaly } from "../../src/api/index.ts";
import { Log } from "../../src/observe/log.ts";
import { Player } from "../../src/replay/player.ts";
import { loadSources } from "../../src/replay/replay.ts";
import { START } from "../../src/testing/fake_host.ts";
import { type System, systemRequests } from "./system.ts";

/** Every anomaly that opened, in order, of processors with these options by their component id. */
export async function foundIn(system: System, processors: Readonly<Record<string, object>>): Promise<Anomaly[]> {
  const ids = Object.keys(processors);
  const pipeline = { receivers: ["otlp"], processors: ids, exporters: ["debug"] };
  const written = {
    receivers: { otlp: { protocols: { http: {} } } },
    processors,
    exporters: { debug: {} },
    service: { pipelines: { metrics: pipeline } },
  };
  const { config, registry } = await loadSources([`yaml:${JSON.stringify(written)}`]);
  const opened: Anomaly[] = [];
  const player = new Player({
    config,
    plugins: registry,
    log: new Log({ ...config.service.telemetry.logs, write: () => {} }),
    tap: { judged() {}, found() {} },
    exports: false,
    start: START,
    onAnomaly: (anomaly) => {
      if (anomaly.state === "open") opened.push(anomaly);
    },
  });
  await player.start();
  for (const { from, to, bytes } of systemRequests(system)) await player.feed("metrics", bytes, from, to);
  await player.stop();
  return opened;
}
