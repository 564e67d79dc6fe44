// A detector of vectors in a pipeline: joins the metrics of each resource, scores, calibrates, and raises what is past its line.
import type {
  Anomaly,
  Batch,
  Host,
  Processor,
  StateShape,
  Telemetry,
  VectorDetectorPlugin,
  VectorOptions,
} from "../api/index.ts";
import { column, type Kept, type Snapshot, SnapshotError } from "../series/snapshot.ts";
import { SeriesState, valuesOf } from "../series/state.ts";
import type { SeriesTable } from "../series/table.ts";
import { Calibrator } from "./calibrate.ts";
import { contributing, labelsOf, nameOf, sentence } from "./combination.ts";
import { Join, type Listener } from "./join.ts";
import { Lasting, type Lasts } from "./lasting.ts";
import { type Line, lineOf, restoreLine, savedLine } from "./line.ts";
import { Relations } from "./relations.ts";
import { type DetectorCounts, Reporter } from "./reporter.ts";
import type { Judge, Judgement, Tap } from "./tap.ts";
import { CHUNK_VECTORS, VectorChunk } from "./vector_chunk.ts";
import { completed, type VectorDetectorOptions } from "./vector_options.ts";

type AnyVectorDetector = VectorDetectorPlugin<any, StateShape>;

