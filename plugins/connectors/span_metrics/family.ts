// The series of one metric and resource: found by their attributes, bounded, with one for what is beyond.
import type { Attributes } from "vedette";
import { encodeAttributes } from "vedette/otlp";
import type { Measure, Metric } from "./measure.ts";

/** Series of all resources and metrics together. */
const MOST_SERIES = 100_000;

const OVERFLOW: Attributes = { "otel.metric.overflow": true };

export interface Series {
  /** Ready to append to a data point. */
  readonly attributes: Uint8Array;
  /** Unix milliseconds since when it counts, and when it last did. */
  readonly start: number;
  seen: number;
  readonly measure: Measure;
  /** Since the last flush, ready to append to a data point. */
  exemplars: Uint8Array[];
}

/** What the families of a connector share: how many series they have together, and who is told when that or `limit` was too many. */
export interface Room {
  taken: number;
  /** Of each family; 0: no limit of its own. */
  readonly limit: number;
  full(metric: Metric): void;
}

export class Family {
  readonly metric: Metric;
  readonly #room: Room;
  readonly #series = new Map<string, Series>();
  #overflow: Series | undefined;

  constructor(metric: Metric, room: Room) {
    this.metric = metric;
    this.#room = room;
  }

  /** The series of these attributes, a new one that counts since `start` if need be; the overflow's where there is no room for it. */
  find(attributes: Attributes, start: number): Series {
    const encoded = encodeAttributes(this.metric.attributes, attributes);
    const key = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length).toString("latin1");
    const known = this.#series.get(key);
    if (known) return known;
    const { limit, taken } = this.#room;
    if (taken >= MOST_SERIES || (limit > 0 && this.#series.size >= limit)) {
      this.#room.full(this.metric);
      this.#overflow ??= this.#new(encodeAttributes(this.metric.attributes, OVERFLOW), start);
      return this.#overflow;
    }
    const series = this.#new(encoded, start);
    this.#series.set(key, series);
    this.#room.taken++;
    return series;
  }

  #new(attributes: Uint8Array, start: number): Series {
    return { attributes, start, seen: start, measure: this.metric.measure(), exemplars: [] };
  }

  /** In the order in which they came. */
  list(): Series[] {
    const series = [...this.#series.values()];
    if (this.#overflow) series.push(this.#overflow);
    return series;
  }

  /** Lets go of exemplars, and of the series without a span since `time`; says whether there were any. */
  settle(time: number): boolean {
    const before = this.#series.size;
    for (const [key, series] of this.#series) {
      series.exemplars = [];
      if (series.seen <= time) this.#series.delete(key);
    }
    const gone = before - this.#series.size;
    this.#room.taken -= gone;
    if (this.#overflow) this.#overflow.exemplars = [];
    if (!this.#overflow || this.#overflow.seen > time) return gone > 0;
    this.#overflow = undefined;
    return true;
  }

  /** Gives its room back. */
  close(): void {
    this.#room.taken -= this.#series.size;
    this.#series.clear();
  }
}
