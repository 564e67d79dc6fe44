// A checked configuration becomes running parts: built exporters first, stopped receivers first.
import { randomBytes } from "node:crypto";
import { createNoopMeter } from "@opentelemetry/api";
import {
  type AgentView,
  type Component,
  type ConnectorPlugin,
  type DetectorPlugin,
  type ExporterPlugin,
  type Extension,
  type ExtensionHost,
  type ExtensionPlugin,
  type Host,
  type Outputs,
  type Plugin,
  type ProcessorPlugin,
  type ReceiverPlugin,
  type Signal,
  type Telemetry,
  z,
} from "./api/index.ts";
import type { Section } from "./config/id.ts";
import type { PipelineConfig } from "./config/pipelines.ts";
import type { ComponentConfig, Config } from "./config/shape.ts";
import type { Log } from "./observe/log.ts";
import { Detector } from "./pipeline/detect.ts";
import { emitInto, Turn } from "./pipeline/hub.ts";
import { Intake } from "./pipeline/intake.ts";
import { type DetectorOptions, type SendingOptions, sendingOptions } from "./pipeline/options.ts";
import { AnomalyPipeline, type Ends, type Stage, TelemetryPipeline } from "./pipeline/pipeline.ts";
import { Queue } from "./pipeline/queue.ts";
import type { Registry } from "./registry.ts";

/** Options of an exporter that writes close by: in order, one at a time, tried again as any other. */
const LOCAL: SendingOptions = z
  .object(sendingOptions)
  .parse({ timeout: 0, sending_queue: { num_consumers: 1 } }) as SendingOptions;

type Created = { readonly id: string; readonly part: Component };

export class Agent {
  readonly #config: Config;
  readonly #registry: Registry;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #turn: Turn;
  readonly #intakes = new Map<Telemetry, Intake<Telemetry>>();
  readonly #exporters = new Map<string, { part: Component; queue: Queue }>();
  readonly #connectors = new Map<string, Stage<any>>();
  readonly #telemetry: { config: PipelineConfig; pipeline: TelemetryPipeline<any> }[] = [];
  readonly #processors: Created[] = [];
  readonly #receivers: Created[] = [];
  readonly #extensions: (Created & { part: Extension })[] = [];
  #started: Created[] = [];
  #stopping: Promise<void> | undefined;

  /** Nothing is bound or opened before `start`. Throws what a plugin's `create` throws. */
  constructor(config: Config, registry: Registry, log: Log, now: () => number = Date.now) {
    this.#config = config;
    this.#registry = registry;
    this.#log = log;
    this.#now = now;
    const anomalies: AnomalyPipeline[] = [];
    this.#turn = new Turn(anomalies);
    const { pipelines, extensions } = config.service;
    for (const id of extensions) {
      const { plugin, component } = this.#component<ExtensionPlugin>("extensions", id);
      this.#extensions.push({ id, part: made(id, () => plugin.create(component.options, this.#host(id))) });
    }
    for (const { exporters } of pipelines) for (const id of exporters) this.#createEnd(id);
    for (const pipeline of pipelines) {
      if (pipeline.signal === "anomalies") {
        anomalies.push(
          new AnomalyPipeline(pipeline.id, this.#ends<"anomalies">(pipeline), this.#host(`pipeline ${pipeline.id}`)),
        );
      } else {
        const built = new TelemetryPipeline(pipeline.id, pipeline.signal, this.#ends<Telemetry>(pipeline));
        this.#telemetry.push({ config: pipeline, pipeline: built });
      }
    }
    const receivers = new Set(
      pipelines.flatMap((pipeline) => pipeline.receivers).filter((id) => config.receivers.has(id)),
    );
    for (const id of receivers) {
      const { plugin, component } = this.#component<ReceiverPlugin>("receivers", id);
      this.#receivers.push({
        id,
        part: made(id, () => plugin.create(component.options, this.#host(id), this.#outputs(id))),
      });
    }
  }

  #component<P>(section: Section, id: string): { plugin: P; component: ComponentConfig } {
    const component = this.#config[section].get(id) as ComponentConfig;
    return { component, plugin: this.#registry.get(section, component.type) as P };
  }

  #host(id: string): ExtensionHost {
    const extension = (wanted: string): Extension => {
      const found = this.#extensions.find((each) => each.id === wanted);
      if (!found) throw new Error(`there is no extension ${wanted}`);
      return found.part;
    };
    const agent: AgentView = {
      version: "",
      startedAt: 0,
      components: () => [],
      pipelines: () => [],
      measurements: () => [],
    };
    const report = () => {};
    return {
      id,
      log: this.#log.for(id),
      now: this.#now,
      random: seededRandom(id),
      meter: createNoopMeter(),
      report,
      extension,
      agent,
    };
  }

  #stage<T>(part: T, host: Host): Stage<T> {
    return { part, host, faults: 0 };
  }

