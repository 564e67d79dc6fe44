// A detector in a pipeline: selects its rows, scores them, calibrates, and makes anomalies of what passes its threshold.
import {
  type Anomaly,
  type Batch,
  type ColumnType,
  type DataOf,
  type DetectorPlugin,
  type Host,
  isWanted,
  type Processor,
  type StateShape,
  type Telemetry,
} from "../api/index.ts";
import { grown } from "../series/growing.ts";
import { Recency } from "../series/recency.ts";
import {
  copiedSnapshot,
  type Kept,
  type KeptColumn,
  type LiveColumn,
  type LiveSnapshot,
  lengthOf,
  type Snapshot,
  SnapshotError,
} from "../series/snapshot.ts";
import { SeriesState, valuesOf } from "../series/state.ts";
import { NO_SERIES, type RowOwner, type SeriesTable } from "../series/table.ts";
import { Calibrator } from "./calibrate.ts";
import { CHUNK, Chunk, gather } from "./chunk.ts";
import { Lasting, type Lasts } from "./lasting.ts";
import { type Line, lineOf, liveLine, restoreLine } from "./line.ts";
import { matching } from "./match.ts";
import type { DetectorOptions } from "./options.ts";
import { type DetectorCounts, Reporter } from "./reporter.ts";
import type { Judge, Judgement, Tap } from "./tap.ts";

// In the map from the table's rows to a detector's own; larger values are its row + WATCHED, negative ones ~row of a series
// that was restored and whose labels `match` has not seen yet.
const UNDECIDED = 0;
const IGNORED = 1;
const WATCHED = 2;

/** A rarity below this is never an anomaly, whatever the line: what could be one is looked at more closely. */
const NOTABLE = 1;

/**
 * The dense rows of a detector are its own, so that its state is as large as what it watches. At `max_series` one makes room
 * as `Recency` says; when that one has rows in the chunk being gathered, the chunk is scored first, so that how rows are
 * batched never changes a score.
 */
export class Detector<S extends Telemetry = Telemetry> implements Processor<S>, RowOwner, Kept, Judge {
  readonly counts: DetectorCounts;
  readonly #plugin: DetectorPlugin<any, S, StateShape>;
  readonly #options: DetectorOptions;
  readonly #own: unknown;
  readonly #host: Host;
  readonly #table: SeriesTable;
  readonly #reporter: Reporter;
  readonly #lasting: Lasting;
  readonly #line: Line;
  readonly #tap: Tap | undefined;
  readonly #reading: Pick<Judgement, "typeOf" | "observed">;
  readonly #allows: ReturnType<typeof matching>;
  readonly #state: SeriesState;
  /** Of one whose scores are surprises. */
  readonly #calibrator: Calibrator | undefined;
  readonly #recency = new Recency();
  /** Table row -> own row + WATCHED, or a decision; own row -> table row. */
  #map = new Int32Array(0);
  #members = new Uint32Array(0);
  #age = new Uint32Array(0);
  #length = 0;
  /** The table no longer says which of its rows are other series' by now. */
  #stopped = false;
  readonly #free: number[] = [];
  readonly #chunk: Chunk<S>;
  readonly #rarity = new Float64Array(CHUNK);
  readonly #score = new Float64Array(CHUNK);

  /**
   * `own` are the plugin's own options, parsed; `raise` is called within `process`, in the order of the rows; `counts` are those
   * of the detector that it replaces.
   */
  constructor(
    plugin: DetectorPlugin<any, S, any>,
    own: unknown,
    options: DetectorOptions,
    host: Host,
    table: SeriesTable,
    raise: (anomaly: Anomaly) => void,
    counts?: DetectorCounts,
    tap?: Tap,
    lasts?: Lasts,
  ) {
    this.#lasting = new Lasting(host.id, plugin.signal, lasts);
    this.#reporter = new Reporter(host, options, raise, counts, (labels) => plugin.measure?.(own as never, labels));
    this.counts = this.#reporter.counts;
    if ((plugin.scores ?? "surprise") === "surprise") this.#calibrator = new Calibrator();
    this.#line = lineOf(options, plugin);
    this.#tap = tap;
    this.#reading = { typeOf: (i) => this.#type(i), observed: (i) => this.#observed(i) };
    this.#plugin = plugin;
    this.#own = own;
    this.#options = options;
    this.#host = host;
    this.#table = table;
    this.#allows = matching(options.match);
    this.#state = new SeriesState(typeof plugin.state === "function" ? plugin.state(own as never) : plugin.state);
    this.#chunk = new Chunk(plugin.signal, plugin.rows);
    table.own(this);
  }

