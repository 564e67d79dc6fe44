// Who sends during a soak: ordinary services, one with ever new series, slow ones, and ones that mean harm.
import { randomBytes } from "node:crypto";
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import { generate } from "vedette/testing";
import { gauge } from "../requests.ts";
import { METHODS } from "../sinks.ts";

export interface Sent {
  /** Items of requests that were answered with success, and with a refusal. */
  acknowledged: number;
  refused: number;
  /** Requests that were meant to fail. */
  broken: number;
}

/** Most items that have been sent and not been answered: one request of each client. */
export const UNDER_WAY = 200 + 3 * 50;

interface Endpoints {
  readonly http: string;
  readonly grpc: string;
}

/** Sends until `ended`; resolves once every client has its last answer. */
export async function clients(to: Endpoints, ended: AbortSignal): Promise<Sent> {
  const sent: Sent = { acknowledged: 0, refused: 0, broken: 0 };
  const count = (status: boolean, items: number) => {
    if (status) sent.acknowledged += items;
    else sent.refused += items;
  };
  const until = async (every: number, work: () => Promise<unknown>) => {
    while (!ended.aborted) {
      await work();
      await sleep(every, undefined, { signal: ended }).catch(() => {});
    }
  };
  const pool = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const client = new grpc.Client(to.grpc, grpc.credentials.createInsecure());
  const metrics = endless(() => generate.metrics({ points: 200 }));
  const spans = endless(() => generate.spans({ points: 50 }));
  const logs = endless(() => generate.logs({ points: 50 }));
  let series = 0;
  await Promise.all([
    until(20, async () => {
      const { bytes, items } = metrics();
      count((await post(to.http, "/v1/metrics", bytes, pool)) === 200, items);
    }),
    until(30, async () => {
      const { bytes, items } = logs();
      count((await post(to.http, "/v1/logs", bytes, pool)) === 200, items);
    }),
    until(30, async () => {
      const { bytes, items } = spans();
      count(await call(client, METHODS.traces, bytes), items);
    }),
    until(50, async () => {
      const names = Array.from({ length: 50 }, () => `metric.${series++}`);
      const bytes = Buffer.concat(names.map((name) => gauge("churn", name, [{ time: Date.now(), value: 1 }])));
      count((await post(to.http, "/v1/metrics", bytes, pool)) === 200, names.length);
    }),
    until(100, async () => {
      sent.broken++;
      await post(to.http, "/v1/metrics", randomBytes(2000), pool);
    }),
    until(300, async () => {
      sent.broken++;
      await slow(to.http);
    }),
    until(300, async () => {
      sent.broken++;
      await noise(sent.broken % 2 ? to.http : to.grpc);
    }),
    until(500, async () => {
      sent.broken++;
      await resets(to.grpc);
    }),
  ]);
  pool.destroy();
  client.close();
  return sent;
}

/** One after the other; from the beginning once they end. */
function endless<T>(begin: () => Iterator<T>): () => T {
  let stream = begin();
  return () => {
    let next = stream.next();
    if (next.done) {
      stream = begin();
      next = stream.next();
    }
    return next.value;
  };
}

/** The status; 0 when the connection broke. */
function post(endpoint: string, path: string, bytes: Uint8Array, agent: http.Agent): Promise<number> {
  return new Promise((resolve) => {
    const headers = { "content-type": "application/x-protobuf", "content-length": bytes.length };
    const request = http.request(`http://${endpoint}${path}`, { method: "POST", agent, headers }, (response) => {
      response.resume().once("close", () => resolve(response.statusCode!));
    });
    request.once("error", () => resolve(0));
    request.end(bytes);
  });
}

function call(client: grpc.Client, method: string, bytes: Uint8Array): Promise<boolean> {
  const same = (message: Buffer) => message;
  return new Promise((resolve) => {
    client.makeUnaryRequest(method, same, same, Buffer.from(bytes), (error: unknown) => resolve(error === null));
  });
}

/** A header that never ends, a byte at a time, and then silence. */
async function slow(endpoint: string): Promise<void> {
  const [host, port] = endpoint.split(":");
  const socket = net.connect(Number(port), host).on("error", () => {});
  for (const part of ["POST /v1/metrics HTTP/1.1\r\n", "host: x\r\n", "content-length: 100000\r\n\r\n", "abc"]) {
    socket.write(part);
    await sleep(50);
  }
  setTimeout(() => socket.destroy(), 2000);
}

async function noise(endpoint: string): Promise<void> {
  const [host, port] = endpoint.split(":");
  const socket = net.connect(Number(port), host).on("error", () => {});
  socket.resume().end(randomBytes(4096));
  await new Promise((resolve) => socket.once("close", resolve));
}

/** Opens calls and takes them back at once, on a connection that ends without a word. */
async function resets(endpoint: string): Promise<void> {
  const session = http2.connect(`http://${endpoint}`).on("error", () => {});
  for (let i = 0; i < 50; i++) {
    const stream = session.request({ ":method": "POST", ":path": METHODS.metrics, "content-type": "application/grpc" });
    stream.on("error", () => {});
    stream.close(http2.constants.NGHTTP2_CANCEL);
  }
  await sleep(100);
  session.destroy();
}
