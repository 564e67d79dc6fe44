// Recorded telemetry through the pipelines of a configuration, in event time, as fast as it goes.
import type { Anomaly, Telemetry } from "../api/index.ts";
import { Log } from "../observe/log.ts";
import { MetricScan } from "../otlp/columns.ts";
import { scanMetrics } from "../otlp/metrics.ts";
import type { Store } from "../series/store.ts";
import { chunksOf } from "./chunks.ts";
import { CsvFile } from "./csv_file.ts";
import { DEFAULT_CONFIG } from "./default_config.ts";
import { InputError } from "./input_error.ts";
import { findInputs, type Input } from "./inputs.ts";
import { type Loaded, loadSources, watchesTime } from "./loaded.ts";
import { Merge } from "./merge.ts";
import { notesOn, some } from "./notes.ts";
import { OtlpFiles } from "./otlp_files.ts";
import { Player } from "./player.ts";
import type { ReplayedRow } from "./row.ts";
import { Verdicts } from "./verdicts.ts";
import { WaitingRows } from "./waiting_rows.ts";

export { InputError, type Loaded, loadSources, type ReplayedRow };

/** Milliseconds of event time in one request, where something in the pipelines may look at the clock. */
const LONGEST_SPAN = 1000;
/** Bytes that all inputs together are read by; at least so many each. */
const READ_AHEAD = 32 * 1024 ** 2;
const LEAST_READ = 4096;
const MOST_READ = 128 * 1024;

export interface ReplayOptions {
  /** Files and directories. */
  readonly inputs: readonly string[];
  /** As `loadSources` gives it; without it `auto` on every metric. */
  readonly config?: Loaded;
  /** Every row of every input once, after it was judged: those of an input in order, those of several in the order of their times. */
  readonly onRow?: (row: ReplayedRow) => void;
  /** Every anomaly that passes the `anomalies` pipelines, or any where there are none; some are in no row. */
  readonly onAnomaly?: (anomaly: Anomaly) => void;
  /** Waited for between two requests, so that what is written can keep up. */
  readonly onBatch?: (progress: Progress) => Promise<void> | void;
  /** All rows of the input were handed out; waited for. */
  readonly onInputEnd?: (input: Input) => Promise<void> | void;
  /** Handed the inputs before the first is read. Throws to end the replay. */
  readonly onInputs?: (inputs: readonly Input[]) => void;
  /** Whether the exporters of the configuration run. */
  readonly exports?: boolean;
  /** What was learnt is saved there once all inputs were read; its hash seeds are used. */
  readonly store?: Store;
  /** Ends the replay after the request under way; the summary says so. */
  readonly signal?: AbortSignal;
  /** The agent's own; warnings and errors go to standard error unless given. */
  readonly log?: Log;
}

export interface Progress {
  readonly rows: number;
  readonly anomalies: number;
  /** Bytes of the files, packed as they are. */
  readonly read: number;
  readonly total: number;
}

export interface Summary {
  readonly inputs: number;
  readonly rows: number;
  /** Series that the agent remembers at the end. */
  readonly series: number;
  readonly anomalies: number;
  readonly seconds: number;
  /** Whether it was ended before all was read. */
  readonly interrupted: boolean;
  /** Whole sentences about what a careful reader should know. */
  readonly notes: readonly string[];
}

/**
 * Feeds the inputs to an agent made from the configuration, whose receivers, exporters and extensions do not run. Throws InputError
 * for what cannot be read, with file, line, cause and remedy; then what was handed out until then stands, and nothing is saved.
 *
 *     const config = await loadSources(["config.yaml"]);
 *     await replay({ config, inputs: ["data"], onRow: ({ input, time, value, score }) => ... });
 */
export async function replay(options: ReplayOptions): Promise<Summary> {
  const config = options.config ?? (await loadSources([DEFAULT_CONFIG]));
  return new Replay(options, config).run();
}

type AnySource = CsvFile | OtlpFiles;

class Replay {
  readonly #options: ReplayOptions;
  readonly #loaded: Loaded;
  readonly #verdicts = new Verdicts();
  readonly #scan = new MetricScan();
  readonly #merge = new Merge<AnySource>();
  readonly #sources: AnySource[] = [];
  readonly #notes: string[] = [];
  /** Rows of signals that no pipeline takes. */
  readonly #unheard = new Map<Telemetry, number>();
  readonly #waiting: WaitingRows;
  #player: Player | undefined;
  #complete = false;
  #rows = 0;
  #anomalies = 0;
  #read = 0;
  #total = 0;

  constructor(options: ReplayOptions, loaded: Loaded) {
    this.#options = options;
    this.#loaded = loaded;
    this.#waiting = new WaitingRows(watchesTime(loaded) ? LONGEST_SPAN : Number.POSITIVE_INFINITY);
  }

