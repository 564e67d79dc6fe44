// Random Export requests in OTLP/JSON as `protobufToJson` writes it, and an independent codec to compare with.
import { createRequire } from "node:module";
import fc from "fast-check";
import type { Telemetry } from "../../../src/api/signals.ts";
import { ExportRequest, type Field, type Message } from "../../../src/otlp/fields.ts";

const { opentelemetry } = createRequire(import.meta.url)("otlp-oracle/build/src/generated/root.js");
const { metrics, logs, trace } = opentelemetry.proto.collector;

export type Json = { [name: string]: any };

interface Codec {
  fromObject(json: Json): unknown;
  encode(message: unknown): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
  toObject(message: unknown, options: object): Json;
}

export const oracle: Readonly<Record<Telemetry, Codec>> = {
  metrics: metrics.v1.ExportMetricsServiceRequest,
  logs: logs.v1.ExportLogsServiceRequest,
  traces: trace.v1.ExportTraceServiceRequest,
};

export const responseOracle: Readonly<Record<Telemetry, Codec>> = {
  metrics: metrics.v1.ExportMetricsServiceResponse,
  logs: logs.v1.ExportLogsServiceResponse,
  traces: trace.v1.ExportTraceServiceResponse,
};

const IDS = new Set(["traceId", "spanId", "parentSpanId"]);

function recode(value: any, from: BufferEncoding, to: BufferEncoding): any {
  if (Array.isArray(value)) return value.map((element) => recode(element, from, to));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      IDS.has(key) ? Buffer.from(inner as string, from).toString(to) : recode(inner, from, to),
    ]),
  );
}

/** What the other implementation makes of OTLP/JSON in its strictest spelling. */
export function oracleEncode(signal: Telemetry, json: Json): Uint8Array {
  const codec = oracle[signal];
  return codec.encode(codec.fromObject(recode(json, "hex", "base64"))).finish();
}

/** The message in OTLP/JSON's strictest spelling, as the other implementation reads it. */
export function oracleDecode(codec: Codec, bytes: Uint8Array): Json {
  const object = codec.toObject(codec.decode(bytes), { longs: String, enums: Number, bytes: String, json: true });
  return recode(object, "base64", "hex");
}

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "grapheme", maxLength: 80 }));
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((id) => Buffer.from(id).toString("hex"));
/** JSON.stringify writes no sign of zero, so that the text would not be what was generated. */
const double = fc.double().map((value) => (Number.isFinite(value) ? value + 0 : String(value)));

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: text,
  bytes: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("base64")),
  traceId: hex(16),
  spanId: hex(8),
  bool: fc.boolean(),
  double,
  int32: fc.integer(),
  sint32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 0xffffffff }),
  fixed32: fc.integer({ min: 0, max: 0xffffffff }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  sfixed64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  fixed64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
};

const isZero = (value: unknown) => value === "" || value === false || Object.is(value, 0);

function contentOf(field: Field, depth: number): fc.Arbitrary<unknown> {
  if (field.message) return messageOf(field.message, depth + 1);
  const scalar = field.values ? fc.constantFrom(...Object.values(field.values)) : SCALARS[field.kind];
  if (field.repeated || field.presence) return scalar;
  return scalar.filter((value) => !isZero(value) && (value !== "0" || field.kind === "string"));
}

function messageOf(message: Message, depth: number): fc.Arbitrary<Json> {
  const fields = [...message.byNumber.values()].filter((field) => depth < 9 || !field.message);
  const plain = Object.fromEntries(
    fields
      .filter((field) => !field.oneof)
      .map((field) => {
        const value = contentOf(field, depth);
        return [field.name, field.repeated ? fc.array(value, { minLength: 1, maxLength: 3 }) : value];
      }),
  );
  const members = fields
    .filter((field) => field.oneof)
    .map((field) => fc.record({ [field.name]: contentOf(field, depth) }));
  return fc
    .tuple(fc.record(plain, { requiredKeys: [] }), fc.oneof(fc.constant({}), ...members))
    .map(([fixed, member]) => ({ ...fixed, ...member }));
}

/** Every field of every message turns up, zero and absent, small and large. */
export const requests: Readonly<Record<Telemetry, fc.Arbitrary<Json>>> = {
  metrics: messageOf(ExportRequest.metrics, 0),
  logs: messageOf(ExportRequest.logs, 0),
  traces: messageOf(ExportRequest.traces, 0),
};

/** What one field is called, and what its value may also be written as. */
export type Respell = (field: Field, value: any) => [name: string, value: unknown];

/** The same request in another spelling. */
export function respell(message: Message, json: Json, how: Respell): Json {
  const entries = Object.entries(json).map(([name, value]) => {
    const field = message.byName.get(name)!;
    const inner = (one: any) => (field.message ? respell(field.message, one, how) : how(field, one)[1]);
    return [how(field, "")[0], field.repeated ? value.map(inner) : inner(value)];
  });
  return Object.fromEntries(entries);
}
