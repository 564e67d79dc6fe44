// The laws of receivers, processors, connectors, exporters and extensions: their life, and what strange data does to them.
import { setTimeout as after } from "node:timers/promises";
import type {
  Anomaly,
  Component,
  Emit,
  ExportRequest,
  Outputs,
  Plugin,
  Signal,
  Telemetry,
  Trace,
} from "../api/index.ts";
import { Findings } from "../pipeline/detection.ts";
import { Intake } from "../pipeline/intake.ts";
import { lineOf } from "../pipeline/line.ts";
import type { DetectorOptions } from "../pipeline/options.ts";
import { TelemetryPipeline } from "../pipeline/pipeline.ts";
import { Stage } from "../pipeline/stage.ts";
import { checkConnector } from "./check_connector.ts";
import { checkFinder } from "./check_finder.ts";
import type { Law, Violation } from "./check_plugin.ts";
import { type FakeHost, fakeHost } from "./fake_host.ts";
import { generate } from "./generate.ts";
import { hostileRequests, sampleAnomalies, strangeAnomalies } from "./hostile.ts";
import type { Places } from "./places.ts";

type ComponentPlugin = Exclude<Plugin, { kind: "detector" | "combination" }>;
/** Options parsed for a place. */
type ParseAt = (places: Places) => Record<string, unknown>;

/** Longest that a start or a stop without anything to do may take. */
const PATIENCE = 5000;
/** An exporter that hears of an abort has this long to reject. */
const HEED = 1000;
const ABORT_AFTER = 100;

/** `addressed`: the options depend on the address. Its own is a listener that never answers. */
export async function checkComponent(
  plugin: ComponentPlugin,
  parse: ParseAt,
  places: Places,
  addressed: boolean,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  const report = (law: Law, seen: string) => void violations.push({ law, seen });
  const serves = plugin.kind === "exporter" && !plugin.sends;
  const listens = plugin.kind === "receiver" || plugin.kind === "extension" || serves;
  const home = listens ? { ...places, address: "127.0.0.1:0" } : places;
  const create = (at: Places, host = fakeHost(plugin.type)) => createPart(plugin, parse(at), host);
  try {
    await live(create(home), ["stop", "stop"], report);
    await live(create(home), ["start", "stop", "stop"], report);
    if (listens && addressed) await refusesTakenPort(create(places), report);
    if (plugin.kind === "exporter") await heeds(plugin, create(home), addressed, report);
    if (plugin.kind !== "exporter" && plugin.kind !== "receiver" && plugin.kind !== "extension") {
      endures(plugin, () => create(home), report);
      if (plugin.kind === "connector") {
        await checkConnector(plugin, (...to) => createPart(plugin, parse(home), fakeHost(plugin.type), ...to), report);
      }
      if (plugin.kind === "finder") checkFinder(plugin, () => parse(home), report);
    }
  } catch (error) {
    report("manners", `create throws: ${messageOf(error)}`);
  }
  return violations;
}

const taken: Emit = (_, release) => {
  release?.();
  return true;
};

function createPart(
  plugin: ComponentPlugin,
  config: Record<string, unknown>,
  host: FakeHost,
  emit: (signal: Telemetry) => Emit = () => taken,
  anomalies: Outputs["anomalies"] = () => {},
): Component {
  if (plugin.kind === "receiver") {
    return plugin.create(config, host, Object.fromEntries(plugin.signals.map((signal) => [signal, taken])));
  }
  if (plugin.kind === "connector") {
    const outputs = plugin.to.map((signal) => [signal, signal === "anomalies" ? anomalies : emit(signal)]);
    return plugin.create(config, host, Object.fromEntries(outputs));
  }
  if (plugin.kind !== "finder") return plugin.create(config, host);
  const options = config as DetectorOptions;
  return plugin.create(config, host, new Findings(host, options, lineOf(options, plugin), () => {}));
}

type Report = (law: Law, seen: string) => void;

async function live(part: Component, calls: readonly ("start" | "stop")[], report: Report): Promise<void> {
  const past: string[] = [];
  for (const call of calls) {
    past.push(call);
    const outcome = await settled(part[call]?.(), PATIENCE);
    if (outcome !== "resolved") return report("manners", `${past.join(", then ")}: the last one ${outcome}`);
  }
}

async function refusesTakenPort(part: Component, report: Report): Promise<void> {
  const outcome = await settled(part.start?.(), PATIENCE);
  if (!outcome.startsWith("rejected")) report("manners", `start on a taken port ${outcome}; it should reject`);
  await live(part, ["stop"], report);
}

