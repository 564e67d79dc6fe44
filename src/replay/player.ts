// The agent that recorded telemetry is fed to: the user's pipelines between a source and a listener of ours, in event time.
import { setTimeout as sleep } from "node:timers/promises";
import { createNoopMeter } from "@opentelemetry/api";
import { Agent } from "../agent/agent.ts";
import {
  type Anomaly,
  type Connector,
  defineConnector,
  defineReceiver,
  type Outputs,
  type Plugin,
  type Telemetry,
  z,
} from "../api/index.ts";
import type { Section } from "../config/id.ts";
import type { Config } from "../config/shape.ts";
import type { Log } from "../observe/log.ts";
import type { Tap } from "../pipeline/tap.ts";
import type { Plugins } from "../registry.ts";
import type { Store } from "../series/store.ts";
import { between, OURS } from "./between.ts";

/**
 * Between two looks at the clock, milliseconds of event time: the fewest, and the most in the first day of a gap. Processors take a
 * clock that leaps by more than 30 s for one that stood still.
 */
const TICK = 1000;
const LONGEST_TICK = 20_000;
const DAY = 86_400_000;
/** Each is this part of the gap so far. */
const PART_OF_GAP = 4;
/** Milliseconds between two tries of a request that was refused, and how long it is tried. */
const PAUSE = 10;
const PATIENCE = 15 * 60_000;

/**
 * Milliseconds that the clock goes on for after the last event: by default traces are complete then, and so is every interval but the
 * last, which was cut short; and nothing counts as silent yet.
 */
const AFTERWARDS = 14_000;

export interface PlayerOptions {
  readonly config: Config;
  readonly plugins: Plugins;
  readonly log: Log;
  readonly tap: Tap;
  /** Whether the exporters of the configuration run, but for those that act. */
  readonly exports: boolean;
  /** What was learnt is saved there at the end, and taken from there at the start. */
  readonly store?: Store;
  /** Unix milliseconds of the first event. */
  readonly start: number;
  /** Each anomaly once, after the processors of the `anomalies` pipelines. */
  readonly onAnomaly: (anomaly: Anomaly) => void;
  /** From then on nothing is waited for longer than `service.shutdown_timeout`. */
  readonly signal?: AbortSignal;
}

export class Player {
  readonly agent: Agent;
  readonly #exports: boolean;
  readonly #ending: AbortSignal;
  /** Milliseconds that exporters are given to send what is queued, once it is to end. */
  readonly #grace: number;
  #outputs: Outputs = {};
  #now: number;
  #ticked: number;
  #raised = 0;

  constructor({ config, plugins, start, onAnomaly, exports, signal, ...rest }: PlayerOptions) {
    this.#ending = signal ?? new AbortController().signal;
    this.#grace = config.service.shutdown_timeout;
    this.#now = start;
    this.#ticked = start;
    this.#exports = exports;
    const several = config.service.pipelines.filter(({ signal }) => signal === "anomalies").length > 1;
    const told = new Set<string>();
    const listener: Connector<"anomalies"> = {
      consume: (anomalies) => {
        for (const anomaly of anomalies) {
          if (several && repeated(told, anomaly)) continue;
          this.#raised++;
          onAnomaly(anomaly);
        }
      },
    };
    const ours: Partial<Record<Section, Plugin>> = {
      receivers: defineReceiver({
        ...MANIFEST,
        signals: SIGNALS,
        create: (_options, _host, outputs) => {
          this.#outputs = outputs;
          return {};
        },
      }) as Plugin,
      connectors: defineConnector({ ...MANIFEST, from: ["anomalies"], to: [], create: () => listener }) as Plugin,
    };
    const runs = (exporter: string) => {
      const plugin = plugins.get("exporters", exporter);
      return exports && !(plugin?.kind === "exporter" && plugin.acts === true);
    };
    this.agent = new Agent(
      between(config, runs),
      { get: (section, type) => (type === OURS ? ours[section] : plugins.get(section, type)) },
      {
        ...rest,
        version: "replay",
        now: () => this.#now,
        meterFor: () => ({ meter: createNoopMeter(), close() {} }),
        measurements: () => this.agent.measurements(),
        replays: true,
      },
    );
  }

