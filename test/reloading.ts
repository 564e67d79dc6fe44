// An agent whose configuration file a test rewrites, and senders that go on meanwhile.
import { writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import type { TestContext } from "node:test";
import grpc from "@grpc/grpc-js";
import { eventually, folderWith, type Running, startWith } from "./agent.ts";
import { gauge } from "./requests.ts";
import { METHODS } from "./sinks.ts";

export const QUIET = "telemetry: {metrics: {level: none}}";

/** A file that the test may rewrite, and the agent that runs it. */
export async function startFile(t: TestContext, config: string, others: Record<string, string> = {}) {
  const folder = folderWith(t, { "config.yaml": config, "package.json": '{"type": "module"}', ...others });
  const file = join(folder, "config.yaml");
  const agent = await startWith(t, ["run", "--config", file]);
  const said = (what: RegExp) => [...agent.output.stderr.matchAll(new RegExp(what, "g"))].length;
  const settled = () => said(/vedette: reload \d+ (is done|failed)/);
  return {
    agent,
    folder,
    said,
    /** Rewrites the file, asks for a reload, and waits until it is done or has failed. */
    async reload(text: string) {
      const before = settled();
      writeFileSync(file, text);
      agent.signal("SIGHUP");
      await eventually("the reload", () => settled() > before);
    },
    async changes(text: string) {
      const before = settled();
      writeFileSync(file, text);
      await eventually("the change of the file to be seen", () => settled() > before);
    },
  };
}

export const config = (parts: {
  receiver?: string;
  processors?: string;
  sink: string;
  exporter?: string;
  service?: string;
}) => `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"${parts.receiver ?? ""}}}}}
processors: {${parts.processors ?? "ewma: "}}
exporters: {otlp_http: {endpoint: "http://${parts.sink}"${parts.exporter ?? ""}}, debug: }
service:
  ${QUIET}
  ${parts.service ?? ""}
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma], exporters: [otlp_http]}
    anomalies: {exporters: [debug]}
`;

export const START = 1_795_000_000_000;
export const point = (i: number, value = 50 + (i % 7)) =>
  gauge("checkout", "load", [{ time: START + i * 1000, value }]);

/** Sends numbered points without a pause until told to stop; what was acknowledged and what was not. */
export function sender(send: (body: Buffer) => Promise<boolean>, from: number) {
  const acknowledged: number[] = [];
  const refused: number[] = [];
  let stopped = false;
  const done = (async () => {
    for (let i = from; !stopped; i++) ((await send(point(i))) ? acknowledged : refused).push(i);
  })();
  return {
    acknowledged,
    refused,
    async stop() {
      stopped = true;
      await done;
    },
  };
}

export function overHttp(t: TestContext, agent: Running): (body: Buffer) => Promise<boolean> {
  const pool = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => pool.destroy());
  const url = `http://${agent.at("otlp", "http")}/v1/metrics`;
  return (body) =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
      const sent = http.request(url, { method: "POST", agent: pool, headers }, (response) => {
        response.resume().once("end", () => resolve(response.statusCode === 200));
      });
      sent.once("error", reject);
      sent.end(body);
    });
}

export function overGrpc(t: TestContext, agent: Running): (body: Buffer) => Promise<boolean> {
  const client = new grpc.Client(agent.at("otlp", "grpc"), grpc.credentials.createInsecure());
  t.after(() => client.close());
  const same = (bytes: Buffer) => bytes;
  return (body) =>
    new Promise((resolve) => {
      client.makeUnaryRequest(METHODS.metrics, same, same, body, (error: unknown) => resolve(error === null));
    });
}