  /** Series remembered. */
  get series(): number {
    return this.#length - this.#free.length;
  }

  /** Bytes held for the series, room to grow included. */
  get stateBytes(): number {
    const own = this.#map.byteLength + this.#members.byteLength + this.#age.byteLength + this.#line.state.byteLength;
    return own + this.#recency.byteLength + this.#state.byteLength + (this.#calibrator?.state.byteLength ?? 0);
  }

  /** Rarity where its line lies at present; NaN where that is for its scores to say. */
  get threshold(): number {
    return this.#plugin.scores === "line" ? Number.NaN : this.#line.threshold;
  }

  /** Series that were not judged often enough yet to raise an anomaly. Counts them: a pass over all. */
  get warming(): number {
    let count = 0;
    for (let own = 0; own < this.#length; own++) {
      if (this.#recency.stampOf(own) > 0 && this.judged(own) <= this.#options.warmup) count++;
    }
    return count;
  }

  get signal(): Telemetry {
    return this.#plugin.signal;
  }

  get warmup(): number {
    return this.#options.warmup;
  }

  judged(own: number): number {
    return this.#calibrator?.scores(own) ?? this.#age[own];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#table.disown(this);
  }

  grow(capacity: number): void {
    this.#map = grown(this.#map, capacity);
  }

  recycle(row: number): void {
    const own = this.#map[row];
    this.#map[row] = UNDECIDED;
    if (own < UNDECIDED) this.#release(~own);
    else if (own >= WATCHED) this.#release(own - WATCHED);
  }

  #release(own: number): void {
    this.#forget(own);
    this.#free.push(own);
  }

