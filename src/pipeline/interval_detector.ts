// A detector of intervals in a pipeline: counts the rows of each series, and lets a detector judge the counts of closed intervals.
import { deserialize, serialize } from "node:v8";
import type {
  Anomaly,
  Batch,
  Host,
  IntervalDetectorPlugin,
  Labels,
  LogRecords,
  Processor,
  RowsOf,
  Spans,
} from "../api/index.ts";
import { hash0, hash1, hashBytes, mix } from "../otlp/identity.ts";
import { clipped } from "../otlp/labels.ts";
import { column, type Kept, type Snapshot, SnapshotError } from "../series/snapshot.ts";
import { NO_SERIES, type RowOwner, SeriesTable } from "../series/table.ts";
import { Bunch } from "./bunch.ts";
import { Detector } from "./detect.ts";
import { Examples } from "./examples.ts";
import { Families } from "./families.ts";
import { completedIntervals, type IntervalDetectorOptions } from "./interval_options.ts";
import { matching } from "./match.ts";
import type { DetectorCounts } from "./reporter.ts";
import { type Source, Tally } from "./tally.ts";
import type { Tap } from "./tap.ts";

type Counted = "logs" | "traces";

// In the map from the table's rows: larger values are a member + WATCHED.
const UNDECIDED = 0;
const IGNORED = 1;
const WATCHED = 2;

/** Parts of a series; what does not fit is told as REST. */
const MOST_PARTS = 8;
const REST = "other";
const LONGEST_PART = 64;
const LONGEST_NAME = 1024;
/** Severity number from which a record counts as failed. */
const ERROR = 17;

/** What members have in common, of which there may be many. */
const NO_SCOPE: Labels["scope"] = { name: "", version: "" };
const NO_ATTRIBUTES: Labels["attributes"] = {};

/** A series, or a part of one. */
interface Member {
  readonly labels: Labels;
  readonly source: Source;
  /** Of a part: the whole. */
  readonly whole: number;
  /** By name; of a whole that has any. */
  parts: Map<string, number> | undefined;
  /** Row of the table that it is counted from; -1 while it is not. */
  row: number;
}

/** Of what is judged at once: one row a member. */
interface IntervalRows {
  length: number;
  series: Uint32Array;
  offset: Uint32Array;
  time: Float64Array;
  count: Float64Array;
  failed: Float64Array;
}

export class IntervalDetector implements Processor<any>, RowOwner, Kept {
  readonly #plugin: IntervalDetectorPlugin<any, Counted>;
  readonly #options: IntervalDetectorOptions;
  readonly #table: SeriesTable;
  readonly #allows: ReturnType<typeof matching>;
  readonly #tally: Tally;
  readonly #examples: Examples;
  /** Identities of members; the detector's series are its rows. */
  readonly #members: SeriesTable;
  readonly #known: (Member | undefined)[] = [];
  readonly #detector: Detector<any>;
  readonly #families: Families;
  readonly #bunch: Bunch | undefined;
  #map = new Int32Array(0);
  readonly #rows: IntervalRows = roomFor(0);
  /** By member: rows of it in the interval that is being judged. */
  #counted = new Float64Array(0);
  #touched = new Uint32Array(0);
  #hash0 = new Int32Array(0);
  #hash1 = new Int32Array(0);
  readonly #taken = { count: 0, failed: 0 };
  readonly #id = { hash0: new Int32Array(1), hash1: new Int32Array(1), series: new Uint32Array(1) };
  readonly #encoder = new TextEncoder();

