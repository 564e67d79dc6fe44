// Random OTLP requests, written and read by an independent library, and the disguises that protobuf allows them.
import fc from "fast-check";
import oracle from "otlp-oracle/build/src/generated/root.js";
import type { Telemetry } from "../src/api/signals.ts";

/** A message as the oracle's `fromObject` takes it and as `decode` gives it: 64-bit numbers are decimal strings. */
export type Plain = Record<string, any>;

const collector = (oracle as any).opentelemetry.proto.collector;
const REQUEST = {
  metrics: collector.metrics.v1.ExportMetricsServiceRequest,
  logs: collector.logs.v1.ExportLogsServiceRequest,
  traces: collector.trace.v1.ExportTraceServiceRequest,
};

export function encode(signal: Telemetry, request: Plain): Uint8Array {
  const type = REQUEST[signal];
  return new Uint8Array(type.encode(type.fromObject(request)).finish());
}

/** Without unset fields. The oracle does not merge messages sent in parts: see `merge`. */
export function decode(signal: Telemetry, bytes: Uint8Array): Plain {
  const type = REQUEST[signal];
  return type.toObject(type.decode(bytes), { longs: String, bytes: Array });
}

/** The bytes of one attribute, as the field `field` of a message. */
export function attributeField(field: number, key: string, value: Plain): Uint8Array {
  const KeyValue = (oracle as any).opentelemetry.proto.common.v1.KeyValue;
  const content: Uint8Array = KeyValue.encode(KeyValue.fromObject({ key, value })).finish();
  return Uint8Array.from([...varint((field << 3) | 2), ...varint(content.length), ...content]);
}

// ---- arbitraries

const word = fc.constantFrom("host", "service.name", "service.namespace", "http.route", "__proto__", "é\u{1f600}", "");
const name = fc.oneof(word, fc.string({ maxLength: 20 }), fc.string({ minLength: 120, maxLength: 140 }));
const uint64 = fc.oneof(fc.constantFrom(0n, 1n, (1n << 64n) - 1n), fc.bigInt({ min: 0n, max: (1n << 62n) - 1n }));
const count = fc.bigInt({ min: 0n, max: 1_000_000n }).map(String);
const nanos = fc.oneof(
  { weight: 4, arbitrary: fc.bigInt({ min: 1_700_000_000_000_000_000n, max: 1_900_000_000_000_000_000n }).map(String) },
  { weight: 1, arbitrary: uint64.map(String) },
);
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }).map(String);
const bytes = (size: number) => fc.array(fc.nat(255), { minLength: size, maxLength: size });
const id = (size: number) => fc.oneof({ weight: 5, arbitrary: bytes(size) }, fc.constant([]), bytes(3));
const flags = fc.constantFrom(0, 0, 0, 1, 2, 257, 0xffffffff);

const { value } = fc.letrec<{ value: Plain }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.record({ stringValue: name }),
    fc.record({ boolValue: fc.boolean() }),
    fc.record({ intValue: int64 }),
    fc.record({ doubleValue: fc.double() }),
    fc.record({ bytesValue: fc.array(fc.nat(255), { maxLength: 9 }) }),
    fc.constant({}),
    fc.record({ arrayValue: fc.record({ values: fc.array(tie("value"), { maxLength: 3 }) }) }),
    fc.record({
      kvlistValue: fc.record({ values: fc.array(fc.record({ key: name, value: tie("value") }), { maxLength: 3 }) }),
    }),
  ),
}));
const some = <T>(item: fc.Arbitrary<T>, maxLength: number) => fc.array(item, { maxLength });
const part = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] });
const attributes = some(part({ key: name, value }), 4);
const resource = part({ attributes, droppedAttributesCount: fc.nat(3) });
const scope = part({ name, version: name, attributes });

const exemplar = part({ timeUnixNano: nanos, asDouble: fc.double(), spanId: id(8), filteredAttributes: attributes });
const times = { startTimeUnixNano: nanos, timeUnixNano: nanos };
const numberPoint = fc
  .tuple(
    part({ attributes, ...times, flags, exemplars: some(exemplar, 2) }),
    fc.oneof(part({ asDouble: fc.double() }), part({ asInt: int64 })),
  )
  .map(([point, number]) => ({ ...point, ...number }));
