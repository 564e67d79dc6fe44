// The demo's own agent, whose clock goes with the telemetry that it is sent: so it has lived through the history when people look at it.
import { Agent } from "../agent/agent.ts";
import type { AgentView } from "../api/index.ts";
import type { Config } from "../config/shape.ts";
import { Log } from "../observe/log.ts";
import { OwnMetrics } from "../observe/meter.ts";
import type { Plugins } from "../registry.ts";
import { rehearseAgent } from "../rehearsal/index.ts";
import type { Clock } from "./clock.ts";

export interface Startable {
  readonly config: Config;
  readonly plugins: Plugins;
  /** Effective options, for people to look at. */
  readonly configOf: NonNullable<AgentView["configOf"]>;
}

/** Rejects when a component cannot start; the log says which and why. */
export async function startAgent(own: Startable, clock: Clock, version: string): Promise<Agent> {
  const { config, plugins, configOf } = own;
  const log = new Log(config.service.telemetry.logs);
  const metrics = new OwnMetrics({ version, log, measurements: () => agent.measurements() });
  const agent: Agent = new Agent(config, plugins, {
    log,
    version,
    now: clock.now,
    meterFor: (...place) => metrics.meterFor(...place),
    measurements: () => metrics.measurements(),
    configOf,
    rehearse: (running, options, signal) =>
      rehearseAgent(running, { plugins, log, now: clock.now, random: Math.random }, options, signal),
  });
  clock.tick = (now) => agent.tick(now);
  await agent.start();
  return agent;
}
