// A detector of intervals in a pipeline: counts the rows of each series, and lets a detector judge the counts of closed intervals.
import {
  type Anomaly,
  type Batch,
  type Host,
  type IntervalDetectorPlugin,
  type Labels,
  type LogRecords,
  openedAt,
  type Processor,
  type RowsOf,
  type Spans,
  z,
} from "../api/index.ts";
import { packed, unpacked } from "../api/saved.ts";
import { clipped } from "../otlp/labels.ts";
import { column, type Kept, type Snapshot, SnapshotError } from "../series/snapshot.ts";
import type { SeriesTable } from "../series/table.ts";
import { Bunch } from "./bunch.ts";
import { Detector } from "./detect.ts";
import { Examples } from "./examples.ts";
import { Families } from "./families.ts";
import { completedIntervals, type IntervalDetectorOptions } from "./interval_options.ts";
import type { Lasts } from "./lasting.ts";
import { matching } from "./match.ts";
import { type MemberOwner, Members, savedMemberShape } from "./members.ts";
import type { DetectorCounts } from "./reporter.ts";
import type { Source } from "./source.ts";
import { Tally } from "./tally.ts";
import type { Tap } from "./tap.ts";
import { NOWHERE, TemplateParts } from "./template_parts.ts";

type Counted = "logs" | "traces";

/** Parts of a series; what does not fit is told as REST. */
const MOST_PARTS = 8;
const REST = "other";
/** Templates of a series that are its parts; what does not fit is only counted in the whole. */
const MOST_TEMPLATES = 512;
/** What an interval counts for in the next, of what came lately; and from how many on that a template had says anything. */
const LATELY = 0.8;
const MANY = 20;
const LONGEST_PART = 64;
/** Severity number from which a record counts as failed. */
const ERROR = 17;

/** Of what is judged at once: one row a member. */
interface IntervalRows {
  length: number;
  series: Uint32Array;
  offset: Uint32Array;
  time: Float64Array;
  count: Float64Array;
  failed: Float64Array;
  others: Float64Array;
  part: Uint8Array;
}

export class IntervalDetector implements Processor<any>, MemberOwner, Kept {
  readonly #plugin: IntervalDetectorPlugin<any, Counted>;
  readonly #options: IntervalDetectorOptions;
  readonly #tally: Tally;
  readonly #examples: Examples;
  /** Of one whose parts are templates. */
  readonly #templates: TemplateParts | undefined;
  readonly #members: Members;
  readonly #detector: Detector<any>;
  readonly #families: Families;
  readonly #bunch: Bunch | undefined;
  readonly #rows: IntervalRows = roomFor(0);
  /** By member: rows of it in the interval that is being judged. */
  #counted = new Float64Array(0);
  /** By member: rows of about the last minute, of a detector of templates. */
  #lately = new Float64Array(0);
  #touched = new Uint32Array(0);
  /** Rows of all series of each span kind, in the interval that is being judged. */
  readonly #ofKind = new Map<string | undefined, number>();
  readonly #taken = { count: 0, failed: 0 };

