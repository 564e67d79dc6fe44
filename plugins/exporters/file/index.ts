// Writes OTLP to a file: a JSON line or a length-prefixed message a request, as the Collector's file exporter does.
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import {
  defineExporter,
  duration,
  ExportError,
  type Exporter,
  type ExportOf,
  type Host,
  type Signal,
  z,
} from "vedette";
import { encodeAnomalyLogs, protobufToJson } from "vedette/otlp";
import { Output } from "./output.ts";

const rotation = z.object({
  max_megabytes: z.number().positive().default(100).describe("Size of a file, in MiB, past which a new one is begun."),
  max_days: z.int().nonnegative().default(0).describe("Age, in days, past which an old file is removed; 0 keeps all."),
  max_backups: z.int().nonnegative().default(100).describe("Most old files kept; 0 keeps all."),
  localtime: z.boolean().default(false).describe("Whether names of old files tell local time instead of UTC."),
});

const options = z
  .object({
    path: z.string().min(1).describe("The file to write."),
    append: z.boolean().default(false).describe("Whether a file that is there is added to; otherwise it is emptied."),
    format: z
      .enum(["json", "proto"])
      .default("json")
      .describe("A line of OTLP/JSON a request, or protobuf behind its length (4 bytes, big-endian)."),
    compression: z
      .enum(["zstd"])
      .optional()
      .describe("Compresses each request alone; every one then stands behind its length, also in JSON."),
    rotation: rotation
      .optional()
      .describe("Begins new files by size; the file is then always added to. Off unless given."),
    flush_interval: duration()
      .prefault("1s")
      .describe("How often what was written is forced to the disk; 0 leaves it to the operating system."),
    group_by: z
      .object({
        enabled: z
          .literal(false, { error: "there is one file an exporter; write an exporter for each" })
          .default(false)
          .describe("Only false."),
      })
      .prefault({})
      .describe("Accepted where it asks for nothing: everything goes into the one file."),
    create_directory: z.boolean().default(false).describe("Whether a missing directory is created."),
  })
  .refine((o) => !(o.append && o.compression), {
    path: ["append"],
    error: "cannot be used with compression; drop one of the two",
  });

type Options = z.output<typeof options>;

const NEWLINE = 10;
const LONGEST_TIMER = 2 ** 31 - 1;
const zstd = promisify(zstdCompress);

/** The length of `message` in 4 bytes, then the message. */
function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(4 + message.length);
  frame.writeUInt32BE(message.length);
  frame.set(message, 4);
  return frame;
}

class File implements Exporter<Signal> {
  readonly #options: Options;
  readonly #host: Host;
  readonly #output: Output;
  readonly #lines: boolean;
  #timer: NodeJS.Timeout | undefined;
  /** What is being done to the file; the next thing waits for it. */
  #busy: Promise<unknown> = Promise.resolve();

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#lines = options.format === "json" && options.compression === undefined;
    const { rotation } = options;
    this.#output = new Output({
      path: options.path,
      append: options.append,
      createDirectory: options.create_directory,
      rotation: rotation && {
        size: rotation.max_megabytes * 1024 ** 2,
        days: rotation.max_days,
        backups: rotation.max_backups,
        localtime: rotation.localtime,
      },
      now: () => host.now(),
      onRotationFailure: (error) => host.log.error(`cannot rotate ${options.path}; writing goes on in it: ${error}`),
    });
  }

  async start(): Promise<void> {
    await this.#output.open(this.#lines ? NEWLINE : undefined);
    const { flush_interval } = this.#options;
    if (flush_interval === 0) return;
    this.#timer = setInterval(() => void this.#inTurn(() => this.#sync()), Math.min(flush_interval, LONGEST_TIMER));
    this.#timer.unref();
  }

  export(data: ExportOf<Signal>, signal: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      const record = await this.#record(data);
      const { path } = this.#options;
      if (signal.aborted) throw new ExportError(`gave up before writing to ${path}`, { retryable: true });
      if (!this.#output.isOpen) throw new ExportError(`${path} is closed`, { retryable: true });
      await this.#output.write(record).catch((error: NodeJS.ErrnoException) => {
        const remedy = error.code === "ENOSPC" ? "the disk is full; make room, or set rotation" : error.message;
        throw new ExportError(`cannot write to ${path}: ${remedy}`, { retryable: true, cause: error });
      });
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(() => this.#output.close());
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#busy.then(work);
    this.#busy = done.catch(() => {});
    return done;
  }

  async #sync(): Promise<void> {
    try {
      await this.#output.sync();
    } catch (error) {
      this.#host.log.error(`cannot force ${this.#options.path} to the disk: ${error}`);
    }
  }

  async #record(data: ExportOf<Signal>): Promise<Uint8Array> {
    const telemetry = "bytes" in data;
    const signal = telemetry ? data.signal : "logs";
    const bytes = telemetry ? data.bytes : encodeAnomalyLogs(data, this.#host.now());
    if (this.#lines) return Buffer.from(`${protobufToJson(signal, bytes)}\n`);
    const message = this.#options.format === "json" ? Buffer.from(protobufToJson(signal, bytes)) : bytes;
    return framed(this.#options.compression === "zstd" ? await zstd(message) : message);
  }
}

export default defineExporter({
  type: "file",
  summary: "Writes OTLP to a file, a JSON line a request.",
  stability: "beta",
  signals: ["metrics", "logs", "traces", "anomalies"],
  sends: false,
  config: options,
  create: (options, host) => new File(options, host),
});
