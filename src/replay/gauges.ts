// Rows of CSV files as one OTLP request of gauge points, in the order in which they are given.
import { Wire, Writer } from "../otlp/writer.ts";
import type { Gauge } from "./csv_file.ts";

/** About what a point takes, wrapped in a metric of its own. */
const POINT = 96;

export interface Point {
  readonly gauge: Gauge;
  /** Unix milliseconds. */
  readonly time: number;
  readonly value: number;
}

/** An ExportMetricsServiceRequest. The same gauge must be the same object from point to point to share a message. */
export function encodeGauges(points: readonly Point[]): Uint8Array {
  const writer = new Writer(points.length * POINT);
  for (let from = 0; from < points.length; ) from = resourceOf(writer, points, from);
  return writer.finish();
}

function resourceOf(writer: Writer, points: readonly Point[], from: number): number {
  const { service } = points[from].gauge;
  const ofResource = writer.open(1);
  if (service !== "") {
    const resource = writer.open(1);
    const pair = writer.open(1);
    writer.field(1, Wire.bytes).string("service.name");
    const value = writer.open(2);
    writer.field(1, Wire.bytes).string(service);
    writer.close(value);
    writer.close(pair);
    writer.close(resource);
  }
  const ofScope = writer.open(2);
  let i = from;
  while (i < points.length && points[i].gauge.service === service) i = metricOf(writer, points, i);
  writer.close(ofScope);
  writer.close(ofResource);
  return i;
}

function metricOf(writer: Writer, points: readonly Point[], from: number): number {
  const { gauge } = points[from];
  const metric = writer.open(2);
  writer.field(1, Wire.bytes).string(gauge.metric);
  const data = writer.open(5);
  let i = from;
  for (; i < points.length && points[i].gauge === gauge; i++) {
    const point = writer.open(1);
    writer.field(3, Wire.fixed64).time(points[i].time);
    writer.field(4, Wire.fixed64).double(points[i].value);
    writer.close(point);
  }
  writer.close(data);
  writer.close(metric);
  return i;
}
