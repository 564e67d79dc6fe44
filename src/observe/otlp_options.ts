// The options of pushing own metrics as OTLP: names and defaults of the Collector's, as far as HTTP has them.
import { validateHeaderName, validateHeaderValue } from "node:http";
import { duration, z } from "../api/index.ts";

/** The Collector's configuration of readers counts plain milliseconds; a duration is read too. */
export const milliseconds = (value: number) => z.union([z.int().positive(), duration()]).prefault(value);

function illegal(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    return true;
  }
  return false;
}

const HEADER = "not a legal HTTP header: the name or the value holds a forbidden character";
const secret = () => z.string().meta({ secret: true });

const headers = z
  .union([
    z
      .array(z.object({ name: z.string().describe("Name of a header."), value: secret().describe("Its value.") }))
      .transform((list) => Object.fromEntries(list.map(({ name, value }) => [name, value]))),
    z.record(z.string(), secret()),
  ])
  .refine((all) => !Object.entries(all).some(([name, value]) => illegal(name, value)), { error: HEADER });

const NO_GRPC = "own metrics are sent over HTTP only; write http/protobuf, and the port of OTLP over HTTP (4318)";

/** The options of the OTLP exporter of own metrics. */
export const otlp = z
  .object({
    protocol: z
      .enum(["http/protobuf", "http/json"], {
        error: ({ input }) => (typeof input === "string" && input.startsWith("grpc") ? NO_GRPC : undefined),
      })
      .default("http/protobuf")
      .describe("How the request is written."),
    endpoint: z
      .string()
      .refine((text) => urlOf(text, false) !== undefined, {
        error: "not an HTTP URL; write it as in http://collector:4318",
      })
      .default("http://127.0.0.1:4318")
      .describe("Where to; `/v1/metrics` is added where it has no path."),
    insecure: z
      .boolean()
      .default(false)
      .describe("Without TLS, where `endpoint` is host:port without http:// before it."),
    headers: headers.default({}).describe("Headers of every request: a list of name and value, or a map."),
    compression: z.enum(["none", "gzip"]).default("none").describe("How request bodies are compressed."),
    timeout: milliseconds(10_000).describe("Milliseconds that one request may take, or a duration."),
    certificate: z
      .string()
      .optional()
      .describe("File of the authorities that the server's certificate is checked with."),
    client_certificate: z.string().optional().describe("File of the certificate shown to the server."),
    client_key: z.string().optional().describe("File of that certificate's key."),
    temporality_preference: z
      .enum(["cumulative"])
      .default("cumulative")
      .describe("Counters are sent as totals since the start."),
  })
  .refine(({ client_certificate, client_key }) => (client_certificate === undefined) === (client_key === undefined), {
    path: ["client_certificate"],
    error: "client_certificate and client_key belong together; give both or neither",
  });

export type OtlpOptions = z.output<typeof otlp>;

/** The URL that metrics are posted to; undefined when the text is none. */
export function urlOf(text: string, insecure: boolean): URL | undefined {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `http${insecure ? "" : "s"}://${text}`);
  if (!url || /^\w+:\/\//.test(text) !== /^https?:\/\//.test(text)) return undefined;
  if (url.pathname === "/") url.pathname = "/v1/metrics";
  return url;
}