const histogramPoint = fc
  .tuple(
    part({ attributes, ...times, count, sum: fc.double(), min: fc.double(), exemplars: some(exemplar, 1), flags }),
    fc.oneof(
      fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { maxLength: 12 }).chain((bounds) =>
        fc.array(count, { minLength: bounds.length + 1, maxLength: bounds.length + 1 }).map((bucketCounts) => ({
          explicitBounds: bounds.sort((a, b) => a - b),
          bucketCounts,
        })),
      ),
      part({ explicitBounds: some(fc.double(), 3), bucketCounts: some(count, 4) }),
    ),
  )
  .map(([point, buckets]) => ({ ...point, ...buckets }));
const buckets = part({ offset: fc.integer({ min: -40, max: 40 }), bucketCounts: some(count, 20) });
const exponentialPoint = part({
  attributes,
  ...times,
  count,
  sum: fc.double(),
  scale: fc.constantFrom(-12, -2, 0, 1, 3, 8, 21),
  zeroCount: count,
  zeroThreshold: fc.constantFrom(0, 1e-30),
  positive: buckets,
  negative: buckets,
  exemplars: some(exemplar, 1),
  flags,
});
const summaryPoint = part({
  attributes,
  ...times,
  count,
  sum: fc.double(),
  quantileValues: some(part({ quantile: fc.constantFrom(0, 0.5, 0.99, 0.999, 1), value: fc.double() }), 4),
  flags,
});
const aggregationTemporality = fc.constantFrom(0, 1, 2);
const data = fc.oneof(
  fc.record({ gauge: fc.record({ dataPoints: some(numberPoint, 6) }) }),
  fc.record({ sum: part({ dataPoints: some(numberPoint, 6), aggregationTemporality, isMonotonic: fc.boolean() }) }),
  fc.record({ histogram: part({ dataPoints: some(histogramPoint, 4), aggregationTemporality }) }),
  fc.record({ exponentialHistogram: part({ dataPoints: some(exponentialPoint, 4), aggregationTemporality }) }),
  fc.record({ summary: fc.record({ dataPoints: some(summaryPoint, 4) }) }),
  fc.constant({}),
);
const metric = fc
  .tuple(part({ name, description: name, unit: name, metadata: attributes }), data)
  .map(([head, body]) => ({ ...head, ...body }));

const logRecord = part({
  timeUnixNano: nanos,
  observedTimeUnixNano: nanos,
  severityNumber: fc.oneof(fc.nat(24), fc.constantFrom(25, -1, 1000)),
  severityText: name,
  body: value,
  attributes,
  flags,
  traceId: id(16),
  spanId: id(8),
  eventName: name,
});

const span = part({
  traceId: id(16),
  spanId: id(8),
  parentSpanId: id(8),
  traceState: name,
  name,
  kind: fc.constantFrom(0, 1, 2, 3, 4, 5, 6, -1),
  ...times,
  endTimeUnixNano: nanos,
  attributes,
  events: some(part({ timeUnixNano: nanos, name, attributes }), 2),
  links: some(part({ traceId: id(16), attributes }), 2),
  status: part({ message: name, code: fc.constantFrom(0, 1, 2) }),
  flags,
});

const grouped = (scopes: string, items: string, item: fc.Arbitrary<Plain>) =>
  some(
    part({
      resource,
      schemaUrl: name,
      [scopes]: some(part({ scope, schemaUrl: name, [items]: some(item, 5) }), 3),
    }),
    3,
  );

export const requests: Record<Telemetry, fc.Arbitrary<Plain>> = {
  metrics: fc.record({ resourceMetrics: grouped("scopeMetrics", "metrics", metric) }),
  logs: fc.record({ resourceLogs: grouped("scopeLogs", "logRecords", logRecord) }),
  traces: fc.record({
    resourceSpans: grouped(
      "scopeSpans",
      "spans",
      span.map(({ timeUnixNano, ...rest }: Plain) => rest),
    ),
  }),
};

// ---- disguises

/** What a field is, where it is not a single number, string or bytes. */
interface Field {
  message?: Schema;
  /** Repeated. */
  many?: boolean;
  packed?: 0 | 1;
  /** Members of one oneof share this name. */
  oneof?: string;
  /** Its content is left as it is unless asked for: its bytes are part of an identity. */
  hashed?: boolean;
}
type Schema = { [field: number]: Field };

