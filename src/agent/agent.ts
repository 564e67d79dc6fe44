// The running agent: starts the components of a configuration, exchanges those that a reload changes, drains and stops.
import { randomBytes } from "node:crypto";
import type {
  AgentView,
  Delivery,
  Extension,
  Logger,
  Measurement,
  Outputs,
  Processor,
  Rehearsal,
  RehearsalOptions,
  Signal,
  Telemetry,
} from "../api/index.ts";
import type { Config } from "../config/shape.ts";
import { Remembering } from "../history/index.ts";
import type { Log } from "../observe/log.ts";
import type { ComponentMeter } from "../observe/meter.ts";
import { flush, Turn } from "../pipeline/hub.ts";
import { Intake } from "../pipeline/intake.ts";
import { atRest } from "../pipeline/stage.ts";
import { Suspecting } from "../pipeline/suspecting.ts";
import type { Tap } from "../pipeline/tap.ts";
import type { Plugins } from "../registry.ts";
import type { Captured } from "../rehearsal/known.ts";
import type { Recorder } from "../rehearsal/recording.ts";
import type { Store } from "../series/store.ts";
import type { SeriesTable } from "../series/table.ts";
import { Board, type Place, placeName } from "./board.ts";
import { callsOf } from "./calls.ts";
import { feedsOf } from "./feeds.ts";
import { build, type Graph, type Lender, type Outlet, partsOf, type Staged } from "./graph.ts";
import { both, handing } from "./handing.ts";
import { type HeldHost, hostOf } from "./host.ts";
import { Inlets } from "./inlets.ts";
import { type Made, start, stop, tell, tellDelivery } from "./lifecycle.ts";
import { measurementsOf } from "./measure.ts";
import { Memory } from "./memory.ts";

/** Milliseconds that the queue of an exporter which a reload took out of use may go on sending: until it is empty. */
const UNTIL_EMPTY = 2 ** 31 - 1;

/** Milliseconds between two looks at the clock. */
const TICK = 1000;

export interface Surroundings {
  readonly log: Log;
  readonly version: string;
  readonly now: () => number;
  /** Instruments for one component. */
  readonly meterFor: (section: Place["section"], id: string, pipeline?: string) => ComponentMeter;
  /** All that there is to measure, the agent's own numbers included. */
  readonly measurements: () => readonly Measurement[];
  /** Where state outlives the process; absent: nowhere. */
  readonly store?: Store;
  /** Who else is told every verdict. */
  readonly tap?: Tap;
  /** Telemetry comes in event time: whoever feeds it also calls `tick`. */
  readonly replays?: boolean;
  /** Effective options of a component that runs, where they are known. */
  readonly configOf?: AgentView["configOf"];
  /** How faults are rehearsed beside it, where that is possible. */
  readonly rehearse?: (agent: Agent, options: RehearsalOptions, signal: AbortSignal) => Promise<Rehearsal>;
}

export class Agent implements Lender {
  readonly turn = new Turn();
  readonly view: AgentView;
  readonly #around: Surroundings;
  readonly #board: Board;
  readonly #inlets: Inlets;
  readonly #intakes = new Map<Telemetry, Intake<Telemetry>>();
  readonly #seeds: Readonly<Record<Telemetry, number>>;
  readonly #maxSeries: number;
  readonly #memory: Memory;
  readonly #remembering = new Remembering(() => this.#assemble(this.#graph));
  #graph: Graph;
  /** The graph that a reload is starting. */
  #next: Graph | undefined;
  #started = false;
  /** What reloads took out of use and is not done yet. */
  readonly #retiring = new Set<Promise<void>>();
  readonly #retired = new Set<Outlet>();
  /** The ends of receivers among them: what they still take goes where it went before. */
  readonly #leaving = new Set<Promise<unknown>>();
  /** Aborted by a stop: what is being started is waited for no more. */
  readonly #ending = new AbortController();
  #restored: Promise<void> = Promise.resolve();
  #reloading: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;
  #ticking: NodeJS.Timeout | undefined;

