// Processors of anomalies on a clock that the test moves: anomalies and ticks in, what goes on out, restarts in between.
import { createHash } from "node:crypto";
import type { Anomaly, ProcessorPlugin } from "vedette";
import type { FakeHost } from "vedette/testing";
import { fakeHost } from "vedette/testing";
import { AnomalyPipeline } from "../src/pipeline/pipeline.ts";
import { Stage } from "../src/pipeline/stage.ts";
import { anomalyOf } from "./exporting.ts";

/** Unix milliseconds at which timelines begin: a Monday, midnight. */
export const BEGINNING = Date.UTC(2026, 10, 2);

type AnomalyProcessor = ProcessorPlugin<any, "anomalies">;

export interface AnomalyTimeline {
  /** That of the first step, and those of all. */
  readonly host: FakeHost;
  readonly hosts: readonly FakeHost[];
  /** All that went on, in order. */
  readonly passed: Anomaly[];
  /** "0:12:30 open type service: sentence" of each. */
  readonly told: string[];
  /** Seconds since the beginning. */
  now: number;
  /** Anomalies that come together now; `time` is now unless said otherwise. What goes on of them. */
  raise(...anomalies: Partial<Anomaly>[]): Anomaly[];
  /** Lets time pass, with a tick each second. What goes on meanwhile. */
  tick(seconds?: number): Anomaly[];
  /** A detector says that what it told under this fingerprint goes on. */
  lasts(fingerprint: string): void;
  /** Something surprises a detector less than its line asks for; it is made of an anomaly. */
  suspect(anomaly: Partial<Anomaly>, strength: number): void;
  /** What is saved now goes into a new process that begins `seconds` later. */
  restart(seconds?: number): void;
  /** What each step that remembers something would save now. */
  saved(): Uint8Array[];
  readonly errors: number;
}

/** `steps` are plugins with their options as a user writes them, in the order of the pipeline. */
export function anomalyTimeline(...steps: readonly (readonly [AnomalyProcessor, object?])[]): AnomalyTimeline {
  const passed: Anomaly[] = [];
  const hosts = steps.map(([{ type }]) => fakeHost(type));
  for (const each of hosts) each.time = BEGINNING;
  const [host] = hosts;
  const begin = () => {
    const parts = steps.map(([plugin, options = {}], i) => plugin.create(plugin.config.parse(options), hosts[i]));
    const processors = parts.map((part, i) => new Stage(part, hosts[i]));
    const consume = (anomalies: readonly Anomaly[]) => void passed.push(...anomalies);
    const connectors = [new Stage({ consume } as never, host)];
    const pipeline = new AnomalyPipeline("anomalies", { processors, queues: [], connectors }, host.log);
    return { parts, processors, pipeline };
  };
  let running = begin();
  let before = 0;
  const since = (from: number) => passed.slice(from);
  const timeline: AnomalyTimeline = {
    host,
    hosts,
    passed,
    now: 0,
    get told() {
      return passed.map(({ time, state, type, labels, reason }) => {
        return `${clock(time)} ${state} ${type} ${labels.resource["service.name"]}: ${reason}`;
      });
    },
    raise(...anomalies) {
      const from = passed.length;
      const time = set();
      const raised = anomalies.map((changes) => anomalyOf({ time, ...changes }));
      for (const part of running.parts) for (const each of raised) part.found?.(each);
      running.pipeline.run(raised);
      return since(from);
    },
    tick(seconds = 1) {
      const from = passed.length;
      for (let i = 0; i < seconds; i++) {
        timeline.now++;
        const now = set();
        for (const part of running.parts) part.tick?.(now);
        if (running.pipeline.due) running.pipeline.run([]);
      }
      return since(from);
    },
    lasts(fingerprint) {
      for (const part of running.parts) part.lasts?.(fingerprint, set());
    },
    suspect(anomaly, strength) {
      const time = set();
      const { detector, signal, type, labels, observed, expected } = anomalyOf(anomaly);
      const suspicion = { detector, signal, type, labels, time, strength, observed, expected };
      for (const part of running.parts) part.suspected?.(suspicion);
    },
    restart(seconds = 0) {
      const saved = running.parts.map((part) => part.save?.());
      timeline.now += seconds;
      set();
      before += running.processors.reduce((sum, { counts }) => sum + counts.errors, 0);
      running = begin();
      for (const [i, bytes] of saved.entries()) if (bytes) running.parts[i].load!(bytes);
    },
    saved: () => running.parts.flatMap((part) => part.save?.() ?? []),
    get errors() {
      return before + running.processors.reduce((sum, { counts }) => sum + counts.errors, 0);
    },
  };
  const set = () => {
    const now = BEGINNING + timeline.now * 1000;
    for (const each of hosts) each.time = now;
    return now;
  };
  set();
  return timeline;
}

function clock(time: number): string {
  const seconds = Math.round((time - BEGINNING) / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** An anomaly of a service, about something of it: the fingerprint is made of the two. */
export function about(service: string, what: string, changes: Partial<Anomaly> = {}): Partial<Anomaly> {
  const { labels } = anomalyOf();
  const fingerprint = createHash("sha256").update(`${service} ${what}`).digest("hex").slice(0, 16);
  const own = { ...labels, name: what, resource: { "service.name": service } };
  return { fingerprint, labels: own, reason: `${what} of ${service} is odd`, ...changes };
}
