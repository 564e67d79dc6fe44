// A generated world through the agent's trace processors in event time: what was planted, and every anomaly that was raised.
import { existsSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Log } from "../src/observe/log.ts";
import { optionsOf } from "../src/registry.ts";
import { Player } from "../src/replay/player.ts";
import { loadSources } from "../src/replay/replay.ts";
import type { Fault, FaultKind, Truth } from "./world/faults.ts";
import { planOf } from "./world/plan.ts";
import { arrivals, START, truthsOf, type WorldOptions } from "./world/world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What is measured, as far as it is there. */
export const DETECTORS = ["span_duration", "span_errors", "span_rate", "trace_structure", "service_graph"] as const;

export interface TrialOptions {
  readonly seed: number;
  /** Of these kinds faults are planned; "none" for a day without any; or the faults themselves, in order. */
  readonly faults: readonly FaultKind[] | "none" | readonly Chosen[];
  /** How many; each kind once unless given. */
  readonly count?: number;
  /** Of the world: the hour of the day at which it begins, and how many pass before the first fault; 6 and 8 unless given. */
  readonly begins?: number;
  readonly learning?: number;
  /** Types of the processors, and what their `alert_budget` is; of "" none is set. */
  readonly only?: readonly string[];
  readonly budget?: string;
  readonly requestsPerSecond?: number;
  readonly sampling?: number;
}

/** A fault without its time. */
export type Chosen = Omit<Fault, "from" | "to">;

export interface Alarm {
  readonly detector: string;
  readonly type: string;
  readonly fingerprint: string;
  readonly service: string;
  /** Of the span. */
  readonly name: string;
  readonly kind: string;
  /** The service that a client span called; else "". */
  readonly peer: string;
  readonly reason: string;
  readonly score: number;
  /** When the agent said so, Unix milliseconds. */
  readonly at: number;
}

export interface Planted {
  readonly fault: Fault;
  readonly truth: Truth;
}

export interface Trial {
  readonly options: TrialOptions;
  readonly detectors: readonly string[];
  readonly planted: readonly Planted[];
  readonly alarms: readonly Alarm[];
  /** Unix milliseconds: when the world begins, from when on it counts, and when it ends. */
  readonly start: number;
  readonly learnt: number;
  readonly end: number;
  readonly spans: number;
}

const LASTS = 10 * MINUTE;
const EVERY = 40 * MINUTE;
const NORMAL = 24 * HOUR;
/** Of the last fault. */
const AFTER = 15 * MINUTE;

/** Of the types those that are there. */
export function present(only: readonly string[] = DETECTORS): string[] {
  return only.filter((type) => existsSync(new URL(`../plugins/processors/${type}/index.ts`, import.meta.url)));
}

/** With the budget where a detector takes one and has none by itself. */
async function configOf(types: readonly string[], budget: string) {
  const written = (options: (type: string) => object) => ({
    receivers: { otlp: { protocols: { http: {} } } },
    processors: Object.fromEntries(types.map((type) => [type, options(type)])),
    exporters: { debug: {} },
    service: { pipelines: { traces: { receivers: ["otlp"], processors: types, exporters: ["debug"] } } },
  });
  const sourceOf = (options: (type: string) => object) => [`yaml:${JSON.stringify(written(options))}`];
  // only the plugins that are named are loaded
  const { registry } = await loadSources(sourceOf(() => ({})));
  const budgeted = (type: string) => {
    const schema = optionsOf(registry.get("processors", type) as never);
    const usual = schema.parse({}) as { alert_budget?: unknown };
    const takes = budget !== "" && usual.alert_budget === undefined;
    return takes && schema.safeParse({ alert_budget: budget }).success ? { alert_budget: budget } : {};
  };
  return loadSources(sourceOf(budgeted));
}

function faultsOf({ seed, faults, count }: TrialOptions, first: number): Fault[] {
  if (faults === "none") return [];
  const kinds = faults.filter((each) => typeof each === "string");
  if (kinds.length > 0) return planOf({ seed, first, lasts: LASTS, every: EVERY, count: count ?? kinds.length, kinds });
  const chosen = faults.filter((each) => typeof each !== "string");
  return chosen.map((each, i) => ({ ...each, from: first + i * EVERY, to: first + i * EVERY + LASTS }));
}

export async function trialOf(options: TrialOptions): Promise<Trial> {
  const { seed, faults, budget = "5/day", requestsPerSecond, sampling } = options;
  const detectors = present(options.only);
  const { config, registry } = await configOf(detectors, budget);
  const start = START + (options.begins ?? 6) * HOUR;
  const learnt = start + (options.learning ?? 8) * HOUR;
  const planned = faultsOf(options, learnt);
  const end = faults === "none" ? learnt + NORMAL : planned[planned.length - 1].to + AFTER;
  const world: WorldOptions = {
    seed,
    start,
    hours: (end - start) / HOUR,
    faults: planned,
    requestsPerSecond,
    sampling,
  };
  const alarms: Alarm[] = [];
  let now = start;
  const player = new Player({
    config,
    plugins: registry,
    log: new Log({ ...config.service.telemetry.logs, level: "error" }),
    tap: { judged() {}, found() {} },
    exports: false,
    start,
    onAnomaly: ({ state, detector, type, fingerprint, labels, reason, score }) => {
      if (state === "resolved") return;
      const text = (value: unknown) => (typeof value === "string" ? value : "");
      alarms.push({
        detector,
        type,
        fingerprint,
        service: text(labels.resource["service.name"]),
        name: labels.name,
        kind: labels.kind ?? "",
        peer: labels.kind === "client" ? text(labels.attributes["server.address"]) : "",
        reason,
        score,
        at: now,
      });
    },
  });
  await player.start();
  let spans = 0;
  for (const arrival of arrivals(world)) {
    now = arrival.at;
    spans += arrival.spans;
    await player.feed("traces", arrival.bytes, now, now);
  }
  await player.stop();
  return { options, detectors, planted: truthsOf(world), alarms, start, learnt, end, spans };
}

/** Several at a time, each in a thread of its own; in the order asked for. */
export async function trialsOf(wanted: readonly TrialOptions[], threads = 2): Promise<Trial[]> {
  const trials: Trial[] = [];
  let next = 0;
  const work = async () => {
    while (next < wanted.length) {
      const i = next++;
      trials[i] = await new Promise<Trial>((resolve, reject) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: wanted[i] });
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return trials;
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  port.postMessage(await trialOf(workerData as TrialOptions));
}
