// Undoes the compression of a body, never past its limit, and off the event loop where it would take long.
import { promisify } from "node:util";
import zlib from "node:zlib";
import { malformed, tooLarge } from "./refusal.ts";

type CodecOptions = zlib.ZlibOptions & zlib.ZstdOptions & { info: true };

/** What zlib gives where it is asked for `info`: the bytes, and the engine, which counts those that it read. */
interface Informed {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

interface Codec {
  sync(bytes: Buffer, options: CodecOptions): Informed;
  async(bytes: Buffer, options: CodecOptions): Promise<Informed>;
  /** How long the inflated bytes probably are. Only a guess: a sender may have lied. */
  guess(bytes: Buffer): number;
}

/** OTLP repeats itself: between 4 and 12 times smaller in the recorded requests that we have. */
const USUAL_RATIO = 8;

/** Node's types do not know of `info`. */
const informed = (sync: unknown, async: unknown) => ({
  sync: sync as Codec["sync"],
  async: promisify(async as (...args: any[]) => void) as unknown as Codec["async"],
});
/** A gzip stream ends with how long it is inflated, modulo 2^32. */
const sizeOf = (bytes: Buffer) => (bytes.length < 18 ? 0 : bytes.readUInt32LE(bytes.length - 4));

const deflate: Codec = {
  ...informed(zlib.inflateSync, zlib.inflate),
  guess: ({ length }) => length * USUAL_RATIO,
};
const CODECS = new Map<string, Codec>([
  ["gzip", { ...informed(zlib.gunzipSync, zlib.gunzip), guess: sizeOf }],
  [
    "zstd",
    {
      ...informed(zlib.zstdDecompressSync, zlib.zstdDecompress),
      guess: ({ length }) => length * USUAL_RATIO,
    },
  ],
  ["deflate", deflate],
  ["zlib", deflate],
]);

/** The names that `content-encoding` and `grpc-encoding` may have, besides none at all. */
export const ENCODINGS: readonly string[] = ["identity", ...CODECS.keys()];

/** Above this a thread of the pool inflates: its 0.1 ms of overhead is then less than the event loop would stand still. */
const SYNC_BYTES = 512 * 1024;
const SMALLEST_CHUNK = 64 * 1024;

/** Inflations at once off the event loop, as many as it has threads: each may take all of its limit, whatever was guessed. */
const MOST_AT_ONCE = 4;
let running = 0;
const waiting: (() => void)[] = [];

async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running < MOST_AT_ONCE) running++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running--;
  }
}

export interface Inflated {
  /** In a buffer of their own. */
  readonly bytes: Buffer;
  /** Whether every reader would make the same of the compressed bytes: nothing follows the stream, and no second one, which some leave out. */
  readonly single: boolean;
}

/** Throws a Refusal when the bytes are broken, or more than `limit` inflated. */
export async function inflate(encoding: string, bytes: Buffer, limit: number): Promise<Inflated> {
  const codec = CODECS.get(encoding)!;
  const size = Math.min(limit, Math.max(SMALLEST_CHUNK, codec.guess(bytes)));
  const options = {
    // One byte more than the result, or zlib would go on into a second chunk to find the end.
    chunkSize: size + 1,
    // A zstd frame may ask for any window; none larger than the whole is of use, nor below the usual 8 MiB worth a refusal.
    params: encoding === "zstd" ? { [zlib.constants.ZSTD_d_windowLogMax]: windowBits(limit) } : undefined,
    info: true as const,
  };
  const result = ({ buffer, engine }: Informed): Inflated => ({
    single: engine.bytesWritten === bytes.length && (encoding !== "gzip" || sizeOf(bytes) === buffer.length % 2 ** 32),
    bytes: trimmed(buffer),
  });
  try {
    if (size <= SYNC_BYTES) {
      try {
        return result(codec.sync(bytes, { ...options, maxOutputLength: Math.min(limit, SYNC_BYTES) }));
      } catch (error) {
        if (limit <= SYNC_BYTES || !isTooLarge(error)) throw error;
      }
    }
    return result(await inTurn(() => codec.async(bytes, { ...options, maxOutputLength: limit })));
  } catch (error) {
    throw isTooLarge(error) ? tooLarge(limit) : malformed(`broken ${encoding}: ${(error as Error).message}`);
  }
}

const windowBits = (limit: number) => Math.min(27, Math.max(23, Math.ceil(Math.log2(limit))));

const isTooLarge = (error: unknown) => (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";

/** A queue may hold the result for long: it must not hold much more memory than it counts. */
function trimmed(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}
