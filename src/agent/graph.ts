// The components and pipelines of one configuration: what did not change since the graph before is taken over as it runs.
import { isDeepStrictEqual } from "node:util";
import {
  type CombinationPlugin,
  type Connector,
  type ConnectorPlugin,
  type Delivery,
  type DetectorPlugin,
  type Exporter,
  type ExporterPlugin,
  type Extension,
  type ExtensionHost,
  type ExtensionPlugin,
  type FinderPlugin,
  type IntervalDetectorPlugin,
  type Logger,
  type Outputs,
  type Plugin,
  type Processor,
  type ProcessorPlugin,
  type ReceiverPlugin,
  type Signal,
  type Telemetry,
  type VectorDetectorPlugin,
  z,
} from "../api/index.ts";
import { type ComponentId, parseId, type Section } from "../config/id.ts";
import type { PipelineConfig } from "../config/pipelines.ts";
import type { ComponentConfig, Config } from "../config/shape.ts";
import { type Constituent, compose, composedOptions } from "../pipeline/compose.ts";
import { Detector } from "../pipeline/detect.ts";
import { Findings } from "../pipeline/detection.ts";
import type { Turn } from "../pipeline/hub.ts";
import { IntervalDetector } from "../pipeline/interval_detector.ts";
import { lineOf } from "../pipeline/line.ts";
import { type DetectorOptions, type SendingOptions, sendingOptions } from "../pipeline/options.ts";
import { AnomalyPipeline, type Ends, TelemetryPipeline } from "../pipeline/pipeline.ts";
import { Queue } from "../pipeline/queue.ts";
import { Stage } from "../pipeline/stage.ts";
import type { Tap } from "../pipeline/tap.ts";
import { VectorDetector } from "../pipeline/vector_detector.ts";
import type { Plugins } from "../registry.ts";
import type { SeriesTable } from "../series/table.ts";
import type { Place } from "./board.ts";
import type { HeldHost } from "./host.ts";
import { create, type Made, stop } from "./lifecycle.ts";

/** Options of an exporter that writes close by: in order, one at a time, tried again as any other. */
const LOCAL: SendingOptions = z
  .object(sendingOptions)
  .parse({ timeout: 0, sending_queue: { num_consumers: 1 } }) as SendingOptions;

/** An exporter with its queue, which outlives a change of the exporter's options. */
export interface Outlet extends Made<Exporter<any>> {
  readonly queue: Queue;
  readonly sending: SendingOptions;
}

export interface Staged<T extends Processor<any> | Connector<any>> extends Made<T> {
  readonly stage: Stage<T>;
  /** Of a finder. */
  readonly findings?: Findings | undefined;
}

/** What the agent lends to what is built. */
export interface Lender {
  host(place: Place): HeldHost;
  log(name: string): Logger;
  /** What a receiver, or a connector as one, emits into; it follows reloads. */
  outputs(id: string): Outputs;
  /** What a connector emits into, once the request that feeds it is done with its columns. */
  feeds(id: string, signals: readonly Signal[]): Outputs;
  table(signal: Telemetry): SeriesTable;
  readonly turn: Turn;
  /** Who else is told every verdict of the detector in that place. */
  tap(place: Place): Tap;
  /** Tells extensions what became of alerts. Queues keep it longer than the graph that they were made with. */
  readonly delivered: (delivery: Delivery) => void;
}

export interface Graph {
  readonly config: Config;
  readonly extensions: ReadonlyMap<string, Made<Extension>>;
  readonly exporters: ReadonlyMap<string, Outlet>;
  readonly connectors: ReadonlyMap<string, Staged<Connector<any>>>;
  /** By `pipeline/id`: each pipeline has processors of its own, as in the Collector. */
  readonly processors: ReadonlyMap<string, Staged<Processor<any>>>;
  readonly receivers: ReadonlyMap<string, Made>;
  readonly pipelines: readonly { readonly config: PipelineConfig; readonly pipeline: TelemetryPipeline<any> }[];
  readonly anomalies: readonly { readonly config: PipelineConfig; readonly pipeline: AnomalyPipeline }[];
}

/** Every component in the order in which they start. */
export function partsOf(graph: Graph): Made[] {
  const { extensions, exporters, processors, connectors, receivers } = graph;
  return [extensions, exporters, processors, connectors, receivers].flatMap((section): Made[] => [...section.values()]);
}

/** Nothing is bound or opened yet. Throws what a plugin's `create` throws; what was made until then is stopped. */
export function build(config: Config, registry: Plugins, lender: Lender, old?: Graph): Graph {
  const builder = new Builder(config, registry, lender, old);
  try {
    return builder.build();
  } catch (error) {
    for (const made of builder.made) void stop(made);
    for (const host of builder.hosts) host.close();
    throw error;
  }
}

class Builder {
  /** What this build has made, as opposed to taken over. */
  readonly made: Made[] = [];
  readonly hosts: HeldHost[] = [];
  readonly #config: Config;
  readonly #registry: Plugins;
  readonly #lender: Lender;
  readonly #old: Graph | undefined;
  readonly #exporters = new Map<string, Outlet>();
  readonly #connectors = new Map<string, Staged<Connector<any>>>();
  readonly #processors = new Map<string, Staged<Processor<any>>>();

