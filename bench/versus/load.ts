// The load generator: sends prebuilt requests to an agent. Told what to do by its parent.
import { setTimeout } from "node:timers/promises";
import { now } from "./clock.ts";
import { GrpcSender } from "./grpc_wire.ts";
import { HttpSender } from "./http_wire.ts";
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

export interface Sent {
  readonly requests: number;
  /** Requests that were not answered with success, and why the last one was not. */
  readonly failed: number;
  readonly error: string | undefined;
  /** Until the last answer. */
  readonly seconds: number;
  /** CPU milliseconds of this process. */
  readonly cpu: number;
  /** Milliseconds on the `clock` at which each request was due, where there is a rate. */
  readonly due: number[];
}

const requests = new Requests(JSON.parse(process.argv[2]) as Traffic);
let next = 0;

async function run({ protocol, port, seconds, senders, rate }: Order): Promise<Sent> {
  const { signal, encoding } = requests.traffic;
  const sender = () =>
    protocol === "http" ? new HttpSender(port, `/v1/${signal}`, encoding) : new GrpcSender(port, signal, encoding);
  // gRPC has all its calls on one connection
  const connections = Array.from({ length: protocol === "http" ? senders : 1 }, sender);
  const due: number[] = [];
  let count = 0;
  let failed = 0;
  let error: string | undefined;
  const cpu = process.cpuUsage();
  const began = now();
  const until = began + seconds * 1000;
  const send = async (_: unknown, i: number) => {
    for (;;) {
      const at = rate === undefined ? now() : began + (count * 1000) / rate;
      if (Math.max(at, now()) >= until) return;
      count++;
      if (at > now()) await setTimeout(at - now());
      // timers may be early by part of a millisecond
      if (rate !== undefined) due.push(Math.min(at, now()));
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
  const lasted = now() - began;
  const { user, system } = process.cpuUsage(cpu);
  for (const connection of connections) connection.close();
  return { requests: count, failed, error, seconds: lasted / 1000, cpu: (user + system) / 1000, due };
}

process.on("message", (order: Order) => {
  run(order).then(
    (sent) => process.send?.(sent),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit());
process.send?.({ size: requests.size });
