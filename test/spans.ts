// Spans written by hand, as a request.

import type { Attributes } from "../src/api/index.ts";
import { encodeAttributes } from "../src/otlp/encode.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";

export interface Span {
  /** Hex. */
  readonly trace: string;
  readonly id: string;
  readonly parent?: string;
  readonly name: string;
  /** OTLP span kind. */
  readonly kind: number;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly failed?: boolean;
  /** "shop" unless said. */
  readonly service?: string;
  readonly attributes?: Attributes;
}

/** An ExportTraceServiceRequest of the spans in their order; neighbours of one service share its resource. */
export function request(spans: readonly Span[]): Uint8Array {
  const writer = new Writer(1024);
  for (let i = 0; i < spans.length; ) {
    const { service = "shop" } = spans[i];
    const ofResource = writer.open(1);
    const resource = writer.open(1);
    writer.append(encodeAttributes(1, { "service.name": service }));
    writer.close(resource);
    const ofScope = writer.open(2);
    for (; i < spans.length && (spans[i].service ?? "shop") === service; i++) write(writer, spans[i]);
    writer.close(ofScope);
    writer.close(ofResource);
  }
  return writer.finish();
}

function write(writer: Writer, span: Span): void {
  const opened = writer.open(2);
  writer.field(1, Wire.bytes).bytes(Buffer.from(span.trace, "hex"));
  writer.field(2, Wire.bytes).bytes(Buffer.from(span.id, "hex"));
  if (span.parent) writer.field(4, Wire.bytes).bytes(Buffer.from(span.parent, "hex"));
  writer.field(5, Wire.bytes).string(span.name);
  writer.field(6, Wire.varint).varint(span.kind);
  writer.field(7, Wire.fixed64).time(span.from);
  writer.field(8, Wire.fixed64).time(span.to);
  if (span.attributes) writer.append(encodeAttributes(9, span.attributes));
  if (span.failed) {
    const status = writer.open(15);
    writer.field(3, Wire.varint).varint(2);
    writer.close(status);
  }
  writer.close(opened);
}