/** A vector is judged when its interval is over, in the call that brings a point of a later one, or in a `tick`. */
export class VectorDetector implements Processor<"metrics">, Kept, Listener, Judge {
  readonly counts: DetectorCounts;
  readonly #plugin: AnyVectorDetector;
  readonly #own: VectorOptions;
  readonly #options: VectorDetectorOptions;
  readonly #host: Host;
  readonly #reporter: Reporter;
  readonly #lasting: Lasting;
  readonly #line: Line;
  readonly #tap: Tap | undefined;
  readonly #join: Join;
  readonly #chunk: VectorChunk;
  readonly #state: SeriesState;
  readonly #relations: Relations;
  /** Of one whose scores are surprises. */
  readonly #calibrator: Calibrator | undefined;
  #age = new Uint32Array(0);
  readonly #rarity = new Float64Array(CHUNK_VECTORS);
  readonly #score = new Float64Array(CHUNK_VECTORS);
  readonly #reading: Pick<Judgement, "typeOf" | "observed"> = {
    typeOf: (i) => this.#type(i),
    // no one number
    observed: () => Number.NaN,
  };
  #batch: Batch<"metrics"> | undefined;
  #complained = false;

  /** Arguments as those of `Detector`; `options` are the plugin's own and the agent's, parsed. */
  constructor(
    plugin: VectorDetectorPlugin<any, any>,
    options: object,
    host: Host,
    table: SeriesTable,
    raise: (anomaly: Anomaly) => void,
    counts?: DetectorCounts,
    tap?: Tap,
    lasts?: Lasts,
  ) {
    this.#lasting = new Lasting(host.id, "metrics", lasts);
    this.#plugin = plugin;
    this.#own = options as VectorOptions;
    this.#options = completed(options);
    this.#host = host;
    this.#reporter = new Reporter(host, this.#options, raise, counts);
    this.counts = this.#reporter.counts;
    if ((plugin.scores ?? "surprise") === "surprise") this.#calibrator = new Calibrator();
    this.#line = lineOf(this.#options, plugin);
    this.#tap = tap;
    this.#state = new SeriesState(typeof plugin.state === "function" ? plugin.state(this.#own) : plugin.state);
    this.#chunk = new VectorChunk(this.#options.dimensions);
    this.#relations = new Relations(this.#options.dimensions);
    this.#join = new Join(this.#options, table, this);
  }

  /** Resources remembered. */
  get series(): number {
    return this.#join.resources.length;
  }

  /** Bytes held for the resources, room to grow included. */
  get stateBytes(): number {
    const own = this.#state.byteLength + (this.#calibrator?.state.byteLength ?? 0) + this.#age.byteLength;
    return own + this.#line.state.byteLength + this.#relations.state.byteLength + this.#join.byteLength;
  }

  /** Rarity where its line lies at present; NaN where that is for its scores to say. */
  get threshold(): number {
    return this.#plugin.scores === "line" ? Number.NaN : this.#line.threshold;
  }

  /** Resources that were not judged often enough yet to raise an anomaly. */
  get warming(): number {
    let count = 0;
    for (let r = 0; r < this.series; r++) if (!this.#warm(r)) count++;
    return count;
  }

  /** Metrics that found no place in their resource's vectors, and points that came after their interval was over. */
  get leftOut(): { metrics: number; points: number } {
    return { metrics: this.#join.leftOut, points: this.#join.late };
  }

  get signal(): Telemetry {
    return "metrics";
  }

  get warmup(): number {
    return this.#options.warmup;
  }

  judged(resource: number): number {
    return this.#calibrator?.scores(resource) ?? this.#age[resource];
  }

  async stop(): Promise<void> {
    this.#join.stop();
  }

  process(batch: Batch<"metrics">): Batch<"metrics"> {
    this.#reporter.begin();
    this.#batch = batch;
    try {
      this.#join.take(batch);
      this.#judge();
    } finally {
      this.#batch = undefined;
    }
    if (this.#join.leftOut > 0) this.#complain();
    return batch;
  }

  tick(now: number): void {
    this.#reporter.begin();
    this.#join.tick(now);
    this.#judge();
  }

  closed(resource: number, row: number): void {
    const { rows, source } = this.#chunk;
    const i = rows.length++;
    rows.series[i] = resource;
    rows.age[i] = this.#age[resource];
    if (this.#age[resource] < 0xffffffff) this.#age[resource]++;
    rows.time[i] = this.#join.copy(resource, rows.values, rows.held, i);
    this.#relations.deviate(resource, rows.values, rows.held, i, rows.deviations);
    source[i] = row;
    if (rows.length === CHUNK_VECTORS) this.#judge();
  }

  reassigned(): void {
    this.#judge();
  }

  evicted(resource: number): void {
    this.#judge();
    this.#state.clear(resource);
    this.#relations.state.clear(resource);
    this.#calibrator?.state.clear(resource);
    this.#line.state.clear(resource);
    this.#lasting.forget(resource);
    this.#tap?.forgot?.(resource);
    this.#age[resource] = 0;
    this.counts.evicted++;
  }

  grown(capacity: number): void {
    const age = new Uint32Array(capacity);
    age.set(this.#age);
    this.#age = age;
    this.#state.grow(capacity);
    this.#relations.state.grow(capacity);
    this.#calibrator?.state.grow(capacity);
    this.#line.state.grow(capacity);
  }

  #complain(): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#host.log.warn("a resource has more metrics than are joined: raise dimensions, or choose some with match", {
      dimensions: this.#options.dimensions,
    });
  }

  /** Lets the detector fill its verdicts on the vectors that wait, and calibrates them in order. */
  #judge(): void {
    const { rows } = this.#chunk;
    if (rows.length === 0) return;
    try {
      this.#judgeAll();
    } finally {
      rows.length = 0;
    }
  }

  #judgeAll(): void {
    const { rows, verdicts, source } = this.#chunk;
    const { length: count } = rows;
    const rarity = this.#rarity;
    const score = this.#score;
    const { scores } = this.#plugin;
    this.#plugin.scoreThenLearn(this.#chunk.show(), this.#state.columns, verdicts, this.#own);
    for (let i = 0; i < count; i++) {
      const each = <T extends Uint32Array | Float64Array>(column: T) => column.subarray(i, i + 1) as T;
      // one by one, so that whether it is warm is asked when no later one has been learnt
      if (this.#calibrator) this.#calibrator.apply(each(rows.series), each(verdicts.score), 1, each(rarity));
      else rarity[i] = verdicts.score[i];
      if (!this.#warm(rows.series[i], rows.age[i] + 1)) rarity[i] = Number.isNaN(rarity[i]) ? Number.NaN : 0;
    }
    if (scores === "line") {
      score.set(rarity.subarray(0, count));
      rarity.fill(Number.NaN, 0, count);
    } else this.#line.apply(rows.series, rows.time, rarity, count, score, verdicts.lasts);
    for (let i = 0; i < count; i++) {
      if (score[i] >= 1) this.#find(i);
      else if (verdicts.lasts[i] === 1) {
        this.#lasting.lasts(rows.series[i], rows.time[i], () => labelsOf(this.#join.resources[rows.series[i]]));
      }
    }
    this.counts.rows += count;
    const batch = this.#batch as Batch<Telemetry> | undefined;
    const detector = this.#host.id;
    if (!batch || !this.#tap || this.#tap.wanted === false) return;
    const labels = (i: number) => labelsOf(this.#join.resources[rows.series[i]]);
    const said = { count, source, series: rows.series, time: rows.time, score, rarity, verdicts, labels };
    this.#tap.judged(batch, { detector, by: this, ...said, ...this.#reading });
  }

  #warm(resource: number, age = this.#age[resource]): boolean {
    return (this.#calibrator?.scores(resource) ?? age) > this.#options.warmup;
  }

  #type(i: number): string {
    const { above, more } = this.#plugin.finds;
    return more?.[this.#chunk.verdicts.finding[i] - 1] ?? above;
  }

  #find(i: number): void {
    const { rows, verdicts } = this.#chunk;
    const { width, series, values } = rows;
    const joined = this.#join.resources[series[i]];
    const own = (matrix: Float64Array) => matrix.subarray(i * width, (i + 1) * width);
    const which = contributing(own(verdicts.contributions)).filter((k) => k in joined.dimensions);
    const found = this.#reporter.report(
      {
        signal: "metrics",
        type: this.#type(i),
        time: rows.time[i],
        rarity: this.#rarity[i],
        score: this.#score[i],
        // no one number: what was observed is in the sentence
        observed: Number.NaN,
        expected: Number.NaN,
        lower: Number.NaN,
        upper: Number.NaN,
        basis: 0,
        contributors: which.map((k) => nameOf(joined.dimensions[k], joined)),
        reason: sentence(joined, own(values), which, this.#rarity[i]),
      },
      () => labelsOf(joined),
    );
    if (found) this.#lasting.found(series[i], found);
  }

  /** All that it remembers: resources and their dimensions, the open intervals, the detector's columns, calibration. */
  takeSnapshot(): Snapshot {
    const rows = this.series;
    return {
      type: this.#plugin.type,
      stateVersion: this.#plugin.stateVersion ?? 1,
      takenAt: this.#host.now(),
      signal: "metrics",
      columns: [
        column("series.age", "u32", this.#age.slice(0, rows)),
        ...this.#join.save(),
        ...this.#relations.state.save("relations.", rows),
        ...this.#state.save("state.", rows),
        ...(this.#calibrator?.state.save("calibration.", rows) ?? []),
        ...savedLine(this.#line, rows),
      ],
    };
  }

  restore(snapshot: Snapshot): void {
    const { type, stateVersion = 1 } = this.#plugin;
    if (this.series > 0) throw new SnapshotError("comes too late: the detector has seen data");
    if (snapshot.type !== type || snapshot.signal !== "metrics") {
      throw new SnapshotError(`is that of ${snapshot.type} on ${snapshot.signal ?? "no signal"}, not of ${type}`);
    }
    if (snapshot.stateVersion !== stateVersion) {
      throw new SnapshotError(`has version ${snapshot.stateVersion}, this ${type} has version ${stateVersion}`);
    }
    const columns = new Map(snapshot.columns.map((each) => [each.name, each]));
    const age = valuesOf("u32", columns.get("series.age")?.bytes ?? new Uint8Array(0));
    const misfit =
      this.#join.misfit(columns) ??
      AGES.misfit("series.", age.length, columns) ??
      this.#relations.state.misfit("relations.", age.length, columns) ??
      this.#state.misfit("state.", age.length, columns) ??
      this.#calibrator?.state.misfit("calibration.", age.length, columns);
    if (misfit) throw new SnapshotError(misfit);
    const from = this.#join.restore(columns, age);
    for (const [r, row] of from.entries()) this.#age[r] = age[row];
    this.#relations.state.restore("relations.", from, columns);
    this.#state.restore("state.", from, columns);
    this.#calibrator?.state.restore("calibration.", from, columns);
    restoreLine(this.#line, age.length, from, columns);
  }
}

/** The shape of what is kept of each resource beside its state. */
const AGES = new SeriesState({ age: "u32" });
