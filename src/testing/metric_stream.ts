// A labelled stream of metrics: every kind of point, restarts that reset what is cumulative.
import type { Attributes } from "../api/index.ts";
import { encodeAttributes } from "../otlp/encode.ts";
import { Wire, type Writer } from "../otlp/writer.ts";
import { seededRandom } from "./fake_host.ts";
import {
  complete,
  gaussian,
  type Incident,
  incidents,
  type Kind,
  type LabelledRequest,
  poisson,
  requestOf,
  type StreamOptions,
  season,
  serviceName,
} from "./stream.ts";

/** Spikes, drops, and the first intervals of a new level. */
const METRIC_KINDS: readonly Kind[] = [
  { longest: 3, factor: (x) => 4 + 4 * x },
  { longest: 5, factor: (x) => 0.05 + 0.2 * x },
  { longest: 10, factor: (x) => 2.5 + x },
];
const SHIFT = 2;
const FORMS = ["gauge", "counter", "histogram", "delta", "exponential"] as const;
const DURATION = "http.server.request.duration";
/** Seconds, as the semantic conventions have them for HTTP. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** An exponential histogram has 2^SCALE buckets to the factor of two. */
const SCALE = 3;
const CUMULATIVE = 2;
const DELTA = 1;

/** One metric with one data point; what a cumulative one has come to is kept between intervals. */
class Series {
  readonly form: (typeof FORMS)[number];
  readonly #name: string;
  readonly #attributes: Attributes;
  readonly #base: number;
  readonly #phase: number;
  readonly #random: () => number;
  readonly #incidents: readonly Incident[];
  #level = 1;
  #total = 0;
  #sum = 0;
  readonly #buckets = new Float64Array(BOUNDS.length + 1);

  constructor(i: number, random: () => number, planned: readonly Incident[]) {
    this.form = FORMS[i % FORMS.length];
    this.#name =
      { gauge: "queue.length", counter: "http.requests", delta: "db.rows" }[this.form as "gauge"] ?? DURATION;
    this.#attributes = { "http.route": `/api/v1/${serviceName(i % 8)}`, part: BigInt(i) };
    this.#base = (this.form === "gauge" ? 100 : 20) * (0.5 + random());
    this.#phase = random() * 2 * Math.PI;
    this.#random = random;
    this.#incidents = planned;
  }

  /** Forgets what was counted, as a process does that starts anew. */
  restart(): void {
    this.#total = this.#sum = 0;
    this.#buckets.fill(0);
  }

