// A generated log world through the agent's log processors in event time: what was planted, and every anomaly that was raised.
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { MINER } from "./detectors.ts";
import type { LogFault, LogFaultKind } from "./log_world/faults.ts";
import { statementsOf } from "./log_world/faults.ts";
import type { News } from "./log_world/life.ts";
import { planLogs } from "./log_world/plan.ts";
import { LogWorld } from "./log_world/world.ts";
import { inThreads } from "./threads.ts";
import { budgeted, configOf, play, present } from "./trial.ts";
import { START } from "./world/world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export interface LogTrialOptions {
  readonly seed: number;
  /** Of these kinds faults are planned; "none" for a day without any. */
  readonly faults: readonly LogFaultKind[] | "none";
  /** How many; each kind once unless given. */
  readonly count?: number;
  /** Types of the processors after the miner, and what their `alert_budget` is; of "" none is set. */
  readonly detectors: readonly string[];
  readonly budget: string;
  /** Of the world, records a second. */
  readonly rate?: number;
}

export interface LogAlarm {
  readonly detector: string;
  readonly type: string;
  readonly fingerprint: string;
  readonly service: string;
  readonly reason: string;
  /** All that it says of what was logged: template, example, reason, contributors. */
  readonly shown: string;
  readonly score: number;
  /** When the agent said so, Unix milliseconds. */
  readonly at: number;
}

export interface PlantedLogs {
  readonly fault: LogFault;
  /** The words of each statement at fault, without its parameters. */
  readonly words: readonly string[];
}

export interface LogTrial {
  readonly options: LogTrialOptions;
  readonly planted: readonly PlantedLogs[];
  readonly alarms: readonly LogAlarm[];
  /** What is new although nothing is wrong, `at` in Unix milliseconds. */
  readonly news: readonly News[];
  /** Unix milliseconds: when the world begins, from when on it counts, and when it ends. */
  readonly start: number;
  readonly learnt: number;
  readonly end: number;
  readonly records: number;
  /** Seconds of CPU that its thread took, the generating included. */
  readonly seconds: number;
}

/** The hour of the day at which a world begins, and how long detectors learn. */
const BEGINS = 4 * HOUR;
const LEARNING = 8 * HOUR;
const LASTS = 15 * MINUTE;
const EVERY = 25 * MINUTE;
const NORMAL = 24 * HOUR;
/** Of the last fault. */
const AFTER = 15 * MINUTE;

export async function logTrialOf(options: LogTrialOptions): Promise<LogTrial> {
  const { seed, faults, detectors, budget, rate } = options;
  const loaded = await configOf("logs", [...present([MINER]), ...detectors], budgeted(budget));
  const start = START + BEGINS;
  const learnt = start + LEARNING;
  const kinds = faults === "none" ? [] : faults;
  const count = faults === "none" ? 0 : (options.count ?? kinds.length);
  const planned = planLogs({ seed, rate, first: learnt, lasts: LASTS, every: EVERY, count, kinds });
  const end = count === 0 ? learnt + NORMAL : planned[planned.length - 1].to + AFTER;
  const world = new LogWorld({ seed, rate, start, hours: (end - start) / HOUR, faults: planned });
  const alarms: LogAlarm[] = [];
  let records = 0;
  const counted = function* () {
    for (const arrival of world.arrivals()) {
      records += arrival.records;
      yield arrival;
    }
  };
  const before = process.threadCpuUsage();
  await play(loaded, "logs", start, counted(), ({ labels, contributors, ...anomaly }, at) => {
    const { detector, type, fingerprint, reason, score } = anomaly;
    const { template = "", example = "" } = labels;
    const service = `${labels.resource["service.name"] ?? ""}`;
    const shown = [reason, template, example, ...contributors].join("\n");
    alarms.push({ detector, type, fingerprint, service, reason, shown, score, at });
  });
  const { user, system } = process.threadCpuUsage(before);
  return {
    options,
    planted: planned.map((fault) => ({ fault, words: wordsOf(world, fault) })),
    alarms,
    news: world.news.map((news) => ({ ...news, at: start + news.at })),
    start,
    learnt,
    end,
    records,
    seconds: (user + system) / 1e6,
  };
}

function wordsOf({ system }: LogWorld, fault: LogFault): string[] {
  const service = system.services.find(({ name }) => name === fault.service)!;
  return statementsOf(service, fault).map(({ message }) => message);
}

/** Several at a time, each in a thread of its own; in the order asked for. */
export const logTrialsOf = (wanted: readonly LogTrialOptions[], threads: number) =>
  inThreads<LogTrialOptions, LogTrial>(import.meta.url, wanted, threads);

if (!isMainThread && parentPort) {
  const port = parentPort;
  port.postMessage(await logTrialOf(workerData as LogTrialOptions));
}
