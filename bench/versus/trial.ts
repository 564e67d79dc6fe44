// One agent at one task, pinned to a core of its own while load and sink have another: what it takes, and how much it does.
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuOf, freePort, message } from "../end_to_end.ts";
import type { Contestant, Task } from "./contestants.ts";
import { GrpcSender } from "./grpc_wire.ts";
import { HttpSender } from "./http_wire.ts";
import type { Order, Outcome } from "./peer.ts";
import { Requests, type Traffic } from "./traffic.ts";

/** Whether processes can be held to a core: else the scheduler decides, and "a core" is what the process took. */
export const PINS = spawnSync("taskset", ["-c", "1", "true"]).status === 0;
const pinned = (core: number, command: readonly string[]) =>
  PINS ? ["taskset", "-c", String(core), ...command] : command;

export interface Side {
  readonly process: ChildProcess;
  readonly traffic: Traffic;
  readonly http: number;
  readonly grpc: number;
  /** Bytes a row. */
  readonly size: number;
}

/** Load and sink for this traffic. */
export async function side(traffic: Traffic): Promise<Side> {
  const [program, ...args] = pinned(1, [process.execPath]);
  const path = fileURLToPath(new URL("peer.ts", import.meta.url));
  const child = fork(path, [JSON.stringify(traffic)], {
    execPath: program,
    execArgv: [...args, "--max-old-space-size=4096"],
  });
  const ports = (await message(child)) as { http: number; grpc: number; size: number };
  return { process: child, traffic, ...ports };
}

async function drive({ process: child }: Side, order: Order): Promise<Outcome> {
  child.send(order);
  const outcome = (await message(child)) as Outcome | { error: string };
  if (!("requests" in outcome)) throw new Error(`load and sink: ${outcome.error}`);
  return outcome;
}

function memory(pid: number, field: "VmRSS" | "VmHWM"): number {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]) * 1024;
}

export interface Running {
  /** Milliseconds from its start to the first request that it acknowledged. */
  readonly startUp: number;
  /** CPU nanoseconds so far. */
  cpu(): number;
  /** Bytes, now and at most. */
  resident(): { now: number; peak: number };
  drive(order: Omit<Order, "port" | "protocol">): Promise<Outcome>;
  stop(): Promise<void>;
}

const PATIENCE = 20_000;

export async function start(contestant: Contestant, task: Task, between: Side): Promise<Running> {
  const ports = { http: await freePort(), grpc: await freePort(), sink: between[task.protocol] };
  const [program, ...args] = pinned(0, contestant.command(task, ports));
  const began = performance.now();
  const agent = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  agent.stderr?.on("data", (chunk) => {
    said = (said + chunk).slice(-4000);
  });
  const pid = agent.pid as number;
  const port = ports[task.protocol];
  while (!(await taken(task, port))) {
    if (agent.exitCode !== null || performance.now() - began > PATIENCE) {
      agent.kill("SIGKILL");
      throw new Error(`${contestant.name} did not start:\n${said}`);
    }
    await setTimeout(10);
  }
  const startUp = performance.now() - began;
  return {
    startUp,
    cpu: () => cpuOf(pid),
    resident: () => ({ now: memory(pid, "VmRSS"), peak: memory(pid, "VmHWM") }),
    drive: (order) => drive(between, { ...order, protocol: task.protocol, port }),
    async stop() {
      agent.kill("SIGTERM");
      const late = globalThis.setTimeout(() => agent.kill("SIGKILL"), 10_000);
      if (agent.exitCode === null) await once(agent, "exit");
      clearTimeout(late);
    },
  };
}

const SMALL = new Requests({ signal: "metrics", rows: 50, series: 50, encoding: "identity" });

/** Whether it acknowledges a request of no rows. */
async function taken({ signal, protocol }: Task, port: number): Promise<boolean> {
  const sender =
    protocol === "http" ? new HttpSender(port, `/v1/${signal}`, "identity") : new GrpcSender(port, signal, "identity");
  try {
    await sender.send(signal === "metrics" ? SMALL.next(0) : Buffer.alloc(0));
    return true;
  } catch {
    return false;
  } finally {
    sender.close();
  }
}
