// OTLP's messages as data: the number, type and JSON name of every field. What turns JSON into protobuf and back is driven by it.
import type { Telemetry } from "../api/signals.ts";
import { Wire, type WireType } from "./writer.ts";

/** The types of protobuf, and two that OTLP/JSON writes as hex: ids of 16 and of 8 bytes. */
export type FieldKind =
  | "string"
  | "bytes"
  | "traceId"
  | "spanId"
  | "bool"
  | "double"
  | "enum"
  | "int32"
  | "uint32"
  | "sint32"
  | "fixed32"
  | "int64"
  | "uint64"
  | "fixed64"
  | "sfixed64"
  | "message";

/** How each kind is written, where it is not packed. */
export const wireType: Readonly<Record<FieldKind, WireType>> = {
  string: Wire.bytes,
  bytes: Wire.bytes,
  traceId: Wire.bytes,
  spanId: Wire.bytes,
  message: Wire.bytes,
  bool: Wire.varint,
  enum: Wire.varint,
  int32: Wire.varint,
  uint32: Wire.varint,
  sint32: Wire.varint,
  int64: Wire.varint,
  uint64: Wire.varint,
  double: Wire.fixed64,
  fixed64: Wire.fixed64,
  sfixed64: Wire.fixed64,
  fixed32: Wire.fixed32,
};

export interface Field {
  /** lowerCamelCase, as OTLP/JSON writes it. */
  readonly name: string;
  readonly number: number;
  readonly kind: FieldKind;
  /** Of kind "message" only. */
  readonly message: Message | undefined;
  /** Numbers by name; of kind "enum" only. */
  readonly values: EnumValues | undefined;
  /** Repeated numbers are packed. */
  readonly repeated: boolean;
  /** No message has more than one oneof. */
  readonly oneof: boolean;
  /** Absent differs from zero: members of a oneof, and fields declared `optional`. */
  readonly presence: boolean;
}

type EnumValues = Readonly<Record<string, number>>;
type Type = Exclude<FieldKind, "enum" | "message"> | Message | EnumValues;
type Fields = Readonly<Record<string, readonly [number: number, type: Type, rule?: "repeated" | "optional" | "oneof"]>>;

/** One message's fields. */
export class Message {
  /** By lowerCamelCase and by snake_case name. */
  readonly byName: ReadonlyMap<string, Field> = new Map<string, Field>();
  readonly byNumber: ReadonlyMap<number, Field> = new Map<number, Field>();

  constructor(fields: Fields) {
    this.add(fields);
  }

  add(fields: Fields): void {
    const byName = this.byName as Map<string, Field>;
    for (const [name, [number, type, rule]] of Object.entries(fields)) {
      const field: Field = {
        name,
        number,
        kind: typeof type === "string" ? type : type instanceof Message ? "message" : "enum",
        message: type instanceof Message ? type : undefined,
        values: typeof type === "string" || type instanceof Message ? undefined : type,
        repeated: rule === "repeated",
        oneof: rule === "oneof",
        presence: rule === "optional" || rule === "oneof",
      };
      byName.set(name, field);
      byName.set(
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        field,
      );
      (this.byNumber as Map<number, Field>).set(number, field);
    }
  }
}

const SpanKind = {
  SPAN_KIND_UNSPECIFIED: 0,
  SPAN_KIND_INTERNAL: 1,
  SPAN_KIND_SERVER: 2,
  SPAN_KIND_CLIENT: 3,
  SPAN_KIND_PRODUCER: 4,
  SPAN_KIND_CONSUMER: 5,
};
const StatusCode = { STATUS_CODE_UNSET: 0, STATUS_CODE_OK: 1, STATUS_CODE_ERROR: 2 };
const AggregationTemporality = {
  AGGREGATION_TEMPORALITY_UNSPECIFIED: 0,
  AGGREGATION_TEMPORALITY_DELTA: 1,
  AGGREGATION_TEMPORALITY_CUMULATIVE: 2,
};
/** Six ranges of four: TRACE, TRACE2, TRACE3, TRACE4, DEBUG ... */
const SeverityNumber: Record<string, number> = { SEVERITY_NUMBER_UNSPECIFIED: 0 };
for (const [i, range] of ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].entries()) {
  for (let step = 0; step < 4; step++)
    SeverityNumber[`SEVERITY_NUMBER_${range}${step === 0 ? "" : step + 1}`] = i * 4 + step + 1;
}

