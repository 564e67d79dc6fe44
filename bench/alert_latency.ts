// How long a critical anomaly takes from the arrival of its row to the webhook, in an agent that is busy; and what it costs.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { cpus } from "node:os";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gauge } from "../test/requests.ts";
import { cpuOf, freePort, message, NODE_FLAGS, order, running } from "./end_to_end.ts";
import { table } from "./markdown.ts";

const smoke = process.argv.includes("--smoke");
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const POINTS = 1000;
/** Rows a second that are sent beside the probes. */
const RATES = smoke ? [20_000] : [20_000, 100_000, 200_000];
const SECONDS = smoke ? 2 : 20;
/** Milliseconds between probes. */
const EVERY = 50;
const LIMIT = 1000;

function configuration(port: number, sink: number, webhook: string): string {
  return JSON.stringify({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    processors: {
      ewma: { match: { exclude: { metric: ["probe.*"] } } },
      threshold: { upper: LIMIT, severity: "critical", warmup: 0, match: { include: { metric: ["probe.*"] } } },
      episodes: null,
      severity: null,
    },
    exporters: {
      otlp_http: { endpoint: `http://127.0.0.1:${sink}`, compression: "none" },
      webhook: { url: webhook },
    },
    service: {
      pipelines: {
        metrics: { receivers: ["otlp"], processors: ["ewma", "threshold"], exporters: ["otlp_http"] },
        anomalies: { processors: ["episodes", "severity"], exporters: ["webhook"] },
      },
    },
  });
}

/** Where alerts go: remembers when each probe's came. */
async function receiver() {
  const came = new Map<string, number>();
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const now = performance.now();
      const text = Buffer.concat(chunks).toString();
      const critical = /"severity"\s*:\s*"critical"/.test(text);
      for (const [name] of critical ? text.matchAll(/probe\.\d+/g) : []) if (!came.has(name)) came.set(name, now);
      response.writeHead(200).end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { came, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

const sender = new http.Agent({ keepAlive: true });

function send(port: number, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
    const outgoing = http.request(
      { agent: sender, host: "127.0.0.1", port, method: "POST", path: "/v1/metrics", headers },
      (response) => response.resume().on("end", resolve),
    );
    outgoing.on("error", reject).end(body);
  });
}

async function trial(rate: number, sink: number, load: ReturnType<typeof fork>) {
  const port = await freePort();
  const { came, server, url } = await receiver();
  const agent = spawn(
    process.execPath,
    [...NODE_FLAGS, here("../src/main.ts"), "run", "--config", `yaml:${configuration(port, sink, url)}`],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  try {
    await running(agent);
    /** Resolves to the rows a second that were acknowledged. */
    const flow = async (seconds: number) => {
      const requests = (rate / POINTS) * seconds;
      const began = performance.now();
      await order(load, { protocol: "http", port, requests, inFlight: 8, rate: rate / POINTS });
      return (requests * POINTS * 1000) / (performance.now() - began);
    };
    await flow(smoke ? 1 : 5);
    const sent = new Map<string, number>();
    const before = cpuOf(agent.pid as number);
    const busy = flow(SECONDS);
    for (let i = 0; i < (SECONDS * 1000) / EVERY - 10; i++) {
      const name = `probe.${i}`;
      sent.set(name, performance.now());
      await send(port, gauge("probe", name, [{ time: Date.now(), value: 2 * LIMIT }]));
      await setTimeout(EVERY);
    }
    const reached = await busy;
    const cpu = (cpuOf(agent.pid as number) - before) / 1e9 / SECONDS;
    await setTimeout(1000);
    const latencies = [...sent].flatMap(([name, at]) => (came.has(name) ? came.get(name)! - at : []));
    latencies.sort((a, b) => a - b);
    const quantile = (q: number) =>
      latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? Number.NaN;
    return {
      rate,
      reached,
      probes: sent.size,
      lost: sent.size - latencies.length,
      cpu,
      p50: quantile(0.5),
      p99: quantile(0.99),
    };
  } finally {
    agent.kill("SIGTERM");
    if (agent.exitCode === null) await once(agent, "exit");
    server.close();
    server.closeAllConnections();
  }
}

const far = fork(here("sink.ts"));
const { port: sink } = (await message(far)) as { port: number };
const load = fork(here("load.ts"), [JSON.stringify({ series: 100_000, points: POINTS })]);
await message(load);
const trials = [];
for (const rate of RATES) trials.push(await trial(rate, sink, load));
far.disconnect();
load.disconnect();

const text = `# How soon a critical anomaly is told

What \`npm run bench:alerts\` measured on ${cpus()[0].model}, Node ${process.version}: an agent that forwards metrics of 100,000 series, 1,000 points a request,
and judges all of them (\`ewma\`), while every ${EVERY} ms another request brings a row above a limit, which is critical. From the moment before that is sent to when the
webhook has the alert: over HTTP in, \`threshold\`, \`episodes\`, \`severity\`, the queue, HTTP out. Load, sink and agent share the machine's ${cpus().length} cores.

${table(
  ["rows a second", "acknowledged", "CPU of the agent", "critical rows", "not told", "p50", "p99"],
  trials.map(({ rate, reached, cpu, probes, lost, p50, p99 }) => [
    rate.toLocaleString("en-US"),
    Math.round(reached).toLocaleString("en-US"),
    `${(cpu * 100).toFixed(0)} % of a core`,
    String(probes),
    String(lost),
    `${p50.toFixed(1)} ms`,
    `${p99.toFixed(1)} ms`,
  ]),
)}
`;
if (!smoke) writeFileSync(here("alert_latency.md"), text);
console.log(text);
if (trials.some(({ lost }) => lost > 0)) {
  console.error("alerts were lost");
  process.exitCode = 1;
}
