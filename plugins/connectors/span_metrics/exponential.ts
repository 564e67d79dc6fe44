// A histogram of base 2^(2^-scale): as fine as its buckets allow for what came so far.
import { Wire, type Writer } from "vedette/otlp";
import type { Measure } from "./measure.ts";

const FINEST = 20;

export class Exponential implements Measure {
  #count = 0;
  #sum = 0;
  #zeros = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;
  #scale = FINEST;
  /** Index of the first bucket, and how many there are up to the last one in use. */
  #low = 0;
  #length = 0;
  readonly #counts: Float64Array;

  constructor(maxSize: number) {
    this.#counts = new Float64Array(maxSize);
  }

  add(value: number): void {
    this.#count++;
    this.#sum += value;
    if (value < this.#least) this.#least = value;
    if (value > this.#most) this.#most = value;
    if (!(value > 0)) {
      this.#zeros++;
      return;
    }
    let index = Math.ceil(Math.log2(value) * 2 ** this.#scale) - 1;
    if (this.#length === 0) this.#low = index;
    let shift = 0;
    const lowest = Math.min(this.#low, index);
    const highest = Math.max(this.#low + this.#length - 1, index);
    while ((highest >> shift) - (lowest >> shift) >= this.#counts.length) shift++;
    if (shift > 0) this.#coarsen(shift);
    index >>= shift;
    if (index < this.#low) this.#widen(this.#low - index);
    this.#length = Math.max(this.#length, index - this.#low + 1);
    this.#counts[index - this.#low]++;
  }

  /** Joins 2^shift buckets into each. */
  #coarsen(shift: number): void {
    const low = this.#low >> shift;
    let length = 0;
    for (let i = 0; i < this.#length; i++) {
      const to = ((this.#low + i) >> shift) - low;
      const count = this.#counts[i];
      this.#counts[i] = 0;
      this.#counts[to] += count;
      length = to + 1;
    }
    this.#low = low;
    this.#length = length;
    this.#scale -= shift;
  }

  /** Makes room for so many buckets below. */
  #widen(by: number): void {
    this.#counts.copyWithin(by, 0, this.#length);
    this.#counts.fill(0, 0, by);
    this.#low -= by;
    this.#length += by;
  }

  /** Of an ExponentialHistogramDataPoint: 4 count, 5 sum, 6 scale, 7 zero_count, 8 positive, 12 min, 13 max. */
  write(writer: Writer): void {
    writer.field(4, Wire.fixed64).fixed64(BigInt(this.#count));
    writer.field(5, Wire.fixed64).double(this.#sum);
    writer.field(6, Wire.varint).zigzag(this.#scale);
    writer.field(7, Wire.fixed64).fixed64(BigInt(this.#zeros));
    const positive = writer.open(8);
    writer.field(1, Wire.varint).zigzag(this.#low);
    const counts = writer.open(2);
    for (let i = 0; i < this.#length; i++) writer.varint(this.#counts[i]);
    writer.close(counts);
    writer.close(positive);
    writer.field(12, Wire.fixed64).double(this.#least);
    writer.field(13, Wire.fixed64).double(this.#most);
  }
}