export const AnyValue = new Message({
  stringValue: [1, "string", "oneof"],
  boolValue: [2, "bool", "oneof"],
  intValue: [3, "int64", "oneof"],
  doubleValue: [4, "double", "oneof"],
  bytesValue: [7, "bytes", "oneof"],
});
const ArrayValue = new Message({ values: [1, AnyValue, "repeated"] });
export const KeyValue = new Message({ key: [1, "string"], value: [2, AnyValue] });
const KeyValueList = new Message({ values: [1, KeyValue, "repeated"] });
AnyValue.add({ arrayValue: [5, ArrayValue, "oneof"], kvlistValue: [6, KeyValueList, "oneof"] });

const InstrumentationScope = new Message({
  name: [1, "string"],
  version: [2, "string"],
  attributes: [3, KeyValue, "repeated"],
  droppedAttributesCount: [4, "uint32"],
});
const EntityRef = new Message({
  schemaUrl: [1, "string"],
  type: [2, "string"],
  idKeys: [3, "string", "repeated"],
  descriptionKeys: [4, "string", "repeated"],
});
const Resource = new Message({
  attributes: [1, KeyValue, "repeated"],
  droppedAttributesCount: [2, "uint32"],
  entityRefs: [3, EntityRef, "repeated"],
});

const Exemplar = new Message({
  timeUnixNano: [2, "fixed64"],
  asDouble: [3, "double", "oneof"],
  spanId: [4, "spanId"],
  traceId: [5, "traceId"],
  asInt: [6, "sfixed64", "oneof"],
  filteredAttributes: [7, KeyValue, "repeated"],
});
const NumberDataPoint = new Message({
  startTimeUnixNano: [2, "fixed64"],
  timeUnixNano: [3, "fixed64"],
  asDouble: [4, "double", "oneof"],
  exemplars: [5, Exemplar, "repeated"],
  asInt: [6, "sfixed64", "oneof"],
  attributes: [7, KeyValue, "repeated"],
  flags: [8, "uint32"],
});
const HistogramDataPoint = new Message({
  startTimeUnixNano: [2, "fixed64"],
  timeUnixNano: [3, "fixed64"],
  count: [4, "fixed64"],
  sum: [5, "double", "optional"],
  bucketCounts: [6, "fixed64", "repeated"],
  explicitBounds: [7, "double", "repeated"],
  exemplars: [8, Exemplar, "repeated"],
  attributes: [9, KeyValue, "repeated"],
  flags: [10, "uint32"],
  min: [11, "double", "optional"],
  max: [12, "double", "optional"],
});
const Buckets = new Message({ offset: [1, "sint32"], bucketCounts: [2, "uint64", "repeated"] });
const ExponentialHistogramDataPoint = new Message({
  attributes: [1, KeyValue, "repeated"],
  startTimeUnixNano: [2, "fixed64"],
  timeUnixNano: [3, "fixed64"],
  count: [4, "fixed64"],
  sum: [5, "double", "optional"],
  scale: [6, "sint32"],
  zeroCount: [7, "fixed64"],
  positive: [8, Buckets],
  negative: [9, Buckets],
  flags: [10, "uint32"],
  exemplars: [11, Exemplar, "repeated"],
  min: [12, "double", "optional"],
  max: [13, "double", "optional"],
  zeroThreshold: [14, "double"],
});
const ValueAtQuantile = new Message({ quantile: [1, "double"], value: [2, "double"] });
const SummaryDataPoint = new Message({
  startTimeUnixNano: [2, "fixed64"],
  timeUnixNano: [3, "fixed64"],
  count: [4, "fixed64"],
  sum: [5, "double"],
  quantileValues: [6, ValueAtQuantile, "repeated"],
  attributes: [7, KeyValue, "repeated"],
  flags: [8, "uint32"],
});
const Gauge = new Message({ dataPoints: [1, NumberDataPoint, "repeated"] });
const Sum = new Message({
  dataPoints: [1, NumberDataPoint, "repeated"],
  aggregationTemporality: [2, AggregationTemporality],
  isMonotonic: [3, "bool"],
});
const Histogram = new Message({
  dataPoints: [1, HistogramDataPoint, "repeated"],
  aggregationTemporality: [2, AggregationTemporality],
});
const ExponentialHistogram = new Message({
  dataPoints: [1, ExponentialHistogramDataPoint, "repeated"],
  aggregationTemporality: [2, AggregationTemporality],
});
const Summary = new Message({ dataPoints: [1, SummaryDataPoint, "repeated"] });
export const Metric = new Message({
  name: [1, "string"],
  description: [2, "string"],
  unit: [3, "string"],
  gauge: [5, Gauge, "oneof"],
  sum: [7, Sum, "oneof"],
  histogram: [9, Histogram, "oneof"],
  exponentialHistogram: [10, ExponentialHistogram, "oneof"],
  summary: [11, Summary, "oneof"],
  metadata: [12, KeyValue, "repeated"],
});
const ScopeMetrics = new Message({
  scope: [1, InstrumentationScope],
  metrics: [2, Metric, "repeated"],
  schemaUrl: [3, "string"],
});
const ResourceMetrics = new Message({
  resource: [1, Resource],
  scopeMetrics: [2, ScopeMetrics, "repeated"],
  schemaUrl: [3, "string"],
});

