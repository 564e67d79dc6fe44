// The sink: takes what agents forward, and says when it came. Small on purpose: its own pauses would count as an agent's.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { now } from "./clock.ts";
import { grpcSink } from "./grpc_wire.ts";
import { httpSink } from "./http_wire.ts";

export interface Came {
  /** Milliseconds on the `clock` at which each request was whole, since the last time that was asked. */
  readonly at: readonly number[];
  /** CPU milliseconds of this process meanwhile. */
  readonly cpu: number;
}

/** Milliseconds without anything coming in: all has been forwarded. */
const QUIET = 300;
/** Requests whose time is kept: further ones are counted only. */
const MOST = 100_000;

const times = new Float64Array(MOST);
let count = 0;
let last = now();
let cpu = process.cpuUsage();
const came = () => {
  last = now();
  times[count++ % MOST] = last;
};

process.on("message", async () => {
  while (now() - last < QUIET) await setTimeout(20);
  const { user, system } = process.cpuUsage(cpu);
  process.send?.({ at: Array.from(times.subarray(0, Math.min(count, MOST))), cpu: (user + system) / 1000 });
  cpu = process.cpuUsage();
  count = 0;
});
process.on("disconnect", () => process.exit());
const servers = { http: httpSink(came), grpc: grpcSink(came) };
const ports: Record<string, number> = {};
for (const [protocol, server] of Object.entries(servers)) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ports[protocol] = (server.address() as AddressInfo).port;
}
process.send?.(ports);
