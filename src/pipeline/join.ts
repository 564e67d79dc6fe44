// Points -> vectors: which metric is which dimension of which resource, and what the interval that is open holds so far.
import { createHash } from "node:crypto";
import { type Attributes, type AttributeValue, type Batch, type Labels, z } from "../api/index.ts";
import { attributesShape, packed, unpacked } from "../api/saved.ts";
import { Recency } from "../series/recency.ts";
import { column, type KeptColumn } from "../series/snapshot.ts";
import { SeriesState, valuesOf } from "../series/state.ts";
import type { RowOwner, SeriesTable } from "../series/table.ts";

import { matching, seriesName } from "./match.ts";
import { canonical } from "./sentence.ts";
import type { VectorDetectorOptions } from "./vector_options.ts";

// In the map from the table's rows: larger values are resource * width + dimension + JOINED, negative ones ~resource of a
// metric that was left out.
const UNDECIDED = 0;
const IGNORED = 1;
const JOINED = 2;

/** Intervals after its own for which a metric's value still stands. */
const CARRIED = 2;
/** Values from this one on have no square; they are not joined, nor what is no finite number. */
const TOO_LARGE = 1e150;
/** A metric that was silent for so long, and for so many intervals, leaves its dimension to another. */
const SILENT = 3_600_000;
const SILENT_INTERVALS = 60;
/** More late points than others, by so many for each dimension, and it is the open interval that is wrong. */
const LATE = 4;
/** Of the attributes of a resource and of a point so many are remembered, each up to so many characters. */
const MOST_ATTRIBUTES = 64;
const LONGEST = 1024;

/** What one entry of a resource's vectors is. */
export interface Dimension {
  readonly name: string;
  readonly unit: string;
  /** Attributes of the point as "key=value", in order. */
  readonly attributes: readonly string[];
}

export interface Joined {
  /** 16 hex digits of its attributes: the same after a restart. */
  readonly key: string;
  readonly attributes: Attributes;
  readonly dimensions: Dimension[];
}

/** Told of vectors and of what becomes of resources, in order. */
export interface Listener {
  /** The open interval of the resource is over: `copy` it now. `row` of the batch came after it; -1 where the clock did. */
  closed(resource: number, row: number): void;
  /** A dimension is about to be another metric's: vectors that wait are to be told by the names they came with. */
  reassigned(): void;
  /** The id is about to be another resource's. */
  evicted(resource: number): void;
  grown(capacity: number): void;
}

/** One open interval a resource, in event time: it is over when a point of a later one comes. Late points are left out. */
export class Join implements RowOwner {
  readonly resources: Joined[] = [];
  /** Points that came after their interval was over. */
  late = 0;
  /** Metrics that found no dimension. */
  leftOut = 0;
  readonly #width: number;
  readonly #options: VectorDetectorOptions;
  readonly #table: SeriesTable;
  readonly #listener: Listener;
  readonly #allows: ReturnType<typeof matching>;
  readonly #byKey = new Map<string, number>();
  readonly #recency = new Recency();
  readonly #state;
  #map = new Int32Array(0);

  constructor(options: VectorDetectorOptions, table: SeriesTable, listener: Listener) {
    this.#options = options;
    this.#width = options.dimensions;
    this.#table = table;
    this.#listener = listener;
    this.#allows = matching(options.match);
    this.#state = shapeOf(this.#width);
    table.own(this);
  }

  get byteLength(): number {
    return this.#map.byteLength + this.#recency.byteLength + this.#state.byteLength;
  }

  stop(): void {
    this.#table.disown(this);
  }