  async run(): Promise<Summary> {
    const began = performance.now();
    const { inputs, leftOut } = await findInputs(this.#options.inputs);
    if (leftOut.length > 0) this.#notes.push(`Left out, since they hold no telemetry: ${some(leftOut)}.`);
    this.#options.onInputs?.(inputs);
    this.#total = inputs.reduce((sum, { size }) => sum + size, 0);
    let series = 0;
    try {
      await this.#open(inputs);
      const player = await this.#start();
      await this.#play(player);
      this.#complete = !this.#interrupted;
    } finally {
      await this.#player?.stop();
      for (const source of this.#sources) await source.close();
      series = this.#player?.series ?? 0;
    }
    this.#note();
    return {
      inputs: inputs.length,
      rows: this.#rows,
      series,
      anomalies: this.#anomalies,
      seconds: (performance.now() - began) / 1000,
      interrupted: this.#interrupted,
      notes: this.#notes,
    };
  }

  get #interrupted(): boolean {
    return this.#options.signal?.aborted ?? false;
  }

  /** Brings every source to its first item. OTLP files whose first request is of the same signal are one source, in order of name. */
  async #open(inputs: readonly Input[]): Promise<void> {
    const size = Math.min(MOST_READ, Math.max(LEAST_READ, Math.floor(READ_AHEAD / inputs.length)));
    const onRead = (bytes: number) => {
      this.#read += bytes;
    };
    const open = ({ path }: Input) => chunksOf(path, { size, onRead });
    const ended = async (input: Input) => this.#options.onInputEnd?.(input);
    const tables = inputs.filter(({ content }) => content === "csv");
    checkNames(tables);
    const requests = Map.groupBy(
      inputs.filter(({ content }) => content !== "csv"),
      ({ signal }) => signal,
    );
    this.#sources.push(
      ...[...requests.values()].map((files) => new OtlpFiles(files, open, ended, this.#options.onRow !== undefined)),
      ...tables.map((input) => new CsvFile(input, open(input))),
    );
    for (const source of this.#sources) {
      if (this.#interrupted) return;
      if (await source.more()) this.#merge.add(source);
      else if (source instanceof CsvFile) await ended(source.input);
    }
  }

  async #start(): Promise<Player> {
    const { store, exports = false, log = new Log({ level: "warn", encoding: "console" }), onAnomaly } = this.#options;
    const player = new Player({
      config: this.#loaded.config,
      plugins: this.#loaded.registry,
      log,
      tap: this.#verdicts,
      exports,
      store: store && this.#whenComplete(store),
      start: this.#merge.first?.time ?? 0,
      signal: this.#options.signal,
      onAnomaly: (anomaly) => {
        this.#anomalies++;
        onAnomaly?.(anomaly);
      },
    });
    this.#player = player;
    await player.start();
    const table = this.#sources.find((source) => source instanceof CsvFile);
    if (table && !player.takes("metrics")) {
      const problem =
        "it holds metrics, and the configuration has no metrics pipeline; add one under service.pipelines";
      throw new InputError(table.input.path, problem);
    }
    return player;
  }

  /** A replay begins with nothing learnt, and keeps nothing that ended early. */
  #whenComplete(store: Store): Store {
    return {
      seed: (signal) => store.seed(signal),
      restore: async () => false,
      saveAll: async (components) => !this.#complete || store.saveAll(components),
    };
  }

  async #play(player: Player): Promise<void> {
    for (let source = this.#merge.first; source && !this.#interrupted; source = this.#merge.first) {
      if (source instanceof CsvFile) {
        if (!this.#waiting.hasRoomFor(source)) await this.#flush(player);
        this.#waiting.add(source);
      } else {
        await this.#flush(player);
        await this.#pass(player, source);
      }
      if (source.next() || (await source.more())) this.#merge.moved();
      else {
        this.#merge.ended();
        await this.#flush(player);
        if (source instanceof CsvFile) await this.#options.onInputEnd?.(source.input);
      }
    }
    await this.#flush(player);
  }

  /** Feeds what waits and hands it out. */
  async #flush(player: Player): Promise<void> {
    const { rows, pointRows, since, until } = this.#waiting;
    if (rows.length === 0) return;
    if (pointRows.length > 0) {
      const bytes = this.#waiting.encode();
      scanMetrics(bytes, this.#scan, 1);
      this.#verdicts.expect(bytes, this.#scan.offset, pointRows);
      await player.feed("metrics", bytes, since, until);
    }
    this.#waiting.clear();
    await this.#handOut(rows);
  }

  async #pass(player: Player, { request, offsets, rows, time }: OtlpFiles): Promise<void> {
    const { signal, bytes } = request;
    if (!player.takes(signal)) this.#unheard.set(signal, (this.#unheard.get(signal) ?? 0) + offsets.length);
    this.#verdicts.expect(bytes, offsets, rows, true);
    await player.feed(signal, bytes, time, time);
    await this.#handOut(rows, offsets.length);
  }

  async #handOut(rows: readonly ReplayedRow[], count = rows.length): Promise<void> {
    const { onRow, onBatch } = this.#options;
    this.#rows += count;
    if (onRow) for (const row of rows) onRow(row);
    const waited = onBatch?.({ rows: this.#rows, anomalies: this.#anomalies, read: this.#read, total: this.#total });
    if (waited) await waited;
  }

  #note(): void {
    for (const [signal, rows] of this.#unheard) {
      this.#notes.push(`${rows} rows of ${signal} were judged by nobody: the configuration has no ${signal} pipeline.`);
    }
    this.#notes.push(...notesOn(this.#sources.filter((source) => source instanceof CsvFile)));
  }
}

/** Two tables of one name would be one series. */
function checkNames(inputs: readonly Input[]): void {
  const seen = new Map<string, string>();
  for (const { name, path } of inputs) {
    const before = seen.get(name);
    if (before !== undefined) {
      const problem = `it is called ${name} as ${before} is; rename one, or name a directory that holds both`;
      throw new InputError(path, problem);
    }
    seen.set(name, path);
  }
}
