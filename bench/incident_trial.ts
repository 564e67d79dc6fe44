// A generated world of traces, logs and metrics through the agent in event time: what was planted, and what its pipeline of anomalies let out.
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import type { Anomaly, ServiceCall, Telemetry } from "../src/api/index.ts";
import { Log } from "../src/observe/log.ts";
import { Player } from "../src/replay/player.ts";
import { loadSources } from "../src/replay/replay.ts";
import { LOG_DETECTORS, LOG_EVIDENCE, MINER, presentDetectors, presentLogs } from "./detectors.ts";
import { type Cause, EVERY, planCauses } from "./incident_plan.ts";
import { LogWorld } from "./log_world/world.ts";
import { EXPORT_EVERY, ServiceMetrics } from "./service_metrics.ts";
import { inThreads } from "./threads.ts";
import { arrivals, START } from "./world/world.ts";

const HOUR = 3_600_000;
/** The hour of the day at which a world begins, and how long detectors learn. */
const BEGINS = 6;
const LEARNING = 8;

export interface IncidentTrialOptions {
  readonly seed: number;
  /** Slots of 40 minutes in which there is a fault or two. */
  readonly slots: number;
  /** Processors of anomalies with their options; what they let out is kept. */
  readonly processors: Readonly<Record<string, object>>;
}

export interface Told {
  /** When the agent said so, Unix milliseconds. */
  readonly at: number;
  readonly anomaly: Anomaly;
}

export interface IncidentTrial {
  readonly options: IncidentTrialOptions;
  readonly causes: readonly Cause[];
  readonly told: readonly Told[];
  /** Who called whom at the end. */
  readonly calls: readonly ServiceCall[];
  /** Unix milliseconds: from when on it counts, and when it ends. */
  readonly learnt: number;
  readonly end: number;
  readonly spans: number;
  readonly records: number;
}

interface Fed {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly signal: Telemetry;
  readonly rows: number;
}

/** By time, from both. */
function* merged(one: Iterator<Fed, void>, other: Iterator<Fed, void>): Generator<Fed, void> {
  let a = one.next();
  let b = other.next();
  while (!a.done || !b.done) {
    if (b.done || (!a.done && a.value.at <= b.value.at)) {
      yield (a as IteratorYieldResult<Fed>).value;
      a = one.next();
    } else {
      yield b.value;
      b = other.next();
    }
  }
}

async function configOf(processors: IncidentTrialOptions["processors"]) {
  const traces = presentDetectors();
  const logs = [MINER, ...presentLogs([...LOG_DETECTORS, ...LOG_EVIDENCE])];
  const metrics = ["auto"];
  const pipeline = (own: readonly string[]) => ({ receivers: ["otlp"], processors: own, exporters: ["debug"] });
  const none = Object.fromEntries([...traces, ...logs].map((type) => [type, {}]));
  const config = {
    receivers: { otlp: { protocols: { http: {} } } },
    processors: { ...none, auto: { alert_budget: "1/day" }, ...processors },
    exporters: { debug: {} },
    service: {
      pipelines: {
        traces: pipeline(traces),
        logs: pipeline(logs),
        metrics: pipeline(metrics),
        anomalies: { processors: Object.keys(processors), exporters: ["debug"] },
      },
    },
  };
  return loadSources([`yaml:${JSON.stringify(config)}`]);
}

export async function incidentTrialOf(options: IncidentTrialOptions): Promise<IncidentTrial> {
  const { seed, slots, processors } = options;
  const { config, registry } = await configOf(processors);
  const start = START + BEGINS * HOUR;
  const learnt = start + LEARNING * HOUR;
  const causes = planCauses(seed, learnt, slots);
  const end = learnt + slots * EVERY;
  const hours = (end - start) / HOUR;
  const traceFaults = causes.flatMap(({ trace }) => trace ?? []);
  const logFaults = causes.flatMap(({ log }) => log ?? []);
  const world = new LogWorld({ seed, start, hours, faults: logFaults });
  const rows = { traces: 0, logs: 0 };
  const spans = arrivals({ seed, start, hours, faults: traceFaults }).map(({ at, bytes, spans }): Fed => {
    return { at, bytes, signal: "traces", rows: spans };
  });
  const records = world.arrivals().map(({ at, bytes, records }): Fed => {
    return { at, bytes, signal: "logs", rows: records };
  });
  const told: Told[] = [];
  const metrics = new ServiceMetrics();
  let now = start;
  let exported = start;
  const player = new Player({
    config,
    plugins: registry,
    log: new Log({ ...config.service.telemetry.logs, level: "error" }),
    tap: {
      judged(batch, { detector, source, count }) {
        if (detector === "span_duration") metrics.take(batch, source, count);
      },
      found() {},
    },
    exports: false,
    start,
    onAnomaly: (anomaly) => told.push({ at: now, anomaly }),
  });
  await player.start();
  for (const { at, bytes, signal, rows: count } of merged(spans, records)) {
    if (at - exported >= EXPORT_EVERY) {
      exported = at;
      await player.feed("metrics", metrics.export(at), at, at);
    }
    now = at;
    rows[signal as "traces" | "logs"] += count;
    await player.feed(signal, bytes, at, at);
  }
  const calls = player.agent.view.calls();
  await player.stop();
  return { options, causes, told, calls, learnt, end, spans: rows.traces, records: rows.logs };
}

/** Several at a time, each in a thread of its own; in the order asked for. */
export const incidentTrialsOf = (wanted: readonly IncidentTrialOptions[], threads: number) =>
  inThreads<IncidentTrialOptions, IncidentTrial>(import.meta.url, wanted, threads);

if (!isMainThread && parentPort) {
  const port = parentPort;
  port.postMessage(await incidentTrialOf(workerData as IncidentTrialOptions));
}
