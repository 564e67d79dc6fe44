// How a request's bytes become the body that is sent.
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import type { HttpClientOptions } from "./options.ts";

const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);
const deflate = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.deflate);
const zstd = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);

/** A third of the CPU of zlib's own default, for bodies a few percent larger. */
const LEVEL = 4;

/** The compression with its level, as a function of bytes; undefined where nothing is compressed. */
export function compressorOf({
  compression,
  compression_params: { level },
}: Pick<HttpClientOptions, "compression" | "compression_params">) {
  switch (compression) {
    case "gzip":
      return (bytes: Uint8Array) => gzip(bytes, { level: level ?? LEVEL });
    case "zlib":
    case "deflate": // of HTTP: deflate in zlib's wrapper
      return (bytes: Uint8Array) => deflate(bytes, { level: level ?? LEVEL });
    case "zstd": {
      const params = level !== undefined && level > 0 ? { [zlib.constants.ZSTD_c_compressionLevel]: level } : {};
      return (bytes: Uint8Array) => zstd(bytes, { params });
    }
    default:
      return undefined;
  }
}
