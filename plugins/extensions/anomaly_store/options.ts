// The options of anomaly_store.
import { homedir } from "node:os";
import { join } from "node:path";
import { byteSize, duration, endpoint, extensionId, serverTls, z } from "vedette";
import { compressionLevel, httpClientOptions, httpUrl } from "vedette/http";

const alertmanager = z
  .object({
    endpoint: httpUrl("http://alertmanager:9093").describe("Where the Alertmanager is."),
    interval: duration()
      .refine((milliseconds) => milliseconds >= 1000 && milliseconds < 2 ** 31, {
        error: "less than 1s or more than 24 days",
      })
      .prefault("30s")
      .describe("How often it is asked for its silences."),
    timeout: duration().prefault("10s").describe("Longest wait for an answer."),
    ...httpClientOptions("none"),
  })
  .refine(compressionLevel.check, compressionLevel);

export const options = z.object({
  directory: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of the file. Absent: `anomaly_store` in systemd's `$STATE_DIRECTORY`, else in `/var/lib/vedette` for root and in `~/.local/state/vedette` for others.",
    ),
  retention: duration()
    .refine((milliseconds) => milliseconds >= 60_000, { error: "less than a minute; write 1m or more" })
    .prefault("30d")
    .describe("How long after they were last seen episodes, incidents, ended feedback and audit records are kept."),
  max_size: byteSize()
    .refine((bytes) => bytes >= 1024 ** 2, { error: "less than 1MiB; write 1MiB or more" })
    .prefault("256MiB")
    .describe("Bytes that the file may hold; beyond it the episodes and incidents seen longest ago are deleted."),
  endpoint: endpoint()
    .optional()
    .describe(
      "Address and port of an API of its own; port 0 takes a free one. Absent: the extension `dashboard` serves the API, where there is one.",
    ),
  tls: serverTls().optional().describe("Serves the API at `endpoint` over TLS; plaintext when absent."),
  auth: z
    .object({ authenticator: extensionId("server_auth").describe("Extension that is asked about each request.") })
    .optional()
    .describe("Who may ask at `endpoint`, and give feedback."),
  secret: z
    .string()
    .min(16)
    .optional()
    .meta({ secret: true })
    .describe(
      "Key with which callbacks sign feedback (HMAC-SHA-256 of the body, in `x-vedette-signature`): who knows it may give feedback without `auth`.",
    ),
  raise: z
    .number()
    .gt(1)
    .max(100)
    .default(1.5)
    .describe("How many times as large as what was called nothing the same must be to be told again."),
  expire: duration().prefault("30d").describe("How long `good` and `bad` count, where no other end is given."),
  alertmanager: alertmanager.optional().describe("An Alertmanager whose silences count as `expected` until they end."),
});

export type Options = z.output<typeof options>;
export type AlertmanagerOptions = z.output<typeof alertmanager>;

export function defaultDirectory(): string {
  const given = process.env["STATE_DIRECTORY"]?.split(":")[0];
  const own = process.getuid?.() === 0 ? "/var/lib/vedette" : join(homedir(), ".local/state/vedette");
  return join(given || own, "anomaly_store");
}