  /** Nothing is bound or opened before `start`. Throws what a plugin's `create` throws. */
  constructor(config: Config, registry: Plugins, around: Surroundings) {
    this.#around = around;
    this.#maxSeries = config.service.max_series;
    this.#memory = new Memory(around.store, around.now);
    const seed = (signal: Telemetry) => around.store?.seed(signal) ?? randomBytes(4).readInt32LE();
    this.#seeds = { metrics: seed("metrics"), logs: seed("logs"), traces: seed("traces") };
    this.#board = new Board(around.now, ({ status, reason, ...place }, before) => {
      const own = around.log.for(place.id);
      if (status === "permanent_error") own.error("the component is in permanent error", { reason });
      else if (status === "ok" && before?.endsWith("error")) own.info("the component is well again");
    });
    this.#inlets = new Inlets((signal) => this.#intake(signal), this.turn, around.now);
    this.view = {
      version: around.version,
      startedAt: around.now(),
      components: () => this.#board.list(),
      pipelines: () => this.#graph.config.service.pipelines,
      measurements: around.measurements,
      ...(around.configOf && { configOf: around.configOf }),
      calls: () => callsOf(this.#graph),
      remember: (options) => this.#remembering.begin(options),
      ...(around.rehearse && { rehearse: (...how) => around.rehearse!(this, ...how) }),
    };
    this.#graph = build(config, registry, this);
  }

  /** What a reload makes is heard once it takes the place of what it replaces. */
  host(place: Place): HeldHost {
    const lent = {
      board: this.#board,
      log: this.log(place.id),
      instruments: this.#around.meterFor(place.section, place.id, place.pipeline),
      agent: this.view,
      now: this.#around.now,
      extension: (id: string, coming: boolean) => this.#extension(id, coming),
    };
    return hostOf(place, lent, this.#started);
  }

  /** The configuration that runs. */
  get config(): Config {
    return this.#graph.config;
  }

  /** What its components know at this moment, and the seeds of the identities in it. */
  capture(): Captured {
    return { snapshots: this.#memory.capture(this.#graph), seeds: this.#seeds };
  }

  /** Lets it see what receivers take in, from now on, instead of the one before. */
  record(recorder: Recorder | undefined): void {
    this.#inlets.recorder = recorder;
  }

  /** The numbers of its components; those of its log and process are counted elsewhere. */
  measurements(): readonly Measurement[] {
    const now = this.#around.now();
    const intakes = this.#intakes.values();
    const [graph, board, { saved }] = [this.#graph, this.#board, this.#memory];
    return measurementsOf({ graph, inlets: this.#inlets.list(), intakes, board, saved, now });
  }

  log(name: string): Logger {
    return this.#around.log.for(name);
  }

  outputs(id: string): Outputs {
    return this.#inlets.outputs(id);
  }

  feeds(id: string, signals: readonly Signal[]): Outputs {
    const outputs = this.#inlets.outputs(id);
    return feedsOf({ id, signals, outputs, turn: this.turn, log: this.log(id), graph: () => this.#graph });
  }

  tap({ id, pipeline = "" }: Place): Tap {
    return new Suspecting(id, this.turn, this.#around.tap ?? this.#remembering.tap(pipeline));
  }

  readonly delivered = (delivery: Delivery): void => {
    for (const made of this.#graph.extensions.values()) tellDelivery(made, delivery);
  };

  table(signal: Telemetry): SeriesTable {
    return this.#intake(signal).table;
  }

  #intake(signal: Telemetry): Intake<Telemetry> {
    let intake = this.#intakes.get(signal);
    if (!intake) {
      intake = new Intake<Telemetry>(signal, this.#seeds[signal], this.#maxSeries);
      this.#intakes.set(signal, intake);
    }
    return intake;
  }

  /** What is `coming` with a reload is served by the extensions that come with it; what runs, by those that run. */
  #extension(id: string, coming: boolean): Extension {
    const [first, second] = coming ? [this.#next, this.#graph] : [this.#graph, this.#next];
    const made = first?.extensions.get(id) ?? second?.extensions.get(id);
    if (!made) throw new Error(`there is no extension ${id} among service.extensions`);
    return made.part;
  }

  /** Starts extensions, exporters, processors, connectors, receivers. When one fails, those that started are stopped and it rejects. */
  async start(): Promise<void> {
    this.#started = true;
    const resume = this.#inlets.open(undefined, this.#graph);
    try {
      this.#restored = this.#memory.restore(this.#graph, partsOf(this.#graph));
      await this.#restored;
      for (const made of partsOf(this.#graph)) {
        await start(made, this.#board, this.#opens(made), this.#ending.signal);
      }
    } catch (error) {
      resume();
      await this.stop();
      throw error;
    }
    this.#follow(this.#graph);
    resume();
    for (const made of this.#graph.extensions.values()) tell(made, true);
    if (!this.#around.replays) this.#ticking = setInterval(() => this.tick(this.#around.now()), TICK).unref();
  }

  /** An exporter is started with its queue, unless it came with the exporter before. */
  #opens(made: Made, old?: Graph): (() => Promise<void>) | undefined {
    if (made.section !== "exporters") return undefined;
    const { queue } = made as Outlet;
    return old?.exporters.get(made.id)?.queue === queue ? undefined : () => queue.start();
  }

  /**
   * Goes on with another configuration. What is the same in both keeps running, and what changed keeps what it knows where that
   * fits. Requests that come meanwhile go on as before; those that only the new one takes wait. Rejects, with nothing changed,
   * when something new cannot start.
   */
  reload(config: Config, registry: Plugins): Promise<void> {
    const reloaded = this.#reloading.then(() => this.#reload(config, registry));
    this.#reloading = reloaded.catch(() => {});
    return reloaded;
  }

  async #reload(config: Config, registry: Plugins): Promise<void> {
    const { signal } = this.#ending;
    signal.throwIfAborted();
    const old = this.#graph;
    const next = build(config, registry, this, old);
    const running = new Set(partsOf(old).map(({ part }) => part));
    const fresh = partsOf(next).filter(({ part }) => !running.has(part));
    const firstReceiver = fresh.find(({ section }) => section === "receivers");
    let resume = () => {};
    this.#next = next;
    try {
      await this.#memory.restore(next, fresh, old);
      for (const made of fresh) {
        if (made === firstReceiver) resume = this.#inlets.open(old, next);
        await start(made, undefined, this.#opens(made, old), signal);
      }
    } catch (error) {
      this.#next = undefined;
      this.#inlets.follow(old);
      resume();
      for (const made of fresh.reverse()) {
        if (this.#opens(made, old)) await (made as Outlet).queue.drain(0);
        await stop(made);
        this.#closeUnused(made);
      }
      throw error;
    }
    const kept = new Set(partsOf(next).map(({ part }) => part));
    const gone = partsOf(old).filter(({ part }) => !kept.has(part));
    const places = new Set(partsOf(next).map(placeName));
    const left = gone.filter((made) => !places.has(placeName(made)));
    this.#conclude([...old.processors.values()].filter((made) => left.includes(made)));
    for (const { host } of gone) host.mute();
    this.#memory.handOn(old, next);
    this.#follow(next);
    for (const { host } of fresh) host.unmute();
    resume();
    for (const made of left) this.#board.forget(made);
    for (const made of fresh) if (made.section === "extensions") tell(made, true);
    this.#inBackground(this.#retire(gone, next));
    if (config.service.max_series !== this.#maxSeries)
      this.log("vedette").warn("service.max_series has changed: the new value holds once the agent is started anew");
  }

  /** In one tick: no request is between two graphs. */
  #follow(graph: Graph): void {
    this.#flush(this.#around.now());
    this.#graph = graph;
    this.#next = undefined;
    this.turn.pipelines = graph.anomalies
      .filter(({ config }) => config.receivers.length === 0)
      .map(({ pipeline }) => pipeline);
    const processors = [...graph.processors.values()];
    this.turn.listeners = processors.flatMap(({ part, stage }) => (part.found ? stage : []));
    this.turn.watcher = (anomaly) => this.#remembering.found(anomaly);
    this.turn.keepers = processors.flatMap(({ part, stage }) => (part.lasts ? stage : []));
    this.turn.hearers = processors.flatMap(({ part, stage }) => (part.suspected ? stage : []));
    this.#inlets.follow(graph);
    this.#assemble(graph);
    this.#memory.saveEvery(graph.config.service.state.interval, () => this.#graph, this.log("vedette"));
  }

  /** Lets every processor and connector that wants to look at the clock, which stands at `now` in Unix milliseconds, and passes on what they find. */
  tick(now: number): void {
    this.turn.begin();
    try {
      for (const intake of this.#intakes.values()) intake.assembler?.tick(now);
      const { processors, connectors } = this.#graph;
      for (const { stage } of [...processors.values(), ...connectors.values()]) atRest(stage, "tick", now);
    } finally {
      this.turn.end();
    }
    this.#flush(now);
  }

  /** Lets processors that will see no more pass on what they wait with: at the next flush. */
  #conclude(ending: Iterable<Staged<Processor<any>>>): void {
    const now = this.#around.now();
    this.#flush(now);
    this.turn.begin();
    try {
      for (const { stage } of ending) atRest(stage, "conclude", now);
    } finally {
      this.turn.end();
    }
  }

  /** Lets processors that wait for a batch to add something to have one. */
  #flush(now: number): void {
    this.turn.begin();
    try {
      for (const { config, pipeline } of this.#graph.pipelines) {
        const intake = this.#intake(config.signal as Telemetry);
        while (flush(intake, pipeline, now));
      }
      for (const { pipeline } of this.#graph.anomalies) if (pipeline.due) pipeline.run([]);
    } finally {
      this.turn.end();
    }
  }

  /** Has traces put together as long as anything in the graph looks at them, or at what a span itself took. */
  #assemble({ config, processors }: Graph): void {
    const all = [...processors.values()];
    const stages = all.flatMap(({ stage }) => (stage.part.trace ? [stage] : []));
    const wanted =
      stages.length > 0 || all.some(({ plugin }) => plugin.kind === "detector" && plugin.signal === "traces");
    const intake = this.#intakes.get("traces");
    if (!intake) return;
    if (!wanted) {
      intake.stopAssembling();
      return;
    }
    const assembler = intake.assemble(config.service.traces);
    const { onTrace } = this.#remembering;
    const hand = handing(stages);
    assembler.onTrace = stages.length === 0 ? onTrace : onTrace ? both(onTrace, hand) : hand;
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work.finally(() => this.#retiring.delete(tracked));
    this.#retiring.add(tracked);
  }

  /** Unless a component that runs goes on with its host. */
  #closeUnused({ host }: Made): void {
    if (!partsOf(this.#graph).some((made) => made.host === host)) host.close();
  }

  /**
   * Stops what the reload to `next` took out of use, receivers first; a queue out of use is emptied before. Another reload may
   * come meanwhile: queues that stay are told of their exporters in this very tick, and routes follow the graph of the moment.
   */
  async #retire(gone: readonly Made[], next: Graph): Promise<void> {
    const end = async (made: Made) => {
      await stop(made);
      this.#closeUnused(made);
    };
    const of = (...sections: Made["section"][]) => gone.filter(({ section }) => sections.includes(section));
    const outlets = (of("exporters") as Outlet[]).map((outlet) => {
      const successor = next.exporters.get(outlet.id);
      if (successor?.queue === outlet.queue) {
        return { outlet, left: outlet.queue.reconfigure(successor.part, successor.sending) };
      }
      this.#retired.add(outlet);
      return { outlet };
    });
    const leaving = Promise.all(of("receivers").map(end));
    this.#leaving.add(leaving);
    await leaving;
    this.#leaving.delete(leaving);
    if (this.#leaving.size === 0) this.#inlets.settle(this.#graph);
    for (const made of of("connectors", "processors")) await end(made);
    await Promise.all(
      outlets.map(async ({ outlet, left }) => {
        await (left ?? outlet.queue.drain(UNTIL_EMPTY));
        this.#retired.delete(outlet);
        await end(outlet);
      }),
    );
    for (const made of of("extensions")) await end(made);
  }

  /**
   * Stops what feeds pipelines, drains the queues for at most `service.shutdown_timeout`, then stops the rest. A start or a
   * reload that is under way fails. Safe twice.
   */
  stop(): Promise<void> {
    this.#ending.abort(new Error("the agent is stopping"));
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#reloading;
    if (!this.#started) return;
    await this.#restored;
    clearInterval(this.#ticking);
    const graph = this.#graph;
    const end = async (some: ReadonlyMap<string, Made>) => {
      for (const made of [...some.values()].reverse()) await stop(made, this.#board);
    };
    for (const made of graph.extensions.values()) tell(made, false);
    await Promise.all([end(graph.receivers), ...this.#leaving]);
    await end(graph.connectors);
    this.#conclude(graph.processors.values());
    this.#flush(this.#around.now());
    const queues = new Set([...graph.exporters.values(), ...this.#retired].map(({ queue }) => queue));
    await Promise.all([...queues].map((queue) => queue.drain(graph.config.service.shutdown_timeout)));
    await Promise.all(this.#retiring);
    this.#memory.stop();
    await this.#memory.save(graph);
    await end(graph.processors);
    await end(graph.exporters);
    await end(graph.extensions);
  }
}
