// The near end of a run at scale: every series has a point a minute later with another value each time round. Told what to do by its parent.
import { Agent, request } from "node:http";
import { seededRandom } from "../src/testing/fake_host.ts";
import { gaussian } from "../src/testing/stream.ts";
import { metricRequests } from "./payloads.ts";

/** Sends so many requests, or for so long, or round and round until it is told to "stop"; it answers with how many it sent. */
export interface ScaleOrder {
  readonly port: number;
  readonly requests?: number;
  /** Milliseconds. */
  readonly lasting?: number;
  readonly inFlight: number;
  /** Requests a second; absent: as fast as they are acknowledged. */
  readonly rate?: number;
}

const STEP = 60_000;
/** Tags of a NumberDataPoint's start_time_unix_nano, time_unix_nano and as_double, which follow each other. */
const [START, TIME, DOUBLE] = [0x11, 0x19, 0x21];

const { series, points } = JSON.parse(process.argv[2]) as { series: number; points: number };
const bodies = metricRequests(series, points).map((bytes) => ({ bytes, places: placesOf(bytes) }));
const random = seededRandom(1);
const noise = Float64Array.from({ length: 4096 }, () => 50 + 5 * gaussian(random));
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
let next = 0;
let stopped = false;

/** Where the time of each point lies in a request; its value is 9 bytes on. */
function placesOf(bytes: Uint8Array): Uint32Array {
  const places = new Uint32Array(points);
  let found = 0;
  for (let at = bytes.indexOf(TIME, 9); at >= 0 && found < points; at = bytes.indexOf(TIME, at + 1)) {
    if (bytes[at + 9] === DOUBLE && bytes[at - 9] === START) places[found++] = at + 1;
  }
  if (found !== points) throw new Error(`found ${found} points of ${points}`);
  return places;
}

/** The next request, as its series look now. One that is under way is not touched while fewer are in flight than there are. */
function take(): Uint8Array {
  const { bytes, places } = bodies[next % bodies.length];
  const round = Math.floor(next++ / bodies.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const time = 1_700_000_000_000 + round * STEP;
  const nanoseconds = BigInt(time) * 1_000_000n;
  const first = Math.floor(random() * noise.length);
  for (let i = 0; i < places.length; i++) {
    view.setBigUint64(places[i], nanoseconds, true);
    view.setFloat64(places[i] + 9, noise[(first + i) % noise.length], true);
  }
  return bytes;
}

/** What the agent has no room for is sent again, as senders do. */
async function deliver(port: number, body: Uint8Array): Promise<void> {
  for (;;) {
    const status = await send(port, body);
    if (status === 200) return;
    if (status !== 503) throw new Error(`HTTP ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function send(port: number, body: Uint8Array): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/x-protobuf", "content-length": body.length };
    const way = { agent, host: "127.0.0.1", port, method: "POST", path: "/v1/metrics", headers };
    const outgoing = request(way, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function run({ port, requests = Infinity, lasting = Infinity, inFlight, rate }: ScaleOrder): Promise<number> {
  const began = performance.now();
  let sent = 0;
  stopped = false;
  const sender = async () => {
    while (sent < requests && !stopped) {
      const now = performance.now() - began;
      if (now > lasting) return;
      const early = rate === undefined ? 0 : (sent * 1000) / rate - now;
      if (early > 1) {
        await new Promise((resolve) => setTimeout(resolve, early));
        continue;
      }
      sent++;
      await deliver(port, take());
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, bodies.length - 1) }, sender));
  return sent;
}

process.on("message", (order: ScaleOrder | "stop") => {
  if (order === "stop") {
    stopped = true;
    return;
  }
  run(order).then(
    (sent) => process.send?.({ sent }),
    (error: Error) => process.send?.({ error: error.message }),
  );
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
