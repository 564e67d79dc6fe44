// How the agent fares at this moment, for the line at the top of every page.
import type { AgentView, AnomalyStore, ExtensionHost, Tally } from "vedette";
import { budgetOf, memoryLimitOf } from "./budget.ts";
import type { Status } from "./contract.ts";
import { ACCEPTED, type Samples } from "./samples.ts";

const DAY = 86_400_000;
/** Milliseconds after which incidents are counted again though none has changed: days pass. */
const RECOUNT = 30_000;

const SIGNALS = { metric_points: "metrics", spans: "traces", log_records: "logs" } as const;

export class StatusBoard {
  readonly #host: ExtensionHost;
  readonly #samples: Samples;
  readonly #store: () => AnomalyStore | undefined;
  #tally: Tally | undefined;
  #counted = Number.NEGATIVE_INFINITY;
  #counting = false;

  constructor(host: ExtensionHost, samples: Samples, store: () => AnomalyStore | undefined) {
    this.#host = host;
    this.#samples = samples;
    this.#store = store;
  }

  /** What was told has changed. */
  changed(): void {
    this.#counted = Number.NEGATIVE_INFINITY;
  }

  /** Counts what was told, if that is due. Resolves also where it cannot be counted. */
  async count(): Promise<void> {
    const now = this.#host.now();
    if (this.#counting || now - this.#counted < RECOUNT) return;
    const store = this.#store();
    if (!store) {
      this.#tally = undefined;
      return;
    }
    this.#counting = true;
    this.#counted = now;
    try {
      this.#tally = await store.tally(now - DAY, now + DAY, 0);
    } catch (error) {
      this.#host.log.warn("what was told cannot be counted", { error: (error as Error).message });
    } finally {
      this.#counting = false;
    }
  }

  /** The status; numbers of the agent may be `age` milliseconds old. */
  now(age: number): Status {
    const { agent } = this.#host;
    const { time, measurements } = this.#samples.latest(age);
    const rows = { metrics: 0, traces: 0, logs: 0 };
    const detectors = { series: 0, warming: 0 };
    const queues = new Map<string, { size: number; capacity: number }>();
    const queueOf = (exporter: string) => {
      const queue = queues.get(exporter) ?? { size: 0, capacity: 0 };
      queues.set(exporter, queue);
      return queue;
    };
    for (const each of measurements) {
      const { name, value, attributes } = each;
      if (name.startsWith(ACCEPTED)) {
        const signal = SIGNALS[name.slice(ACCEPTED.length) as keyof typeof SIGNALS];
        if (signal) rows[signal] += this.#samples.rate(each) ?? 0;
      } else if (name === "vedette_detector_series") detectors.series += value;
      else if (name === "vedette_detector_warming_series") detectors.warming += value;
      else if (name === "otelcol_exporter_queue_size") queueOf(attributes["exporter"]).size = value;
      else if (name === "otelcol_exporter_queue_capacity") queueOf(attributes["exporter"]).capacity = value;
    }
    const { lastRow, cpu } = this.#samples;
    return {
      time,
      version: agent.version,
      started: agent.startedAt,
      rows_per_second: rows,
      last_row: Number.isNaN(lastRow) ? null : lastRow,
      ...detectors,
      memory_bytes: process.memoryUsage.rss(),
      memory_limit_bytes: memoryLimitOf(agent),
      cpu,
      queue: fullest(queues),
      open: this.#tally?.open ?? { critical: 0, warning: 0, info: 0 },
      alert_budget: { per_day: budgetOf(agent), used: usedOf(this.#tally) },
      unwell: unwellOf(agent),
    };
  }
}

const usedOf = (tally: Tally | undefined) => (tally?.days ?? []).reduce((sum, { told }) => sum + told, 0);

function fullest(queues: ReadonlyMap<string, { size: number; capacity: number }>): Status["queue"] {
  let most: Status["queue"] = null;
  for (const [exporter, { size, capacity }] of queues) {
    if (capacity > 0 && (!most || size / capacity > most.size / most.capacity)) most = { exporter, size, capacity };
  }
  return most;
}

const unwellOf = (agent: AgentView) =>
  agent
    .components()
    .filter(({ status }) => status.endsWith("error"))
    .slice(0, 100)
    .map(({ id, status, reason }) => ({ id, reason: reason ?? status.replace("_", " ") }));
