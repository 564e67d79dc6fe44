// The options of an HTTP client: names and defaults of the Collector's confighttp.
import { validateHeaderName, validateHeaderValue } from "node:http";
import { byteSize, clientTls, duration, extensionId, z } from "../api/index.ts";

/** Headers that say how a body is written, which only the exporter knows. */
const OURS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "transfer-encoding",
]);

function headerProblem(name: string, value: string): string | undefined {
  if (OURS.has(name.toLowerCase())) return "this header is set by the exporter; remove it";
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    return "not a legal HTTP header: the name or the value holds a forbidden character";
  }
  return undefined;
}

const secret = () => z.string().meta({ secret: true });
/** An option type for a key that goes into a header. */
export const headerKey = () =>
  z
    .string()
    .regex(/^[\x21-\x7e]+$/, {
      error: "must be characters that a header can hold; is there a space or a line end behind it?",
    })
    .meta({ secret: true });

const pair = z.object({ name: z.string().describe("Its name."), value: secret().describe("Its value.") });
const pairs = z.array(pair).transform((list) => Object.fromEntries(list.map(({ name, value }) => [name, value])));
const headers = z.union([z.record(z.string(), secret()), pairs]).superRefine((headers, context) => {
  for (const [name, value] of Object.entries(headers)) {
    const message = headerProblem(name, value);
    if (message) context.addIssue({ code: "custom", path: [name], message });
  }
});

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}

/** An option type for an http:// or https:// URL, which may hold a user and password; `example` is shown where it is none. */
export const httpUrl = (example = "http://collector:4318") =>
  z
    .string()
    .refine((text) => ["http:", "https:"].includes(URL.parse(text)?.protocol ?? ""), {
      error: `not an HTTP URL; write it as in ${example}`,
      abort: true,
    })
    .refine((text) => isDecodable(new URL(text)), {
      error: "its user or password cannot be decoded; write a % in it as %25",
    });

/** Options to spread into an exporter's own; `compression` is the default of that option. */
export const httpClientOptions = (compression: "gzip" | "none" = "gzip") => ({
  compression: z
    .enum(["gzip", "zstd", "zlib", "deflate", "none", ""])
    .default(compression)
    .describe("How request bodies are compressed; empty is none."),
  compression_params: z
    .object({
      level: z
        .int()
        .min(-1)
        .max(11)
        .optional()
        .describe("How hard to try: 1 to 9, of zstd to 11; -1 is the compression's own default. Absent: quick."),
    })
    .prefault({})
    .describe("How bodies are compressed, beyond the name."),
  headers: headers.default({}).describe("Headers of every request, for instance an API key."),
  auth: z
    .object({ authenticator: extensionId("client_auth").describe("Extension that says who sends.") })
    .optional()
    .describe("Headers that prove who sends, such as those of `bearertokenauth` and `basicauth`."),
  tls: clientTls().prefault({}).describe("Transport security of https:// endpoints."),
  proxy_url: httpUrl()
    .meta({ secret: true })
    .optional()
    .describe("Proxy to send through; absent: none, whatever the environment says."),
  max_conns_per_host: z.int().nonnegative().default(0).describe("Most connections at once; 0 is no limit."),
  max_idle_conns: z.int().nonnegative().default(100).describe("Most unused connections kept open; 0 is no limit."),
  max_idle_conns_per_host: z.int().nonnegative().default(0).describe("The same for each host."),
  idle_conn_timeout: duration().prefault("90s").describe("How long an unused connection is kept open; 0 is forever."),
  disable_keep_alives: z.boolean().default(false).describe("Whether each request gets a connection of its own."),
  cookies: z
    .object({ enabled: z.literal(false).default(false).describe("Cookies are not kept: only false is accepted.") })
    .prefault({})
    .describe("Cookies that the receiver sets."),
  read_buffer_size: byteSize().optional().describe("Accepted; Node chooses its buffers."),
  write_buffer_size: byteSize().optional().describe("Accepted; Node chooses its buffers."),
  force_attempt_http2: z
    .boolean()
    .optional()
    .describe("Accepted; HTTP/1.1 is spoken, which servers of HTTP/2 take too."),
  http2_read_idle_timeout: duration().optional().describe("Accepted; HTTP/1.1 is spoken."),
  http2_ping_timeout: duration().optional().describe("Accepted; HTTP/1.1 is spoken."),
});

export type HttpClientOptions = z.output<z.ZodObject<ReturnType<typeof httpClientOptions>>>;

/** A check for an object with these options: a level that the compression has. */
export const compressionLevel = {
  check: ({ compression, compression_params: { level = 0 } }: HttpClientOptions) =>
    level <= 9 || compression === "zstd",
  path: ["compression_params", "level"],
  error: "only zstd has levels above 9",
};
