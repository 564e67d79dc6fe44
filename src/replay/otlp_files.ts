// OTLP files one after the other, request by request, each with its rows and the time at which it is fed.
import type { Telemetry } from "../api/index.ts";
import { LogScan, MetricScan, type ScanOf, SpanScan } from "../otlp/columns.ts";
import { labelsOf } from "../otlp/labels.ts";
import { scanLogs } from "../otlp/logs.ts";
import { scanMetrics } from "../otlp/metrics.ts";
import { scanTraces } from "../otlp/traces.ts";
import { InputError } from "./input_error.ts";
import type { Input } from "./inputs.ts";
import { lineOf, type Request, requestsOf } from "./requests.ts";
import { type ReplayedRow, unjudged } from "./row.ts";

/** Names of series that are remembered; beyond it they are made again. */
const MOST_NAMES = 100_000;

export class OtlpFiles {
  /** When the current request is fed, Unix milliseconds: the latest time in it, or in one before. */
  time = Number.NEGATIVE_INFINITY;
  request!: Request;
  /** Of the current request: where each of its rows begins, ascending, and the rows where they are wanted. */
  offsets = new Uint32Array(0);
  rows: ReplayedRow[] = [];
  /** The file of the current request. */
  input!: Input;
  readonly #inputs: readonly Input[];
  readonly #open: (input: Input) => AsyncGenerator<Buffer, void>;
  readonly #ended: (input: Input) => Promise<void>;
  readonly #wanted: boolean;
  #next = 0;
  #requests: AsyncGenerator<Request, void> | undefined;
  readonly #scans: ScanOf = { metrics: new MetricScan(), logs: new LogScan(), traces: new SpanScan() };
  readonly #names = new Map<string, string>();

  /** `ended` is called once all of a file was handed out, before the next is opened. Rows are only made where they are `wanted`. */
  constructor(
    inputs: readonly Input[],
    open: (input: Input) => AsyncGenerator<Buffer, void>,
    ended: (input: Input) => Promise<void>,
    wanted: boolean,
  ) {
    this.#wanted = wanted;
    this.#inputs = inputs;
    this.#open = open;
    this.#ended = ended;
  }

  /** There is never a request without reading. */
  next(): boolean {
    return false;
  }

  /** Moves to the next request; false at the end of the last file. Throws InputError. */
  async more(): Promise<boolean> {
    for (;;) {
      if (!this.#requests) {
        if (this.#next === this.#inputs.length) return false;
        this.input = this.#inputs[this.#next++];
        this.#requests = requestsOf(this.input, this.#open(this.input));
      }
      const { value, done } = await this.#requests.next();
      if (!done) {
        this.#take(value as Request);
        return true;
      }
      this.#requests = undefined;
      await this.#ended(this.input);
    }
  }

  async close(): Promise<void> {
    await this.#requests?.return();
  }

  #take(request: Request): void {
    const { signal, bytes, number } = request;
    try {
      this.#scan(signal, bytes);
    } catch (error) {
      const problem = `request ${number} is no OTLP (${(error as Error).message}); copy the file anew`;
      throw new InputError(this.input.path, problem, lineOf(this.input, number));
    }
    this.request = request;
    const scan = this.#scans[signal];
    const offsets: number[] = [];
    this.rows = [];
    for (let i = 0; i < scan.length; i++) {
      const time = scan.time[i];
      if (time > this.time) this.time = time;
      if (i > 0 && scan.offset[i] === scan.offset[i - 1]) continue;
      offsets.push(scan.offset[i]);
      if (!this.#wanted) continue;
      this.rows.push(
        unjudged({
          input: this.input.name,
          series: this.#nameOf(signal, i),
          time,
          timestamp: new Date(time).toISOString(),
          value: measured(scan, i),
          text: "",
          label: undefined,
        }),
      );
    }
    this.offsets = Uint32Array.from(offsets);
    // requests without a time are fed when those around them are
    if (this.time === Number.NEGATIVE_INFINITY) this.time = 0;
  }

  #scan(signal: Telemetry, bytes: Uint8Array): void {
    if (signal === "metrics") scanMetrics(bytes, this.#scans.metrics, 1);
    else if (signal === "logs") scanLogs(bytes, this.#scans.logs, 1);
    else scanTraces(bytes, this.#scans.traces, 1);
  }

  #nameOf(signal: Telemetry, row: number): string {
    const scan = this.#scans[signal];
    const key = `${signal} ${scan.hash0[row]} ${scan.hash1[row]}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      if (this.#names.size === MOST_NAMES) this.#names.clear();
      name = seriesName(signal, labelsOf(signal, this.request.bytes, scan, row));
      this.#names.set(key, name);
    }
    return name;
  }
}

function measured(scan: ScanOf[Telemetry], row: number): number {
  if (scan instanceof MetricScan) return scan.value[row];
  return scan instanceof SpanScan ? scan.duration[row] : (scan as LogScan).severity[row];
}

/** "checkout http.server.requests{route=/pay}". */
function seriesName(signal: Telemetry, { resource, name, kind, attributes }: ReturnType<typeof labelsOf>): string {
  const service = resource["service.name"];
  const own = signal === "metrics" ? Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)) : [];
  const told = own.map(([key, value]) => `${key}=${typeof value === "object" ? "..." : String(value)}`).join(",");
  const words = [typeof service === "string" ? service : "", name, kind ?? ""].filter((word) => word !== "");
  return words.join(" ") + (told === "" ? "" : `{${told}}`);
}
