// What is measured of the spans of a series, and how OTLP calls it.
import { Wire, type Writer } from "vedette/otlp";
import { Explicit } from "./explicit.ts";
import { Exponential } from "./exponential.ts";
import { BUCKETS, type Options } from "./options.ts";

export interface Measure {
  /** A duration, in the metric's unit. */
  add(value: number): void;
  /** The fields of a data point that hold it. */
  write(writer: Writer): void;
}

/** A metric: its name and unit, whether OTLP is to be told that it only grows, and the numbers of OTLP's fields, of its data in Metric and of what its data points have. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly monotonic: boolean;
  readonly data: number;
  readonly attributes: number;
  readonly exemplars: number;
  readonly measure: () => Measure;
}

class Calls implements Measure {
  #count = 0;

  add(): void {
    this.#count++;
  }

  /** Of a NumberDataPoint: 6 as_int. */
  write(writer: Writer): void {
    writer.field(6, Wire.fixed64).fixed64(BigInt(this.#count));
  }
}

/** `traces.span.metrics.calls`. */
export function callsOf(options: Options): Metric {
  const measure = () => new Calls();
  return { name: named(options, "calls"), unit: "", monotonic: true, data: 7, attributes: 7, exemplars: 5, measure };
}

/** `traces.span.metrics.duration`, unless it is disabled. */
export function durationsOf(options: Options): Metric | undefined {
  const { disable, unit, explicit, exponential } = options.histogram;
  if (disable) return undefined;
  const metric = { name: named(options, "duration"), unit, monotonic: false };
  if (exponential) {
    const { max_size } = exponential;
    return { ...metric, data: 10, attributes: 1, exemplars: 11, measure: () => new Exponential(max_size) };
  }
  const bounds = (explicit?.buckets ?? BUCKETS).map((bound) => bound / MILLISECONDS[unit]);
  return { ...metric, data: 9, attributes: 9, exemplars: 8, measure: () => new Explicit(bounds) };
}

/** Of each unit. */
export const MILLISECONDS = { ms: 1, s: 1000 } as const;

const named = ({ namespace }: Options, name: string) => (namespace === "" ? name : `${namespace}.${name}`);