  /** The exporter or connector that a pipeline ends in, made once for all pipelines. */
  #createEnd(id: string): void {
    if (this.#exporters.has(id) || this.#connectors.has(id)) return;
    const host = this.#host(id);
    if (this.#config.exporters.has(id)) {
      const { plugin, component } = this.#component<ExporterPlugin<any, any>>("exporters", id);
      const options = plugin.sends ? (component.options as unknown as SendingOptions) : LOCAL;
      const part = made(id, () => plugin.create(component.options, host));
      this.#exporters.set(id, { part, queue: new Queue(part, options, host) });
      return;
    }
    const { plugin, component } = this.#component<ConnectorPlugin<any, any>>("connectors", id);
    // what it feeds is known once every pipeline is built, and asked for on its first request at the earliest
    let outputs: Outputs | undefined;
    const deliver = async (signal: Telemetry, bytes: Uint8Array, release?: () => void) => {
      try {
        outputs ??= this.#outputs(id);
        if (await outputs[signal]?.(bytes, release)) return;
        host.log.error("data dropped: a queue behind the connector is full", { signal });
      } catch (error) {
        host.log.error("data dropped: what the connector made cannot be processed", { signal, error: String(error) });
      }
    };
    const feed = (signal: Telemetry) => (bytes: Uint8Array, release?: () => void) => {
      this.#turn.feed(() => void deliver(signal, bytes, release));
      return true;
    };
    const wanted = this.#config.service.pipelines.filter((pipeline) => pipeline.receivers.includes(id));
    const emit = Object.fromEntries(wanted.map(({ signal }) => [signal, feed(signal as Telemetry)]));
    this.#connectors.set(
      id,
      this.#stage(
        made(id, () => plugin.create(component.options, host, emit)),
        host,
      ),
    );
  }

  /** Processors are made anew for each pipeline that names them, as the Collector does. */
  #ends<S extends Signal>(pipeline: PipelineConfig): Ends<S> {
    const processors = pipeline.processors.map((id): Stage<any> => {
      const host = this.#host(id);
      const { plugin, component } = this.#component<Plugin>("processors", id);
      const part = made(id, () =>
        plugin.kind === "detector"
          ? this.#detector(plugin, component, host)
          : (plugin as ProcessorPlugin<any, any>).create(component.options, host),
      );
      this.#processors.push({ id, part });
      return this.#stage(part, host);
    });
    const queues = pipeline.exporters.flatMap((id) => this.#exporters.get(id)?.queue ?? []);
    const connectors = pipeline.exporters.flatMap((id) => this.#connectors.get(id) ?? []);
    return { processors, queues, connectors };
  }

  #detector(plugin: DetectorPlugin<any, any, any>, component: ComponentConfig, host: Host): Detector<any> {
    const options = component.options as unknown as DetectorOptions;
    return new Detector(plugin, component.options, options, host, this.#intake(plugin.signal).table, this.#turn.raise);
  }

  #intake(signal: Telemetry): Intake<Telemetry> {
    let intake = this.#intakes.get(signal);
    if (!intake) {
      intake = new Intake<Telemetry>(signal, randomBytes(4).readInt32LE(), this.#config.service.max_series);
      this.#intakes.set(signal, intake);
    }
    return intake;
  }

  /** One Emit for each signal that a pipeline takes from this receiver or connector. */
  #outputs(id: string): Outputs {
    const outputs: Record<string, Outputs[Telemetry]> = {};
    for (const signal of ["metrics", "logs", "traces"] as const) {
      const fed = this.#telemetry.filter(({ config }) => config.signal === signal && config.receivers.includes(id));
      if (fed.length === 0) continue;
      const pipelines = fed.map(({ pipeline }) => pipeline as TelemetryPipeline<Telemetry>);
      outputs[signal] = emitInto(this.#intake(signal), pipelines, this.#turn, this.#now);
    }
    return outputs;
  }

  /** Starts extensions, exporters, processors, connectors, receivers. When one fails, those that started are stopped and it rejects. */
  async start(): Promise<void> {
    const exporters = [...this.#exporters].map(([id, { part }]) => ({ id, part }));
    const connectors = [...this.#connectors].map(([id, { part }]) => ({ id, part: part as Component }));
    for (const created of [...this.#extensions, ...exporters, ...this.#processors, ...connectors, ...this.#receivers]) {
      this.#started.push(created);
      try {
        await created.part.start?.();
      } catch (error) {
        await this.stop();
        throw new Error(`${created.id} could not start: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      }
    }
    this.#ready(true);
  }

  /** Stops what feeds pipelines, drains the queues for at most `service.shutdown_timeout`, then stops the rest. Safe twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  #ready(ready: boolean): void {
    for (const { id, part } of this.#extensions) {
      try {
        part.ready?.(ready);
      } catch (error) {
        this.#log.for(id).error("an extension failed to hear whether the agent is ready", { error: String(error) });
      }
    }
  }

  async #stop(): Promise<void> {
    this.#ready(false);
    const started = this.#started.reverse();
    const stop = async (some: readonly { part: Component }[]) => {
      const parts = new Set(some.map(({ part }) => part));
      for (const { id, part } of started) {
        if (!parts.has(part)) continue;
        try {
          await part.stop?.();
        } catch (error) {
          this.#log.for(id).error("stopping failed", { error: String(error) });
        }
      }
    };
    await stop(this.#receivers);
    await stop([...this.#connectors.values()]);
    const queues = [...this.#exporters.values()].map(({ queue }) => queue);
    await Promise.all(queues.map((queue) => queue.drain(this.#config.service.shutdown_timeout)));
    await stop(this.#processors);
    await stop([...this.#exporters.values()]);
    await stop(this.#extensions);
  }
}

/** What a plugin creates; its error names the component. */
function made<T>(id: string, create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw new Error(`${id} could not be created: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Uniform in [0, 1): splitmix32 from a hash of the id, so that a replay of the same component repeats. */
function seededRandom(id: string): () => number {
  let state = 0x9e3779b9;
  for (const character of id) state = Math.imul(state ^ character.charCodeAt(0), 0x85ebca6b);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let x = state ^ (state >>> 16);
    x = Math.imul(x, 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
}