const LogRecord = new Message({
  timeUnixNano: [1, "fixed64"],
  severityNumber: [2, SeverityNumber],
  severityText: [3, "string"],
  body: [5, AnyValue],
  attributes: [6, KeyValue, "repeated"],
  droppedAttributesCount: [7, "uint32"],
  flags: [8, "fixed32"],
  traceId: [9, "traceId"],
  spanId: [10, "spanId"],
  observedTimeUnixNano: [11, "fixed64"],
  eventName: [12, "string"],
});
const ScopeLogs = new Message({
  scope: [1, InstrumentationScope],
  logRecords: [2, LogRecord, "repeated"],
  schemaUrl: [3, "string"],
});
const ResourceLogs = new Message({
  resource: [1, Resource],
  scopeLogs: [2, ScopeLogs, "repeated"],
  schemaUrl: [3, "string"],
});

const SpanEvent = new Message({
  timeUnixNano: [1, "fixed64"],
  name: [2, "string"],
  attributes: [3, KeyValue, "repeated"],
  droppedAttributesCount: [4, "uint32"],
});
const SpanLink = new Message({
  traceId: [1, "traceId"],
  spanId: [2, "spanId"],
  traceState: [3, "string"],
  attributes: [4, KeyValue, "repeated"],
  droppedAttributesCount: [5, "uint32"],
  flags: [6, "fixed32"],
});
const SpanStatus = new Message({ message: [2, "string"], code: [3, StatusCode] });
const Span = new Message({
  traceId: [1, "traceId"],
  spanId: [2, "spanId"],
  traceState: [3, "string"],
  parentSpanId: [4, "spanId"],
  name: [5, "string"],
  kind: [6, SpanKind],
  startTimeUnixNano: [7, "fixed64"],
  endTimeUnixNano: [8, "fixed64"],
  attributes: [9, KeyValue, "repeated"],
  droppedAttributesCount: [10, "uint32"],
  events: [11, SpanEvent, "repeated"],
  droppedEventsCount: [12, "uint32"],
  links: [13, SpanLink, "repeated"],
  droppedLinksCount: [14, "uint32"],
  status: [15, SpanStatus],
  flags: [16, "fixed32"],
});
const ScopeSpans = new Message({
  scope: [1, InstrumentationScope],
  spans: [2, Span, "repeated"],
  schemaUrl: [3, "string"],
});
const ResourceSpans = new Message({
  resource: [1, Resource],
  scopeSpans: [2, ScopeSpans, "repeated"],
  schemaUrl: [3, "string"],
});

/** Export*ServiceRequest of each signal. */
export const ExportRequest: Readonly<Record<Telemetry, Message>> = {
  metrics: new Message({ resourceMetrics: [1, ResourceMetrics, "repeated"] }),
  logs: new Message({ resourceLogs: [1, ResourceLogs, "repeated"] }),
  traces: new Message({ resourceSpans: [1, ResourceSpans, "repeated"] }),
};

const partialSuccess = (rejected: string) =>
  new Message({ partialSuccess: [1, new Message({ [rejected]: [1, "int64"], errorMessage: [2, "string"] })] });

/** Export*ServiceResponse of each signal: one message but for the name of the count. */
export const ExportResponse: Readonly<Record<Telemetry, Message>> = {
  metrics: partialSuccess("rejectedDataPoints"),
  logs: partialSuccess("rejectedLogRecords"),
  traces: partialSuccess("rejectedSpans"),
};

/** google.protobuf.Any, its value still encoded. */
const Any = new Message({ typeUrl: [1, "string"], value: [2, "bytes"] });
/** google.rpc.Status. */
export const RpcStatus = new Message({ code: [1, "int32"], message: [2, "string"], details: [3, Any, "repeated"] });
/** google.rpc.RetryInfo, with its google.protobuf.Duration. */
export const RetryInfo = new Message({ retryDelay: [1, new Message({ seconds: [1, "int64"], nanos: [2, "int32"] })] });
