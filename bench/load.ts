// The near end of an end-to-end run: sends prebuilt requests as fast as they are acknowledged. Told what to do by its parent.
import { Agent, request } from "node:http";
import { type ClientHttp2Session, connect } from "node:http2";
import { setTimeout } from "node:timers/promises";
import { metricRequests } from "./payloads.ts";

export interface Order {
  readonly protocol: "http" | "grpc";
  readonly port: number;
  readonly requests: number;
  readonly inFlight: number;
  /** Requests a second; absent: as fast as they are acknowledged. */
  readonly rate?: number;
}

const { series, points } = JSON.parse(process.argv[2]) as { series: number; points: number };
const bodies = [...metricRequests(series, points, 0), ...metricRequests(series, points, 1)];
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

function overHttp(port: number, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
    const outgoing = request(
      { agent, host: "127.0.0.1", port, method: "POST", path: "/v1/metrics", headers },
      (response) => {
        response.resume();
        response.on("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`)),
        );
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

function overGrpc(session: ClientHttp2Session, body: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("trailers", (trailers) => {
      if (trailers["grpc-status"] === "0") resolve();
      else reject(new Error(`grpc-status ${trailers["grpc-status"]}`));
    });
    stream.on("error", reject);
    stream.resume();
    const frame = Buffer.allocUnsafe(5 + body.length);
    frame[0] = 0;
    frame.writeUInt32BE(body.length, 1);
    frame.set(body, 5);
    stream.end(frame);
  });
}

async function run({ protocol, port, requests, inFlight, rate }: Order): Promise<void> {
  const session = protocol === "grpc" ? connect(`http://127.0.0.1:${port}`) : undefined;
  let next = 0;
  const began = performance.now();
  const sender = async () => {
    while (next < requests) {
      const early = rate === undefined ? 0 : (next * 1000) / rate - (performance.now() - began);
      if (early > 1) {
        await setTimeout(early);
        continue;
      }
      const body = bodies[next++ % bodies.length];
      await (session ? overGrpc(session, body) : overHttp(port, body));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, sender));
  session?.close();
}

process.on("message", (order: Order) => {
  run(order).then(
    () => process.send?.("done"),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
