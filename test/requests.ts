// Small Export requests of one service, encoded by the independent encoder. Several may be concatenated into one.
import { type Json, oracleEncode } from "./unit/otlp/otlp_json.ts";

const nanoseconds = (milliseconds: number) => `${BigInt(Math.round(milliseconds * 1000)) * 1000n}`;
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const resource = (service: string) => ({ attributes: [text("service.name", service)] });
const scope = { name: "test", version: "1" };

/** Points of one gauge, one series; times in Unix milliseconds. */
export function gauge(service: string, name: string, points: readonly { time: number; value: number }[]): Buffer {
  const dataPoints = points.map(({ time, value }) => ({
    attributes: [text("host", "a")],
    timeUnixNano: nanoseconds(time),
    asDouble: value,
  }));
  const scopeMetrics = [{ scope, metrics: [{ name, unit: "1", gauge: { dataPoints } }] }];
  return encode("metrics", { resourceMetrics: [{ resource: resource(service), scopeMetrics }] });
}

/** `duration` in milliseconds; ids in hex. */
export interface SpanOf {
  readonly name: string;
  readonly time: number;
  readonly duration: number;
  readonly traceId: string;
  readonly spanId: string;
}

export function traces(service: string, spans: readonly SpanOf[]): Buffer {
  const list = spans.map(({ name, time, duration, traceId, spanId }) => ({
    traceId,
    spanId,
    name,
    kind: 2,
    startTimeUnixNano: nanoseconds(time),
    endTimeUnixNano: nanoseconds(time + duration),
    attributes: [text("http.route", name)],
  }));
  const scopeSpans = [{ scope, spans: list }];
  return encode("traces", { resourceSpans: [{ resource: resource(service), scopeSpans }] });
}

export interface RecordOf {
  readonly time: number;
  /** OTLP severity number. */
  readonly severity: number;
  readonly body: string;
  readonly traceId?: string;
  readonly spanId?: string;
}

export function logs(service: string, records: readonly RecordOf[]): Buffer {
  const logRecords = records.map(({ time, severity, body, traceId, spanId }) => ({
    timeUnixNano: nanoseconds(time),
    severityNumber: severity,
    body: { stringValue: body },
    attributes: [text("thread", "main")],
    ...(traceId && { traceId, spanId }),
  }));
  return encode("logs", { resourceLogs: [{ resource: resource(service), scopeLogs: [{ scope, logRecords }] }] });
}

function encode(signal: "metrics" | "traces" | "logs", json: Json): Buffer {
  return Buffer.from(oracleEncode(signal, json));
}
