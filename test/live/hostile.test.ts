// Hostile clients, one after the other, against one running agent: what each gets, what it costs, and that others are served.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { type Running, request, startAgent } from "../agent.ts";
import type { Running as Target } from "../e2e/otlp_clients.ts";
import { gauge } from "../requests.ts";
import { ATTACKS } from "./hostile_attacks.ts";

const REQUEST_LIMIT_MIB = 80;
/**
 * MiB above an idle agent that may be resident at any moment: the requests being received (`request_limit_mib`), each while it
 * moves into a buffer of twice the size; the buffers kept for the next ones (64); the columns of one request, at most ten
 * times its 20 MiB; and the garbage that V8 lets lie (256). What was resident once stays so: the allocator keeps it.
 */
const BOUND_MIB = 2 * REQUEST_LIMIT_MIB + 64 + 10 * 20 + 256;

const CONFIG = `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: 127.0.0.1:0, read_timeout: 1s, keepalive: { server_parameters: { max_connection_idle: 1s } } }
      http: { endpoint: 127.0.0.1:0, read_header_timeout: 500ms, read_timeout: 1s, write_timeout: 1s, idle_timeout: 500ms }
    admission: { request_limit_mib: ${REQUEST_LIMIT_MIB} }
processors: { ewma: { max_series: 10000 } }
exporters: { debug: }
service:
  max_series: 20000
  pipelines:
    metrics: { receivers: [otlp], processors: [ewma], exporters: [debug] }
`;

const normal = gauge("normal", "load", [{ time: 1_700_000_000_000, value: 1 }]);

suite("hostile clients", { skip: process.platform !== "linux" && "reads /proc" }, () => {
  let agent: Running;
  let target: Target;
  let idle = 0;
  const cleanUps: (() => unknown)[] = [];
  const lines: string[][] = [["attack", "what it gets", "MiB before", "at most", "after", "still serves"]];

  /** In MiB, as the kernel counts it: "VmRSS" now, "VmHWM" the most since `forget`. */
  const resident = (which: "VmRSS" | "VmHWM") =>
    Math.round(
      Number(new RegExp(`${which}:\\s+(\\d+)`).exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))![1]) / 1024,
    );
  const forget = () => writeFileSync(`/proc/${agent.pid}/clear_refs`, "5");
  const served = async () => (await request(agent.at("otlp", "http"), "/v1/metrics", normal)).status;

  before(async () => {
    agent = await startAgent({ after: (cleanUp) => cleanUps.push(cleanUp) }, CONFIG);
    const [host, port] = agent.at("otlp", "http").split(":");
    target = { http: { host, port: Number(port) }, grpc: agent.at("otlp", "grpc") } as Target;
    assert.equal(await served(), 200);
    idle = resident("VmRSS");
  });

  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
    const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
    console.log(lines.map((line) => line.map((cell, column) => cell.padEnd(widths[column])).join(" | ")).join("\n"));
  });

  for (const { what, gets, run } of ATTACKS) {
    test(what, async () => {
      const start = resident("VmRSS");
      forget();
      const got = await run(target);
      const status = await served();
      const [most, end] = [resident("VmHWM"), resident("VmRSS")];
      lines.push([what, got, String(start), String(most), String(end), status === 200 ? "yes" : `no: ${status}`]);
      assert.match(got, gets);
      assert.equal(status, 200);
      assert.ok(most < idle + BOUND_MIB, `${most} MiB resident, ${idle} when idle`);
    });
  }
});
