// The laws of connectors beside those of every component: what they feed.
import type { Component, Emit, Outputs, Plugin, Signal, Telemetry } from "../api/index.ts";
import { Intake } from "../pipeline/intake.ts";
import { AnomalyPipeline, TelemetryPipeline } from "../pipeline/pipeline.ts";
import { Stage } from "../pipeline/stage.ts";
import type { Law } from "./check_plugin.ts";
import { fakeHost, START } from "./fake_host.ts";
import { generate } from "./generate.ts";
import { hostileRequests, sampleAnomalies } from "./hostile.ts";

const HOUR = 3_600_000;

/** Hands a connector ordinary and strange data, an hour and an end, twice: what it feeds is OTLP, and the same both times. */
export async function checkConnector(
  plugin: Extract<Plugin, { kind: "connector" }>,
  create: (emit: (signal: Telemetry) => Emit, anomalies: Outputs["anomalies"]) => Component,
  report: (law: Law, seen: string) => void,
): Promise<void> {
  const runs: string[] = [];
  for (let run = 0; run < 2; run++) {
    const fed: { signal: Telemetry; bytes: Uint8Array }[] = [];
    const raised: string[] = [];
    const part = create(
      (signal) => (bytes, release) => {
        fed.push({ signal, bytes: bytes.slice() });
        release?.();
        return true;
      },
      (anomalies, pipelines) => {
        raised.push(`${pipelines} ${anomalies.map(({ id, state }) => `${id} ${state}`)}`);
      },
    ) as ReturnType<typeof plugin.create>;
    for (const signal of plugin.from as Signal[]) {
      consumes(part, signal);
    }
    part.tick?.(START);
    part.tick?.(START + HOUR);
    await part.stop?.();
    for (const { signal, bytes } of fed) {
      try {
        new Intake(signal, 1, 1000).read(bytes);
      } catch (error) {
        report(
          "hostile values",
          `what it feeds is no OTLP (${signal}): ${error instanceof Error ? error.message : error}`,
        );
        return;
      }
    }
    const requests = fed.map(({ signal, bytes }) => `${signal} ${Buffer.from(bytes).toString("latin1")}`);
    runs.push([...requests, ...raised].join("\n"));
  }
  if (runs[0] !== runs[1]) report("repeatability", "of the same data it feeds something else the second time");
}

/** Runs data of the signal through a pipeline that ends in this connector; what it throws is told elsewhere. */
function consumes(part: unknown, signal: Signal): void {
  const host = fakeHost();
  const ends = { processors: [], connectors: [new Stage<any>(part, host)], queues: [] };
  if (signal === "anomalies") {
    new AnomalyPipeline(signal, ends, host.log).run(sampleAnomalies());
    return;
  }
  const pipeline = new TelemetryPipeline<Telemetry>(signal, signal, ends);
  const intake = new Intake<Telemetry>(signal, 1, 1000);
  for (const { bytes } of [ordinary(signal), ...hostileRequests(signal)]) {
    intake.read(bytes);
    pipeline.run(bytes, START, intake.scan, intake.rows());
  }
}

function ordinary(signal: Telemetry) {
  const stream = { metrics: generate.metrics, traces: generate.spans, logs: generate.logs }[signal];
  return stream({ points: 3 }).next().value!;
}