const ANY: Schema = {};
const KEY_VALUE: Schema = { 2: { message: ANY } };
for (const scalar of [1, 2, 3, 4, 7]) ANY[scalar] = { oneof: "value" };
ANY[5] = { oneof: "value", message: { 1: { message: ANY, many: true } } };
ANY[6] = { oneof: "value", message: { 1: { message: KEY_VALUE, many: true } } };
const ATTRIBUTES: Field = { message: KEY_VALUE, many: true, hashed: true };
const EXEMPLARS: Field = { message: { 7: ATTRIBUTES }, many: true };
const points = (message: Schema): Field => ({ oneof: "data", message: { 1: { message, many: true } } });
const NUMBER_POINT: Schema = { 4: { oneof: "value" }, 5: EXEMPLARS, 6: { oneof: "value" }, 7: ATTRIBUTES };
const BUCKETS: Schema = { 2: { packed: 0, many: true } };
const METRIC: Schema = {
  5: points(NUMBER_POINT),
  7: points(NUMBER_POINT),
  9: points({ 6: { packed: 1, many: true }, 7: { packed: 1, many: true }, 8: EXEMPLARS, 9: ATTRIBUTES }),
  10: points({ 1: ATTRIBUTES, 8: { message: BUCKETS }, 9: { message: BUCKETS }, 11: EXEMPLARS }),
  11: points({ 6: { message: {}, many: true }, 7: ATTRIBUTES }),
  12: ATTRIBUTES,
};
const NESTED: Field = { message: { 3: ATTRIBUTES, 4: ATTRIBUTES }, many: true };
const SPAN: Schema = { 9: ATTRIBUTES, 11: NESTED, 13: NESTED, 15: { message: {} } };
const LOG_RECORD: Schema = { 5: { message: ANY, hashed: true }, 6: ATTRIBUTES };
const request = (item: Schema): Schema => {
  const scoped: Schema = { 1: { message: { 3: ATTRIBUTES } }, 2: { message: item, many: true } };
  return { 1: { many: true, message: { 1: { message: { 1: ATTRIBUTES } }, 2: { message: scoped, many: true } } } };
};
const SCHEMA = { metrics: request(METRIC), logs: request(LOG_RECORD), traces: request(SPAN) };

interface Wire {
  number: number;
  type: number;
  /** Without length prefix. */
  content: Uint8Array;
}

function varint(n: number | bigint, padding = 0): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(n));
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  for (let i = 0; i < padding && out.length < 10; i++) {
    out[out.length - 1] |= 128;
    out.push(0);
  }
  return out;
}

/** Of minimal, ungrouped protobuf as the oracle writes it, or of what `disguise` made of it. */
function parse(bytes: Uint8Array): Wire[] {
  const fields: Wire[] = [];
  let p = 0;
  const number = () => {
    let n = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (p >= bytes.length) throw new RangeError("past the end");
      const byte = bytes[p++];
      n |= BigInt(byte & 127) << shift;
      if (byte < 128) return n;
    }
  };
  const group = (field: number) => {
    for (;;) {
      const tag = Number(number());
      if ((tag & 7) === 4) return;
      value(tag & 7, field);
    }
  };
  const value = (type: number, field: number) => {
    if (type === 0) number();
    else if (type === 1) p += 8;
    else if (type === 2) {
      const size = Number(number());
      p += size;
    } else if (type === 5) p += 4;
    else if (type === 3) group(field);
  };
  while (p < bytes.length) {
    const tag = Number(number());
    const from = p;
    if ((tag & 7) === 2) {
      const size = Number(number());
      fields.push({ number: tag >>> 3, type: 2, content: bytes.subarray(p, p + size) });
      p += size;
    } else {
      value(tag & 7, tag >>> 3);
      fields.push({ number: tag >>> 3, type: tag & 7, content: bytes.subarray(from, p) });
    }
  }
  return fields;
}

function write(fields: Wire[], padding: () => number): Uint8Array {
  const out: number[] = [];
  for (const { number, type, content } of fields) {
    out.push(...varint(((number << 3) | type) >>> 0, padding()));
    if (type === 2) out.push(...varint(content.length, padding()));
    for (const byte of content) out.push(byte);
  }
  return Uint8Array.from(out);
}

