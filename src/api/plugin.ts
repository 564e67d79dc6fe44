// What a plugin module exports by default: its manifest and its constructor in one object.
import type { z } from "zod";
import type { AnyRows, AnyVerdicts, Part } from "./combination.ts";
import type { Connector, Exporter, Host, Outputs, Processor, Receiver } from "./component.ts";
import type { Detection } from "./detection.ts";
import type { ScoreThenLearn, StateOf, StateShape } from "./detector.ts";
import type { Capability, Extension, ExtensionHost } from "./extension.ts";
import type { IntervalOptions, PartOf, ScoreThenLearnIntervals } from "./intervals.ts";
import type { Labels, Signal, Telemetry } from "./signals.ts";
import type { ScoreThenLearnVectors, VectorOptions } from "./vectors.ts";

export type Stability = "experimental" | "alpha" | "beta" | "stable";

export interface Manifest<C extends z.ZodObject = z.ZodObject> {
  /** The name in the configuration; also the plugin's folder. snake_case. */
  readonly type: string;
  /** One line for the component table. */
  readonly summary: string;
  readonly stability: Stability;
  /** Options with defaults and descriptions; checks the YAML and writes the README table. */
  readonly config: C;
  /** Whether it hands templates to the processors that follow (`Batch.mine`), or needs one before it in the pipeline that does. */
  readonly templates?: "gives" | "needs";
}

export interface ReceiverPlugin<C extends z.ZodObject = z.ZodObject> extends Manifest<C> {
  readonly signals: readonly Telemetry[];
  create(config: z.output<C>, host: Host, emit: Outputs): Receiver;
}

/** What was judged, for the sentence. */
export interface Measure {
  readonly name: string;
  readonly unit: string;
  /** The sentence as far as how rare it is, where the usual one would not do. */
  readonly say?: (values: Said) => string;
}

/** Values as a person reads them, with their unit; "" where there is none. */
export interface Said {
  /** "payments/checkout"; "" where the row names no service. */
  readonly service: string;
  readonly observed: string;
  readonly expected: string;
  readonly lower: string;
  readonly upper: string;
  /** Where the observed value lies: beyond `upper`, below `lower`, or between them. */
  readonly side: "above" | "below" | "within";
  /** As they are, for one who says them in words of their own; NaN where there is none. */
  readonly numbers: { readonly observed: number; readonly expected: number };
}

export interface DetectorPlugin<
  C extends z.ZodObject = z.ZodObject,
  S extends Telemetry = Telemetry,
  Shape extends StateShape = StateShape,
> extends Manifest<C> {
  /** What it is handed; see `defineVectorDetector` and `defineIntervalDetector` for the other kinds. */
  readonly rows?: "points";
  readonly signal: S;
  /** anomaly.type of a row above its expectation, and below it. */
  readonly finds: { readonly above: string; readonly below: string; readonly more?: readonly string[] };
  /**
   * What its scores are: "surprise" (the default) of any unit, which the agent calibrates; "rarity", which it has calibrated itself;
   * "line", where 1 is the line and no probability is claimed.
   */
  readonly scores?: "surprise" | "rarity" | "line";
  /** What the observed value is called in a sentence, and its unit, where they are not the row's own ("records per 1m"). */
  readonly measure?: (config: z.output<C>, labels: Labels) => Measure;
  /** Other defaults for the options that every detector has. */
  readonly defaults?: {
    readonly warmup?: number;
    readonly threshold?: number;
    readonly detection_direction?: "both" | "above_expected" | "below_expected";
  };
  /** Declared, not managed: the agent allocates, grows, evicts, saves and restores these columns. */
  readonly state: Shape | ((config: z.output<C>) => Shape);
  /** Raise it when the meaning of a state column changes; older snapshots are then set aside. */
  readonly stateVersion?: number;
  readonly scoreThenLearn: ScoreThenLearn<S, Shape, z.output<C>>;
}

