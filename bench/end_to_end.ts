// The agent as a user starts it, between a load generator and a sink: its CPU time per point, by the kernel's accounting.
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { median } from "./harness.ts";
import type { Order } from "./load.ts";

export interface EndToEnd {
  readonly protocol: Order["protocol"];
  readonly detection: boolean;
  /** CPU nanoseconds of the agent per point: received, judged, forwarded and acknowledged. */
  readonly cpu: number;
  /** Resident memory of the agent after the run, in bytes. */
  readonly resident: number;
}

/** What node is given before main.ts by `npm start`. */
const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const NODE_FLAGS = (scripts.vedette as string).split(" ").filter((word) => word.startsWith("--"));

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const POINTS = 1000;
/** Kernel ticks a second in /proc; the same on every Linux that Node runs on. */
const TICKS = 100;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** Nanoseconds of CPU, user and system, that the process has used. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e9;
}

function residentOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) * 1024;
}

async function message(child: ChildProcess): Promise<unknown> {
  const [value] = (await once(child, "message")) as [unknown];
  return value;
}

async function order(load: ChildProcess, value: Order): Promise<void> {
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

async function oneRun(
  protocol: Order["protocol"],
  detection: boolean,
  sink: number,
  load: ChildProcess,
  requests: number,
) {
  const ports = { http: await freePort(), grpc: await freePort() };
  const config = `yaml:${configuration(ports.http, ports.grpc, sink, detection)}`;
  const agent = spawn(process.execPath, [...NODE_FLAGS, here("../src/main.ts"), "run", "--config", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    let said = "";
    for await (const chunk of agent.stderr) {
      said += chunk;
      if (said.includes("is running")) break;
    }
    if (agent.exitCode !== null) throw new Error(`the agent did not start: ${said}`);
    const at = { protocol, port: ports[protocol], inFlight: 8 };
    await order(load, { ...at, requests: Math.max(20, Math.floor(requests / 4)) });
    const before = cpuOf(agent.pid as number);
    await order(load, { ...at, requests });
    const cpu = (cpuOf(agent.pid as number) - before) / (requests * POINTS);
    return { cpu, resident: residentOf(agent.pid as number) };
  } finally {
    agent.kill("SIGTERM");
    if (agent.exitCode === null) await once(agent, "exit");
  }
}

/** Every combination in turns, medians; undefined where there is no /proc to read CPU time from. */
export async function endToEnd({ smoke }: { smoke: boolean }): Promise<EndToEnd[] | undefined> {
  if (!existsSync("/proc/self/stat")) return undefined;
  const sink = fork(here("sink.ts"));
  const { port } = (await message(sink)) as { port: number };
  const load = fork(here("load.ts"), [JSON.stringify({ series: smoke ? 10_000 : 100_000, points: POINTS })]);
  await message(load);
  const combinations = (["http", "grpc"] as const).flatMap((protocol) =>
    [true, false].map((detection) => ({ protocol, detection, cpu: [] as number[], resident: [] as number[] })),
  );
  try {
    for (let round = 0; round < (smoke ? 1 : 3); round++) {
      for (const each of combinations) {
        const { cpu, resident } = await oneRun(each.protocol, each.detection, port, load, smoke ? 40 : 4000);
        each.cpu.push(cpu);
        each.resident.push(resident);
      }
    }
  } finally {
    sink.disconnect();
    load.disconnect();
  }
  return combinations.map(({ protocol, detection, cpu, resident }) => ({
    protocol,
    detection,
    cpu: median(cpu),
    resident: median(resident),
  }));
}
