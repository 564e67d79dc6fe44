// One agent under load at scale: how it is started, what the kernel and its own metrics say of it, and how long small requests wait.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import http from "node:http";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuOf, freePort, message, NODE_FLAGS, running } from "./end_to_end.ts";
import { metricRequests } from "./payloads.ts";
import type { ScaleOrder } from "./scale_load.ts";

export const POINTS = 1000;
const IN_FLIGHT = 8;
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

export interface Setting {
  readonly detector?: "auto" | "ewma" | undefined;
  readonly series: number;
  /** Where models are kept, and how often they are saved. */
  readonly state?: { readonly directory: string; readonly interval: string };
}

/** Bytes, of the kernel's. */
export interface Memory {
  readonly resident: number;
  readonly most: number;
}

/** A process that sends requests over these series; what `order` gives is how many were acknowledged. */
export class Load {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async over(series: number): Promise<Load> {
    const child = fork(here("scale_load.ts"), [JSON.stringify({ series, points: POINTS })]);
    await message(child);
    return new Load(child);
  }

  async order(order: ScaleOrder): Promise<number> {
    this.#process.send(order);
    const answer = (await message(this.#process)) as { sent: number } | { error: string };
    if ("error" in answer) throw new Error(`the load generator failed: ${answer.error}`);
    return answer.sent;
  }

  stop(): void {
    this.#process.send("stop");
  }

  close(): void {
    this.#process.disconnect();
  }
}

export class ScaleAgent {
  readonly #process: ChildProcess;
  readonly #ports: { readonly http: number; readonly metrics: number };
  /** Milliseconds from the start of the process until it said that it runs. */
  readonly startUp: number;

  private constructor(child: ChildProcess, ports: { http: number; metrics: number }, startUp: number) {
    this.#process = child;
    this.#ports = ports;
    this.startUp = startUp;
  }

  static async start(setting: Setting, sink: number): Promise<ScaleAgent> {
    const ports = { http: await freePort(), metrics: await freePort() };
    const config = `yaml:${configuration(setting, ports, sink)}`;
    const began = performance.now();
    const child = spawn(process.execPath, [...NODE_FLAGS, here("../src/main.ts"), "run", "--config", config], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    await running(child);
    return new ScaleAgent(child, ports, performance.now() - began);
  }

  /** Points that were acknowledged, and the CPU nanoseconds of the agent for each. */
  async take(load: Load, how: Partial<ScaleOrder>): Promise<{ points: number; cpu: number }> {
    const before = cpuOf(this.#process.pid!);
    const points = POINTS * (await load.order({ port: this.#ports.http, inFlight: IN_FLIGHT, ...how }));
    return { points, cpu: (cpuOf(this.#process.pid!) - before) / points };
  }

  memory(): Memory {
    const text = readFileSync(`/proc/${this.#process.pid}/status`, "latin1");
    const of = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) * 1024;
    return { resident: of("VmRSS"), most: of("VmHWM") };
  }

  /** Sums of the agent's own metrics by name. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const answer = await ask({ port: this.#ports.metrics, path: "/metrics" });
    const sums = new Map<string, number>();
    for (const line of answer.split("\n")) {
      const [, name, value] = /^(\w+)(?:\{.*\})? (\S+)$/.exec(line) ?? [];
      if (name) sums.set(name, (sums.get(name) ?? 0) + Number(value));
    }
    return sums;
  }

  /**
   * Sends a small request every few milliseconds until told to stop; then it tells when each was answered, and after how long, less the
   * time in which the agent, or this process, was ready to run and had no core.
   */
  probe(): () => Promise<Answered[]> {
    const [body] = metricRequests(50, 50);
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const answers: Answered[] = [];
    let stopped = false;
    const asking = (async () => {
      while (!stopped) {
        const idle = { own: coreless(process.pid), agent: coreless(this.#process.pid!) };
        const sent = performance.now();
        await ask({ port: this.#ports.http, path: "/v1/metrics", method: "POST", agent }, body);
        const took = performance.now() - sent;
        const lost = Math.max(coreless(process.pid) - idle.own, coreless(this.#process.pid!) - idle.agent);
        answers.push({ sent, took: Math.max(0, took - lost) });
        await setTimeout(3);
      }
      agent.destroy();
    })();
    return async () => {
      stopped = true;
      await asking;
      return answers;
    };
  }

  /** Milliseconds that it took. */
  async stop(): Promise<number> {
    const began = performance.now();
    this.#process.kill("SIGTERM");
    if (this.#process.exitCode === null) await once(this.#process, "exit");
    return performance.now() - began;
  }
}

/** Milliseconds that the first thread of the process was ready to run and had no core; 0 where the kernel does not count it. */
function coreless(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "latin1").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** Milliseconds, by this process's clock. */
export interface Answered {
  readonly sent: number;
  readonly took: number;
}

/** The longest that a request waited, of those that were under way within [from, to]. */
export function longest(answers: readonly Answered[], from = 0, to = Infinity): number {
  return Math.max(0, ...answers.flatMap(({ sent, took }) => (sent + took >= from && sent <= to ? took : [])));
}

/** Waits for the next snapshot to be begun and then to be done; when that was, and the bytes of it. */
export async function nextSnapshot(directory: string): Promise<{ from: number; to: number; bytes: number }> {
  // a file system that is flushing what was written answers late: the probe must not wait for it
  const writing = async () => (await readdir(directory)).some((name) => name.endsWith(".snapshot.tmp"));
  while (await writing()) await setTimeout(2);
  while (!(await writing())) await setTimeout(2);
  const from = performance.now();
  while (await writing()) await setTimeout(2);
  const to = performance.now();
  const files = (await readdir(directory)).filter((name) => name.endsWith(".snapshot"));
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(directory, name))).size));
  return { from, to, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

function configuration(
  { detector, series, state }: Setting,
  ports: { http: number; metrics: number },
  sink: number,
): string {
  const prometheus = { host: "127.0.0.1", port: ports.metrics, without_type_suffix: true, without_units: true };
  return JSON.stringify({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${ports.http}` } } } },
    ...(detector && { processors: { [detector]: { max_series: series } } }),
    exporters: {
      // what waits for a sink that has no core is no memory of series
      otlp_http: { endpoint: `http://127.0.0.1:${sink}`, compression: "none", sending_queue: { queue_size: 64 } },
      debug: { sampling_initial: 0, sampling_thereafter: 0 },
    },
    service: {
      ...(state && { state }),
      telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus } } }] } },
      pipelines: {
        metrics: { receivers: ["otlp"], processors: detector ? [detector] : [], exporters: ["otlp_http"] },
        anomalies: { exporters: ["debug"] },
      },
    },
  });
}

function ask(to: http.RequestOptions, body?: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = body && { "content-type": "application/x-protobuf", "content-length": body.length };
    const sent = http.request({ host: "127.0.0.1", ...to, ...(headers && { headers }) }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve(text));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}