  /** Arguments as those of `Detector`; `options` are the plugin's own and the agent's, parsed. */
  constructor(
    plugin: IntervalDetectorPlugin<any, any, any>,
    options: object,
    host: Host,
    table: SeriesTable,
    raise: (anomaly: Anomaly) => void,
    counts?: DetectorCounts,
    tap?: Tap,
    lasts?: Lasts,
  ) {
    this.#plugin = plugin;
    this.#options = completedIntervals(options);
    const { interval, lateness, match, max_series } = this.#options;
    this.#tally = new Tally(interval, lateness);
    this.#examples = new Examples(this.#tally.ring);
    if (plugin.part === "template") this.#templates = new TemplateParts(this.#tally.ring - 2);
    this.#members = new Members(table, this.#tally, matching(match), max_series, this);
    // what `match` lets in is decided by the members, once a series
    const all = { ...this.#options, match: {} };
    this.#bunch = plugin.together ? new Bunch(raise) : undefined;
    this.#families = new Families(this.#bunch?.collect ?? raise, plugin.part === "template");
    const collect = (anomaly: Anomaly) => {
      if (!this.#renames(anomaly)) this.#families.collect(anomaly);
    };
    const { identities } = this.#members;
    this.#detector = new Detector(plugin as never, options, all, host, identities, collect, counts, tap, lasts);
  }

  get counts(): DetectorCounts {
    return this.#detector.counts;
  }

  /** Series and parts remembered. */
  get series(): number {
    return this.#members.identities.length;
  }

  get stateBytes(): number {
    return this.#detector.stateBytes + this.#tally.byteLength + this.#examples.byteLength + this.#members.byteLength;
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
    this.#members.stop();
    await this.#detector.stop();
  }

  grow(capacity: number): void {
    this.#examples.grow(capacity);
    Object.assign(this.#rows, roomFor(capacity));
    this.#counted = new Float64Array(capacity);
    const lately = new Float64Array(capacity);
    lately.set(this.#lately);
    this.#lately = lately;
    this.#touched = new Uint32Array(capacity);
  }

  taken(member: number): void {
    this.#examples.clear(member);
    this.#lately[member] = 0;
  }

  forgotten(member: number, whole: number): void {
    this.#templates?.forget(member, whole);
  }

  process(batch: Batch<Counted>): Batch<Counted> {
    const { rows, receivedAt, signal } = batch;
    this.#members.identities.tick(receivedAt);
    this.tick(receivedAt);
    const spans = signal === "traces" ? (rows as Spans) : undefined;
    const { severity } = rows as LogRecords;
    const { traceId, spanId } = rows as RowsOf[Counted];
    const mined = this.#templates && batch.mined;
    if (mined) this.#templates!.begin(mined);
    for (let i = 0; i < rows.length; i++) {
      const member = this.#members.of(batch, i, rows.series[i]);
      if (member < 0) continue;
      const time = spans ? rows.time[i] + spans.duration[i] : rows.time[i];
      const number = this.#tally.intervalOf(this.#tally.sourceOf(member), time, receivedAt);
      if (Number.isNaN(number)) continue;
      const failed = spans ? (spans.inherited[i] === 1 ? 0 : spans.failed[i]) : severity[i] >= ERROR ? 1 : 0;
      if (this.#tally.add(member, number, 1, failed)) {
        this.#examples.take(member, number, failed, batch.bytes, traceId[i], spanId[i]);
      }
      if (mined) this.#addTemplate(batch as Batch<"logs">, i, member, number, failed);
      else if (failed === 1 && this.#plugin.part) this.#addPart(batch, i, member, number);
    }
    return batch;
  }

  #addPart(batch: Batch<Counted>, i: number, member: number, number: number): void {
    const { part: partOf } = this.#plugin;
    const named = typeof partOf === "function" ? partOf(batch, i) : undefined;
    if (named === undefined) return;
    let name = clipped(named, LONGEST_PART);
    const { parts } = this.#members.get(member);
    if (parts && !parts.has(name) && parts.size >= MOST_PARTS) name = REST;
    const part = this.#members.part(member, name);
    if (part < 0) return;
    this.#examples.copy(member, part, number);
    this.#tally.add(part, number, 0, 1);
  }

  #addTemplate(batch: Batch<"logs">, i: number, member: number, number: number, failed: number): void {
    const mined = batch.mined!;
    const statement = mined.statement[i];
    if (statement === 0) return;
    const { rows } = batch;
    const templates = this.#templates!;
    let part = templates.of(statement, number);
    if (part === undefined) {
      const template = mined.template[i];
      const id = mined.templates.id(template);
      part = this.#makesRoom(member, id, number) ? this.#members.part(member, id) : NOWHERE;
      templates.know(member, { statement, template, part, interval: number });
    }
    // all records of a series failed, or none
    if (part === NOWHERE || !this.#tally.add(part, number, 0, 1)) return;
    this.#examples.take(part, number, failed, batch.bytes, rows.traceId[i], rows.spanId[i]);
    templates.take(batch, i, part, number);
  }

  /** Whether a template is a part of the series or may become one: where all places are taken, one that sleeps makes way. */
  #makesRoom(member: number, id: string, number: number): boolean {
    const { parts } = this.#members.get(member);
    if (!parts || parts.size < MOST_TEMPLATES || parts.has(id)) return true;
    for (const part of parts.values()) {
      if (!this.#tally.sleeps(part, number)) continue;
      this.#members.forget(part);
      return true;
    }
    return false;
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
      if (this.#templates) this.#lately[member] = LATELY * this.#lately[member] + Math.max(taken.count, taken.failed);
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
      const { whole } = this.#members.get(member);
      rows.part[i] = whole >= 0 ? 1 : 0;
      if (whole >= 0) rows.count[i] = this.#counted[whole];
    }
    this.#countOthers();
    this.#members.touch(this.#touched, touched);
    const judged: Pick<Batch<any>, "signal" | "bytes" | "receivedAt" | "labels"> & { rows: IntervalRows } = {
      signal: this.#plugin.signal,
      bytes: new Uint8Array(0),
      receivedAt: now,
      rows,
      labels: (row: number) => this.#labels(rows.series[row], number),
    };
    this.#detector.process(judged as unknown as Batch<any>);
    this.#families.settle((anomaly) => (this.#templates ? this.#mostly(anomaly) : this.#failingParts(anomaly.labels)));
  }

  #countOthers(): void {
    const { length, series, count, others, part } = this.#rows;
    const ofKind = this.#ofKind;
    ofKind.clear();
    for (let i = 0; i < length; i++) {
      if (part[i] === 1) continue;
      const { kind } = this.#members.get(series[i]).labels;
      ofKind.set(kind, (ofKind.get(kind) ?? 0) + count[i]);
    }
    for (let i = 0; i < length; i++) {
      others[i] = (ofKind.get(this.#members.get(series[i]).labels.kind) ?? 0) - count[i];
    }
  }

  /** Of the series with these labels, in the interval being judged. */
  #failingParts({ name, kind }: Labels): string[] {
    const { length, series, failed } = this.#rows;
    const parts: { part: string; failed: number }[] = [];
    for (let i = 0; i < length; i++) {
      const { labels } = this.#members.get(series[i]);
      if (labels.part === undefined || labels.name !== name || labels.kind !== kind || !(failed[i] > 0)) continue;
      parts.push({ part: labels.part, failed: failed[i] });
    }
    return parts.sort((a, b) => b.failed - a.failed).map(({ part }) => part);
  }

  /** Whether an anomaly is of a template of which the records have another one by now, or of one that has got those of another. */
  #renames({ id, labels }: Anomaly): boolean {
    if (!this.#templates || labels.part === undefined) return false;
    const { length, series } = this.#rows;
    for (let i = 0; i < length; i++) {
      const known = this.#members.get(series[i]);
      if (known.labels.part !== labels.part || known.labels.name !== labels.name) continue;
      const siblings = this.#members.partsOf(known.whole);
      return this.#templates.renames(series[i], labels.part, siblings, openedAt(id) / this.#options.interval);
    }
    return false;
  }

  /** The template that most records of a series that surges have had of late. */
  #mostly({ labels: { name }, observed, expected }: Anomaly): string[] {
    if (!(observed > expected)) return [];
    const { length, series, part } = this.#rows;
    for (let i = 0; i < length; i++) {
      const { labels, whole } = this.#members.get(series[i]);
      if (part[i] === 0 || labels.name !== name || this.#lately[series[i]] < MANY) continue;
      const { template } = this.#lasting(series[i]);
      if (template !== undefined && this.#lately[series[i]] > this.#lately[whole] / 2) return [`"${template}"`];
    }
    return [];
  }

  #labels(member: number, number: number): Labels {
    const { labels, whole } = this.#members.get(member);
    if (!this.#templates || whole < 0) return { ...labels, ...this.#examples.of(member, number) };
    // ids and example are those of one record
    return {
      ...labels,
      ...this.#examples.of(member, this.#templates.intervalOf(member)),
      ...this.#templates.labels(member),
    };
  }

  /** Labels that name a member after a restart too. */
  #lasting(member: number): Labels {
    const { labels } = this.#members.get(member);
    const template = this.#templates?.labels(member).template;
    return template === undefined ? labels : { ...labels, template };
  }

  /** All that it remembers but the counts of open intervals. */
  takeSnapshot(): Snapshot {
    const snapshot = this.#detector.takeSnapshot();
    const members = this.#members.save((member) => this.#lasting(member));
    const sources = [...this.#tally.sources.values()].map(({ key, usual }): [string, number] => [key, usual]);
    const kept = column(
      "members",
      "u8",
      packed({ interval: this.#options.interval, members, sources } satisfies z.input<typeof savedShape>),
    );
    return { ...snapshot, columns: [...snapshot.columns, kept] };
  }

  restore(snapshot: Snapshot): void {
    const kept = snapshot.columns.find(({ name }) => name === "members");
    if (!kept) throw new SnapshotError("lacks its members");
    const saved = unpacked(kept.bytes, savedShape, this.#plugin.type);
    if (saved.interval !== this.#options.interval) {
      throw new SnapshotError(`counts in intervals of ${saved.interval} ms, not of ${this.#options.interval} ms`);
    }
    this.#detector.restore(snapshot);
    this.#members.restore(saved.members);
    for (const [key, usual] of saved.sources) {
      const source = this.#tally.sources.get(key);
      if (source) source.usual = usual;
    }
  }
}

const savedShape = z.object({
  /** Milliseconds. */
  interval: z.number(),
  members: z.array(savedMemberShape),
  /** What is usual of each, by its key. */
  sources: z.array(z.tuple([z.string(), z.number()])),
});

function roomFor(capacity: number): IntervalRows {
  const f64 = () => new Float64Array(capacity);
  const u32 = () => new Uint32Array(capacity);
  const part = new Uint8Array(capacity);
  return { length: 0, series: u32(), offset: u32(), time: f64(), count: f64(), failed: f64(), others: f64(), part };
}
