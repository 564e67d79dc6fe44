// The agent as a user starts it, between a load generator and a sink: its CPU time per point, by the kernel's accounting.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { median } from "./harness.ts";
import type { Order } from "./load.ts";

/** What is between load and sink: the agent with a detector, the agent without, or a bare forwarder on node:http. */
export type Work = "ewma" | "pass-through" | "bare forwarder";

export interface EndToEnd {
  readonly protocol: Order["protocol"];
  readonly work: Work;
  /** CPU nanoseconds of that process per point: received, judged, forwarded and acknowledged. */
  readonly cpu: number;
  /** Resident memory of the agent after the run, in bytes. */
  readonly resident: number;
}

/** What node is given before main.ts by `npm start`. */
const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
export const NODE_FLAGS = (scripts.vedette as string).split(" ").filter((word) => word.startsWith("--"));

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const POINTS = 1000;
/** Kernel ticks a second in /proc; the same on every Linux that Node runs on. */
const TICKS = 100;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Nanoseconds of CPU, user and system, that the process has used. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e9;
}

function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) * 1024;
}

export async function message(child: ChildProcess): Promise<unknown> {
  const [value] = (await once(child, "message")) as [unknown];
  return value;
}

/** A sink's process, its port, and how many requests it has been sent. */
interface Sink {
  readonly process: ChildProcess;
  readonly port: number;
  sent: number;
}

/** Settles once the sink has all that was sent: what is acknowledged may still lie in the agent's queue. */
async function forwarded(sink: Sink): Promise<void> {
  for (;;) {
    sink.process.send("count");
    if (((await message(sink.process)) as number) >= sink.sent) return;
    await setTimeout(5);
  }
}

export async function order(load: ChildProcess, value: Order): Promise<void> {
  load.send(value);
  const answer = (await message(load)) as string | { error: string };
  if (answer !== "done") throw new Error(`the load generator failed: ${(answer as { error: string }).error}`);
}

function configuration(http: number, grpc: number, sink: number, detection: boolean): string {
  return JSON.stringify({
    receivers: {
      otlp: { protocols: { http: { endpoint: `127.0.0.1:${http}` }, grpc: { endpoint: `127.0.0.1:${grpc}` } } },
    },
    processors: { ewma: null },
    exporters: { otlp_http: { endpoint: `http://127.0.0.1:${sink}`, compression: "none" }, debug: null },
    service: {
      pipelines: {
        metrics: { receivers: ["otlp"], processors: detection ? ["ewma"] : [], exporters: ["otlp_http"] },
        anomalies: { exporters: ["debug"] },
      },
    },
  });
}

/** Settles once the process says that it runs; what it says later is read, so that it never waits for a reader. */
export function running(agent: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    agent.stderr?.on("data", (chunk) => {
      said += chunk;
      if (said.includes("is running")) resolve();
    });
    agent.on("exit", () => reject(new Error(`it did not start: ${said}`)));
  });
}

async function oneRun(
  { protocol, work }: Pick<EndToEnd, "protocol" | "work">,
  sink: Sink,
  load: ChildProcess,
  requests: number,
) {
  const ports = { http: await freePort(), grpc: await freePort() };
  const config = `yaml:${configuration(ports.http, ports.grpc, sink.port, work === "ewma")}`;
  const program =
    work === "bare forwarder"
      ? [here("forwarder.ts"), String(ports.http), String(sink.port)]
      : [here("../src/main.ts"), "run", "--config", config];
  const agent = spawn(process.execPath, [...NODE_FLAGS, ...program], { stdio: ["ignore", "ignore", "pipe"] });
  try {
    await running(agent);
    const at = { protocol, port: ports[protocol], inFlight: 8 };
    const run = async (count: number) => {
      await order(load, { ...at, requests: count });
      sink.sent += count;
      await forwarded(sink);
    };
    await run(Math.max(20, Math.floor(requests / 4)));
    const before = cpuOf(agent.pid as number);
    await run(requests);
    const cpu = (cpuOf(agent.pid as number) - before) / (requests * POINTS);
    return { cpu, resident: residentOf(agent.pid as number) };
  } finally {
    agent.kill("SIGTERM");
    if (agent.exitCode === null) await once(agent, "exit");
  }
}

const COMBINATIONS: readonly Pick<EndToEnd, "protocol" | "work">[] = [
  { protocol: "http", work: "ewma" },
  { protocol: "http", work: "pass-through" },
  { protocol: "http", work: "bare forwarder" },
  { protocol: "grpc", work: "ewma" },
  { protocol: "grpc", work: "pass-through" },
];

/** Every combination in turns, medians; undefined where there is no /proc to read CPU time from. */
export async function endToEnd({ smoke }: { smoke: boolean }): Promise<EndToEnd[] | undefined> {
  if (!existsSync("/proc/self/stat")) return undefined;
  const far = fork(here("sink.ts"));
  const { port } = (await message(far)) as { port: number };
  const sink: Sink = { process: far, port, sent: 0 };
  const load = fork(here("load.ts"), [JSON.stringify({ series: smoke ? 10_000 : 100_000, points: POINTS })]);
  await message(load);
  const combinations = COMBINATIONS.map((each) => ({ ...each, cpu: [] as number[], resident: [] as number[] }));
  try {
    for (let round = 0; round < (smoke ? 1 : 5); round++) {
      for (const each of combinations) {
        const { cpu, resident } = await oneRun(each, sink, load, smoke ? 40 : 4000);
        each.cpu.push(cpu);
        each.resident.push(resident);
      }
    }
  } finally {
    far.disconnect();
    load.disconnect();
  }
  return combinations.map(({ protocol, work, cpu, resident }) => ({
    protocol,
    work,
    cpu: median(cpu),
    resident: median(resident),
  }));
}
