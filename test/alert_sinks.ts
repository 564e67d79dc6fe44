// An alert service on a port of its own that remembers what it was sent and answers as a test says; and who sends to it.
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Anomaly, Exporter, ExporterPlugin } from "vedette";
import alertmanager from "../plugins/exporters/alertmanager/index.ts";
import opsgenie from "../plugins/exporters/opsgenie/index.ts";
import pagerduty from "../plugins/exporters/pagerduty/index.ts";
import slack from "../plugins/exporters/slack/index.ts";
import webhook from "../plugins/exporters/webhook/index.ts";
import type { SendingOptions } from "../src/pipeline/options.ts";
import { Queue } from "../src/pipeline/queue.ts";
import { optionsOf } from "../src/registry.ts";
import type { Scope } from "./agent.ts";
import { published } from "./alert_schemas.ts";
import { anomalyOf, fakeHost } from "./exporting.ts";

export interface AlertRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON. */
  readonly body: any;
}

/** A status with its body; or no answer, and a connection that breaks. */
export type Reply =
  | { readonly status: number; readonly headers?: http.OutgoingHttpHeaders; readonly body?: string }
  | "hangs"
  | "breaks";

export interface AlertSink {
  /** "http://127.0.0.1:40123", the same after it was closed and opened again. */
  readonly url: string;
  /** Every request, in order, whatever the answer. */
  readonly arrived: AlertRequest[];
  /** Those that were answered as the service does. */
  readonly taken: AlertRequest[];
  /** What it answers instead of what the service does. */
  mood: ((request: AlertRequest, nth: number) => Reply | undefined) | undefined;
  close(): Promise<void>;
  open(): Promise<void>;
}

/** `usual` is how the service answers when all is well. */
export async function alertSink(
  scope: Scope,
  usual: (request: AlertRequest, nth: number) => Reply,
): Promise<AlertSink> {
  let server: http.Server;
  let port = 0;
  const sink = {
    url: "",
    arrived: [] as AlertRequest[],
    taken: [] as AlertRequest[],
    mood: undefined as AlertSink["mood"],
    async open() {
      server = http.createServer((request, response) => void serve(request, response));
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
      port = (server.address() as AddressInfo).port;
      sink.url = `http://127.0.0.1:${port}`;
    },
    async close() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };

  async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const text = Buffer.concat(chunks).toString();
    const { method = "", url: path = "", headers } = request;
    const one: AlertRequest = { method, path, headers, text, body: text === "" ? undefined : JSON.parse(text) };
    sink.arrived.push(one);
    const own = sink.mood?.(one, sink.arrived.length);
    const reply = own ?? usual(one, sink.arrived.length);
    if (own === undefined) sink.taken.push(one);
    if (reply === "hangs") return;
    if (reply === "breaks") return void request.socket.destroy();
    response.writeHead(reply.status, reply.headers).end(reply.body);
  }

  await sink.open();
  scope.after(sink.close);
  return sink;
}

/** What a request says of an alert. */
export interface Change {
  readonly id: string;
  readonly state: "firing" | "resolved";
}

/** One of the exporters, and the service that it sends to. */
export interface Kind {
  readonly name: string;
  readonly plugin: ExporterPlugin<any, "anomalies">;
  readonly secrets: readonly string[];
  options(url: string): object;
  usual(request: AlertRequest, nth: number): Reply;
  /** Throws where a request is not as the service publishes. */
  check(request: AlertRequest): void;
  changesOf(request: AlertRequest): Change[];
  /** Whether it is told of each change of an alert that goes on. */
  readonly repeats?: true;
  /** 2xx that the service never answers; absent where any will do. */
  readonly rubbish?: Reply;
}

const json = (status: number, body: object): Reply => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
const page: Reply = { status: 200, headers: { "content-type": "text/html" }, body: "<html>sign in</html>" };
const stateOf = (state: string) => (state === "resolved" ? "resolved" : "firing");
const SECRET = "a0b1c2d3e4f5a0b1c2d3e4f5a0b1c2d3";

