// The metrics of resources as export requests, none much larger than what receivers take.
import { Wire, Writer } from "vedette/otlp";
import type { Family, Series } from "./family.ts";
import type { Origin } from "./origin.ts";

/** Series of a metric that stand together, and bytes from which a request is sent; gRPC receivers take 4 MiB unless told otherwise. */
const TOGETHER = 1000;
const FULL = 2 ** 20;

const DELTA = 1;
const CUMULATIVE = 2;

/** `time` in Unix milliseconds. */
export function* requestsOf(origins: Iterable<Origin>, delta: boolean, time: number): Generator<Uint8Array> {
  let writer = new Writer(4096);
  for (const origin of origins) {
    const all = origin.families().map((family) => ({ family, series: family.list() }));
    for (let from = 0; all.some(({ series }) => from < series.length); from += TOGETHER) {
      const parts = all.map(({ family, series }) => ({ family, series: series.slice(from, from + TOGETHER) }));
      writeResource(writer, origin.resource, () => {
        for (const { family, series } of parts) if (series.length > 0) writeMetric(writer, family, series, delta, time);
      });
      if (writer.length < FULL) continue;
      yield writer.finish();
      writer = new Writer(writer.length);
    }
  }
  if (writer.length > 0) yield writer.finish();
}

/** ResourceMetrics { Resource resource = 1; ScopeMetrics { InstrumentationScope scope = 1; Metric metrics = 2 } scope_metrics = 2 } */
function writeResource(writer: Writer, resource: Uint8Array, metrics: () => void): void {
  const ofResource = writer.open(1);
  writer.field(1, Wire.bytes).bytes(resource);
  const ofScope = writer.open(2);
  const scope = writer.open(1);
  writer.field(1, Wire.bytes).string("vedette/span_metrics");
  writer.close(scope);
  metrics();
  writer.close(ofScope);
  writer.close(ofResource);
}

/** Metric { name = 1; unit = 3; Sum | Histogram | ... { data_points = 1; aggregation_temporality = 2; is_monotonic = 3 of a sum } } */
function writeMetric(
  writer: Writer,
  { metric }: Family,
  series: readonly Series[],
  delta: boolean,
  time: number,
): void {
  const opened = writer.open(2);
  writer.field(1, Wire.bytes).string(metric.name);
  if (metric.unit !== "") writer.field(3, Wire.bytes).string(metric.unit);
  const data = writer.open(metric.data);
  for (const { attributes, start, measure, exemplars } of series) {
    const point = writer.open(1);
    // a clock that was set back may not let a point end before it began
    writer.field(2, Wire.fixed64).time(Math.min(start, time));
    writer.field(3, Wire.fixed64).time(time);
    measure.write(writer);
    writer.append(attributes);
    for (const exemplar of exemplars) writer.append(exemplar);
    writer.close(point);
  }
  writer.field(2, Wire.varint).varint(delta ? DELTA : CUMULATIVE);
  if (metric.monotonic) writer.field(3, Wire.varint).varint(1);
  writer.close(data);
  writer.close(opened);
}