/** A detector of the metrics of a resource together, one vector a resource and interval. */
export interface VectorDetectorPlugin<C extends z.ZodObject = z.ZodObject, Shape extends StateShape = StateShape>
  extends Omit<DetectorPlugin<C, "metrics", Shape>, "rows" | "measure" | "defaults" | "state" | "scoreThenLearn"> {
  readonly rows: "vectors";
  /** Other defaults for the options that every detector of vectors has. */
  readonly defaults?: { readonly warmup?: number; readonly threshold?: number; readonly max_series?: number };
  readonly state: Shape | ((config: z.output<C> & VectorOptions) => Shape);
  readonly scoreThenLearn: ScoreThenLearnVectors<Shape, z.output<C>>;
}

/**
 * A detector of how often something happens: spans or log records counted by series in intervals of event time. Of series that have rows, and of
 * the parts of them that `part` names, each is a row in every interval.
 */
export interface IntervalDetectorPlugin<
  C extends z.ZodObject = z.ZodObject,
  S extends "logs" | "traces" = "logs" | "traces",
  Shape extends StateShape = StateShape,
> extends Omit<DetectorPlugin<C, S, Shape>, "rows" | "measure" | "state" | "scoreThenLearn"> {
  readonly rows: "intervals";
  /** Whether series of a service that are past the line within minutes of each other have one cause: the first is told, others once twice as surprising. */
  readonly together?: boolean;
  /**
   * The part of its series that a row belongs to beside the whole; asked for rows that failed only. "template": of records, that they have in common,
   * whether or not they failed; what it is told of has `labels.template` and `labels.example`.
   */
  readonly part?: PartOf | "template";
  /** What the observed value is called in a sentence, and its unit. */
  readonly measure: (config: z.output<C> & IntervalOptions, labels: Labels) => Measure;
  readonly state: Shape | ((config: z.output<C> & IntervalOptions) => Shape);
  readonly scoreThenLearn: ScoreThenLearnIntervals<Shape, z.output<C>>;
}

/** A detector made of others that the configuration names: of points or of vectors, as all of them are. */
export interface CombinationPlugin<C extends z.ZodObject = z.ZodObject, Shape extends StateShape = StateShape>
  extends Manifest<C> {
  readonly signals: readonly ["metrics"];
  /** Ids of the detectors, from options made by `detectorId`. What it finds, it finds as the last of them does. */
  readonly parts: (config: z.output<C>) => readonly string[];
  readonly state: Shape;
  /** As of a detector; `verdicts` are also for the parts to write to. The scores are calibrated. */
  readonly scoreThenLearn: (
    rows: AnyRows,
    state: StateOf<Shape>,
    verdicts: AnyVerdicts,
    config: z.output<C>,
    parts: readonly Part[],
  ) => void;
}

export interface ProcessorPlugin<C extends z.ZodObject = z.ZodObject, S extends Signal = Signal> extends Manifest<C> {
  readonly signals: readonly S[];
  create(config: z.output<C>, host: Host): Processor<S>;
}

/** Of the options that every detector has, those that a finder heeds by itself; the others are behind `Detection`. */
export interface FinderOptions {
  readonly warmup: number;
  readonly max_series: number;
}

/**
 * A processor that finds anomalies by itself, since what it remembers is no columns. It has the options of every detector but
 * those about a value's distance from its expectation.
 */
export interface FinderPlugin<C extends z.ZodObject = z.ZodObject, S extends Telemetry = Telemetry>
  extends Manifest<C> {
  readonly signals: readonly S[];
  /** anomaly.type of all that it finds. */
  readonly finds: readonly string[];
  /** Other defaults for the options that every detector has. */
  readonly defaults?: DetectorPlugin["defaults"];
  create(config: z.output<C> & FinderOptions, host: Host, detection: Detection): Processor<S>;
}

export interface ConnectorPlugin<C extends z.ZodObject = z.ZodObject, S extends Signal = Signal> extends Manifest<C> {
  /** Signals it takes, and signals it feeds. */
  readonly from: readonly S[];
  readonly to: readonly Signal[];
  create(config: z.output<C>, host: Host, emit: Outputs): Connector<S>;
}

