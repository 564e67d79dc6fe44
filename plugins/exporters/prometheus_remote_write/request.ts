// Prometheus remote write 1.0: samples as a WriteRequest in protobuf, in snappy's block format.
import { type AnomalySample, Wire, Writer } from "vedette/otlp";

/** A sample with the Unix milliseconds at which it holds; one without a value says that the series has ended. */
export interface Written extends Omit<AnomalySample, "value"> {
  readonly value: number | undefined;
  readonly time: number;
}

/** What Prometheus takes for the end of a series: one NaN among many. */
const STALE = 0x7ff0_0000_0000_0002n;

/** A WriteRequest with a TimeSeries for each sample. */
export function writeRequest(samples: readonly Written[]): Uint8Array {
  const writer = new Writer(samples.length * 256);
  for (const { name, labels, value, time } of samples) {
    const series = writer.open(1);
    // sorted by name: "__name__" comes after capitals and before small letters
    const all = [...labels, ["__name__", name] as const].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, text] of all) {
      const label = writer.open(1);
      writer.field(1, Wire.bytes).string(key);
      writer.field(2, Wire.bytes).string(text);
      writer.close(label);
    }
    const sample = writer.open(2);
    writer.field(1, Wire.fixed64);
    if (value === undefined) writer.fixed64(STALE);
    else writer.double(value);
    writer.field(2, Wire.varint).varint(Math.trunc(time));
    writer.close(sample);
    writer.close(series);
  }
  return writer.finish();
}

/** The longest literal whose length takes two bytes. */
const LITERAL = 65_536;

/** A snappy block of literals alone: what is sent is small and seldom, so that nothing is compressed. */
export function snappyBlock(bytes: Uint8Array): Uint8Array {
  const writer = new Writer(bytes.length + 16).varint(bytes.length);
  for (let at = 0; at < bytes.length; at += LITERAL) {
    const part = bytes.subarray(at, at + LITERAL);
    const size = part.length - 1;
    // tag 61 of kind 0: a literal whose length less one follows in two bytes
    writer.append(Uint8Array.of(61 << 2, size & 255, size >> 8)).append(part);
  }
  return writer.finish();
}
