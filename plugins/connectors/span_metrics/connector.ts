// Counts spans as they pass, and tells the counts at every flush.
import type { Attributes, AttributeValue, Batch, Connector, Host, Outputs, Spans } from "vedette";
import { decodeAttributes, encodeAttributes, encodeExemplar, resourcesOf } from "vedette/otlp";
import { Dimensions } from "./dimensions.ts";
import type { Room, Series } from "./family.ts";
import { callsOf, durationsOf, type Metric, MILLISECONDS } from "./measure.ts";
import type { Options } from "./options.ts";
import { type Counted, Origin } from "./origin.ts";
import { requestsOf } from "./request.ts";

/** Ways in which a resource may be written that are remembered, for each that is told. */
const SPELLINGS = 4;

const SERVICE = ["service.name", "service.namespace"];

/** The numbers of OTLP's status codes, 0 to 2, fit below it. */
const STATUSES = 4;

export class SpanMetrics implements Connector<"traces"> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #emit: Outputs;
  readonly #calls: Metric;
  readonly #durations: Metric | undefined;
  readonly #ofCalls: Dimensions;
  readonly #ofDurations: Dimensions;
  readonly #plain: boolean;
  readonly #delta: boolean;
  readonly #room: Room;
  /** By what tells resources apart; the one without spans for longest is first. */
  readonly #origins = new Map<string, Origin>();
  /** By the bytes of the resource. */
  readonly #spelt = new Map<string, Origin>();
  /** By series of the agent: a number that is given once, so that a series id with another meaning has another; 0: none yet. */
  #kinds = new Float64Array(1024);
  #lastKind = 0;
  /** Whether a span came since the last flush. */
  #fresh = false;
  #warned = false;
  /** Unix milliseconds of the next flush, and of the last one; 0: none yet. */
  #due = 0;
  #flushed = 0;

  constructor(options: Options, host: Host, emit: Outputs) {
    this.#options = options;
    this.#host = host;
    this.#emit = emit;
    this.#calls = callsOf(options);
    this.#durations = durationsOf(options);
    this.#ofCalls = new Dimensions(options, options.calls_dimensions);
    this.#ofDurations = new Dimensions(options, options.histogram.dimensions);
    this.#plain = this.#ofCalls.plain && this.#ofDurations.plain;
    this.#delta = options.aggregation_temporality === "AGGREGATION_TEMPORALITY_DELTA";
    this.#room = { taken: 0, limit: options.aggregation_cardinality_limit, full: (metric) => this.#warn(metric) };
  }

  consume(batch: Batch<"traces">): void {
    const { rows, bytes, receivedAt } = batch;
    const { length, series, offset, duration, status } = rows;
    if (length === 0) return;
    const unit = MILLISECONDS[this.#options.histogram.unit];
    const { enabled } = this.#options.exemplars;
    const resources = resourcesOf(bytes);
    let origin!: Origin;
    let end = 0;
    for (let row = 0, at = 0; row < length; row++) {
      if (offset[row] >= end) {
        while (resources[at].end <= offset[row]) at++;
        end = resources[at].end;
        origin = this.#origin(resources[at].resource, receivedAt);
      }
      const kind = this.#kindOf(series[row]) * STATUSES + status[row];
      const { calls, durations } = (this.#plain && origin.known(kind)) || this.#find(origin, batch, row, kind);
      const value = duration[row] / unit;
      calls.seen = receivedAt;
      calls.measure.add(value);
      if (durations) {
        durations.seen = receivedAt;
        durations.measure.add(value);
      }
      if (enabled && rows.traceId[row] > 0) {
        this.#exemplify(this.#calls, calls, bytes, rows, row, value);
        if (durations) this.#exemplify(this.#durations!, durations, bytes, rows, row, value);
      }
    }
  }

  forget(_signal: "traces", series: number): void {
    if (series < this.#kinds.length) this.#kinds[series] = 0;
  }

  #kindOf(series: number): number {
    if (series >= this.#kinds.length) {
      const larger = new Float64Array(Math.max(series + 1, this.#kinds.length * 2));
      larger.set(this.#kinds);
      this.#kinds = larger;
    }
    this.#kinds[series] ||= ++this.#lastKind;
    return this.#kinds[series];
  }

  /** Where a span counts that is the first of its kind, or whose own attributes say. */
  #find(origin: Origin, batch: Batch<"traces">, row: number, kind: number): Counted {
    const { rows, receivedAt } = batch;
    const labels = batch.labels(row);
    const key = this.#plain ? kind : `${kind} ${this.#ofCalls.valuesOf(labels)} ${this.#ofDurations.valuesOf(labels)}`;
    const known = origin.known(key);
    if (known) return known;
    const start = this.#delta && this.#flushed > 0 ? this.#flushed : receivedAt;
    const attributes = (dimensions: Dimensions) => dimensions.of(labels, rows.kind[row], rows.status[row]);
    const counted = {
      calls: origin.calls.find(attributes(this.#ofCalls), start),
      durations: origin.durations?.find(attributes(this.#ofDurations), start),
    };
    origin.learn(key, counted);
    return counted;
  }

  #exemplify(metric: Metric, series: Series, bytes: Uint8Array, rows: Spans, row: number, value: number): void {
    if (series.exemplars.length >= this.#options.exemplars.max_per_data_point) return;
    const id = (at: number, size: number) => (at > 0 ? Buffer.from(bytes.subarray(at, at + size)).toString("hex") : "");
    const [traceId, spanId] = [id(rows.traceId[row], 16), id(rows.spanId[row], 8)];
    const time = rows.time[row] + rows.duration[row];
    series.exemplars.push(encodeExemplar(metric.exemplars, { attributes: {}, time, value, traceId, spanId }));
  }

  /** Of a Resource message, which came now. */
  #origin(resource: Uint8Array, now: number): Origin {
    const spelling = Buffer.from(resource.buffer, resource.byteOffset, resource.length).toString("latin1");
    let origin = this.#spelt.get(spelling);
    if (!origin || origin.closed) {
      origin = this.#identify(decodeAttributes(resource, 0, resource.length, 1), now);
      if (this.#spelt.size >= SPELLINGS * this.#options.resource_metrics_cache_size) this.#spelt.clear();
      this.#spelt.set(spelling, origin);
    }
    this.#origins.delete(origin.key);
    this.#origins.set(origin.key, origin);
    origin.seen = now;
    this.#fresh = true;
    return origin;
  }

  /** The origin of a resource with these attributes; a new one makes room when there are too many. */
  #identify(resource: Attributes, now: number): Origin {
    const { add_resource_attributes, resource_metrics_key_attributes, resource_metrics_cache_size } = this.#options;
    const told = add_resource_attributes ? resource : only(resource, SERVICE);
    const telling = resource_metrics_key_attributes.length > 0 ? only(told, resource_metrics_key_attributes) : told;
    const key = Buffer.from(encodeAttributes(1, only(telling, Object.keys(telling).sort()))).toString("latin1");
    const known = this.#origins.get(key);
    if (known) return known;
    if (this.#origins.size >= resource_metrics_cache_size) {
      const [oldest] = this.#origins.values();
      if (this.#delta) this.#flush(now);
      else {
        this.#send([oldest], now);
        this.#drop(oldest);
      }
    }
    return new Origin(key, encodeAttributes(1, told), this.#calls, this.#durations, this.#room);
  }

  tick(now: number): void {
    const { metrics_flush_interval: interval } = this.#options;
    // the first time, or the clock was set back
    if (this.#due === 0 || this.#due - now > interval) this.#due = now + interval;
    if (now < this.#due) return;
    this.#due = Math.max(this.#due, now - interval + 1) + interval;
    this.#flush(now);
  }

  async stop(): Promise<void> {
    if (this.#fresh) this.#flush(this.#host.now());
  }

  #flush(now: number): void {
    this.#send(this.#origins.values(), now);
    this.#fresh = false;
    this.#flushed = now;
    const { metrics_expiration, series_expiration } = this.#options;
    for (const origin of this.#origins.values()) {
      const expired = metrics_expiration > 0 && now - origin.seen >= metrics_expiration;
      if (this.#delta || expired) this.#drop(origin);
      else origin.settle(series_expiration > 0 ? now - series_expiration : Number.NEGATIVE_INFINITY);
    }
  }

  #send(origins: Iterable<Origin>, now: number): void {
    for (const request of requestsOf(origins, this.#delta, now)) void this.#emit.metrics?.(request);
  }

  #drop(origin: Origin): void {
    this.#origins.delete(origin.key);
    origin.close();
  }

  #warn({ name }: Metric): void {
    if (this.#warned) return;
    this.#warned = true;
    const remedy = "name fewer dimensions, or raise aggregation_cardinality_limit";
    this.#host.log.warn(`more series than there is room for: new ones are counted together; ${remedy}`, {
      metric: name,
    });
  }
}

/** Those of the attributes that have one of these names, in their order. */
function only(attributes: Attributes, names: readonly string[]): Attributes {
  const some: Record<string, AttributeValue> = Object.create(null);
  for (const name of names) if (name in attributes) some[name] = attributes[name];
  return some;
}
