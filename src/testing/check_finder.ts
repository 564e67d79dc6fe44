// The laws of processors that find anomalies by themselves: the same telemetry gives the same findings, also after a restart.
import type { Anomaly, Batch, FinderPlugin, Processor, Telemetry } from "../api/index.ts";
import { Findings } from "../pipeline/detection.ts";
import { Intake } from "../pipeline/intake.ts";
import { lineOf } from "../pipeline/line.ts";
import type { DetectorOptions } from "../pipeline/options.ts";
import { TelemetryPipeline } from "../pipeline/pipeline.ts";
import { Stage } from "../pipeline/stage.ts";
import type { Law } from "./check_plugin.ts";
import { fakeHost, START } from "./fake_host.ts";
import { generate, type LabelledRequest } from "./generate.ts";
import { WordMiner } from "./word_miner.ts";

type Report = (law: Law, seen: string) => void;
type AnyFinder = FinderPlugin<any, any>;

const STEP = 15_000;
/** Requests of each service, and which of them never came: some of one service, then of all. */
const POINTS = 400;
const LOST = [200, 240, 290, 330] as const;
const SERVICES = 3;
const TICKS = 3;
/** How traces are put together: none is complete before its next tick but one. */
const TOGETHER = { idle_timeout: 6000, max_traces: 1000, max_spans: 20_000 };

const STREAMS = {
  metrics: () => generate.metrics({ points: POINTS, step: STEP, services: SERVICES }),
  traces: () => generate.spans({ points: POINTS, step: STEP, services: SERVICES }),
  logs: () => generate.logs({ points: POINTS, step: STEP, services: SERVICES }),
} as const;

export function checkFinder(plugin: AnyFinder, parse: () => Record<string, unknown>, report: Report): void {
  for (const signal of plugin.signals as Telemetry[]) {
    const requests = [...STREAMS[signal]()] as LabelledRequest[];
    const open = new Set<string>();
    let ended: Anomaly | undefined;
    const whole = findings(plugin, parse, signal, requests, false, (anomaly) => {
      if (anomaly.untilResolved) open.add(anomaly.fingerprint);
      else if (anomaly.state === "resolved" && !open.delete(anomaly.fingerprint)) ended ??= anomaly;
    });
    if (ended) {
      report(
        "manners",
        `${signal}: it resolves what it has not told with untilResolved: ${ended.type}, ${ended.reason}`,
      );
    }
    const again = findings(plugin, parse, signal, requests, false);
    if (differ(whole, again)) {
      report("repeatability", `${signal}: ${differ(whole, again)} the first time and the second time`);
      continue;
    }
    if (!hasMemory(plugin, parse)) continue;
    try {
      const restored = findings(plugin, parse, signal, requests, true);
      const fault = differ(whole, restored);
      if (fault) report("memory", `${signal}: ${fault} going on and restored from what it saved`);
    } catch (error) {
      report("memory", `${signal}: what was saved could not be loaded: ${(error as Error).message}`);
    }
  }
}

const hasMemory = (plugin: AnyFinder, parse: () => Record<string, unknown>) =>
  create(plugin, parse(), () => {}).save !== undefined;

function create(
  plugin: AnyFinder,
  config: Record<string, unknown>,
  raise: (anomaly: Anomaly) => void,
  host = fakeHost(plugin.type),
) {
  const options = config as DetectorOptions;
  const part: Processor<any> = plugin.create(
    config as never,
    host,
    new Findings(host, options, lineOf(options, plugin), raise),
  );
  return part;
}

/** What it finds, which `seen` is shown; with `restarts`, each time by a new one that has loaded what the one before saved. */
function findings(
  plugin: AnyFinder,
  parse: () => Record<string, unknown>,
  signal: Telemetry,
  requests: readonly LabelledRequest[],
  restarts: boolean,
  seen: (anomaly: Anomaly) => void = () => {},
): string[] {
  const found: string[] = [];
  const raise = (anomaly: Anomaly) => {
    const { time, state, fingerprint, rarity, reason } = anomaly;
    seen(anomaly);
    found.push(JSON.stringify([time, state, fingerprint, rarity, reason]));
  };
  const host = fakeHost(plugin.type);
  let part = create(plugin, parse(), raise, host);
  const stage = new Stage<any>({ process: (batch: Batch) => part.process(batch) }, host);
  const before = plugin.templates === "needs" ? [new Stage<any>(new WordMiner(), host)] : [];
  const ends = { processors: [...before, stage], connectors: [], queues: [] };
  const pipeline = new TelemetryPipeline(signal, signal, ends);
  const intake = new Intake(signal, 1, 1000);
  const assembler = part.trace && intake.assemble(TOGETHER);
  if (assembler) assembler.onTrace = (trace) => part.trace!(trace);
  for (const [i, { bytes }] of requests.entries()) {
    const at = Math.floor((i * POINTS) / requests.length);
    if (restarts && i % 97 === 0) {
      const saved = part.save!();
      part = create(plugin, parse(), raise, host);
      part.load!(saved);
    }
    host.time = START + at * STEP;
    const lost = (at >= LOST[0] && at < LOST[1] && i % SERVICES === 0) || (at >= LOST[2] && at < LOST[3]);
    if (!lost) {
      intake.read(bytes);
      pipeline.run(bytes, host.time, intake.scan, intake.rows(host.time));
    }
    if (i % SERVICES !== SERVICES - 1) continue;
    for (let tick = 1; tick <= TICKS; tick++) {
      const now = host.time + (tick * STEP) / TICKS;
      assembler?.tick(now);
      part.tick?.(now);
    }
  }
  return found;
}

/** Where they part, in words; undefined where they are equal. */
function differ(one: readonly string[], other: readonly string[]): string | undefined {
  const i = one.findIndex((finding, i) => finding !== other[i]);
  if (i < 0 && one.length === other.length) return undefined;
  const at = Math.max(i, 0);
  return `finding ${at} differs (of ${one.length} and ${other.length}): ${one[at]} and ${other[at]},`;
}
