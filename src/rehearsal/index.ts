// Rehearsals of the running agent: copies what comes in for a while, then tries what would be found of faults planted into that.
import { setTimeout as sleep } from "node:timers/promises";
import type { Agent } from "../agent/agent.ts";
import type { Rehearsal, RehearsalOptions } from "../api/index.ts";
import type { Log } from "../observe/log.ts";
import type { Plugins } from "../registry.ts";
import { Known } from "./known.ts";
import { Recording } from "./recording.ts";
import { rehearse } from "./rehearse.ts";

/** What a rehearsal needs beside the agent. */
export interface Stage {
  readonly plugins: Plugins;
  readonly log: Log;
  readonly now: () => number;
  readonly random: () => number;
}

/** Rejects, with words for the operator, where there is no room or nothing came in; with the signal's reason when that is aborted. */
export async function rehearseAgent(
  agent: Agent,
  { plugins, log, now, random }: Stage,
  options: RehearsalOptions,
  signal: AbortSignal,
): Promise<Rehearsal> {
  const known = new Known(agent.capture());
  if (known.bytes >= options.maxMemory) {
    throw new Error(
      `what the detectors know takes ${megabytes(known.bytes)}, more than max_memory; raise it, or watch fewer series`,
    );
  }
  const recording = new Recording(options.maxMemory - known.bytes);
  const { config } = agent;
  const from = now();
  agent.record(recording);
  try {
    for (const end = from + options.window; now() < end && !recording.full; ) {
      await sleep(Math.min(1000, end - now()), undefined, { signal });
    }
  } finally {
    agent.record(undefined);
  }
  if (recording.requests.length === 0) throw new Error("no telemetry came in meanwhile");
  const until = now();
  const { requests } = recording;
  return rehearse({ config, plugins, log, known, requests, from, until, random, signal }, options);
}

const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
