// An agent that serves the dashboard with as much in it as one page may have to show, under a steady load.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keepIncidents } from "../test/browser/many.ts";
import { freePort, NODE_FLAGS, running } from "./end_to_end.ts";
import { metricRequests } from "./payloads.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const POINTS = 1000;
/** Milliseconds between two points of a series that are sent as history. */
const STEP = 10_000;

export interface DashboardAgent {
  /** "http://127.0.0.1:40123". */
  readonly origin: string;
  /** Of incidents, the latest first. */
  readonly incidents: readonly string[];
  /** Seconds of CPU that it has used. */
  cpu(): number;
  /** Sends a point of each series each second until the function that it returns is called. */
  load(): () => Promise<void>;
  ask(path: string): Promise<any>;
  stop(): Promise<void>;
}

function configuration(directory: string, port: number, page: number): string {
  return JSON.stringify({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    processors: { ewma: null, feedback: { store: "anomaly_store" }, episodes: null, correlate: null, severity: null },
    exporters: { debug: { sampling_initial: 0, sampling_thereafter: 0 }, anomaly_store: { store: "anomaly_store" } },
    extensions: {
      anomaly_store: { directory },
      dashboard: { endpoint: `127.0.0.1:${page}`, history: { memory: "128MiB" } },
    },
    service: {
      extensions: ["anomaly_store", "dashboard"],
      telemetry: { metrics: { level: "none" } },
      pipelines: {
        metrics: { receivers: ["otlp"], processors: ["ewma"], exporters: ["debug"] },
        anomalies: { processors: ["feedback", "episodes", "correlate", "severity"], exporters: ["anomaly_store"] },
      },
    },
  });
}

/** With `points` points of each of `series` series behind it, ten seconds apart, and so many incidents. */
export async function startDashboardAgent({
  series,
  points,
  incidents,
}: {
  series: number;
  points: number;
  incidents: number;
}): Promise<DashboardAgent> {
  const directory = mkdtempSync(join(tmpdir(), "vedette-bench-"));
  const ids = await keepIncidents(directory, incidents);
  const [port, page] = [await freePort(), await freePort()];
  const config = `yaml:${configuration(directory, port, page)}`;
  const agent = spawn(process.execPath, [...NODE_FLAGS, MAIN, "run", "--config", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const pid = agent.pid as number;
  const kill = () => agent.kill("SIGKILL");
  process.once("exit", kill);
  await running(agent);
  let rounds = 0;
  /** A point of each series. */
  const tell = async (time: number) => {
    const start = BigInt(time) * 1_000_000n - BigInt(rounds) * 10_000_000_000n;
    for (const body of metricRequests(series, Math.min(POINTS, series), rounds++, start)) await post(port, body);
  };
  const now = Date.now();
  for (let i = points; i > 0; i--) await tell(now - i * STEP);
  return {
    origin: `http://127.0.0.1:${page}`,
    incidents: ids,
    cpu: () => scheduled(pid) / 1e9,
    load() {
      let wanted = true;
      const sending = (async () => {
        while (wanted) {
          const began = Date.now();
          await tell(began);
          await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + 1000 - Date.now())));
        }
      })();
      return () => {
        wanted = false;
        return sending;
      };
    },
    async ask(path) {
      const answer = await fetch(`http://127.0.0.1:${page}/api/v1${path}`);
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
    async stop() {
      process.off("exit", kill);
      agent.kill("SIGTERM");
      if (agent.exitCode === null) await once(agent, "exit");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Nanoseconds that its threads have run: finer than the ticks in which a process is billed. */
function scheduled(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const spent = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "latin1").split(" ")[0]));
  return spent.reduce((sum, each) => sum + each, 0);
}

const sender = new http.Agent({ keepAlive: true });

function post(port: number, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
    const place = { agent: sender, host: "127.0.0.1", port, method: "POST", path: "/v1/metrics", headers };
    const outgoing = http.request(place, (response) => {
      response
        .resume()
        .on("end", () => (response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`))));
    });
    outgoing.on("error", reject).end(body);
  });
}