  constructor(config: Config, registry: Plugins, lender: Lender, old: Graph | undefined) {
    this.#config = config;
    this.#registry = registry;
    this.#lender = lender;
    this.#old = old;
  }

  build(): Graph {
    const { pipelines, extensions } = this.#config.service;
    const running = new Map(extensions.map((id) => [id, this.#extension(id)] as const));
    for (const { exporters } of pipelines) for (const id of exporters) this.#end(id);
    const anomalies: { config: PipelineConfig; pipeline: AnomalyPipeline }[] = [];
    const telemetry: { config: PipelineConfig; pipeline: TelemetryPipeline<any> }[] = [];
    for (const config of pipelines) {
      if (config.signal === "anomalies") {
        const before = this.#old?.anomalies.find(({ pipeline }) => pipeline.id === config.id);
        const log = this.#lender.log(`pipeline ${config.id}`);
        const ends = this.#ends<"anomalies">(config);
        anomalies.push({ config, pipeline: new AnomalyPipeline(config.id, ends, log, before?.pipeline.counts) });
      } else {
        const pipeline = new TelemetryPipeline(config.id, config.signal, this.#ends<Telemetry>(config));
        telemetry.push({ config, pipeline });
      }
    }
    const fed = new Set(pipelines.flatMap(({ receivers }) => receivers).filter((id) => this.#config.receivers.has(id)));
    return {
      config: this.#config,
      extensions: running,
      exporters: this.#exporters,
      connectors: this.#connectors,
      processors: this.#processors,
      receivers: new Map([...fed].map((id) => [id, this.#receiver(id)])),
      pipelines: telemetry,
      anomalies,
    };
  }

  #component<P>(section: Section, id: string): { plugin: P & Plugin; options: ComponentConfig["options"] } {
    const { type, options } = this.#config[section].get(id) as ComponentConfig;
    return { options, plugin: this.#registry.get(section, type) as P & Plugin };
  }

  #host(place: Place): HeldHost {
    const host = this.#lender.host(place);
    this.hosts.push(host);
    return host;
  }

  #new<M extends Made>(made: M): M {
    this.made.push(made);
    return made;
  }

  /** The component before, where neither its plugin nor its options changed. */
  #same<M extends Made>(before: M | undefined, plugin: Plugin, options: unknown): M | undefined {
    return before && before.plugin === plugin && isDeepStrictEqual(before.options, options) ? before : undefined;
  }

  #extension(id: string): Made<Extension> {
    const { plugin, options } = this.#component<ExtensionPlugin>("extensions", id);
    const before = this.#old?.extensions.get(id);
    const same = this.#same(before, plugin, options);
    if (same) return same;
    if (before && before.plugin === plugin && before.part.open) {
      // queues hold it open: it cannot be exchanged under them
      before.host.log.warn("a changed storage goes on with its old options until the agent is started anew");
      return before;
    }
    const place = { section: "extensions", id } as const;
    const host = this.#host(place);
    return this.#new({ ...place, plugin, options, host, part: create(id, () => plugin.create(options, host)) });
  }

  #receiver(id: string): Made {
    const { plugin, options } = this.#component<ReceiverPlugin>("receivers", id);
    const same = this.#same(this.#old?.receivers.get(id), plugin, options);
    if (same) return same;
    const place = { section: "receivers", id } as const;
    const host = this.#host(place);
    const part = create(id, () => plugin.create(options, host, this.#lender.outputs(id)));
    return this.#new({ ...place, plugin, options, host, part });
  }

  /** The exporter or connector that a pipeline ends in, one for all pipelines. */
  #end(id: string): void {
    if (this.#exporters.has(id) || this.#connectors.has(id)) return;
    if (this.#config.exporters.has(id)) this.#exporters.set(id, this.#exporter(id));
    else this.#connectors.set(id, this.#connector(id));
  }

  #exporter(id: string): Outlet {
    const { plugin, options } = this.#component<ExporterPlugin<any, any>>("exporters", id);
    const sending = plugin.sends ? (options as unknown as SendingOptions) : LOCAL;
    const before = this.#old?.exporters.get(id);
    const { enabled, storage } = sending.sending_queue;
    const queueBefore = before?.sending.sending_queue;
    const sameQueue = before && queueBefore?.enabled === enabled && queueBefore.storage === storage;
    const same = this.#same(before, plugin, options);
    if (same) return same;
    const place = { section: "exporters", id } as const;
    // the queue goes on reporting through the host that it was made with
    const host = sameQueue ? before.host : this.#host(place);
    const part = create(id, () => plugin.create(options, host));
    const queue = sameQueue
      ? before.queue
      : new Queue(part, sending, host, plugin.sends ? this.#lender.delivered : undefined);
    return this.#new({ ...place, plugin, options, host, part, queue, sending });
  }

  #connector(id: string): Staged<Connector<any>> {
    const { plugin, options } = this.#component<ConnectorPlugin<any, any>>("connectors", id);
    const before = this.#old?.connectors.get(id);
    const same = this.#same(before, plugin, options);
    if (same && !same.stage.out) return same;
    const place = { section: "connectors", id } as const;
    const host = this.#host(place);
    const wanted = this.#config.service.pipelines.filter(({ receivers }) => receivers.includes(id));
    const feeds = this.#lender.feeds(
      id,
      wanted.map(({ signal }) => signal),
    );
    const part = create<Connector<any>>(id, () => plugin.create(options, host, feeds));
    for (const signal of plugin.from) this.#forgetful(part, signal, host);
    return this.#new({ ...place, plugin, options, host, part, stage: new Stage(part, host, before?.stage.counts) });
  }

  #ends<S extends Signal>(config: PipelineConfig): Ends<S> {
    const processors = config.processors.map((id): Stage<any> => {
      const made = this.#processor(id, config.id);
      this.#processors.set(`${config.id}/${id}`, made);
      return made.stage;
    });
    const queues = config.exporters.flatMap((id) => this.#exporters.get(id)?.queue ?? []);
    const connectors = config.exporters.flatMap((id) => this.#connectors.get(id)?.stage ?? []);
    return { processors, queues, connectors };
  }

  #processor(id: string, pipeline: string): Staged<Processor<any>> {
    const { plugin, options: own } = this.#component<
      | DetectorPlugin<any, any, any>
      | CombinationPlugin<any, any>
      | VectorDetectorPlugin<any, any>
      | IntervalDetectorPlugin<any, any, any>
      | ProcessorPlugin<any, any>
      | FinderPlugin<any, any>
    >("processors", id);
    const parts = plugin.kind === "combination" ? this.#parts(plugin, own) : undefined;
    const options = parts ? { ...composedOptions(own, parts), parts } : own;
    const before = this.#old?.processors.get(`${pipeline}/${id}`);
    const same = this.#same(before, plugin, options);
    if (same && !same.stage.out) return same;
    const place = { section: "processors", id, pipeline } as const;
    const host = this.#host(place);
    let findings: Findings | undefined;
    const part = create<Processor<any>>(id, () => {
      if (plugin.kind === "detector") return this.#detector(plugin, options, place, host, before?.part);
      if (plugin.kind === "combination") {
        return this.#detector(compose(plugin, options, parts!), options, place, host, before?.part);
      }
      if (plugin.kind === "processor") return plugin.create(options, host);
      const finder = plugin as FinderPlugin<any, any>;
      const { raise, lasts } = this.#lender.turn;
      const settings = options as DetectorOptions;
      const { counts } = before?.findings?.reporter ?? {};
      findings = new Findings(host, settings, lineOf(settings, finder), raise, counts, this.#lender.tap(place), lasts);
      return finder.create(options, host, findings);
    });
    const made = { ...place, plugin, options, host, part, findings };
    const signals: readonly Signal[] =
      plugin.kind === "detector" || plugin.kind === "combination" || !("signals" in plugin) ? [] : plugin.signals;
    for (const signal of signals) this.#forgetful(part, signal, host);
    return this.#new({ ...made, stage: new Stage(part, host, before?.stage.counts) });
  }

  /** The detectors that the combination names, with options of their own. */
  #parts(plugin: CombinationPlugin<any, any>, options: object): Constituent[] {
    return plugin.parts(options).map((written) => {
      const { id } = parseId(written) as ComponentId;
      return { id, ...this.#component<DetectorPlugin<any, any, any>>("processors", id) };
    });
  }

  /** Tells a processor or connector of series ids that get another meaning, until its host is closed. */
  #forgetful(part: Processor<any> | Connector<any>, signal: Signal, host: HeldHost): void {
    if (signal === "anomalies" || !part.forget) return;
    const table = this.#lender.table(signal);
    const owner = { grow() {}, recycle: (series: number) => part.forget!(signal, series) };
    table.own(owner);
    host.onClose(() => table.disown(owner));
  }

  #detector(
    plugin: DetectorPlugin<any, any, any> | VectorDetectorPlugin<any, any> | IntervalDetectorPlugin<any, any, any>,
    options: object,
    place: Place,
    host: ExtensionHost,
    before: unknown,
  ): Detector<any> | VectorDetector | IntervalDetector {
    const table = this.#lender.table(plugin.signal);
    const detects =
      before instanceof Detector || before instanceof VectorDetector || before instanceof IntervalDetector;
    const counts = detects ? before.counts : undefined;
    const { raise, lasts } = this.#lender.turn;
    const tap = this.#lender.tap(place);
    if (plugin.rows === "intervals")
      return new IntervalDetector(plugin, options, host, table, raise, counts, tap, lasts);
    if (plugin.rows === "vectors") return new VectorDetector(plugin, options, host, table, raise, counts, tap, lasts);
    return new Detector(plugin, options, options as DetectorOptions, host, table, raise, counts, tap, lasts);
  }
}