const slackChange = ({ body }: AlertRequest): Change => {
  const all = JSON.stringify(body.blocks);
  return { id: /id: ([\w-]+)/.exec(all)![1], state: stateOf(/"text":":[a-z_]+: (\w+):/.exec(all)![1]) };
};

export const KINDS: readonly Kind[] = [
  {
    name: "webhook",
    plugin: webhook,
    secrets: [SECRET, "hidden-path"],
    options: (url) => ({ url: `${url}/hidden-path`, secret: SECRET }),
    usual: () => ({ status: 204 }),
    check: ({ body }) => published.webhook(body),
    changesOf: ({ body }) => [{ id: body.id, state: stateOf(body.state) }],
  },
  {
    name: "webhook in lists",
    plugin: webhook,
    secrets: [SECRET],
    options: (url) => ({ url, headers: { "x-key": SECRET }, batch: true }),
    usual: () => ({ status: 200 }),
    check: ({ body }) => body.forEach(published.webhook),
    changesOf: ({ body }) => body.map((one: any) => ({ id: one.id, state: stateOf(one.state) })),
  },
  {
    name: "alertmanager",
    plugin: alertmanager,
    repeats: true,
    secrets: [SECRET, Buffer.from(`agent:${SECRET}`).toString("base64")],
    options: (url) => ({ endpoint: url.replace("//", `//agent:${SECRET}@`) }),
    usual: ({ method }) => (method === "GET" ? json(200, []) : { status: 200 }),
    check: ({ method, body }) => {
      if (method === "POST") published.alertmanager(body);
    },
    changesOf: ({ body = [] }) =>
      body.map(({ annotations, endsAt }: any) => ({
        id: annotations.id,
        state: Date.parse(endsAt) <= fakeHost().clock ? "resolved" : "firing",
      })),
    rubbish: page,
  },
  {
    name: "pagerduty",
    plugin: pagerduty,
    secrets: [SECRET],
    options: (url) => ({ routing_key: SECRET, endpoint: `${url}/v2/enqueue` }),
    usual: () => json(202, { status: "success", message: "Event processed", dedup_key: "x" }),
    check: ({ body }) => published.pagerduty(body),
    changesOf: ({ body }) => [{ id: body.dedup_key, state: body.event_action === "resolve" ? "resolved" : "firing" }],
    rubbish: page,
  },
  {
    name: "slack by a webhook",
    plugin: slack,
    secrets: ["T000/B000/XXXX"],
    options: (url) => ({ webhook_url: `${url}/services/T000/B000/XXXX` }),
    usual: () => ({ status: 200, body: "ok" }),
    check: ({ body }) => published.slack(body),
    changesOf: (request) => [slackChange(request)],
    rubbish: page,
  },
  {
    name: "slack by a bot",
    plugin: slack,
    repeats: true,
    secrets: [SECRET],
    options: (url) => ({ endpoint: `${url}/api`, token: SECRET, channel: "C0123456789" }),
    usual: (_, nth) => json(200, { ok: true, channel: "C0123456789", ts: `1700000000.${nth}` }),
    check: ({ body }) => published.slack(body),
    changesOf: (request) => [slackChange(request)],
    rubbish: json(200, { ok: false, error: "ratelimited" }),
  },
  {
    name: "opsgenie",
    plugin: opsgenie,
    secrets: [SECRET],
    options: (url) => ({
      api_key: SECRET,
      endpoint: url,
      tags: ["vedette"],
      responders: [{ type: "team", name: "sre" }],
    }),
    usual: () => json(202, { result: "Request will be processed", took: 0.1, requestId: "43a29c5c" }),
    check: ({ path, body }) => {
      if (path === "/v2/alerts") published.opsgenie(body);
      else if (path.endsWith("/close?identifierType=alias")) published.opsgenieClose(body);
      else if (path.endsWith("/message?identifierType=alias")) published.opsgenieMessage(body);
      else if (path.endsWith("/description?identifierType=alias")) published.opsgenieDescription(body);
      else published.opsgeniePriority(body);
    },
    changesOf: ({ path, body }) => {
      if (path === "/v2/alerts") return [{ id: body.alias, state: "firing" }];
      const [, id, action] = /^\/v2\/alerts\/([^/]+)\/(\w+)\?identifierType=alias$/.exec(path)!;
      return action === "close" ? [{ id: decodeURIComponent(id), state: "resolved" }] : [];
    },
    rubbish: page,
  },
];

/** Retries at once, on the way that the agent goes: options with the plugin's own defaults, a queue, the exporter. */
const HASTE = { initial_interval: "5ms", max_interval: "20ms" };

export interface Sending {
  readonly exporter: Exporter<"anomalies">;
  readonly queue: Queue;
  readonly host: ReturnType<typeof fakeHost>;
  /** One list, as the pipeline hands it over. */
  push(...changes: readonly Anomaly[]): void;
}

export async function sendingTo(
  scope: Scope,
  { plugin }: Pick<Kind, "plugin">,
  options: object,
  sending: object = {},
  host = fakeHost(),
): Promise<Sending> {
  const all = { timeout: "10s", retry_on_failure: HASTE, ...sending, ...options };
  const config = optionsOf(plugin as never).parse(all);
  const exporter = plugin.create(config, host);
  await exporter.start?.();
  const queue = new Queue(exporter, config as unknown as SendingOptions, host);
  await queue.start();
  scope.after(async () => {
    await queue.drain(0);
    await exporter.stop?.();
  });
  return {
    exporter,
    queue,
    host,
    push: (...changes) => void queue.push(changes, { items: changes.length, bytes: changes.length }, () => {}),
  };
}

/** An episode's change, of its own alert. */
export function changeOf(id: string, state: Anomaly["state"], more: Partial<Anomaly> = {}): Anomaly {
  const base = anomalyOf();
  const episode = { start: base.time - 60_000, lastSeen: base.time, peak: 3, count: 4 };
  const over = state === "resolved" ? { ...episode, end: base.time } : episode;
  return anomalyOf({ id, fingerprint: id.padEnd(16, "0").slice(0, 16), state, episode: over, ...more });
}
