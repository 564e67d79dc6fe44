// The agent as a plugin sees it, for tests: a clock that only the test moves, chance that repeats, a log to look into.
import { createNoopMeter } from "@opentelemetry/api";
import type { AgentView, Extension, ExtensionHost, Logger, Status } from "../api/index.ts";
import { Remembering } from "../history/index.ts";

export interface LogEntry {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: object | undefined;
}

export interface FakeHost extends ExtensionHost {
  /** Unix milliseconds; what `now()` says. Set it to let time pass. */
  time: number;
  /** All that was logged, in order. */
  readonly logged: LogEntry[];
  /** All that was reported, in order. */
  readonly reported: { readonly status: Status; readonly reason?: string }[];
  /** What `extension` finds, by id. */
  readonly extensions: Map<string, Extension>;
  /** An agent without components, unless the test replaces it; `calls` asks it. */
  agent: AgentView;
}

/** 2024-01-01T00:00:00Z: where the clock of a fake host and generated streams begin. */
export const START = 1_704_067_200_000;

/** A host of its own for each component under test; the same `id` gives the same random numbers. */
export function fakeHost(id = "test"): FakeHost {
  const logged: LogEntry[] = [];
  const at = (level: keyof Logger) => (message: string, fields?: object) => {
    logged.push({ level, message, fields });
  };
  let seed = 0;
  for (const character of id) seed = Math.imul(seed ^ character.charCodeAt(0), 0x9e3779b1);
  return {
    id,
    time: START,
    logged,
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    now() {
      return this.time;
    },
    random: seededRandom(seed),
    meter: createNoopMeter(),
    reported: [],
    report(status, reason) {
      this.reported.push(reason === undefined ? { status } : { status, reason });
    },
    extensions: new Map(),
    extension(wanted) {
      const extension = this.extensions.get(wanted);
      if (!extension) throw new Error(`there is no extension ${wanted}`);
      return extension;
    },
    calls() {
      return this.agent.calls();
    },
    agent: {
      version: "0.0.0",
      startedAt: START,
      components: () => [],
      pipelines: () => [],
      measurements: () => [],
      calls: () => [],
      remember: () => new Remembering(() => {}).begin({ maxMemory: 1, span: 60_000, maxTraceMemory: 1 }),
    },
  };
}

/** Uniform in [0, 1), by seed (a Weyl sequence through a 32-bit mixer). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let x = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return ((x ^ (x >>> 16)) >>> 0) / 4294967296;
  };
}
