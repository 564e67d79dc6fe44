// Own metrics with a log and numbers that a test sets, without an agent.
import type { TestContext } from "node:test";
import type { Measurement } from "vedette";
import { Log } from "../../../src/observe/log.ts";
import { OwnMetrics } from "../../../src/observe/meter.ts";
import { type TelemetryOptions, telemetry } from "../../../src/observe/options.ts";
import { request } from "../../agent.ts";
import { readText } from "./prometheus_text.ts";

export const PLAIN = { without_scope_info: true, without_type_suffix: true, without_units: true };
export const ANY_PORT = { pull: { exporter: { prometheus: { port: 0, ...PLAIN } } } };

/** `service.telemetry` with these. */
export const options = (metrics: object, resource: object = {}): TelemetryOptions =>
  telemetry.parse({ metrics, resource });

/** Own metrics with numbers that the test sets, stopped when it ends. */
export function ownMetrics(scope: TestContext) {
  const lines: string[] = [];
  const log = new Log({ level: "debug", encoding: "console", write: (line) => lines.push(line) });
  const numbers: Measurement[] = [];
  const own = new OwnMetrics({ version: "1.2.3", log, measurements: () => numbers });
  scope.after(() => own.stop());
  /** Where the newest Prometheus reader listens. */
  const at = () => [...lines.join("").matchAll(/protocol="prometheus" endpoint="([^"]+)"/g)].at(-1)![1];
  const scrape = async () => readText(String((await request(at(), "/metrics")).body));
  return { own, log, lines, numbers, at, scrape };
}