  /** Series that are remembered. */
  get series(): number {
    return SIGNALS.reduce((sum, signal) => sum + this.agent.table(signal).length, 0);
  }

  start(): Promise<void> {
    return this.agent.start();
  }

  /** Whether a pipeline takes the signal. */
  takes(signal: Telemetry): boolean {
    return this.#outputs[signal] !== undefined;
  }

  /**
   * Feeds one request of rows that lie between `from` and `until` as if it came then. Tries again while the pipelines refuse it;
   * throws when they keep to that.
   */
  async feed(signal: Telemetry, bytes: Uint8Array, from: number, until: number): Promise<void> {
    this.#pass(from);
    if (until > this.#now) this.#now = until;
    const raised = this.#raised;
    const deadline = performance.now() + PATIENCE;
    for (;;) {
      const accepted = this.#outputs[signal]?.(bytes) ?? true;
      if (accepted === true || (accepted !== false && (await accepted))) break;
      if (this.#ending.aborted) return;
      if (performance.now() > deadline) {
        throw new Error(`the pipelines have refused a request for ${PATIENCE / 60_000} minutes; see the log for why`);
      }
      await pause();
    }
    if (this.#now - this.#ticked >= TICK) this.#tick(this.#now);
    if (this.#exports && this.#raised > raised) await this.#room();
  }

  /** Lets the last of the findings out and stops: exporters send what is queued, what was learnt is saved. */
  async stop(): Promise<void> {
    if (this.#now > this.#ticked) this.#tick(this.#now);
    this.#pass(this.#now + AFTERWARDS);
    const stopped = new AbortController();
    await Promise.race([this.agent.stop(), this.#timeIsUp(stopped.signal)]);
    stopped.abort();
  }

  async #timeIsUp(unless: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    if (this.#ending.aborted) resolve(undefined);
    this.#ending.addEventListener("abort", resolve, { once: true, signal: unless });
    await promise;
    await sleep(this.#grace, undefined, { signal: unless }).catch(() => {});
  }

  /** Lets processors see the time pass until `time`, more and more coarsely the longer nothing comes. */
  #pass(time: number): void {
    const since = this.#now;
    for (let at = this.#ticked + TICK; at < time; at += tickAfter(at - since)) {
      this.#now = at;
      this.#tick(at);
    }
    if (time > this.#now) this.#now = time;
  }

  #tick(now: number): void {
    this.#ticked = now;
    this.agent.tick(now);
  }

  /** Anomalies that a queue has no room for are dropped: they wait for it here. */
  async #room(): Promise<void> {
    const sum = (name: string) => this.agent.measurements().flatMap((each) => (each.name === name ? [each] : []));
    const full = () =>
      sum("otelcol_exporter_queue_size").some(({ value, attributes }) => {
        const capacity = sum("otelcol_exporter_queue_capacity").find(
          (each) => JSON.stringify(each.attributes) === JSON.stringify(attributes),
        );
        return capacity !== undefined && value > capacity.value / 2;
      });
    const deadline = performance.now() + PATIENCE;
    while (full() && performance.now() < deadline && !this.#ending.aborted) await pause();
  }
}

const SIGNALS = ["metrics", "logs", "traces"] as const;

const MANIFEST = { type: "replay", summary: "The replay.", stability: "stable", config: z.object({}) } as const;

const pause = () => sleep(PAUSE);

/** Milliseconds until the next look at the clock in a gap that has lasted for so many. */
function tickAfter(gap: number): number {
  const tick = Math.max(TICK, Math.ceil(gap / PART_OF_GAP));
  return gap < DAY ? Math.min(tick, LONGEST_TICK) : tick;
}

/** Whether another pipeline told it already; remembers those of one moment only. */
function repeated(told: Set<string>, { fingerprint, time, state }: Anomaly): boolean {
  const key = `${fingerprint} ${time} ${state}`;
  if (told.has(key)) return true;
  if (told.size >= 10_000) told.clear();
  told.add(key);
  return false;
}
