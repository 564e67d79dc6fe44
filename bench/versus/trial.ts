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
import type { Order, Sent } from "./load.ts";
import type { Came } from "./sink.ts";
import { Requests, type Traffic } from "./traffic.ts";

/** Whether processes can be held to a core: else the scheduler decides, and "a core" is what the process took. */
export const PINS = spawnSync("taskset", ["-c", "1", "true"]).status === 0;
const pinned = (core: number, command: readonly string[]) =>
  PINS ? ["taskset", "-c", String(core), ...command] : command;

/** Load and sink for some traffic, a process each: what one waits for in itself does not hold up the other. */
export interface Side {
  readonly load: ChildProcess;
  readonly sink: ChildProcess;
  /** Where the sink listens. */
  readonly ports: Readonly<Record<Task["protocol"], number>>;
  drive(order: Order): Promise<Outcome>;
  stop(): void;
}

export interface Outcome extends Omit<Sent, "cpu" | "due"> {
  /** CPU of load and sink, as a part of the time. */
  readonly busy: number;
  /** Where there was a rate: milliseconds from the moment a request was due until it had come out again, from least to most. */
  readonly ways: readonly number[];
}

export async function side(traffic: Traffic, { free = false } = {}): Promise<Side> {
  const command = [process.execPath];
  const [program, ...args] = free ? command : pinned(1, command);
  const helper = (file: string, ...rest: string[]) =>
    fork(fileURLToPath(new URL(file, import.meta.url)), rest, {
      execPath: program,
      // a small young space is collected often and soon: what was read is let go before it makes the whole heap be collected
      execArgv: [...args, "--max-semi-space-size=1", "--max-old-space-size=4096"],
    });
  const sink = helper("sink.ts");
  const ports = (await message(sink)) as Side["ports"];
  const load = helper("load.ts", JSON.stringify(traffic));
  await message(load);
  return {
    load,
    sink,
    ports,
    async drive(order) {
      load.send(order);
      const sent = (await message(load)) as Sent | { error: string };
      if (!("requests" in sent)) throw new Error(`load: ${sent.error}`);
      const { cpu, due, ...outcome } = sent;
      sink.send("when");
      const came = (await message(sink)) as Came;
      due.sort((a, b) => a - b);
      // in order: what is overtaken makes the pairs differ, their distribution hardly
      const ways = due.slice(0, came.at.length).map((at, i) => came.at[i] - at);
      ways.sort((a, b) => a - b);
      return { ...outcome, busy: (cpu + came.cpu) / 1000 / sent.seconds, ways };
    },
    stop() {
      load.disconnect();
      sink.disconnect();
    },
  };
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

/** `free`: not held to its core, so that what it does beside (collecting garbage) finds time on the other. */
export async function start(
  contestant: Contestant,
  task: Task,
  between: Side,
  { free = false } = {},
): Promise<Running> {
  const ports = { http: await freePort(), grpc: await freePort(), sink: between.ports[task.protocol] };
  const command = contestant.command(task, ports);
  const [program, ...args] = free ? command : pinned(0, command);
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
    drive: (order) => between.drive({ ...order, protocol: task.protocol, port }),
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