/** Hands an exporter data of every signal that it takes, and gives up on it. */
async function heeds(
  plugin: Extract<Plugin, { kind: "exporter" }>,
  part: Component,
  addressed: boolean,
  report: Report,
): Promise<void> {
  const exporter = part as ReturnType<typeof plugin.create>;
  await live(part, ["start"], report);
  for (const signal of plugin.signals as Signal[]) {
    const data: ExportRequest | readonly Anomaly[] = signal === "anomalies" ? sampleAnomalies() : requestOf(signal);
    const abort = new AbortController();
    const outcome = settled(exporter.export(data as never, abort.signal), ABORT_AFTER + HEED);
    void after(ABORT_AFTER).then(() => abort.abort(new Error("given up")));
    const seen = await outcome;
    if (seen === "hangs") report("manners", `export of ${signal} does not heed its AbortSignal: it hangs on`);
    else if (seen === "resolved" && plugin.sends && addressed) {
      report("manners", `export of ${signal} resolves although nobody answered`);
    }
  }
  await live(part, ["stop", "stop"], report);
}

function requestOf<S extends Telemetry>(signal: S): ExportRequest<S> {
  const stream = { metrics: generate.metrics, traces: generate.spans, logs: generate.logs }[signal];
  const { bytes, items } = stream({ points: 3 }).next().value!;
  return { signal, bytes, items };
}

/** Hands it nothing, and strange things. */
function endures(
  plugin: Extract<Plugin, { kind: "processor" | "finder" | "connector" }>,
  create: () => Component,
  report: Report,
): void {
  const take = (part: any, data: unknown): unknown =>
    plugin.kind === "connector" ? part.consume(data) : part.process(data);
  for (const signal of (plugin.kind === "connector" ? plugin.from : plugin.signals) as Signal[]) {
    const part = create();
    if (signal === "anomalies") {
      for (const anomalies of [[], strangeAnomalies(), sampleAnomalies()]) {
        try {
          const left = take(part, anomalies);
          if (left !== undefined && !Array.isArray(left)) report("hostile values", "it passes on what is no list");
        } catch (error) {
          report("hostile values", `${anomalies.length} anomalies: it throws: ${messageOf(error)}`);
        }
      }
    } else passes(part, plugin.kind === "connector" ? "connector" : "processor", signal, report);
  }
}

/** Runs requests through a pipeline with only this part in it. */
function passes<S extends Telemetry>(part: any, kind: "processor" | "connector", signal: S, report: Report): void {
  const host = fakeHost();
  const stage = new Stage<any>(part, host);
  const ends = { processors: kind === "processor" ? [stage] : [], connectors: kind === "connector" ? [stage] : [] };
  const pipeline = new TelemetryPipeline<S>(signal, signal, { ...ends, queues: [] });
  const intake = new Intake<S>(signal, 1, 1000);
  const assembler = part.trace && intake.assemble({ idle_timeout: 1000, max_traces: 1000, max_spans: 10_000 });
  if (assembler) assembler.onTrace = (trace: Trace) => part.trace(trace);
  for (const { what, bytes } of hostileRequests(signal)) {
    intake.read(bytes);
    const request = pipeline.run(bytes, host.now(), intake.scan, intake.rows());
    try {
      assembler?.tick(host.now() + 10_000);
    } catch (error) {
      report("hostile values", `${what} (${signal}): trace throws: ${messageOf(error)}`);
      return;
    }
    if (stage.counts.errors > 0) {
      const [first] = String((host.logged[0]?.fields as { error?: string })?.error).split("\n");
      report("hostile values", `${what} (${signal}): it throws: ${first}`);
      return;
    }
    try {
      if (request) intake.read(request.bytes);
    } catch (error) {
      report("hostile values", `${what} (${signal}): what it passes on is no OTLP: ${messageOf(error)}`);
      return;
    }
  }
}

/** "resolved", "hangs", or "rejected: why". */
async function settled(promise: Promise<unknown> | undefined, patience: number): Promise<string> {
  const late = new AbortController();
  const hangs = after(patience, "hangs", { signal: late.signal }).catch(() => "hangs");
  const done = Promise.resolve(promise).then(
    () => "resolved",
    (error) => `rejected: ${messageOf(error)}`,
  );
  const outcome = await Promise.race([done, hangs]);
  late.abort();
  return outcome;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
