// A histogram between fixed bounds.
import { Wire, type Writer } from "vedette/otlp";
import type { Measure } from "./measure.ts";

export class Explicit implements Measure {
  #count = 0;
  #sum = 0;
  readonly #counts: Float64Array;
  readonly #bounds: readonly number[];

  /** `bounds` ascend; a value that equals one lies below it. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    const bounds = this.#bounds;
    let from = 0;
    let to = bounds.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (value <= bounds[middle]) to = middle;
      else from = middle + 1;
    }
    this.#counts[from]++;
    this.#count++;
    this.#sum += value;
  }

  /** Of a HistogramDataPoint: 4 count, 5 sum, 6 bucket_counts, 7 explicit_bounds. */
  write(writer: Writer): void {
    writer.field(4, Wire.fixed64).fixed64(BigInt(this.#count));
    writer.field(5, Wire.fixed64).double(this.#sum);
    const counts = writer.open(6);
    for (const count of this.#counts) writer.fixed64(BigInt(count));
    writer.close(counts);
    const bounds = writer.open(7);
    for (const bound of this.#bounds) writer.double(bound);
    writer.close(bounds);
  }
}