export interface ExporterPlugin<C extends z.ZodObject = z.ZodObject, S extends Signal = Signal> extends Manifest<C> {
  readonly signals: readonly S[];
  /** True for one that sends over a network: it gets `timeout`, `retry_on_failure` and `sending_queue` as options. */
  readonly sends: boolean;
  /** True for one that changes things outside by what it is told: no replay runs it. */
  readonly acts?: boolean;
  /** Other defaults for those: one consumer sends in order. */
  readonly defaults?: {
    readonly timeout?: string;
    readonly num_consumers?: number;
    readonly max_elapsed_time?: string;
  };
  /** Why these options cannot serve one of `signals`, with a remedy; undefined when they can. */
  readonly unfit?: (config: z.output<C>, signal: S) => string | undefined;
  create(config: z.output<C>, host: Host): Exporter<S>;
}

export interface ExtensionPlugin<C extends z.ZodObject = z.ZodObject> extends Manifest<C> {
  /** What other components may name it for, where that depends on its options as a function of them. */
  readonly offers?: readonly Capability[] | ((config: z.output<C>) => readonly Capability[]);
  create(config: z.output<C>, host: ExtensionHost): Extension;
}

/** What the registry finds in a module. `any` here is the loss of a config's type at that border, checked by its schema. */
export type Plugin =
  | ({ readonly kind: "receiver" } & ReceiverPlugin<any>)
  | ({ readonly kind: "detector" } & DetectorPlugin<any, any, any>)
  | ({ readonly kind: "detector" } & VectorDetectorPlugin<any, any>)
  | ({ readonly kind: "detector" } & IntervalDetectorPlugin<any, any, any>)
  | ({ readonly kind: "combination" } & CombinationPlugin<any, any>)
  | ({ readonly kind: "processor" } & ProcessorPlugin<any, any>)
  | ({ readonly kind: "finder" } & FinderPlugin<any, any>)
  | ({ readonly kind: "connector" } & ConnectorPlugin<any, any>)
  | ({ readonly kind: "exporter" } & ExporterPlugin<any, any>)
  | ({ readonly kind: "extension" } & ExtensionPlugin<any>);

export const defineReceiver = <C extends z.ZodObject>(plugin: ReceiverPlugin<C>) =>
  ({ kind: "receiver", ...plugin }) as const;

export const defineDetector = <C extends z.ZodObject, S extends Telemetry, const Shape extends StateShape>(
  plugin: DetectorPlugin<C, S, Shape>,
) => ({ kind: "detector", ...plugin }) as const;

export const defineVectorDetector = <C extends z.ZodObject, const Shape extends StateShape>(
  plugin: Omit<VectorDetectorPlugin<C, Shape>, "rows" | "signal">,
) => ({ kind: "detector", rows: "vectors", signal: "metrics", ...plugin }) as const;

export const defineIntervalDetector = <
  C extends z.ZodObject,
  S extends "logs" | "traces",
  const Shape extends StateShape,
>(
  plugin: Omit<IntervalDetectorPlugin<C, S, Shape>, "rows">,
) => ({ kind: "detector", rows: "intervals", ...plugin }) as const;

export const defineCombination = <C extends z.ZodObject, const Shape extends StateShape>(
  plugin: Omit<CombinationPlugin<C, Shape>, "signals">,
) => ({ kind: "combination", signals: ["metrics"], ...plugin }) as const;

export const defineProcessor = <C extends z.ZodObject, S extends Signal>(plugin: ProcessorPlugin<C, S>) =>
  ({ kind: "processor", ...plugin }) as const;

export const defineFinder = <C extends z.ZodObject, S extends Telemetry>(plugin: FinderPlugin<C, S>) =>
  ({ kind: "finder", ...plugin }) as const;

export const defineConnector = <C extends z.ZodObject, S extends Signal>(plugin: ConnectorPlugin<C, S>) =>
  ({ kind: "connector", ...plugin }) as const;

export const defineExporter = <C extends z.ZodObject, S extends Signal>(plugin: ExporterPlugin<C, S>) =>
  ({ kind: "exporter", ...plugin }) as const;

export const defineExtension = <C extends z.ZodObject>(plugin: ExtensionPlugin<C>) =>
  ({ kind: "extension", ...plugin }) as const;
