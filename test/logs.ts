// Log records written by hand, as a request.
import type { Attributes, AttributeValue } from "../src/api/index.ts";
import { encodeAttributes } from "../src/otlp/encode.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";

export interface LogRecord {
  readonly body: AttributeValue;
  /** Unix milliseconds. */
  readonly time: number;
  /** OTLP severity number, INFO unless said. */
  readonly severity?: number;
  readonly severityText?: string;
  /** Hex. */
  readonly trace?: string;
  readonly span?: string;
  /** "shop" unless said. */
  readonly service?: string;
  /** service.version; none unless said. */
  readonly version?: string;
  readonly attributes?: Attributes;
}

/** An ExportLogsServiceRequest of the records in their order; neighbours of one service and version share their resource. */
export function logRequest(records: readonly LogRecord[]): Uint8Array {
  const writer = new Writer(1024);
  for (let i = 0; i < records.length; ) {
    const { service = "shop", version } = records[i];
    const ofResource = writer.open(1);
    const resource = writer.open(1);
    writer.append(encodeAttributes(1, { "service.name": service, ...(version && { "service.version": version }) }));
    writer.close(resource);
    const ofScope = writer.open(2);
    const isSame = (record: LogRecord) => (record.service ?? "shop") === service && record.version === version;
    for (; i < records.length && isSame(records[i]); i++) write(writer, records[i]);
    writer.close(ofScope);
    writer.close(ofResource);
  }
  return writer.finish();
}

function write(writer: Writer, record: LogRecord): void {
  const { severity = 9, severityText = "INFO" } = record;
  const opened = writer.open(2);
  writer.field(1, Wire.fixed64).time(record.time);
  writer.field(2, Wire.varint).varint(severity);
  writer.field(3, Wire.bytes).string(severityText);
  if (record.body !== null) writer.append(body(record.body));
  if (record.attributes) writer.append(encodeAttributes(6, record.attributes));
  if (record.trace) writer.field(9, Wire.bytes).bytes(Buffer.from(record.trace, "hex"));
  if (record.span) writer.field(10, Wire.bytes).bytes(Buffer.from(record.span, "hex"));
  writer.close(opened);
}

/** AnyValue body = 5: the value of a KeyValue with another field number. */
function body(value: AttributeValue): Uint8Array {
  const pair = encodeAttributes(1, { "": value });
  // KeyValue { string key = 1: two bytes when empty; AnyValue value = 2 }, after its own tag and length
  let start = 1;
  while (pair[start++] > 127);
  const content = pair.subarray(start + 2);
  content[0] = 0x2a;
  return content;
}
