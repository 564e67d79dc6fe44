// What a sender can write though no SDK does: requests and anomalies of empty, huge, backward and missing things.
import type { Anomaly, Labels, Telemetry } from "../api/index.ts";
import { encodeAttributes } from "../otlp/encode.ts";
import { Wire, Writer } from "../otlp/writer.ts";
import { describe, type Evidence } from "../pipeline/finding.ts";
import { START } from "./fake_host.ts";

export interface HostileRequest {
  readonly what: string;
  readonly bytes: Uint8Array;
}

const VALUES = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.MAX_VALUE,
  -Number.MAX_VALUE,
  0,
  -0,
  5e-324,
];
const TIMES = [START, 0, START - 86_400_000, 2 ** 64 / 1e6 - 1];

/** Whole requests, each of them legal protobuf. */
export function hostileRequests(signal: Telemetry): HostileRequest[] {
  return [
    { what: "an empty request", bytes: new Uint8Array(0) },
    { what: "a resource without rows", bytes: nested(() => {}) },
    { what: "a row without fields", bytes: nested((writer) => row(writer, signal, () => {})) },
    { what: "strange values and times", bytes: nested((writer) => strangeRows(writer, signal)) },
    {
      what: "a row with keys of objects",
      bytes: nested((writer) => row(writer, signal, (w) => strangeKeys(w, signal))),
    },
  ];
}

/** One resource and scope without attributes. */
function nested(rows: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  const resource = writer.open(1);
  const scope = writer.open(2);
  rows(writer);
  writer.close(scope);
  writer.close(resource);
  return writer.finish();
}

/** A point of a gauge without a name, a span or a record, with what `fields` writes. */
function row(writer: Writer, signal: Telemetry, fields: (writer: Writer) => void): void {
  const outer = writer.open(2);
  if (signal === "metrics") {
    const gauge = writer.open(5);
    const point = writer.open(1);
    fields(writer);
    writer.close(point);
    writer.close(gauge);
  } else fields(writer);
  writer.close(outer);
}

function strangeRows(writer: Writer, signal: Telemetry): void {
  for (const [i, value] of VALUES.entries()) {
    for (const time of TIMES) {
      row(writer, signal, (w) => {
        if (signal === "metrics") {
          w.field(3, Wire.fixed64).time(time);
          w.field(4, Wire.fixed64).double(value);
        } else if (signal === "traces") {
          w.field(6, Wire.varint).varint(i * 1000);
          w.field(7, Wire.fixed64).time(time);
          w.field(8, Wire.fixed64).time(TIMES[i % TIMES.length]);
        } else {
          w.field(1, Wire.fixed64).time(time);
          w.field(2, Wire.varint).varint(i * 1000);
          w.field(9, Wire.bytes).bytes(new Uint8Array(i));
        }
      });
    }
  }
}

const ATTRIBUTES = { metrics: 7, traces: 9, logs: 6 } as const;

function strangeKeys(writer: Writer, signal: Telemetry): void {
  const attributes = JSON.parse('{"__proto__": "a", "constructor": "b", "": "", "\\u0000": "\\ud800"}');
  writer.append(encodeAttributes(ATTRIBUTES[signal], attributes));
}

const LABELS: Labels = {
  resource: { "service.name": "checkout" },
  scope: { name: "http", version: "1.0.0" },
  name: "http.server.request.duration",
  statistic: "p99",
  unit: "ms",
  attributes: { "http.route": "/pay" },
  traceId: "",
  spanId: "",
};

const EVIDENCE: Evidence = {
  detector: "ewma",
  signal: "metrics",
  type: "spike",
  companions: true,
  time: START,
  rarity: 8,
  score: 1.5,
  basis: 0,
  contributors: [],
  observed: 930,
  expected: 120,
  lower: 80,
  upper: 160,
};

/** One, as detectors make them. */
export function sampleAnomalies(): readonly Anomaly[] {
  return [describe(EVIDENCE, LABELS)];
}

/** Numbers that are none, times from everywhere, labels of nothing. */
export function strangeAnomalies(): readonly Anomaly[] {
  const empty: Labels = { ...LABELS, resource: {}, name: "", statistic: "", unit: "", attributes: {} };
  return VALUES.flatMap((value) =>
    TIMES.map((time) => ({
      ...describe({ ...EVIDENCE, time, observed: value, expected: value, lower: value, upper: value }, empty),
      score: value,
      rarity: value,
      time,
    })),
  );
}
