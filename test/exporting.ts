// What the tests of exporters share: a host that remembers its log, requests made by the oracle, one anomaly.
import assert from "node:assert/strict";
import root from "otlp-oracle/build/src/generated/root.js";
import type { Anomaly, ExportError, ExportRequest, Host, Telemetry } from "vedette";
import { fakeHost as quiet } from "vedette/testing";

/** What is used of a message class of the oracle, whose own types do not name its messages. */
interface OracleMessage {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): { toJSON(): any };
}

const { metrics, logs, trace } = (root as any).opentelemetry.proto.collector;

/** The oracle's message classes of each signal. */
export const oracle: Record<Telemetry, { request: OracleMessage; response: OracleMessage }> = {
  metrics: { request: metrics.v1.ExportMetricsServiceRequest, response: metrics.v1.ExportMetricsServiceResponse },
  logs: { request: logs.v1.ExportLogsServiceRequest, response: logs.v1.ExportLogsServiceResponse },
  traces: { request: trace.v1.ExportTraceServiceRequest, response: trace.v1.ExportTraceServiceResponse },
};

export const now = Date.UTC(2026, 10, 22, 18, 40);
const nanoseconds = `${now}000000`;

export interface Logged {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  fields?: object;
}

/** A host whose clock stands still until `clock` is moved. */
export function fakeHost(): Host & { logged: Logged[]; clock: number } {
  const logged: Logged[] = [];
  const at = (level: Logged["level"]) => (message: string, fields?: object) =>
    void logged.push(fields === undefined ? { level, message } : { level, message, fields });
  return {
    ...quiet(),
    logged,
    clock: now,
    now() {
      return this.clock;
    },
    random: () => 0.5,
    log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
  };
}

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const resource = { attributes: [attribute("service.name", "checkout")] };

const content: Record<Telemetry, (items: number) => object> = {
  metrics: (items) => ({
    resourceMetrics: [
      {
        resource,
        scopeMetrics: [
          {
            metrics: [
              {
                name: "queue.length",
                unit: "{item}",
                gauge: {
                  dataPoints: Array.from({ length: items }, (_, i) => ({
                    attributes: [attribute("queue", `orders-${i}`)],
                    timeUnixNano: nanoseconds,
                    asDouble: i + 0.5,
                  })),
                },
              },
            ],
          },
        ],
      },
    ],
  }),
  logs: (items) => ({
    resourceLogs: [
      {
        resource,
        scopeLogs: [
          {
            logRecords: Array.from({ length: items }, (_, i) => ({
              timeUnixNano: nanoseconds,
              severityNumber: 17,
              severityText: "ERROR",
              body: { stringValue: `payment ${i} refused` },
              attributes: [attribute("order", `${i}`)],
            })),
          },
        ],
      },
    ],
  }),
  traces: (items) => ({
    resourceSpans: [
      {
        resource,
        scopeSpans: [
          {
            spans: Array.from({ length: items }, (_, i) => ({
              traceId: Buffer.alloc(16, i + 1),
              spanId: Buffer.alloc(8, i + 1),
              name: "POST /pay",
              kind: 2,
              startTimeUnixNano: nanoseconds,
              endTimeUnixNano: `${now + 12}000000`,
              status: { code: 2, message: "declined" },
            })),
          },
        ],
      },
    ],
  }),
};

/** One request of so many items, encoded by the oracle. */
export function requestOf<S extends Telemetry>(signal: S, items = 2): ExportRequest<S> {
  const bytes = oracle[signal].request.encode(content[signal](items)).finish();
  return { signal, bytes, items };
}

export function anomalyOf(changes: Partial<Anomaly> = {}): Anomaly {
  return {
    id: "1f0c8a52d93b7e46-19aa",
    fingerprint: "1f0c8a52d93b7e46",
    state: "open",
    detector: "ewma",
    signal: "metrics",
    type: "spike",
    severity: "warning",
    labels: {
      resource: { "service.name": "checkout" },
      scope: { name: "http", version: "1" },
      name: "http.server.duration",
      statistic: "p99",
      unit: "ms",
      attributes: { route: "/pay" },
      traceId: "",
      spanId: "",
    },
    time: now,
    score: 2.4,
    rarity: 14.6,
    observed: 930,
    expected: 120,
    lower: Number.NaN,
    upper: 300,
    reason: "checkout http.server.duration p99 is 930 ms; usually it is about 120 ms",
    contributors: [],
    companions: false,
    ...changes,
  };
}

/** Fires when a test hangs, so that it fails and says so. */
export const patience = (): AbortSignal => AbortSignal.timeout(20_000);

/** Why an export failed, which it has to. */
export async function failure(sending: Promise<void>): Promise<ExportError> {
  const error = await sending.then(
    () => undefined,
    (error) => error,
  );
  assert.equal(error?.name, "ExportError", `expected an ExportError, got ${error}`);
  return error;
}