  /** Arguments as those of `Detector`; `options` are the plugin's own and the agent's, parsed. */
  constructor(
    plugin: IntervalDetectorPlugin<any, any, any>,
    options: object,
    host: Host,
    table: SeriesTable,
    raise: (anomaly: Anomaly) => void,
    counts?: DetectorCounts,
    tap?: Tap,
  ) {
    this.#plugin = plugin;
    this.#options = completedIntervals(options);
    this.#table = table;
    this.#allows = matching(this.#options.match);
    this.#tally = new Tally(this.#options.interval, this.#options.lateness);
    this.#examples = new Examples(this.#tally.ring);
    this.#members = new SeriesTable(this.#options.max_series);
    this.#members.own({
      grow: (capacity) => this.#grow(capacity),
      recycle: (member) => this.#forget(member),
    });
    // what `match` lets in is decided here, once a series
    const all = { ...this.#options, match: {} };
    this.#bunch = plugin.together ? new Bunch(raise) : undefined;
    this.#families = new Families(this.#bunch?.collect ?? raise);
    const { collect } = this.#families;
    this.#detector = new Detector(plugin as never, options, all, host, this.#members, collect, counts, tap);
    table.own(this);
  }

  get counts(): DetectorCounts {
    return this.#detector.counts;
  }

  /** Series and parts remembered. */
  get series(): number {
    return this.#members.length;
  }

  get stateBytes(): number {
    return (
      this.#detector.stateBytes +
      this.#tally.byteLength +
      this.#examples.byteLength +
      this.#map.byteLength +
      this.#members.byteLength
    );
  }

  get threshold(): number {
    return this.#detector.threshold;
  }

  get warming(): number {
    return this.#detector.warming;
  }

  /** Rows that came after their interval was judged. */
  get late(): number {
    return this.#tally.late;
  }

  async stop(): Promise<void> {
    this.#table.disown(this);
    await this.#detector.stop();
  }

  grow(capacity: number): void {
    const map = new Int32Array(capacity);
    map.set(this.#map);
    this.#map = map;
  }

  recycle(row: number): void {
    const code = this.#map[row];
    this.#map[row] = UNDECIDED;
    const member = code >= WATCHED ? this.#known[code - WATCHED] : undefined;
    if (member) member.row = -1;
  }

  #grow(capacity: number): void {
    this.#tally.grow(capacity);
    this.#examples.grow(capacity);
    Object.assign(this.#rows, roomFor(capacity));
    this.#counted = new Float64Array(capacity);
    this.#touched = new Uint32Array(capacity);
    this.#hash0 = new Int32Array(capacity);
    this.#hash1 = new Int32Array(capacity);
  }

  #forget(member: number): void {
    const known = this.#known[member];
    if (!known) return;
    this.#known[member] = undefined;
    if (known.row >= 0 && this.#map[known.row] === member + WATCHED) this.#map[known.row] = UNDECIDED;
    for (const part of known.parts?.values() ?? []) {
      // a part without its whole is counted no more, and goes when its room is wanted
      const own = this.#known[part];
      if (own) this.#tally.leave(own.source, part);
      this.#known[part] = undefined;
    }
    const whole = known.whole >= 0 ? this.#known[known.whole] : undefined;
    whole?.parts?.delete(known.labels.part!);
    this.#tally.leave(known.source, member);
  }

  process(batch: Batch<Counted>): Batch<Counted> {
    const { rows, receivedAt, signal } = batch;
    this.#members.tick(receivedAt);
    this.tick(receivedAt);
    const spans = signal === "traces" ? (rows as Spans) : undefined;
    const { severity } = rows as LogRecords;
    const { traceId, spanId } = rows as RowsOf[Counted];
    for (let i = 0; i < rows.length; i++) {
      const row = rows.series[i];
      let code = this.#map[row];
      if (code < WATCHED) {
        if (code === IGNORED) continue;
        code = this.#decide(batch, i);
        this.#map[row] = code;
        if (code < WATCHED) continue;
      }
      const member = code - WATCHED;
      const known = this.#known[member]!;
      const time = spans ? rows.time[i] + spans.duration[i] : rows.time[i];
      const number = this.#tally.intervalOf(known.source, time, receivedAt);
      if (Number.isNaN(number)) continue;
      const failed = spans ? (spans.inherited[i] === 1 ? 0 : spans.failed[i]) : severity[i] >= ERROR ? 1 : 0;
      this.#tally.add(member, number, 1, failed);
      if (this.#examples.wants(member, number, failed)) {
        this.#examples.take(member, number, failed, batch.bytes, traceId[i], spanId[i]);
      }
      if (failed === 1 && this.#plugin.part) this.#addPart(batch, i, member, number);
    }
    return batch;
  }

  #decide(batch: Batch<Counted>, i: number): number {
    const labels = batch.labels(i);
    const row = batch.rows.series[i];
    const [h0, h1] = this.#table.identity(row);
    if (this.#allows && !this.#allows(labels)) {
      // it was let in before a restart or reload
      const restored = this.#members.find(h0, h1);
      if (restored >= 0) this.#forget(restored);
      return IGNORED;
    }
    const member = this.#member(h0, h1, () => ({ labels: named(labels), whole: -1, row }));
    if (member < 0) return UNDECIDED;
    this.#known[member]!.row = row;
    return member + WATCHED;
  }

  /** The member of an identity, -1 where there is no room for it. */
  #member(h0: number, h1: number, make: () => Pick<Member, "labels" | "whole" | "row">): number {
    const { hash0, hash1, series } = this.#id;
    hash0[0] = h0;
    hash1[0] = h1;
    this.#members.assign(hash0, hash1, 1, series);
    const member = series[0];
    if (member === NO_SERIES) return -1;
    if (!this.#known[member]) {
      const made = make();
      const { resource } = made.labels;
      const source = this.#tally.source(`${resource["service.namespace"] ?? ""}\n${resource["service.name"] ?? ""}`);
      source.resource ??= resource;
      const labels = { ...made.labels, resource: source.resource, scope: NO_SCOPE, attributes: NO_ATTRIBUTES };
      this.#known[member] = { ...made, labels, source, parts: undefined };
      this.#tally.clear(member);
      this.#examples.clear(member);
      this.#tally.join(source, member);
    }
    return member;
  }

  #addPart(batch: Batch<Counted>, i: number, member: number, number: number): void {
    const known = this.#known[member]!;
    const named = this.#plugin.part!(batch, i);
    if (named === undefined) return;
    let name = clipped(named, LONGEST_PART);
    known.parts ??= new Map();
    if (!known.parts.has(name) && known.parts.size >= MOST_PARTS) name = REST;
    let part = known.parts.get(name);
    if (part === undefined) {
      const [w0, w1] = this.#members.identity(member);
      const bytesOf = this.#encoder.encode(name);
      hashBytes(bytesOf, new DataView(bytesOf.buffer), 0, bytesOf.length, 1);
      mix(w0, w1, hash0, hash1);
      const labels = { ...known.labels, part: name };
      part = this.#member(hash0, hash1, () => ({ labels, whole: member, row: -1 }));
      if (part < 0) return;
      if (this.#known[member] !== known) {
        // the whole had to make room for it
        this.#forget(part);
        return;
      }
      known.parts.set(name, part);
    }
    this.#examples.copy(member, part, number);
    this.#tally.add(part, number, 0, 1);
  }

  tick(now: number): void {
    this.#tally.advance(now, (source, number, end, counted) => this.#judge(source, number, end, counted, now));
    this.#bunch?.settle();
  }

  /** Hands the counts of all members of a source in one interval to the detector. */
  #judge(source: Source, number: number, end: number, counted: boolean, now: number): void {
    const rows = this.#rows;
    const taken = this.#taken;
    rows.length = 0;
    for (const member of source.members) {
      taken.count = taken.failed = 0;
      if (counted) this.#tally.take(member, number, taken);
      this.#counted[member] = taken.count;
      if (this.#tally.sleeps(member, number)) continue;
      const i = rows.length++;
      rows.series[i] = member;
      rows.time[i] = end;
      rows.count[i] = taken.count;
      rows.failed[i] = taken.failed;
    }
    let touched = 0;
    for (let i = 0; i < rows.length; i++) {
      const member = rows.series[i];
      if (rows.count[i] + rows.failed[i] > 0) this.#touched[touched++] = member;
      const { whole } = this.#known[member]!;
      if (whole >= 0) rows.count[i] = this.#counted[whole];
    }
    this.#touch(touched);
    const judged: Pick<Batch<any>, "signal" | "bytes" | "receivedAt" | "labels"> & { rows: IntervalRows } = {
      signal: this.#plugin.signal,
      bytes: new Uint8Array(0),
      receivedAt: now,
      rows,
      labels: (row: number) => this.#labels(rows.series[row], number),
    };
    this.#detector.process(judged as unknown as Batch<any>);
    this.#families.settle((labels) => this.#failingParts(labels));
  }

  /** Of the series with these labels, in the interval being judged. */
  #failingParts({ name, kind }: Labels): string[] {
    const { length, series, failed } = this.#rows;
    const parts: { part: string; failed: number }[] = [];
    for (let i = 0; i < length; i++) {
      const { labels } = this.#known[series[i]]!;
      if (labels.part === undefined || labels.name !== name || labels.kind !== kind || !(failed[i] > 0)) continue;
      parts.push({ part: labels.part, failed: failed[i] });
    }
    return parts.sort((a, b) => b.failed - a.failed).map(({ part }) => part);
  }

  #labels(member: number, number: number): Labels {
    return { ...this.#known[member]!.labels, ...this.#examples.of(member, number) };
  }

  /** What was counted keeps its place when there is no room for what is new. */
  #touch(count: number): void {
    this.#members.identities(this.#touched, count, this.#hash0, this.#hash1);
    this.#members.assign(this.#hash0, this.#hash1, count, this.#touched);
  }

  /** All that it remembers but the counts of open intervals. */
  takeSnapshot(): Snapshot {
    const snapshot = this.#detector.takeSnapshot();
    const members = this.#known.flatMap((known, member) =>
      known ? [{ identity: this.#members.identity(member), member, labels: known.labels, whole: known.whole }] : [],
    );
    const sources = [...this.#tally.sources.values()].map(({ key, usual }) => [key, usual] as const);
    const kept = column(
      "members",
      "u8",
      serialize({ interval: this.#options.interval, members, sources } satisfies Saved),
    );
    return { ...snapshot, columns: [...snapshot.columns, kept] };
  }

  restore(snapshot: Snapshot): void {
    const kept = snapshot.columns.find(({ name }) => name === "members");
    if (!kept) throw new SnapshotError("lacks its members");
    const saved = deserialize(kept.bytes) as Saved;
    if (saved.interval !== this.#options.interval) {
      throw new SnapshotError(`counts in intervals of ${saved.interval} ms, not of ${this.#options.interval} ms`);
    }
    this.#detector.restore(snapshot);
    const members = new Map<number, number>();
    // wholes come before their parts
    for (const { identity, member, labels, whole } of saved.members.sort((a, b) => a.whole - b.whole)) {
      const [h0, h1] = identity;
      if (whole >= 0 && !members.has(whole)) continue;
      if (this.#members.find(h0, h1) < 0) continue;
      const own = members.get(whole) ?? -1;
      const id = this.#member(h0, h1, () => ({ labels, whole: own, row: -1 }));
      members.set(member, id);
      if (own < 0) continue;
      const known = this.#known[own]!;
      known.parts ??= new Map();
      known.parts.set(labels.part!, id);
    }
    for (const [key, usual] of saved.sources) {
      const source = this.#tally.sources.get(key);
      if (source) source.usual = usual;
    }
  }
}

interface Saved {
  /** Milliseconds. */
  readonly interval: number;
  readonly members: {
    readonly identity: readonly [number, number];
    readonly member: number;
    readonly labels: Labels;
    readonly whole: number;
  }[];
  readonly sources: (readonly [key: string, usual: number])[];
}

function roomFor(capacity: number): IntervalRows {
  const f64 = () => new Float64Array(capacity);
  const u32 = () => new Uint32Array(capacity);
  return { length: 0, series: u32(), offset: u32(), time: f64(), count: f64(), failed: f64() };
}

/** What makes a series of spans or records, of the labels of one row of it. */
function named({ resource, scope, attributes, ...labels }: Labels): Labels {
  const keys = ["service.namespace", "service.name"].filter((key) => resource[key] !== undefined);
  const short = <T>(value: T) => (typeof value === "string" ? clipped(value, LONGEST_NAME) : value);
  const own = Object.fromEntries(keys.map((key) => [key, short(resource[key])]));
  const name = clipped(labels.name, LONGEST_NAME);
  return { ...labels, name, resource: own, scope: NO_SCOPE, attributes: NO_ATTRIBUTES, traceId: "", spanId: "" };
}