  #forget(own: number): void {
    this.#lasting.forget(own);
    this.#recency.forget(own);
    this.#tap?.forgot?.(own);
  }

  process(data: DataOf<S>): DataOf<S> {
    const batch = data as Batch<S>;
    const { rows } = batch;
    this.#reporter.begin();
    this.#recency.tick(batch.receivedAt);
    let count = 0;
    let began = this.#recency.clock;
    for (let i = 0; i < rows.length; i++) {
      const row = rows.series[i];
      let own = this.#map[row];
      if (own < WATCHED) {
        if (own === IGNORED) continue;
        if (this.#allows && !this.#allows(batch.labels(i))) {
          if (own < UNDECIDED) this.#release(~own);
          this.#map[row] = IGNORED;
          continue;
        }
        if (own < UNDECIDED) {
          own = ~own + WATCHED;
          this.#map[row] = own;
        } else {
          if (this.#free.length === 0 && this.#length === this.#options.max_series && count > 0) {
            if (this.#recency.stampOf(this.#recency.oldest(this.#length)) > began) {
              this.#judge(batch, count);
              count = 0;
              began = this.#recency.clock;
            }
          }
          own = this.#admit(row) + WATCHED;
        }
      }
      own -= WATCHED;
      this.#recency.touch(own);
      this.#chunk.source[count] = i;
      this.#chunk.series[count] = own;
      const age = this.#age[own];
      this.#chunk.age[count] = age;
      if (age < 0xffffffff) this.#age[own] = age + 1;
      if (++count === CHUNK) {
        this.#judge(batch, count);
        count = 0;
        began = this.#recency.clock;
      }
    }
    if (count > 0) this.#judge(batch, count);
    return data;
  }

  /** An own row for a series that has none, cleared. */
  #admit(tableRow: number): number {
    let own = this.#free.pop();
    if (own === undefined && this.#length < this.#options.max_series) {
      own = this.#length++;
      if (own === this.#members.length) this.#growOwn(Math.min(this.#options.max_series, Math.max(256, own * 2)));
    } else {
      if (own === undefined) {
        own = this.#recency.oldest(this.#length);
        this.#map[this.#members[own]] = UNDECIDED;
        this.#forget(own);
        this.counts.evicted++;
      }
      this.#state.clear(own);
      this.#calibrator?.state.clear(own);
      this.#line.state.clear(own);
      this.#age[own] = 0;
    }
    this.#members[own] = tableRow;
    this.#map[tableRow] = own + WATCHED;
    return own;
  }

  #growOwn(capacity: number): void {
    this.#members = grown(this.#members, capacity);
    this.#age = grown(this.#age, capacity);
    this.#recency.grow(capacity);
    this.#state.grow(capacity);
    this.#calibrator?.state.grow(capacity);
    this.#line.state.grow(capacity);
  }

  /** Lets the detector fill its verdicts on the chunk, and calibrates them in order. */
  #judge(batch: Batch<S>, count: number): void {
    const { series, verdicts, source } = this.#chunk;
    const rows = this.#chunk.show(batch, count);
    const { scores } = this.#plugin;
    const { lasts } = verdicts;
    this.#plugin.scoreThenLearn(rows, this.#state.columns, verdicts, this.#own as never);
    const rarity = this.#rarity;
    const score = this.#score;
    if (this.#calibrator) this.#calibrator.apply(series, verdicts.score, count, rarity);
    else rarity.set(verdicts.score.subarray(0, count));
    const least = scores === "line" ? 1 : NOTABLE;
    for (let i = 0; i < count; i++) {
      if (rarity[i] >= least && !(this.#warm(i, count) && this.#wanted(i))) rarity[i] = 0;
    }
    if (scores === "line") {
      score.set(rarity.subarray(0, count));
      rarity.fill(Number.NaN, 0, count);
    } else this.#line.apply(series, rows.time, rarity, count, score, lasts);
    for (let i = 0; i < count; i++) {
      if (score[i] >= 1) this.#find(batch, i);
      else if (lasts[i] === 1 && this.#wanted(i))
        this.#lasting.lasts(series[i], rows.time[i], () => batch.labels(source[i]));
    }
    this.counts.rows += count;
    if (!this.#tap || this.#tap.wanted === false) return;
    const labels = (i: number) => batch.labels(source[i]);
    const said = { count, source, series, time: rows.time, score, rarity, verdicts, labels, ...this.#reading };
    this.#tap.judged(batch, { detector: this.#host.id, by: this, ...said });
  }

  /** Whether the series had been judged often enough when row i of the chunk came; the calibrator has had them all by now. */
  #warm(i: number, count: number): boolean {
    const { series, age } = this.#chunk;
    const { warmup } = this.#options;
    if (!this.#calibrator) return age[i] >= warmup;
    const { score } = this.#chunk.verdicts;
    let scores = this.#calibrator.scores(series[i]);
    if (scores <= warmup || scores > warmup + count) return scores > warmup;
    for (let later = i + 1; later < count; later++) if (series[later] === series[i] && score[later] >= 0) scores--;
    return scores > warmup;
  }

  /** Whether the user cares for deviations of this kind. */
  #wanted(i: number): boolean {
    return isWanted(this.#options, this.#observed(i), this.#chunk.verdicts.expected[i]);
  }

  #observed(i: number): number {
    const { rows, verdicts } = this.#chunk;
    const own = rows.value ?? rows.duration;
    return Number.isNaN(verdicts.observed[i]) && own ? own[i] : verdicts.observed[i];
  }

  #type(i: number): string {
    const { finding, expected } = this.#chunk.verdicts;
    const { above, below, more } = this.#plugin.finds;
    if (finding[i] > 0) return more?.[finding[i] - 1] ?? above;
    return this.#observed(i) < expected[i] ? below : above;
  }

  #find(batch: Batch<S>, i: number): void {
    const { rows, source, verdicts } = this.#chunk;
    const row = source[i];
    const labels = () => batch.labels(row);
    const found = this.#reporter.report(
      {
        signal: this.#plugin.signal,
        type: this.#type(i),
        time: rows.time[i],
        rarity: this.#rarity[i],
        score: this.#score[i],
        observed: this.#observed(i),
        expected: verdicts.expected[i],
        lower: verdicts.lower[i],
        upper: verdicts.upper[i],
        basis: verdicts.basis[i],
        since: orNothing(verdicts.since[i]),
        rows: orNothing(verdicts.rows[i]),
        contributors: [],
      },
      labels,
      batch as unknown as Batch<Telemetry>,
      row,
    );
    if (found) this.#lasting.found(this.#chunk.series[i], found);
  }

  takeSnapshot(): Snapshot {
    return copiedSnapshot(this.live());
  }

  /** All that it remembers, complete: identities, ages and the order of their last rows, the detector's columns, calibration. */
  live(): LiveSnapshot {
    const live = (name: string, type: ColumnType, read: LiveColumn["read"]): LiveColumn => ({
      name: `series.${name}`,
      type,
      width: 1,
      shared: false,
      read,
    });
    return {
      type: this.#plugin.type,
      stateVersion: this.#plugin.stateVersion ?? 1,
      takenAt: this.#host.now(),
      signal: this.#plugin.signal,
      rows: this.#length,
      columns: [
        live("hash0", "i32", (from, to) => this.#identities(from, to)[0]),
        live("hash1", "i32", (from, to) => this.#identities(from, to)[1]),
        live("age", "u32", (from, to) => this.#age.subarray(from, to)),
        live("seen", "f64", (from, to) => this.#recency.stamps(from, to)),
        ...this.#state.live("state."),
        ...(this.#calibrator?.state.live("calibration.") ?? []),
        ...liveLine(this.#line),
      ],
      ended: () => this.#stopped,
    };
  }

  #identities(from: number, to: number): [Int32Array, Int32Array] {
    const rows = this.#members.subarray(from, to);
    const halves: [Int32Array, Int32Array] = [new Int32Array(rows.length), new Int32Array(rows.length)];
    this.#table.identities(rows, rows.length, ...halves);
    return halves;
  }

  /**
   * Goes on from a snapshot of the same hash seed, also under other options and into a table that others use: of more series
   * than it may hold, those seen last. What `match` leaves out by now is forgotten when it is next seen.
   */
  restore(snapshot: Snapshot): void {
    const { type, signal, stateVersion = 1 } = this.#plugin;
    if (this.#length > 0) throw new SnapshotError("comes too late: the detector has seen data");
    if (snapshot.type !== type || snapshot.signal !== signal) {
      throw new SnapshotError(
        `is that of ${snapshot.type} on ${snapshot.signal ?? "no signal"}, not of ${type} on ${signal}`,
      );
    }
    if (snapshot.stateVersion !== stateVersion) {
      throw new SnapshotError(`has version ${snapshot.stateVersion}, this ${type} has version ${stateVersion}`);
    }
    const columns = new Map(snapshot.columns.map((each) => [each.name, each]));
    const ages = columns.get("series.age");
    const rows = ages ? lengthOf(ages) >>> 2 : 0;
    const misfit =
      MEMBERS.misfit("series.", rows, columns) ??
      this.#state.misfit("state.", rows, columns) ??
      this.#calibrator?.state.misfit("calibration.", rows, columns);
    if (misfit) throw new SnapshotError(misfit);
    const from = this.#adopt(rows, columns);
    try {
      this.#state.restore("state.", from, columns);
      this.#calibrator?.state.restore("calibration.", from, columns);
      restoreLine(this.#line, rows, from, columns);
    } catch (error) {
      // a file that can no longer be read: nothing is better than a part
      for (const row of this.#members.subarray(0, this.#length)) this.recycle(row);
      throw error;
    }
  }

  /** Gives the series of a snapshot rows of their own, the least recently seen first; the row of each in the snapshot. */
  #adopt(rows: number, columns: ReadonlyMap<string, KeptColumn>): Uint32Array {
    const bytesOf = (name: string) => columns.get(`series.${name}`)!.bytes;
    const seen = valuesOf("f64", bytesOf("seen"));
    const age = valuesOf("u32", bytesOf("age"));
    const hash0 = valuesOf("i32", bytesOf("hash0"));
    const hash1 = valuesOf("i32", bytesOf("hash1"));
    const order = new Uint32Array(rows)
      .map((_, row) => row)
      .filter((row) => seen[row] > 0)
      .sort((a, b) => seen[a] - seen[b])
      .slice(-this.#options.max_series);
    const picked = <T extends Int32Array | Uint32Array>(values: T): T => {
      const some = values.slice(0, order.length) as T;
      gather(values, order, order.length, some);
      return some;
    };
    const series = new Uint32Array(order.length);
    this.#table.recall(picked(hash0), picked(hash1), picked(age), series);
    const from = order.filter((_, i) => {
      if (series[i] === NO_SERIES || this.#map[series[i]] !== UNDECIDED) return false;
      const own = this.#length++;
      this.#map[series[i]] = this.#allows ? ~own : own + WATCHED;
      series[own] = series[i];
      return true;
    });
    this.#growOwn(from.length);
    this.#members.set(series.subarray(0, from.length));
    for (let own = 0; own < from.length; own++) {
      this.#age[own] = age[from[own]];
      this.#recency.recall(own, age[from[own]]);
    }
    return from;
  }
}

const orNothing = (value: number) => (Number.isNaN(value) ? undefined : value);

/** The shape of what is kept of each series beside its state. */
const MEMBERS = new SeriesState({ hash0: "i32", hash1: "i32", age: "u32", seen: "f64" });
