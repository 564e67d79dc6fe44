// The options of the otlp_grpc exporter: names and defaults of the Collector's otlp exporter.
import { byteSize, clientTls, duration, extensionId, z } from "vedette";
import { targetOf } from "./target.ts";

/** A gRPC metadata name, and a value that can be sent as it is. */
const NAME = /^[0-9a-z_.-]+$/i;
const VALUE = /^[ -~]*$/;
/** Of a connection, not of a request: HTTP/2 has no such headers. */
const FORBIDDEN = /^(connection|keep-alive|proxy-connection|transfer-encoding|upgrade|http2-settings|host|te)$/i;

const secret = () => z.string().meta({ secret: true });
const pair = z.object({ name: z.string().describe("Its name."), value: secret().describe("Its value.") });
const pairs = z.array(pair).transform((list) => Object.fromEntries(list.map(({ name, value }) => [name, value])));
const headers = z.union([z.record(z.string(), secret()), pairs]).superRefine((headers, context) => {
  for (const [name, value] of Object.entries(headers)) {
    const message = /-bin$/i.test(name)
      ? "binary metadata (a name that ends in -bin) cannot be configured"
      : FORBIDDEN.test(name)
        ? "not metadata: gRPC has no such header; for another host name write authority"
        : NAME.test(name) && VALUE.test(value)
          ? undefined
          : "not legal gRPC metadata: the name or the value holds a forbidden character";
    if (message) context.addIssue({ code: "custom", path: [name], message });
  }
});

const keepalive = z.object({
  time: duration().prefault("10s").describe("How long a connection is silent before it is pinged."),
  timeout: duration().prefault("10s").describe("How long a ping may stay unanswered before the connection is closed."),
  permit_without_stream: z.boolean().default(false).describe("Whether a connection without a request is pinged too."),
});

/** The target in gRPC's notation and whether the scheme decided about TLS; undefined when the text is no endpoint. */
export function parseEndpoint(text: string): { target: string; tls?: boolean } | undefined {
  if (/^(dns|unix|ipv4|ipv6):/.test(text)) return targetOf(text) && { target: text };
  const part = /^(?:(https?):\/\/)?((?:\[[0-9a-f:.%]+\]|[^\s/:@[\]]+):(\d{1,5}))\/?$/i.exec(text);
  if (!part || Number(part[3]) > 65535) return undefined;
  const target = `dns:${part[2]}`;
  return part[1] ? { target, tls: part[1].toLowerCase() === "https" } : { target };
}

export const options = z.object({
  endpoint: z
    .string()
    .refine((text) => parseEndpoint(text) !== undefined, {
      error: "not a gRPC endpoint; write it as in localhost:4317",
    })
    .describe("`host:port`; after `http://` plaintext, after `https://` TLS. `dns:///host:port` and `unix:path` too."),
  compression: z
    .enum(["gzip", "zstd", "none", ""])
    .default("gzip")
    .describe(
      "How requests are compressed; empty is none. A request that came compressed in this way and was not changed goes on as it came.",
    ),
  headers: headers.default({}).describe("Metadata of every request, for instance an API key."),
  auth: z
    .object({ authenticator: extensionId("client_auth").describe("Extension that says who sends.") })
    .optional()
    .describe("Metadata that proves who sends, such as that of `bearertokenauth` and `basicauth`."),
  tls: clientTls().prefault({}).describe("Transport security: TLS unless `insecure`."),
  keepalive: keepalive.optional().describe("Pings on silent connections; none unless given."),
  wait_for_ready: z
    .boolean()
    .default(false)
    .describe("Whether a request waits for a connection, within its timeout, instead of failing at once."),
  balancer_name: z
    .enum(["round_robin", "pick_first"])
    .default("round_robin")
    .describe("How requests are spread over the addresses of a name."),
  read_buffer_size: byteSize().optional().describe("Accepted; Node chooses its buffers."),
  write_buffer_size: byteSize().optional().describe("Accepted; Node chooses its buffers."),
  authority: z.string().optional().describe("The `:authority` header, where it is not the endpoint."),
  user_agent: z.string().regex(VALUE).default("vedette").describe("The first word of the user-agent header."),
});

export type Options = z.output<typeof options>;
