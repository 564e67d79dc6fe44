// Refuses requests before the process is so large that the kernel ends it.
import { defineProcessor, type Host, type Processor, type Signal } from "vedette";
import { Gauge, thisProcess } from "./gauge.ts";
import { limitsOf, type Options, options, totalMemory } from "./limits.ts";
import { Watch } from "./watch.ts";

const gauge = new Gauge(thisProcess);
/** By options, while somebody asks: one process has one memory, and one forced collection is enough for all pipelines. */
const watches = new Map<string, Watch>();

function join(options: Options, host: Host): Watch {
  const key = JSON.stringify(options);
  const watch = watches.get(key) ?? new Watch(options, limitsOf(options, totalMemory()), gauge);
  watches.set(key, watch);
  watch.join(host);
  return watch;
}

function leave(watch: Watch, host: Host): void {
  if (!watch.leave(host)) return;
  for (const [key, each] of watches) if (each === watch) watches.delete(key);
}

function limiter(options: Options, host: Host): Processor<Signal> {
  const refused = host.meter.createCounter("vedette_memory_limiter_refused_requests", {
    description: "Requests turned away because memory was short.",
  });
  let watch: Watch | undefined;
  return {
    unread: true,
    async start() {
      watch = join(options, host);
    },
    admit() {
      if (!watch?.refusing) return true;
      watch.refuse();
      refused.add(1);
      return false;
    },
    process(data) {
      if ("bytes" in data) watch?.arrived(data.bytes.length);
      return data;
    },
    async stop() {
      if (watch) leave(watch, host);
      watch = undefined;
    },
  };
}

export default defineProcessor({
  type: "memory_limiter",
  signals: ["metrics", "logs", "traces"],
  stability: "beta",
  summary: "Refuses requests while the process uses more memory than it may.",
  config: options,
  create: (options, host) => limiter(options, host) as Processor<"metrics" | "logs" | "traces">,
});
