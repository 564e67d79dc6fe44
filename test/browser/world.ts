// A small shop beside a real agent that serves the dashboard: its hours before now, and an outage that becomes an incident of metrics, traces and logs.
import assert from "node:assert/strict";
import { join } from "node:path";
import { folderWith, type Running, request, type Scope, startAgent } from "../agent.ts";
import { normal } from "../gauges.ts";
import { logRequest } from "../logs.ts";
import { gauge } from "../requests.ts";
import { request as spanRequest } from "../spans.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HISTORY = 60 * MINUTE;
const STEP = 10 * SECOND;
/** Milliseconds before now at which the outage begins: what it did lies in intervals that are over. */
const OUTAGE = MINUTE;
/** Milliseconds that an incident may take before the test fails. */
const PATIENCE = 30_000;

/** What the shop calls its things: a test may give them hostile names. */
export interface Names {
  readonly service: string;
  readonly metric: string;
  readonly operation: string;
  /** Of the log record that only the outage writes. */
  readonly line: string;
}

const NAMES: Names = {
  service: "payments",
  metric: "queue.length",
  operation: "POST /charge",
  line: "connection to the bank lost: timeout after 30 s",
};

export interface WorldOptions {
  /** Of the dashboard. */
  readonly dashboard?: { readonly token?: string; readonly read_only_token?: string; readonly endpoint?: string };
  /** Of the store's file; one of its own when absent. */
  readonly directory?: string;
}

export interface World {
  readonly agent: Running;
  /** Of the page: "http://127.0.0.1:40123". */
  readonly origin: string;
  /** POSTs a request of that signal to the agent. */
  send(signal: "metrics" | "traces" | "logs", bytes: Uint8Array): Promise<void>;
  /** Lets an hour pass in which all is well, then something go wrong; resolves once there is an incident, to its id. */
  outage(names?: Partial<Names>): Promise<string>;
  /** What the API answers. */
  ask(path: string): Promise<any>;
}

export function configuration(directory: string, dashboard: object): string {
  return `
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:0", max_request_body_size: 64MiB}}}
processors:
  ewma: {threshold: 4}
  span_duration: {threshold: 4}
  drain:
  new_template: {learning: 1ms, threshold: 0.6}
  feedback: {store: anomaly_store}
  episodes:
  correlate: {settle: 3s}
  severity:
exporters:
  debug: {verbosity: basic, sampling_initial: 0, sampling_thereafter: 0}
  anomaly_store: {store: anomaly_store}
extensions:
  anomaly_store: {directory: ${JSON.stringify(directory)}}
  dashboard: ${JSON.stringify({ endpoint: "127.0.0.1:0", ...dashboard })}
service:
  extensions: [anomaly_store, dashboard]
  telemetry: {metrics: {level: none}}
  traces: {idle_timeout: 1s}
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma], exporters: [debug]}
    traces: {receivers: [otlp], processors: [span_duration], exporters: [debug]}
    logs: {receivers: [otlp], processors: [drain, new_template], exporters: [debug]}
    anomalies: {processors: [feedback, episodes, correlate, severity], exporters: [anomaly_store]}
`;
}

/** Ends with the scope. */
export async function startWorld(scope: Scope, { dashboard = {}, directory }: WorldOptions = {}): Promise<World> {
  const folder = directory ?? join(folderWith(scope), "kept");
  const agent = await startAgent(scope, configuration(folder, dashboard));
  const origin = `http://${agent.at("dashboard", "http")}`;
  const send: World["send"] = async (signal, bytes) => {
    const { status, body } = await request(agent.at("otlp", "http"), `/v1/${signal}`, bytes);
    assert.equal(status, 200, body.toString());
  };
  const { token } = dashboard;
  const ask = async (path: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(`${origin}/api/v1${path}`, { headers });
    const body = await answer.text();
    assert.equal(answer.status, 200, `${path}: ${body}`);
    return JSON.parse(body);
  };
  const outage = async (names: Partial<Names> = {}) => {
    const shop = { ...NAMES, ...names };
    for (const [signal, bytes] of history(shop)) await send(signal, bytes);
    return within("an incident of three signals", async () => {
      const { items } = await ask("/incidents?limit=50");
      for (const { id } of items) {
        const { members } = await ask(`/incidents/${id}`);
        if (new Set(members.map(({ signal }: { signal: string }) => signal)).size === 3) return id as string;
      }
      return undefined;
    });
  };
  return { agent, origin, send, ask, outage };
}

/** Asks until there is something. */
export async function within<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(performance.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

type Sent = readonly ["metrics" | "traces" | "logs", Uint8Array];

function* history({ service, metric, operation, line }: Names): Generator<Sent> {
  const noise = normal(7);
  const end = Date.now();
  const begin = end - HISTORY;
  const points = [];
  for (let time = begin; time < end; time += STEP) {
    const isOut = time >= end - OUTAGE;
    points.push({ time, value: isOut ? 120 + 4 * noise() : 50 + 4 * noise() });
    const spans = [];
    for (let i = 0; i < 5; i++) {
      const from = time + i * SECOND;
      const took = Math.exp(0.1 * noise()) * (isOut ? 280 : 80);
      const trace = Buffer.from(`${time}${i}`.padStart(16, "0").slice(-16)).toString("hex");
      const [id, child] = [`${trace.slice(16, 30)}01`, `${trace.slice(16, 30)}02`];
      spans.push({ trace, id, name: "GET /pay", kind: 2, from, to: from + took + 20, service: "checkout" });
      const inner = { trace, id: child, parent: id, name: operation, kind: 2, from: from + 5, to: from + 5 + took };
      spans.push({ ...inner, service, failed: isOut });
    }
    yield ["traces", spanRequest(spans)];
    const records = [{ time, body: `charged order ${Math.round(1000 * Math.abs(noise()))}`, service, severity: 9 }];
    if (isOut) records.push({ time: time + 1, body: line, service, severity: 17 });
    yield ["logs", logRequest(records)];
  }
  yield ["metrics", gauge(service, metric, points)];
}
