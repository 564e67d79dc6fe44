// The extension with a file of its own and an API on a port of its own, for tests: anomalies in, answers out, restarts in between.
import { createHash } from "node:crypto";
import anomalyStore from "../../../plugins/extensions/anomaly_store/index.ts";
import type { Anomaly, AnomalyStore } from "../../../src/api/index.ts";
import { type FakeHost, fakeHost } from "../../../src/testing/index.ts";
import { folderWith, type Scope } from "../../agent.ts";
import { anomalyOf } from "../../exporting.ts";

export interface Kept {
  readonly host: FakeHost;
  readonly directory: string;
  readonly anomalies: AnomalyStore;
  /** Where the API is: "http://127.0.0.1:40123". */
  readonly url: string;
  stop(): Promise<void>;
}

/** Unix milliseconds at which the clock of the host begins. */
export const NOW = Date.UTC(2026, 10, 23, 12);

export async function kept(scope: Scope, options: object = {}, host = newHost()): Promise<Kept> {
  const directory = (options as { directory?: string }).directory ?? folderWith(scope);
  const all = { endpoint: "127.0.0.1:0", ...options, directory };
  const extension = anomalyStore.create(anomalyStore.config.parse(all), host);
  const from = host.logged.length;
  await extension.start!();
  const stop = async () => void (await extension.stop!());
  scope.after(stop);
  const { fields } = host.logged.slice(from).find(({ message }) => message === "listening")!;
  const url = `http://${(fields as { endpoint: string }).endpoint}`;
  return { host, directory, anomalies: extension.anomalies!, url, stop };
}

export const newHost = () => Object.assign(fakeHost("anomaly_store"), { time: NOW });

/** An episode of a service, `minute` minutes after NOW; its fingerprint is made of service and name. */
export function episode(
  service: string,
  name: string,
  minute: number,
  { peak = 2, ...changes }: Partial<Anomaly> & { peak?: number } = {},
): Anomaly {
  const fingerprint = createHash("sha256").update(`${service} ${name}`).digest("hex").slice(0, 16);
  const start = NOW + minute * 60_000;
  const { labels } = anomalyOf();
  return anomalyOf({
    id: `${fingerprint}-${start.toString(36)}`,
    fingerprint,
    time: start,
    score: peak,
    labels: { ...labels, name, resource: { "service.name": service } },
    reason: `${name} of ${service} is odd`,
    episode: { start, lastSeen: start + 30_000, peak, count: 3 },
    ...changes,
  });
}

/** An incident of these episodes. */
export function incident(id: string, members: readonly Anomaly[], changes: Partial<Anomaly> = {}): Anomaly {
  const services = [...new Set(members.map(({ labels }) => String(labels.resource["service.name"])))];
  const [first] = members;
  return {
    ...first,
    id,
    fingerprint: id.split("-")[0],
    detector: "correlate",
    type: "incident",
    reason: `${services.join(" and ")} are odd`,
    incident: {
      members,
      episodes: members.length,
      origins: services.map((service) => ({ service, share: 1 / services.length, reasons: ["it was first"] })),
      services,
      traces: ["0af7651916cd43dd8448eb211c80319c"],
      templates: ["payment <*> refused"],
    },
    ...changes,
  };
}

/** What the API answers: status and JSON. */
export async function ask(
  { url }: Pick<Kept, "url">,
  path: string,
  {
    body,
    method = body === undefined ? "GET" : "POST",
    headers = {},
  }: { body?: unknown; method?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; json: any; headers: Headers }> {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const sent = { method, headers: { ...(text !== undefined && { "content-type": "application/json" }), ...headers } };
  const answer = await fetch(url + path, { ...sent, ...(text !== undefined && { body: text }) });
  const said = await answer.text();
  return { status: answer.status, json: said === "" ? undefined : JSON.parse(said), headers: answer.headers };
}