/** Uniform in [0, 1), repeatable. */
export function prng(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The same request as protobuf sees it, in other bytes: fields in another order, messages in parts, replaced scalars and
 * oneof members in front, packed fields unpacked, padded varints, unknown fields and groups between.
 * What identities are hashed from is left as it is unless `everything`.
 */
export function disguise(signal: Telemetry, bytes: Uint8Array, random: () => number, everything = false): Uint8Array {
  const chance = (probability: number) => random() < probability;
  const padding = () => (chance(0.1) ? 1 + Math.floor(random() * 9) : 0);
  const unknown = (): Wire => {
    const number = [47, 700, 19000, 536870911][Math.floor(random() * 4)];
    const type = [0, 1, 2, 3, 5][Math.floor(random() * 5)];
    const inner = [...varint((1 << 3) | 2), 2, 1, 2, ...varint((2 << 3) | 3), ...varint((2 << 3) | 4)];
    const contents: Record<number, number[]> = {
      0: varint((1n << 64n) - 1n),
      1: [1, 2, 3, 4, 5, 6, 7, 8],
      2: [255, 255, 255],
      3: [...inner, ...varint(((number << 3) | 4) >>> 0)],
      5: [1, 2, 3, 4],
    };
    return { number, type, content: Uint8Array.from(contents[type]) };
  };
  const decoy = (field: Wire): Wire => {
    const sizes: Record<number, number> = { 1: 8, 2: 5, 5: 4 };
    const content = field.type === 0 ? varint(3) : new Array(sizes[field.type]).fill(65);
    return { ...field, content: Uint8Array.from(content) };
  };

  const rewrite = (content: Uint8Array, schema: Schema): Uint8Array => {
    const out: Wire[] = [];
    for (const field of parse(content)) {
      const { message, many, packed, hashed, oneof } = schema[field.number] ?? {};
      if (message && hashed && !everything) out.push(field);
      else if (message) {
        const inner = rewrite(field.content, message);
        if (oneof === "data" && chance(0.2)) {
          const other = field.number === 5 ? 7 : 5;
          out.push({ number: other, type: 2, content: Uint8Array.from([10, 9, 0x21, 0, 0, 0, 0, 0, 0, 0, 64]) });
        }
        if (many || !chance(0.3)) out.push({ ...field, content: inner });
        else {
          const fields = parse(inner);
          const cut = Math.floor(random() * (fields.length + 1));
          out.push({ ...field, content: write(fields.slice(0, cut), padding) });
          out.push({ ...field, content: write(fields.slice(cut), padding) });
        }
      } else if (packed !== undefined && field.type === 2) {
        const values = packed === 1 ? fixed64s(field.content) : varints(field.content);
        while (values.length > 0) {
          const run = values.splice(0, chance(0.5) ? values.length : 1 + Math.floor(random() * 3));
          if (chance(0.5)) out.push({ ...field, content: Uint8Array.from(run.flatMap((v) => [...v])) });
          else for (const value of run) out.push({ number: field.number, type: packed, content: value });
        }
      } else {
        if (!many && chance(0.2)) out.push(decoy(field));
        out.push(field);
      }
      if (chance(0.1)) out.push(unknown());
    }
    return write(shuffled(out, schema, random), padding);
  };
  return rewrite(bytes, SCHEMA[signal]);
}

function fixed64s(content: Uint8Array): Uint8Array[] {
  return Array.from({ length: content.length / 8 }, (_, i) => content.subarray(8 * i, 8 * i + 8));
}

function varints(content: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  let from = 0;
  for (let p = 0; p < content.length; p++) {
    if (content[p] > 127) continue;
    out.push(content.subarray(from, p + 1));
    from = p + 1;
  }
  return out;
}

/** Another order, but the same among fields of one number and among members of one oneof. */
function shuffled(fields: Wire[], schema: Schema, random: () => number): Wire[] {
  if (random() < 0.5) return fields;
  const queues = new Map<string | number, Wire[]>();
  const keys = fields.map((field) => schema[field.number]?.oneof ?? field.number);
  fields.forEach((field, i) => {
    queues.set(keys[i], [...(queues.get(keys[i]) ?? []), field]);
  });
  for (let i = keys.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [keys[i], keys[j]] = [keys[j], keys[i]];
  }
  return keys.map((key) => queues.get(key)!.shift()!);
}

/** Joins messages sent in parts and drops replaced oneof members, as protobuf says and the oracle does not. */
export function merge(signal: Telemetry, bytes: Uint8Array): Uint8Array {
  const rewrite = (content: Uint8Array, schema: Schema): Uint8Array => {
    const out: Wire[] = [];
    for (const field of parse(content)) {
      const { message, many, oneof } = schema[field.number] ?? {};
      const rival = oneof ? out.findIndex((f) => f.number !== field.number && schema[f.number]?.oneof === oneof) : -1;
      if (rival >= 0) out.splice(rival, 1);
      const before = message && !many ? out.find((f) => f.number === field.number) : undefined;
      if (before) before.content = Uint8Array.from([...before.content, ...field.content]);
      else out.push({ ...field });
    }
    for (const field of out) {
      const message = schema[field.number]?.message;
      if (message) field.content = rewrite(field.content, message);
    }
    return write(out, () => 0);
  };
  return rewrite(bytes, SCHEMA[signal]);
}
