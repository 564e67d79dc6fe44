// The options of dashboard.
import { byteSize, duration, endpoint, extensionId, serverTls, z } from "vedette";
import { compressionLevel, httpClientOptions, httpUrl } from "vedette/http";

/** Tokens of this length cannot be guessed, however fast somebody tries. */
const token = () =>
  z
    .string()
    .regex(/^[!-~]{16,512}$/, { error: "must be 16 to 512 characters of ASCII without spaces: `openssl rand -hex 16`" })
    .meta({ secret: true });

const prometheus = z
  .object({
    endpoint: httpUrl("http://prometheus:9090").describe(
      "Where the API of a Prometheus, Mimir or Thanos is, without `/api/v1`.",
    ),
    timeout: duration().prefault("10s").describe("Longest wait for an answer."),
    ...httpClientOptions("none"),
  })
  .refine(compressionLevel.check, compressionLevel);

export const options = z
  .object({
    endpoint: endpoint().default("127.0.0.1:4320").describe("Address and port to listen on; port 0 takes a free one."),
    tls: serverTls().optional().describe("Serves over TLS; plaintext when absent."),
    store: extensionId("anomaly_store")
      .optional()
      .describe("The extension that keeps incidents and feedback; absent: the first one there is."),
    auth: z
      .object({ authenticator: extensionId("server_auth").describe("Extension that is asked about each request.") })
      .optional()
      .describe("Who may ask besides those who are logged in: for programs."),
    token: token().optional().describe("With it one logs in on the page to see everything and give feedback."),
    read_only_token: token().optional().describe("With it one logs in to see everything and change nothing."),
    history: z
      .object({
        memory: byteSize()
          .refine((bytes) => bytes >= 1024 ** 2, { error: "less than 1MiB; write 1MiB or more" })
          .prefault("64MiB")
          .describe("Bytes for the points of charts; beyond it the series looked at least have none."),
        span: duration()
          .refine((milliseconds) => milliseconds >= 60_000, { error: "less than a minute; write 1m or more" })
          .prefault("6h")
          .describe("How far back charts reach."),
        trace_memory: byteSize()
          .prefault("16MiB")
          .describe("Bytes for traces: those that an anomaly names, and the latest."),
      })
      .prefault({})
      .describe("What is kept in memory for charts and waterfalls."),
    prometheus: prometheus
      .optional()
      .describe("Where charts of metrics come from that reach back further than `history`."),
  })
  .refine(({ token, read_only_token }) => token === undefined || token !== read_only_token, {
    path: ["read_only_token"],
    error: "is the same as token; give it another value",
  });

export type Options = z.output<typeof options>;
export type PrometheusOptions = z.output<typeof prometheus>;
