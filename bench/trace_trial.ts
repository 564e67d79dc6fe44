// A generated world through the agent's trace processors in event time: what was planted, and every anomaly that was raised.
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { presentDetectors } from "./detectors.ts";
import { inThreads } from "./threads.ts";
import { budgeted, configOf, play } from "./trial.ts";
import type { Fault, FaultKind, Truth } from "./world/faults.ts";
import { planOf } from "./world/plan.ts";
import type { Noise } from "./world/weather.ts";
import { arrivals, START, truthsOf, type WorldOptions } from "./world/world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

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
  /** Options of processors, by type. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly requestsPerSecond?: number;
  readonly sampling?: number;
  readonly noise?: Partial<Noise>;
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

function faultsOf({ seed, faults, count }: TrialOptions, first: number): Fault[] {
  if (faults === "none") return [];
  const kinds = faults.filter((each) => typeof each === "string");
  if (kinds.length > 0) return planOf({ seed, first, lasts: LASTS, every: EVERY, count: count ?? kinds.length, kinds });
  const chosen = faults.filter((each) => typeof each !== "string");
  return chosen.map((each, i) => ({ ...each, from: first + i * EVERY, to: first + i * EVERY + LASTS }));
}

export async function trialOf(options: TrialOptions): Promise<Trial> {
  const { seed, faults, budget = "5/day", settings, requestsPerSecond, sampling, noise } = options;
  const detectors = presentDetectors(options.only);
  const loaded = await configOf("traces", detectors, (type, usual) => ({
    ...budgeted(budget)(type, usual),
    ...settings?.[type],
  }));
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
    noise,
  };
  const alarms: Alarm[] = [];
  let spans = 0;
  const counted = function* () {
    for (const arrival of arrivals(world)) {
      spans += arrival.spans;
      yield arrival;
    }
  };
  await play(loaded, "traces", start, counted(), ({ detector, type, fingerprint, labels, reason, score }, at) => {
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
      at,
    });
  });
  return { options, detectors, planted: truthsOf(world), alarms, start, learnt, end, spans };
}

/** Several at a time, each in a thread of its own; in the order asked for. */
export const trialsOf = (wanted: readonly TrialOptions[], threads = 2) =>
  inThreads<TrialOptions, Trial>(import.meta.url, wanted, threads);

if (!isMainThread && parentPort) {
  const port = parentPort;
  port.postMessage(await trialOf(workerData as TrialOptions));
}