  /** Writes the Metric; 1 when its point is planted. `began` is when its process started. */
  write(writer: Writer, point: number, time: number, step: number, began: number): number {
    let factor = this.#level;
    let planted = 0;
    for (const { kind, from, to, factor: by } of this.#incidents) {
      if (point < from || point >= to) continue;
      planted = 1;
      factor *= by;
      if (kind === SHIFT && point === to - 1) this.#level *= by;
    }
    const load = season(time, this.#phase) * Math.exp(0.05 * gaussian(this.#random));
    const metric = writer.open(2);
    writer.field(1, Wire.bytes).string(this.#name);
    writer.field(3, Wire.bytes).string(this.form === "gauge" ? "{item}" : this.#name === DURATION ? "s" : "{request}");
    if (this.#name === DURATION) this.#writeDistribution(writer, load, factor, time, step, began);
    else this.#writeNumber(writer, load * factor, time, step, began);
    writer.close(metric);
    return planted;
  }

  #writeNumber(writer: Writer, load: number, time: number, step: number, began: number): void {
    const level = this.#base * load;
    const added = this.form === "gauge" ? 0 : poisson(this.#random, (level * step) / 1000);
    this.#total += added;
    const data = writer.open(this.form === "gauge" ? 5 : 7);
    const point = writer.open(1);
    if (this.form !== "gauge") writer.field(2, Wire.fixed64).time(this.form === "delta" ? time - step : began);
    writer.field(3, Wire.fixed64).time(time);
    if (this.form === "gauge") writer.field(4, Wire.fixed64).double(level);
    else writer.field(6, Wire.fixed64).fixed64(BigInt(this.form === "delta" ? added : this.#total));
    writer.append(encodeAttributes(7, this.#attributes));
    writer.close(point);
    if (this.form !== "gauge") {
      writer.field(2, Wire.varint).varint(this.form === "delta" ? DELTA : CUMULATIVE);
      writer.field(3, Wire.varint).varint(1);
    }
    writer.close(data);
  }

  /** Load makes more requests; `factor` makes them slower. */
  #writeDistribution(writer: Writer, load: number, factor: number, time: number, step: number, began: number): void {
    const count = poisson(this.#random, 4 * this.#base * load);
    const samples = Array.from(
      { length: count },
      () => 0.002 * this.#base * factor * Math.exp(0.5 * gaussian(this.#random)),
    );
    if (this.form === "exponential") {
      writeExponential(writer, samples, this.#attributes, time, step);
      return;
    }
    for (const sample of samples) {
      let bucket = 0;
      while (bucket < BOUNDS.length && sample > BOUNDS[bucket]) bucket++;
      this.#buckets[bucket]++;
      this.#sum += sample;
    }
    this.#total += count;
    const data = writer.open(9);
    const point = writer.open(1);
    writer.field(2, Wire.fixed64).time(began);
    writer.field(3, Wire.fixed64).time(time);
    writer.field(4, Wire.fixed64).fixed64(BigInt(this.#total));
    writer.field(5, Wire.fixed64).double(this.#sum);
    const counts = writer.open(6);
    for (const inBucket of this.#buckets) writer.fixed64(BigInt(inBucket));
    writer.close(counts);
    const bounds = writer.open(7);
    for (const bound of BOUNDS) writer.double(bound);
    writer.close(bounds);
    writer.append(encodeAttributes(9, this.#attributes));
    writer.close(point);
    writer.field(2, Wire.varint).varint(CUMULATIVE);
    writer.close(data);
  }
}

function writeExponential(
  writer: Writer,
  samples: readonly number[],
  attributes: Attributes,
  time: number,
  step: number,
): void {
  const indexes = samples.map((sample) => Math.ceil(Math.log2(sample) * 2 ** SCALE) - 1);
  const lowest = indexes.length > 0 ? Math.min(...indexes) : 0;
  const inBucket = new Uint32Array(indexes.length > 0 ? Math.max(...indexes) - lowest + 1 : 0);
  for (const index of indexes) inBucket[index - lowest]++;
  const data = writer.open(10);
  const point = writer.open(1);
  writer.append(encodeAttributes(1, attributes));
  writer.field(2, Wire.fixed64).time(time - step);
  writer.field(3, Wire.fixed64).time(time);
  writer.field(4, Wire.fixed64).fixed64(BigInt(samples.length));
  writer.field(5, Wire.fixed64).double(samples.reduce((sum, sample) => sum + sample, 0));
  writer.field(6, Wire.varint).zigzag(SCALE);
  const positive = writer.open(8);
  writer.field(1, Wire.varint).zigzag(lowest);
  const counts = writer.open(2);
  for (const count of inBucket) writer.varint(count);
  writer.close(counts);
  writer.close(positive);
  writer.close(point);
  writer.field(2, Wire.varint).varint(DELTA);
  writer.close(data);
}

/**
 * Gauges, cumulative counters and histograms that reset when their service restarts, delta sums and delta exponential
 * histograms, in turn; spikes, drops and shifts of the level are planted, in a histogram as slower requests.
 */
export function* metrics(given: StreamOptions = {}): Generator<LabelledRequest<"metrics">> {
  const options = complete(given, {});
  const { seed, points, step, start, services } = options;
  const random = seededRandom(seed);
  const planned = incidents(random, options, METRIC_KINDS);
  const all = planned.map((incidents, i) => new Series(i, seededRandom(seed * 1009 + i), incidents));
  const byService = Array.from({ length: services }, (_, service) => all.filter((_, i) => i % services === service));
  const began = new Array<number>(services).fill(start - step);
  for (let point = 0; point < points; point++) {
    const time = start + point * step;
    for (const [service, own] of byService.entries()) {
      if (own.length === 0) continue;
      if (random() < 1 / 700) {
        began[service] = time - step / 2;
        for (const one of own) one.restart();
      }
      const planted = new Uint8Array(own.length);
      const bytes = requestOf(service, (writer) => {
        for (const [i, one] of own.entries()) planted[i] = one.write(writer, point, time, step, began[service]);
      });
      yield { signal: "metrics", bytes, items: own.length, planted };
    }
  }
}
