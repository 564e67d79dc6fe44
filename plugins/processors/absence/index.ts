// Tells when a series, an instance, a service or everybody falls silent, once for a common cause, and when they are back.
import { type Batch, defineFinder, duration, type Labels, type Telemetry, z } from "vedette";
import { load, save } from "./saved.ts";
import { metricKey, packed, serviceAttributes, Tree } from "./tree.ts";
import { Watch } from "./watch.ts";

// In the map from ids of series to nodes; other values are a node + WATCHED.
const WAITING = -1;
const UNDECIDED = 0;
const IGNORED = 1;
const WATCHED = 2;

/** Milliseconds between looks for room while series wait. */
const LOOK_EVERY = 60_000;
/** Errors that stop are no fault. */
const NO_LOSS = new Set(["ERROR", "FATAL"]);

export default defineFinder({
  type: "absence",
  signals: ["metrics", "traces", "logs"],
  stability: "beta",
  summary: "Tells when a series, an instance or a whole service falls silent, and when it is back.",
  finds: ["absence"],
  defaults: { warmup: 20 },
  config: z.object({
    min_silence: duration().prefault("1m").describe("No shorter silence is told, however regular the series is."),
    forget_after: duration()
      .refine((length) => length >= 60_000, {
        error: "shorter than a minute; what is silent would be forgotten at once",
      })
      .prefault("24h")
      .describe("What is silent for so long is taken for gone: the anomaly is resolved and the series forgotten."),
  }),
  create({ min_silence, forget_after, warmup, max_series }, host, detection) {
    /** By id of a series; by node the id, -1 while a series from before a restart has not been seen again. */
    let map = new Int32Array(0);
    const ids: number[] = [];
    /** Series from before a restart, by what they are. */
    const restored = new Map<string, number>();
    let watch: Watch | undefined;
    let full = false;
    /** Whether a series waits for room, and Unix milliseconds when some was last looked for. */
    let waiting = false;
    let looked = 0;

    const options = { min_silence: min_silence / 1000, forget_after: forget_after / 1000, warmup };
    const make = (signal: Telemetry) =>
      new Watch((back) => new Tree(signal, Math.min(60, min_silence / 1000), back), options, detection, dropped);

    function dropped(node: number): void {
      if (ids[node] >= 0) map[ids[node]] = UNDECIDED;
      else restored.delete(keyOf(node));
      ids[node] = -1;
    }

    /** Tells a restored series from every other. */
    function keyOf(node: number): string {
      const { parent, metric, attributes } = watch!.tree;
      return JSON.stringify([parent[node]!.resource, metric[node]!.key, attributes[node]]);
    }

    function decide(batch: Batch, row: number, id: number): number {
      const labels = batch.labels(row);
      if (!isWatched(batch.signal, labels) || !detection.allows(labels)) return IGNORED;
      watch ??= make(batch.signal);
      const { tree } = watch;
      const service = packed(serviceAttributes(labels.resource));
      const resource = batch.signal === "metrics" ? packed(labels.resource) : service;
      const attributes = batch.signal === "metrics" ? packed(labels.attributes) : "";
      const { name, statistic, scope, kind = "" } = labels;
      const [of, named] = batch.signal === "metrics" ? [scope, statistic] : [{ name: "", version: "" }, ""];
      const metric = { name, statistic: named, kind, scope: of };
      const key = JSON.stringify([resource, metricKey(metric), attributes]);
      let node = restored.get(key);
      if (node !== undefined) restored.delete(key);
      else {
        if (tree.series >= max_series) {
          if (!full)
            host.log.warn("series beyond max_series are not watched; raise it, or narrow match", { max_series });
          full = waiting = true;
          const known = tree.agent.groups.get(service);
          if (known) known.crowded = true;
          return WAITING;
        }
        const parent = tree.groupOf("service", tree.agent, service);
        node = tree.add(tree.groupOf("instance", parent, resource), metric, attributes);
      }
      ids[node] = id;
      return node + WATCHED;
    }

    return {
      process(batch) {
        const { rows, receivedAt } = batch;
        const { length, series } = rows;
        if (length > 0 && watch) watch.arrived = true;
        for (let i = 0; i < length; i++) {
          const id = series[i];
          if (id >= map.length) map = grown(map, id);
          let node = map[id];
          if (node < WATCHED) {
            if (node === IGNORED) continue;
            if (node === WAITING && watch!.tree.series >= max_series) {
              waiting = true;
              continue;
            }
            node = decide(batch, i, id);
            map[id] = node;
            if (node < WATCHED) continue;
          }
          // what counts is when a row comes: clocks of senders differ, and what is late is not absent any more
          watch!.tree.hear(node - WATCHED, receivedAt / 1000);
        }
        return batch;
      },
      tick(now) {
        watch?.tick(now);
        if (!waiting || Math.abs(now - looked) < LOOK_EVERY) return;
        waiting = false;
        looked = now;
        if (!watch) return;
        watch.makeRoom();
        // those for whom there still is none say so again
        if (watch.tree.series < max_series)
          for (const service of watch.tree.agent.groups.values()) service.crowded = false;
      },
      forget(_, id) {
        const node = map[id] - WATCHED;
        if (id < map.length) map[id] = UNDECIDED;
        if (!(node >= 0)) return;
        ids[node] = -1;
        watch!.forget(node);
      },
      save: () => (watch ? save(watch) : new Uint8Array(0)),
      load(bytes) {
        if (bytes.length === 0) return;
        const loaded = load(bytes, make);
        watch = loaded.watch;
        for (const node of loaded.series) {
          ids[node] = -1;
          restored.set(keyOf(node), node);
        }
      },
    };
  },
});

/** A histogram that got nothing has no mean and no quantiles, but its count goes on. */
function isWatched(signal: Telemetry, { name, statistic, attributes }: Labels): boolean {
  if (signal === "metrics") return (statistic === "" || statistic === "rate") && !isOfErrors(attributes);
  return !(signal === "logs" && NO_LOSS.has(name));
}

/** By OpenTelemetry's semantic conventions of today and before. */
function isOfErrors(attributes: Labels["attributes"]): boolean {
  if (attributes["error.type"] !== undefined) return true;
  return Number(attributes["http.response.status_code"] ?? attributes["http.status_code"]) >= 400;
}

function grown(map: Int32Array<ArrayBuffer>, id: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(Math.max(1024, 2 ** Math.ceil(Math.log2(id + 1))));
  larger.set(map);
  return larger;
}