  grow(capacity: number): void {
    const map = new Int32Array(capacity);
    map.set(this.#map);
    this.#map = map;
  }

  recycle(row: number): void {
    this.#map[row] = UNDECIDED;
  }

  take(batch: Batch<"metrics">): void {
    const { length, series, time, value } = batch.rows;
    this.#recency.tick(batch.receivedAt);
    for (let i = 0; i < length; i++) {
      const row = series[i];
      let code = this.#map[row];
      if (code < JOINED) {
        if (code === IGNORED) continue;
        code = code < UNDECIDED ? this.#reconsider(batch, i, ~code) : this.#decide(batch, i);
        this.#map[row] = code;
        if (code < JOINED) continue;
      }
      const at = code - JOINED;
      const resource = Math.floor(at / this.#width);
      this.#recency.touch(resource);
      this.#add(resource, at, time[i], value[i], i);
    }
  }

  /** Closes what has been over for a whole interval, so that the last vector before a silence is judged too. */
  tick(now: number): void {
    const { open, points } = this.#state.columns;
    for (let r = 0; r < this.resources.length; r++) {
      if (points[r] === 0 || !(now >= (open[r] + 1) * this.#options.interval)) continue;
      this.#listener.closed(r, -1);
      open[r]++;
      points[r] = 0;
    }
  }

  #add(r: number, at: number, time: number, value: number, row: number): void {
    if (!(Math.abs(value) < TOO_LARGE) || !(time >= 0)) return;
    const { open, points, late, used, last, mean, count, seen } = this.#state.columns;
    const interval = Math.floor(time / this.#options.interval) + 1;
    if (interval < open[r]) {
      this.late++;
      if (++late[r] <= LATE * used[r]) return;
      // what was taken for now lies in the future
      late[r] = 0;
      seen.fill(0, r * this.#width, (r + 1) * this.#width);
      open[r] = interval;
      points[r] = 0;
    } else if (late[r] > 0) late[r]--;
    if (interval > open[r]) {
      if (points[r] > 0) this.#listener.closed(r, row);
      open[r] = interval;
      points[r] = 0;
    }
    if (seen[at] !== interval) {
      seen[at] = interval;
      count[at] = 0;
      mean[at] = 0;
    }
    mean[at] += (value - mean[at]) / ++count[at];
    last[r] = points[r] === 0 || time > last[r] ? time : last[r];
    points[r]++;
  }

  /** Writes what the open interval holds to row `to` of `values` and `held`; the time of its last point. */
  copy(r: number, values: Float64Array, held: Float64Array | Uint32Array, to: number): number {
    const state = this.#state.columns;
    const width = this.#width;
    for (let k = 0; k < width; k++) {
      const at = r * width + k;
      const stands = k < state.used[r] && state.seen[at] > 0 && state.open[r] - state.seen[at] <= CARRIED;
      values[to * width + k] = stands ? state.mean[at] : Number.NaN;
      held[to * width + k] = state.held[at];
      if (k < state.used[r] && state.held[at] < 0xffffffff) state.held[at]++;
    }
    return state.last[r];
  }

  /** What the map says from now on of a series that is new to it. */
  #decide(batch: Batch<"metrics">, i: number): number {
    const labels = batch.labels(i);
    if (this.#allows && !this.#allows(labels)) return IGNORED;
    const key = keyOf(labels.resource);
    const r = this.#byKey.get(key) ?? this.#admit(key, labels.resource);
    const code = this.#dimension(r, labels, batch.rows.series[i], batch.rows.time[i]);
    if (code < UNDECIDED) this.leftOut++;
    return code;
  }

  /** A metric that was left out gets the dimension of one that has fallen silent. */
  #reconsider(batch: Batch<"metrics">, i: number, r: number): number {
    const { again } = this.#state.columns;
    if (!(batch.rows.time[i] >= again[r])) return ~r;
    again[r] = batch.rows.time[i] + this.#options.interval;
    const code = this.#dimension(r, batch.labels(i), batch.rows.series[i], batch.rows.time[i]);
    if (code >= JOINED) this.leftOut--;
    return code;
  }

  /** The dimension that the series had, a free one, or that of one long silent. */
  #dimension(r: number, labels: Labels, row: number, time: number): number {
    const { used, slot0, slot1, seen, held } = this.#state.columns;
    const [hash0, hash1] = this.#table.identity(row);
    const first = r * this.#width;
    const end = first + used[r];
    let at = first;
    while (at < end && (slot0[at] !== hash0 || slot1[at] !== hash1)) at++;
    if (at < end) return at + JOINED;
    if (used[r] < this.#width) used[r]++;
    else {
      const { interval } = this.#options;
      const silent = Math.max(SILENT / interval, SILENT_INTERVALS);
      for (at = first; at < end && !(time / interval - seen[at] >= silent); at++);
      if (at === end) return ~r;
      this.#listener.reassigned();
      this.#free(at);
    }
    slot0[at] = hash0;
    slot1[at] = hash1;
    seen[at] = 0;
    held[at] = 0;
    this.resources[r].dimensions[at - first] = {
      name: seriesName(labels),
      unit: labels.unit,
      attributes: canonical(bounded(labels.attributes)).map(([key, text]) => `${key}=${text.replace(/^"|"$/g, "")}`),
    };
    return at + JOINED;
  }

  /** Nothing in the map is in this dimension any more. */
  #free(at: number): void {
    const row = this.#map.indexOf(at + JOINED);
    if (row >= 0) this.#map[row] = UNDECIDED;
  }

  /** An id for a resource that has none. */
  #admit(key: string, attributes: Attributes): number {
    let r = this.resources.length;
    if (r < this.#options.max_series) {
      if (r === this.#state.capacity) this.#growOwn(Math.min(this.#options.max_series, Math.max(8, r * 2)));
    } else {
      r = this.#recency.oldest(r);
      this.#listener.evicted(r);
      this.#recency.forget(r);
      this.#byKey.delete(this.resources[r].key);
      this.#state.clear(r);
      const from = r * this.#width + JOINED;
      for (let row = 0; row < this.#map.length; row++) {
        const code = this.#map[row];
        if (code === ~r || (code >= from && code < from + this.#width)) this.#map[row] = UNDECIDED;
      }
    }
    this.resources[r] = { key, attributes: bounded(attributes), dimensions: [] };
    this.#byKey.set(key, r);
    return r;
  }

  #growOwn(capacity: number): void {
    this.#recency.grow(capacity);
    this.#state.grow(capacity);
    this.#listener.grown(capacity);
  }

  save(): KeptColumn[] {
    const rows = this.resources.length;
    return [
      column("series.seen", "f64", this.#recency.stamps(0, rows).slice()),
      column("resources", "u8", Uint8Array.from(packed(this.resources))),
      ...this.#state.save("join.", rows),
    ];
  }

  /** Why columns that `save` gave cannot be these; undefined when they can. */
  misfit(columns: ReadonlyMap<string, KeptColumn>): string | undefined {
    const resources = columns.get("resources");
    const seen = columns.get("series.seen");
    if (!resources || !seen) return "does not say of which resources it is";
    const { length } = resourcesIn(resources);
    if (seen.bytes.length !== length * 8) return "does not say when its resources were seen";
    return this.#state.misfit("join.", length, columns);
  }

  /** Takes in, up to its limit, the resources seen last, the least recently seen first; the row of each in the columns. */
  restore(columns: ReadonlyMap<string, KeptColumn>, age: Uint32Array): Uint32Array {
    const resources = resourcesIn(columns.get("resources")!);
    const seen = valuesOf("f64", columns.get("series.seen")!.bytes);
    const from = Uint32Array.from(resources.keys())
      .sort((a, b) => seen[a] - seen[b])
      .slice(-this.#options.max_series);
    this.#growOwn(from.length);
    this.#state.restore("join.", from, columns);
    for (const [r, row] of from.entries()) {
      this.resources[r] = { ...resources[row], attributes: bounded(resources[row].attributes) };
      this.#byKey.set(resources[row].key, r);
      this.#recency.recall(r, age[row]);
    }
    return from;
  }
}

function shapeOf(width: number) {
  return new SeriesState({
    // the number of the open interval, one more than its start / interval; 0: none yet
    open: "f64",
    points: "u32",
    late: "u32",
    last: "f64",
    // when to look again for a dimension for what was left out
    again: "f64",
    used: "u32",
    slot0: ["i32", width],
    slot1: ["i32", width],
    mean: ["f64", width],
    count: ["u32", width],
    // the number of the interval that `mean` is of; 0: none
    seen: ["f64", width],
    held: ["u32", width],
  });
}

function keyOf(resource: Attributes): string {
  return createHash("sha256")
    .update(JSON.stringify(canonical(resource)))
    .digest("hex")
    .slice(0, 16);
}

/** Without what nobody reads in a sentence and a sender could fill memory with. */
function bounded(attributes: Attributes): Attributes {
  const kept: Record<string, AttributeValue> = Object.create(null);
  const some = canonical(attributes).filter(([key, text]) => key.length + text.length <= LONGEST);
  for (const [key] of some.slice(0, MOST_ATTRIBUTES)) kept[key] = attributes[key];
  return kept;
}

const joinedShape = z.array(
  z.object({
    key: z.string(),
    attributes: attributesShape,
    dimensions: z.array(z.object({ name: z.string(), unit: z.string(), attributes: z.array(z.string()) })),
  }),
);

const resourcesIn = ({ bytes }: KeptColumn): Joined[] => unpacked(bytes, joinedShape, "a detector of vectors");
