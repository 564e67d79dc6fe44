// Detectors in pipelines as the agent wires them, without sockets: requests in, anomalies and forwarded requests out.
import type { Anomaly, DetectorPlugin, Emit, ExportRequest, Host, Processor, Telemetry } from "../src/api/index.ts";
import { z } from "../src/api/index.ts";
import { Detector } from "../src/pipeline/detect.ts";
import { emitInto, Turn } from "../src/pipeline/hub.ts";
import { Intake } from "../src/pipeline/intake.ts";
import { type DetectorOptions, detectorOptions, type SendingOptions, sendingOptions } from "../src/pipeline/options.ts";
import { AnomalyPipeline, TelemetryPipeline } from "../src/pipeline/pipeline.ts";
import { Queue } from "../src/pipeline/queue.ts";
import { Stage } from "../src/pipeline/stage.ts";
import type { Tap } from "../src/pipeline/tap.ts";
import { fakeHost } from "./exporting.ts";

export type AnyDetector = DetectorPlugin<any, any, any>;

/** The options of a detector as the configuration gives them: its own and the agent's, defaults filled in. */
export function optionsOf(plugin: AnyDetector, options: object = {}): DetectorOptions {
  return z.strictObject({ ...plugin.config.shape, ...detectorOptions(plugin) }).parse(options) as never;
}

/** A host of that component id. */
export const fakeHostNamed = (id: string): ReturnType<typeof fakeHost> => Object.assign(fakeHost(), { id });

export const stage = <T>(part: T, host: Host = fakeHost()): Stage<T> => new Stage(part, host);

export const sending = (options: object = {}): SendingOptions =>
  z.object(sendingOptions).parse({ timeout: "0", ...options }) as SendingOptions;

/** A queue whose exporter keeps what it is handed; `hold` makes it wait until `open` is called. */
export function collector(options: object = {}, hold = false) {
  const sent: ExportRequest[] = [];
  const gate = Promise.withResolvers<void>();
  if (!hold) gate.resolve();
  const exporter = {
    export: async (request: ExportRequest) => {
      // as a socket does, it reads the bytes later than it was handed them
      await gate.promise;
      sent.push({ ...request, bytes: Buffer.from(request.bytes ?? []) });
    },
  };
  return { queue: new Queue(exporter, sending(options), fakeHost()), sent, open: gate.resolve };
}

export interface Setup {
  readonly limit?: number;
  readonly seed?: number;
  /** Processors of anomalies, and the detectors' id. */
  readonly after?: readonly Processor<"anomalies">[];
  readonly id?: string;
  /** Reads the detector's verdicts. */
  readonly tap?: Tap;
}

/** One pipeline of one detector, and one of the anomalies it raises. */
export function wired<S extends Telemetry>(plugin: AnyDetector, options: object = {}, setup: Setup = {}) {
  const signal = plugin.signal as S;
  const intake = new Intake<S>(signal, setup.seed ?? 1, setup.limit ?? 1000);
  const anomalies: Anomaly[] = [];
  const keep: Processor<"anomalies"> = {
    process(found) {
      anomalies.push(...found);
      return found;
    },
  };
  const processors = [...(setup.after ?? []), keep].map((part) => stage(part));
  const turn = new Turn([new AnomalyPipeline("anomalies", { processors, queues: [], connectors: [] }, fakeHost().log)]);
  const host = fakeHostNamed(setup.id ?? plugin.type);
  const parsed = optionsOf(plugin, options);
  const lasting: string[] = [];
  const lasts = (fingerprint: string) => void lasting.push(fingerprint);
  const { raise } = turn;
  const detector = new Detector<S>(
    plugin as never,
    parsed,
    parsed,
    host,
    intake.table,
    raise,
    undefined,
    setup.tap,
    lasts,
  );
  const stages = [stage(detector as Processor<S>, host)];
  const { queue, sent } = collector();
  const pipeline = new TelemetryPipeline<S>(signal, signal, { processors: stages, queues: [queue], connectors: [] });
  const route = { pipelines: [pipeline], counts: { accepted: 0, refused: 0, failed: 0 } };
  const emit: Emit = emitInto(intake, route, turn, () => host.now());
  return { emit, detector, intake, anomalies, lasting, sent, queue, host, stages };
}
