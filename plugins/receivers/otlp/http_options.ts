// The options of OTLP over HTTP: names and defaults of the Collector's server.
import { validateHeaderName, validateHeaderValue } from "node:http";
import { byteSize, type Telemetry, z } from "vedette";
import { corsOptions } from "./cors.ts";
import { ENCODINGS } from "./inflate.ts";
import { delay, serverOptions } from "./listener.ts";

const urlPath = (signal: Telemetry) =>
  z.string().startsWith("/").default(`/v1/${signal}`).describe(`Path that ${signal} are posted to.`);

/** Headers that say how the answer is sent; another value would break it. */
const FRAMING = /^(connection|content-length|content-type|keep-alive|transfer-encoding|trailer|upgrade)$/i;

function headerFault(name: string, value: string): string | undefined {
  if (FRAMING.test(name)) return "the server sets this header itself; leave it out";
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    return "not a legal HTTP header: the name or the value holds a forbidden character";
  }
}

const responseHeaders = z.record(z.string(), z.string().meta({ secret: true })).superRefine((headers, context) => {
  for (const [name, value] of Object.entries(headers)) {
    const message = headerFault(name, value);
    if (message) context.addIssue({ code: "custom", path: [name], message });
  }
});

export const httpOptions = z.object({
  ...serverOptions(4318),
  max_request_body_size: byteSize()
    .refine((bytes) => bytes > 0 && bytes <= 1024 ** 3, { error: "must be more than 0 and at most 1GiB" })
    .prefault("20MiB")
    .describe("Largest request, both as sent and inflated."),
  traces_url_path: urlPath("traces"),
  metrics_url_path: urlPath("metrics"),
  logs_url_path: urlPath("logs"),
  cors: corsOptions.optional().describe("Lets pages in a browser send; absent: none may."),
  compression_algorithms: z
    .array(z.enum(["", ...ENCODINGS.filter((name) => name !== "identity")]))
    .default([])
    .describe('Compressions that senders may use; `""` allows none at all. Empty: every one that there is.'),
  response_headers: responseHeaders.default({}).describe("Headers to add to every answer."),
  keep_alives_enabled: z.boolean().default(true).describe("Whether a connection may carry more than one request."),
  read_header_timeout: delay().prefault("1m").describe("Longest time for the headers of a request; 0: no limit."),
  read_timeout: delay().prefault("1m").describe("Longest time for a whole request; 0: no limit."),
  write_timeout: delay().prefault("30s").describe("Longest silence on a connection with a request; 0: no limit."),
  idle_timeout: delay().prefault("1m").describe("How long a connection may wait for its next request."),
});

export type HttpOptions = z.output<typeof httpOptions>;
