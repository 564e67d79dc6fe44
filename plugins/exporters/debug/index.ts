// Prints what passes to standard output: a count, a line a row or the whole OTLP; each anomaly as one readable line.
import {
  defineExporter,
  ExportError,
  type Exporter,
  type ExportOf,
  type Host,
  type Signal,
  type Telemetry,
  z,
} from "vedette";
import { protobufToJson } from "vedette/otlp";
import { anomalyLine } from "./anomaly_line.ts";
import { prettyJson } from "./printable.ts";
import { rowLines } from "./rows.ts";

const options = z.object({
  verbosity: z
    .enum(["basic", "normal", "detailed"])
    .default("basic")
    .describe("A line a request, a line a row, or the whole OTLP/JSON. Anomalies are a line each in all three."),
  sampling_initial: z
    .int()
    .nonnegative()
    .default(2)
    .describe("Requests printed in each second before sampling begins."),
  sampling_thereafter: z
    .int()
    .nonnegative()
    .default(1)
    .describe("Of the requests after those, one in so many is printed; 0 is none. Anomalies are always printed."),
  use_internal_logger: z
    .boolean()
    .default(false)
    .describe("Whether lines go to the agent's log, at level info, instead of `output_paths`."),
  output_paths: z
    .array(
      z.enum(["stdout", "stderr"], {
        error: "only stdout and stderr can be printed to; for a file there is the file exporter",
      }),
    )
    .min(1)
    .default(["stdout"])
    .describe("Where lines are printed: `stdout`, `stderr` or both."),
});

type Options = z.output<typeof options>;

/** Where the text goes. Tests bring their own. */
export interface Sink {
  /** Resolves once the text is handed over. */
  write(text: string): Promise<void>;
  readonly colour: boolean;
  open?(): void;
  close?(): void;
}

const ROW: Record<Telemetry, string> = { metrics: "data point", logs: "log record", traces: "span" };

export class Debug implements Exporter<Signal> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #sink: Sink;
  #second = Number.NaN;
  #requests = 0;

  constructor(options: Options, host: Host, sink: Sink) {
    this.#options = options;
    this.#host = host;
    this.#sink = sink;
  }

  async start(): Promise<void> {
    this.#sink.open?.();
  }

  async stop(): Promise<void> {
    this.#sink.close?.();
  }

  async export(data: ExportOf<Signal>): Promise<void> {
    const text = this.#text(data);
    if (text === "") return;
    await this.#sink.write(text).catch((error: Error) => {
      throw new ExportError(`cannot print: ${error.message}`, { retryable: false, cause: error });
    });
  }

  #text(data: ExportOf<Signal>): string {
    if (!("bytes" in data)) return data.map((anomaly) => `${anomalyLine(anomaly, this.#sink.colour)}\n`).join("");
    if (!this.#sampled()) return "";
    const { signal, bytes, items } = data;
    const head = `${signal}: ${items} ${ROW[signal]}${items === 1 ? "" : "s"}\n`;
    if (this.#options.verbosity === "basic") return head;
    const json = protobufToJson(signal, bytes);
    if (this.#options.verbosity === "detailed") return `${head}${prettyJson(json)}\n`;
    return (
      head +
      rowLines(signal, json)
        .map((line) => `  ${line}\n`)
        .join("")
    );
  }

  #sampled(): boolean {
    const { sampling_initial, sampling_thereafter } = this.#options;
    const second = Math.floor(this.#host.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#requests = 0;
    }
    const past = ++this.#requests - sampling_initial;
    return past <= 0 || (sampling_thereafter > 0 && past % sampling_thereafter === 0);
  }
}

/** A write that fails says so itself; the event besides it would end the process if nobody listened. */
const heard = (): void => {};

function printing(paths: Options["output_paths"]): Sink {
  const streams = [...new Set(paths)].map((path) => process[path]);
  const print = (stream: NodeJS.WriteStream, text: string) =>
    new Promise<void>((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve())));
  return {
    open: () => streams.forEach((stream) => void stream.on("error", heard)),
    close: () => streams.forEach((stream) => void stream.off("error", heard)),
    colour: streams.every(({ isTTY }) => isTTY === true) && !process.env["NO_COLOR"],
    write: async (text) => void (await Promise.all(streams.map((stream) => print(stream, text)))),
  };
}

const logging = (host: Host): Sink => ({
  colour: false,
  async write(text) {
    for (const line of text.trimEnd().split("\n")) host.log.info(line);
  },
});

export default defineExporter({
  type: "debug",
  summary: "Prints what passes to standard output.",
  stability: "stable",
  signals: ["metrics", "logs", "traces", "anomalies"],
  sends: false,
  config: options,
  create: (options, host) =>
    new Debug(options, host, options.use_internal_logger ? logging(host) : printing(options.output_paths)),
});
