// A generated world through the agent's processors of one signal, in event time.
import { existsSync } from "node:fs";
import type { Anomaly, Telemetry } from "../src/api/index.ts";
import { Log } from "../src/observe/log.ts";
import { optionsOf } from "../src/registry.ts";
import { Player } from "../src/replay/player.ts";
import { type Loaded, loadSources } from "../src/replay/replay.ts";

/** Of the types of processors those that are there. */
export const present = (types: readonly string[]) =>
  types.filter((type) => existsSync(new URL(`../plugins/processors/${type}/index.ts`, import.meta.url)));

/** What is asked for of a processor: given its type and its options as they are by themselves. */
export type Wanted = (type: string, usual: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;

/** The budget, where a processor has none by itself; of "" none. */
export const budgeted =
  (budget: string): Wanted =>
  (_, usual) =>
    budget !== "" && usual["alert_budget"] === undefined ? { alert_budget: budget } : {};

/** A pipeline of these processors with those of the wanted options that each of them takes. */
export async function configOf(signal: Telemetry, types: readonly string[], wanted: Wanted): Promise<Loaded> {
  const written = (options: (type: string) => object) => ({
    receivers: { otlp: { protocols: { http: {} } } },
    processors: Object.fromEntries(types.map((type) => [type, options(type)])),
    exporters: { debug: {} },
    service: { pipelines: { [signal]: { receivers: ["otlp"], processors: types, exporters: ["debug"] } } },
  });
  const sourceOf = (options: (type: string) => object) => [`yaml:${JSON.stringify(written(options))}`];
  // only the plugins that are named are loaded
  const { registry } = await loadSources(sourceOf(() => ({})));
  const taken = (type: string) => {
    const schema = optionsOf(registry.get("processors", type) as never);
    const options = wanted(type, schema.parse({}) as Record<string, unknown>);
    // what it does not know is not in what it parses
    const takes = (key: string, value: unknown) => {
      const { success, data } = schema.safeParse({ [key]: value });
      return success && key in (data as object);
    };
    return Object.fromEntries(Object.entries(options).filter(([key, value]) => takes(key, value)));
  };
  return loadSources(sourceOf(taken));
}

/** Feeds requests at their times, from `start` on; `onAnomaly` is told of each that opens or goes on, and of when it was told. */
export async function play(
  { config, registry }: Loaded,
  signal: Telemetry,
  start: number,
  arrivals: Iterable<{ readonly at: number; readonly bytes: Uint8Array }>,
  onAnomaly: (anomaly: Anomaly, at: number) => void,
): Promise<void> {
  let now = start;
  const player = new Player({
    config,
    plugins: registry,
    log: new Log({ ...config.service.telemetry.logs, level: "error" }),
    tap: { judged() {}, found() {} },
    exports: false,
    start,
    onAnomaly: (anomaly) => {
      if (anomaly.state !== "resolved") onAnomaly(anomaly, now);
    },
  });
  await player.start();
  for (const { at, bytes } of arrivals) {
    now = at;
    await player.feed(signal, bytes, now, now);
  }
  await player.stop();
}
