// Both sides of an agent in one process: sends prebuilt requests, takes what is forwarded, and times the way between. Told what to do by its parent.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { GrpcSender, grpcSink } from "./grpc_wire.ts";
import { HttpSender, httpSink } from "./http_wire.ts";
import { Requests, type Traffic } from "./traffic.ts";

export interface Order {
  readonly protocol: "http" | "grpc";
  /** Where the agent listens. */
  readonly port: number;
  readonly seconds: number;
  /** Senders that each wait for their answer: at most so many requests are under way. */
  readonly senders: number;
  /** Requests a second, whatever is answered; absent: as fast as they are answered. */
  readonly rate?: number;
}

export interface Outcome {
  readonly requests: number;
  /** Requests that were not answered with success, and why the last one was not. */
  readonly failed: number;
  readonly error: string | undefined;
  /** Until the last answer. */
  readonly seconds: number;
  /** Of this process, as a part of the time. */
  readonly busy: number;
  /** Milliseconds from the moment a request was due until it had come out again. */
  readonly p50: number;
  readonly p99: number;
}

/** Milliseconds without anything coming out: all has been forwarded. */
const QUIET = 300;

const requests = new Requests(JSON.parse(process.argv[2]) as Traffic);
let next = 0;
let sent: number[] = [];
let came: number[] = [];
const arrived = () => void came.push(performance.now());
const sinks = { http: httpSink(arrived), grpc: grpcSink(arrived) };

async function run({ protocol, port, seconds, senders, rate }: Order): Promise<Outcome> {
  const { signal, encoding } = requests.traffic;
  const sender = () =>
    protocol === "http" ? new HttpSender(port, `/v1/${signal}`, encoding) : new GrpcSender(port, signal, encoding);
  // gRPC has all its calls on one connection
  const connections = Array.from({ length: protocol === "http" ? senders : 1 }, sender);
  sent = [];
  came = [];
  let failed = 0;
  let error: string | undefined;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const until = began + seconds * 1000;
  let due = 0;
  const send = async (_: unknown, i: number) => {
    for (;;) {
      const now = performance.now();
      const at = rate === undefined ? now : began + (due * 1000) / rate;
      if (Math.max(at, now) >= until) return;
      due++;
      if (at > now) await setTimeout(at - now);
      sent.push(rate === undefined ? performance.now() : at);
      try {
        await connections[i % connections.length].send(requests.next(next++));
      } catch (reason) {
        failed++;
        error = (reason as Error).message;
        await setTimeout(10);
      }
    }
  };
  await Promise.all(Array.from({ length: senders }, send));
  const lasted = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  while (performance.now() - (came.at(-1) ?? began + lasted) < QUIET) await setTimeout(50);
  for (const connection of connections) connection.close();
  // in order: what is overtaken makes the pairs differ, their distribution hardly
  sent.sort((a, b) => a - b);
  const ways = came.slice(0, sent.length).map((at, i) => at - sent[i]);
  ways.sort((a, b) => a - b);
  const quantile = (q: number) => ways[Math.min(ways.length - 1, Math.floor(q * ways.length))] ?? Number.NaN;
  return {
    requests: sent.length,
    failed,
    error,
    seconds: lasted / 1000,
    busy: (user + system) / 1000 / lasted,
    p50: quantile(0.5),
    p99: quantile(0.99),
  };
}

process.on("message", (order: Order) => {
  run(order).then(
    (outcome) => process.send?.(outcome),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit());
sinks.http.listen(0, "127.0.0.1");
sinks.grpc.listen(0, "127.0.0.1");
await Promise.all([once(sinks.http, "listening"), once(sinks.grpc, "listening")]);
const portOf = (sink: { address(): unknown }) => (sink.address() as AddressInfo).port;
process.send?.({ http: portOf(sinks.http), grpc: portOf(sinks.grpc), size: requests.size });
