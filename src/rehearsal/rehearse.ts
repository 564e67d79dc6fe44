// Runs the copy of what came in twice beside the agent: as it was, and with faults planted; what is found of these is the result.
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Anomaly,
  defineProcessor,
  type Labels,
  type Plugin,
  type Rehearsal,
  type RehearsalOptions,
  type Telemetry,
  z,
} from "../api/index.ts";
import type { Config } from "../config/shape.ts";
import type { Log } from "../observe/log.ts";
import { encodeAttributes, Wire, Writer } from "../otlp/index.ts";
import type { Plugins } from "../registry.ts";
import { Player } from "../replay/player.ts";
import type { Store } from "../series/store.ts";
import { type Fault, LATE, type Seen, tells } from "./fault.ts";
import { findable, planned } from "./plan.ts";
import { Planter } from "./planter.ts";
import type { Recorded } from "./recording.ts";

export interface Rehearsed {
  readonly config: Config;
  readonly plugins: Plugins;
  readonly log: Log;
  /** What the detectors knew when the copy began. */
  readonly known: Store;
  readonly requests: readonly Recorded[];
  readonly from: number;
  readonly until: number;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

const SIGNALS = ["metrics", "traces", "logs"] as const;
/** Type and id of the planter; no user can write it. */
const PLANTER = "(planter)";
/** Milliseconds of work without a rest. */
const PIECE = 5;
/** Milliseconds between records of an error that is planted. */
const EACH = 10_000;

export async function rehearse(what: Rehearsed, options: RehearsalOptions): Promise<Rehearsal> {
  const { config, plugins, from, until, requests, random } = what;
  const pace = new Pace(options.share, what.signal);
  const looking = plantersOf([]);
  const before = await run(what, looking, requests, pace);
  const seen = SIGNALS.flatMap((signal) => [...looking[signal].seen.values()]);
  const faults = planned(seen, findable(config, plugins), { from, until }, options.faults, random);
  const known = new Set(before.map(keyOf));
  const after = faults.length === 0 ? [] : await run(what, plantersOf(faults), withErrors(requests, faults), pace);
  const news = after.filter((anomaly) => anomaly.state !== "resolved" && !known.has(keyOf(anomaly)));
  return {
    from,
    until,
    requests: requests.length,
    faults: faults.map((fault) => {
      const { signal, kind, seen } = fault;
      const first = news.filter((anomaly) => tells(anomaly, fault)).sort((a, b) => a.time - b.time)[0];
      const delay = first ? Math.max(0, first.time - fault.from) : Number.NaN;
      return { signal, kind, about: seen.about, by: first?.detector, delay };
    }),
    alarms: before.filter(({ state }) => state === "open").length,
    astray: news.filter((anomaly) => !faults.some((fault) => tells(anomaly, fault))).length,
    seconds: pace.worked / 1000,
  };
}

/** Of the same rows detectors say the same at the same time. */
const keyOf = ({ fingerprint, time }: Anomaly) => `${fingerprint} ${time}`;

const plantersOf = (faults: readonly Fault[]) =>
  Object.fromEntries(SIGNALS.map((signal) => [signal, new Planter(signal, faults)])) as Record<Telemetry, Planter>;

/** Takes its share of the time: after each piece of work it rests so long that the agent has the others. */
class Pace {
  worked = 0;
  /** Milliseconds worked since the last rest. */
  #since = 0;
  readonly #share: number;
  readonly #signal: AbortSignal;

  constructor(share: number, signal: AbortSignal) {
    this.#share = share;
    this.#signal = signal;
  }

  async rest(began: number): Promise<void> {
    const took = performance.now() - began;
    this.worked += took;
    this.#since += took;
    if (this.#since < PIECE) return;
    await sleep(this.#since * (1 / this.#share - 1), undefined, { signal: this.#signal });
    this.#since = 0;
  }
}

/** All that is raised: what processors of anomalies would make of it is not rehearsed. */
async function run(
  { config, plugins, log, known, from, until }: Rehearsed,
  planters: Record<Telemetry, Planter>,
  requests: readonly Recorded[],
  pace: Pace,
): Promise<Anomaly[]> {
  const raised: Anomaly[] = [];
  const player = new Player({
    config: planted(config),
    plugins: { get: (section, type) => planterPlugin(type, planters) ?? plugins.get(section, type) },
    log,
    tap: { judged() {} },
    exports: false,
    store: known,
    start: from,
    onAnomaly: (anomaly) => raised.push(anomaly),
  });
  await player.start();
  try {
    for (const { signal, bytes, at } of requests) {
      const began = performance.now();
      await player.feed(signal, bytes, at, at);
      await pace.rest(began);
    }
    for (let at = until; at < until + LATE; at += 1000) {
      const began = performance.now();
      player.agent.tick(at);
      await pace.rest(began);
    }
  } finally {
    await player.stop();
  }
  return raised;
}

/** The configuration with a planter first in every pipeline, and one pipeline of anomalies that hands on all. */
function planted(config: Config): Config {
  const at = { file: "", line: 0, column: 0 };
  const component = (signal: Telemetry) => {
    const id = `${PLANTER}/${signal}`;
    return [
      id,
      { section: "processors", type: id, name: signal, id, options: {}, references: [], location: at },
    ] as const;
  };
  const pipelines = config.service.pipelines
    .filter(({ signal }) => signal !== "anomalies")
    .map((pipeline) => ({ ...pipeline, processors: [`${PLANTER}/${pipeline.signal}`, ...pipeline.processors] }));
  return {
    ...config,
    processors: new Map([...config.processors, ...SIGNALS.map(component)]) as Config["processors"],
    service: { ...config.service, pipelines },
  };
}

function planterPlugin(type: string, planters: Record<Telemetry, Planter>): Plugin | undefined {
  const signal = SIGNALS.find((each) => type === `${PLANTER}/${each}`);
  if (!signal) return undefined;
  return defineProcessor({
    type,
    signals: [signal],
    stability: "stable",
    summary: "Plants faults.",
    config: z.object({}),
    create: () => planters[signal] as never,
  }) as Plugin;
}

/** The requests and those of errors that are planted, in the order of their time. */
function withErrors(requests: readonly Recorded[], faults: readonly Fault[]): Recorded[] {
  const errors = faults
    .filter(({ kind }) => kind === "new_error")
    .flatMap(({ seen, from, until }): Recorded[] => {
      const times = Array.from({ length: Math.ceil((until - from) / EACH) }, (_, i) => from + i * EACH);
      return times.map((at) => ({ signal: "logs", at, bytes: errorOf(seen, at) }));
    });
  return [...requests, ...errors].sort((a, b) => a.at - b.at);
}

/** An ExportLogsServiceRequest of one record of the service that it never wrote before. */
function errorOf({ labels }: Pick<Seen, "labels">, at: number): Uint8Array {
  const writer = new Writer();
  const ofResource = writer.open(1);
  writer.field(1, Wire.bytes).bytes(resourceOf(labels));
  const ofScope = writer.open(2);
  const record = writer.open(2);
  writer.field(1, Wire.fixed64).time(at);
  writer.field(2, Wire.varint).varint(17);
  writer.field(3, Wire.bytes).string("ERROR");
  const body = writer.open(5);
  writer
    .field(1, Wire.bytes)
    .string(`rehearsal of vedette: broker handshake aborted, ledger checksum mismatch in shard ${at % 97}`);
  writer.close(body);
  writer.close(record);
  writer.close(ofScope);
  writer.close(ofResource);
  return writer.finish();
}

const resourceOf = ({ resource }: Labels): Uint8Array => encodeAttributes(1, resource);
