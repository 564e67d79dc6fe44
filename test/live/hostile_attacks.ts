// Attacks on the ports of a running agent, as data: what is done, and what the attacker gets.
import { once } from "node:events";
import net from "node:net";
import zlib from "node:zlib";
import { call, framed, grpcPort, payload, post, type Running, withSession } from "../e2e/otlp_clients.ts";
import { METHODS } from "../sinks.ts";

export interface Attack {
  readonly what: string;
  /** Of all answers together: "404 x5000", or "closed". */
  readonly gets: RegExp;
  run(to: Running): Promise<string>;
}

const MIB = 1024 ** 2;
/** `max_request_body_size` as it comes. */
const BODY_LIMIT = 20 * MIB;

/** "200 x3, closed x1". */
function tally(answers: readonly string[]): string {
  const counts = Map.groupBy(answers, (answer) => answer);
  return [...counts]
    .map(([answer, all]) => (counts.size === 1 && all.length === 1 ? answer : `${answer} x${all.length}`))
    .join(", ");
}

const statusOf = (answer: string) => /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? "closed";

/** Many at once. */
const many = async (count: number, one: (i: number) => Promise<string>) =>
  tally(await Promise.all(Array.from({ length: count }, (_, i) => one(i))));

const closed = (socket: net.Socket) => new Promise<void>((resolve) => socket.once("close", () => resolve()));

function connected(port: number): net.Socket {
  return net.connect({ port, host: "127.0.0.1", allowHalfOpen: true }).on("error", () => {});
}

/** All that the other side says until it ends the connection; what it says before a reset may get lost. */
async function heard(socket: net.Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.once("end", () => socket.end());
  await closed(socket);
  return Buffer.concat(chunks).toString("latin1");
}

async function raw(port: number, bytes: string | Uint8Array): Promise<string> {
  const socket = connected(port);
  socket.write(bytes);
  return heard(socket);
}

/** Sends `head`, then `drip` again and again until the other side ends it. */
async function dripping(port: number, head: string, drip: string): Promise<string> {
  const socket = connected(port);
  socket.write(head);
  const timer = setInterval(() => socket.write(drip), 100);
  const answer = await heard(socket);
  clearInterval(timer);
  return statusOf(answer);
}

/** So many connections that say nothing, opened a hundred at a time: the kernel loses those that nobody accepts in time. */
async function silent(port: number, count: number): Promise<string> {
  const answers: Promise<string>[] = [];
  while (answers.length < count) {
    const sockets = Array.from({ length: 100 }, () => connected(port));
    answers.push(...sockets.map(async (socket) => statusOf(await heard(socket))));
    await Promise.all(sockets.map((socket) => socket.connecting && once(socket, "connect")));
  }
  return tally(await Promise.all(answers));
}

/** Writes `chunk` as fast as it is taken, `times` over, and reads nothing until then. */
async function flooding(port: number, first: Buffer, chunk: Buffer, times: number): Promise<string> {
  const socket = connected(port);
  const end = closed(socket);
  let open = true;
  void end.then(() => (open = false));
  socket.write(first);
  for (let i = 0; i < times && open; i++) {
    if (!socket.write(chunk)) await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), end]);
  }
  return open ? statusOf(await heard(socket)) : "closed";
}

const head = "POST /v1/metrics HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\n";
const hello = Buffer.from(`160301020001 0001fc0303${"00".repeat(32)}`.replaceAll(" ", ""), "hex");

function varint(value: number): number[] {
  return value > 127 ? [(value & 127) | 128, ...varint(value >>> 7)] : [value];
}
const field = (tag: number, content: Uint8Array) =>
  Buffer.concat([Buffer.from([tag, ...varint(content.length)]), content]);
const metric = (data: Uint8Array, member = 0x2a) => field(0x0a, field(0x12, field(0x12, field(member, data))));
const filled = (unit: number[]) =>
  Buffer.alloc(Math.floor((BODY_LIMIT - 64) / unit.length) * unit.length, Buffer.from(unit));

/** An attribute whose value is a list in a list in a list. */
function nested(levels: number): Buffer {
  let value = Buffer.alloc(0);
  for (let i = 0; i < levels; i++) value = field(0x2a, field(0x0a, value));
  return metric(field(0x0a, field(0x3a, field(0x12, value))));
}

/** 20 000 points, each a series of its own. */
function newSeries(request: number): Buffer {
  const points = Array.from({ length: 20_000 }, (_, i) => {
    const value = Buffer.concat([Buffer.of(0x19), Buffer.alloc(8, 1), Buffer.of(0x21), Buffer.alloc(8, 1)]);
    const text = field(0x12, field(0x0a, Buffer.from(`${request}-${i}`)));
    return field(0x0a, Buffer.concat([value, field(0x3a, Buffer.concat([field(0x0a, Buffer.from("id")), text]))]));
  });
  return metric(Buffer.concat(points));
}

/** An HTTP/2 frame. */
function frame(type: number, flags: number, stream: number, content: Uint8Array = Buffer.alloc(0)): Buffer {
  const prefix = Buffer.alloc(9);
  prefix.writeUIntBE(content.length, 0, 3);
  prefix[3] = type;
  prefix[4] = flags;
  prefix.writeUInt32BE(stream, 5);
  return Buffer.concat([prefix, content]);
}
const text = (value: string) => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
const preface = Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(4, 0, 0)]);
/** POST http, :authority, :path and content-type of an export, in HPACK without its table. */
const exportHeaders = Buffer.concat([
  Buffer.of(0x83, 0x86, 0x01),
  text("a"),
  Buffer.of(0x04),
  text(METHODS.metrics),
  Buffer.of(0x0f, 0x10),
  text("application/grpc"),
]);
const streams = (count: number, each: (stream: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, i) => each(2 * i + 1)));

const status = async (answer: Promise<{ status: number }>) => String((await answer).status);
const bomb = (member: Buffer, times: number) => Buffer.concat(Array<Buffer>(times).fill(member));
const json = { "content-type": "application/json" };

export const ATTACKS: readonly Attack[] = [
  {
    what: "slowloris: 200 connections, a header byte at a time",
    gets: /^408 x200$/,
    run: (to) => many(200, () => dripping(to.http.port, head, "X")),
  },
  {
    what: "200 bodies, a byte at a time",
    gets: /^408 x200$/,
    run: (to) => many(200, () => dripping(to.http.port, `${head}Content-Length: 100000\r\n\r\n`, "x")),
  },
  {
    what: "2000 connections that say nothing",
    gets: /^(408|closed) x2000$/,
    run: (to) => silent(to.http.port, 2000),
  },
  {
    what: "2000 connections that say nothing, gRPC",
    gets: /^closed x2000$/,
    run: (to) => silent(grpcPort(to), 2000),
  },
  {
    what: "200 requests half sent, then half closed",
    gets: /^(400|closed) x200$/,
    run: (to) =>
      many(200, async () => {
        const socket = connected(to.http.port);
        socket.end(`${head}Content-Length: 1000\r\n\r\nabc`);
        return statusOf(await heard(socket));
      }),
  },
  {
    what: "a chunked body without end",
    gets: /^(413|closed)$/,
    run: async (to) => {
      const chunk = Buffer.from(`10000\r\n${"x".repeat(65_536)}\r\n`);
      return flooding(to.http.port, Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`), chunk, 16_384);
    },
  },
  {
    what: "20 000 requests in one pipeline, answers never read",
    gets: /^(404|closed)$/,
    run: (to) => {
      const requests = Buffer.from("POST /v1/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".repeat(1000));
      return flooding(to.http.port, Buffer.alloc(0), requests, 20);
    },
  },
  {
    what: "a header of a megabyte",
    gets: /^(431|closed)$/,
    run: async (to) => statusOf(await raw(to.http.port, `${head}X: ${"x".repeat(MIB)}`)),
  },
  {
    what: "3000 headers",
    gets: /^4\d\d$/,
    run: async (to) =>
      statusOf(
        await raw(to.http.port, `POST /v1/metrics HTTP/1.1\r\n${"a:b\r\n".repeat(3000)}Connection: close\r\n\r\n`),
      ),
  },
  {
    what: "5000 unknown paths",
    gets: /^404 x5000$/,
    run: async (to) => {
      const answers: string[] = [];
      for (let i = 0; i < 50; i++) {
        const paths = Array.from({ length: 100 }, (_, j) => `/${i}/${j}/${"x".repeat(100)}`);
        const connection = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join("");
        const all = await raw(to.http.port, `${connection}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
        answers.push(...(all.match(/^HTTP\/1\.1 \d+/gm) ?? []).slice(1).map(statusOf));
      }
      return tally(answers);
    },
  },
  {
    what: "an announced terabyte",
    gets: /^413$/,
    run: async (to) => statusOf(await raw(to.http.port, `${head}Content-Length: 1099511627776\r\n\r\nx`)),
  },
  {
    what: "an announced 4 GiB, gRPC",
    gets: /^grpc 8$/,
    run: (to) =>
      withSession(
        to,
        async (session) =>
          `grpc ${(await call(session, [framed(payload(10), 0, 0xffffffff)])).trailers["grpc-status"]}`,
      ),
  },
  {
    what: "gzip of 1 GiB of zeros in 1 MiB",
    gets: /^413 x4$/,
    run: (to) => {
      const body = bomb(zlib.gzipSync(Buffer.alloc(64 * MIB)), 16);
      return many(4, () => status(post(to, body, { headers: { "content-encoding": "gzip" } })));
    },
  },
  {
    what: "zstd of 4 GiB of zeros",
    gets: /^413 x4$/,
    run: (to) => {
      const body = bomb(zlib.zstdCompressSync(Buffer.alloc(64 * MIB)), 64);
      return many(4, () => status(post(to, body, { headers: { "content-encoding": "zstd" } })));
    },
  },
  {
    what: "JSON 10 million levels deep",
    gets: /^400$/,
    run: (to) => status(post(to, Buffer.alloc(10 * MIB, "["), { headers: json })),
  },
  { what: "values nested 5000 deep", gets: /^400$/, run: (to) => status(post(to, nested(5000))) },
  { what: "20 MiB of empty points", gets: /^400$/, run: (to) => status(post(to, metric(filled([0x0a, 0])))) },
  {
    what: "20 MiB of empty histogram points",
    gets: /^400$/,
    run: (to) => status(post(to, metric(filled([0x0a, 0]), 0x4a))),
  },
  { what: "20 MiB of empty resources", gets: /^400$/, run: (to) => status(post(to, filled([0x0a, 0]))) },
  {
    what: "20 MiB of empty resources in JSON",
    gets: /^400$/,
    run: (to) => status(post(to, Buffer.from(`{"resourceMetrics":[${"{},".repeat(6_990_000)}{}]}`), { headers: json })),
  },
  {
    what: "varints of a hundred bytes",
    gets: /^400$/,
    run: (to) => status(post(to, field(0x0a, Buffer.alloc(100, 0xff)))),
  },
  {
    what: "a length of 2^63 within",
    gets: /^400$/,
    run: (to) => status(post(to, Buffer.from("0affffffffffffffff7f", "hex"))),
  },
  {
    what: "names that are no UTF-8",
    gets: /^200$/,
    run: (to) => status(post(to, field(0x0a, field(0x12, field(0x12, field(0x0a, Buffer.alloc(100, 0xff))))))),
  },
  {
    what: "a million new series in 50 requests",
    gets: /^200 x50$/,
    run: async (to) => {
      const answers: string[] = [];
      for (let i = 0; i < 50; i++) answers.push(await status(post(to, newSeries(i))));
      return tally(answers);
    },
  },
  {
    what: "a megabyte of noise",
    gets: /^(400|closed)$/,
    run: async (to) => statusOf(await raw(to.http.port, payload(MIB))),
  },
  {
    what: "a megabyte of noise, gRPC",
    gets: /^closed$/,
    run: async (to) => statusOf(await raw(grpcPort(to), payload(MIB))),
  },
  { what: "a TLS hello", gets: /^400$/, run: async (to) => statusOf(await raw(to.http.port, hello)) },
  { what: "a TLS hello, gRPC", gets: /^closed$/, run: async (to) => statusOf(await raw(grpcPort(to), hello)) },
  {
    what: "a websocket upgrade",
    gets: /^4\d\d$/,
    run: async (to) =>
      statusOf(
        await raw(
          to.http.port,
          "GET /v1/metrics HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        ),
      ),
  },
  {
    what: "1000 calls at once that never end, gRPC",
    gets: /^closed$/,
    run: (to) =>
      flooding(
        grpcPort(to),
        preface,
        streams(1000, (stream) => frame(1, 4, stream, exportHeaders)),
        1,
      ),
  },
  {
    what: "100 000 calls reset at once (rapid reset), gRPC",
    gets: /^closed$/,
    run: (to) => {
      const reset = Buffer.of(0, 0, 0, 8);
      const pairs = streams(100_000, (stream) =>
        Buffer.concat([frame(1, 4, stream, exportHeaders), frame(3, 0, stream, reset)]),
      );
      return flooding(grpcPort(to), preface, pairs, 1);
    },
  },
  {
    what: "headers without end (CONTINUATION flood), gRPC",
    gets: /^closed$/,
    run: (to) => {
      const more = frame(
        9,
        0,
        1,
        Buffer.concat(
          Array<Buffer>(500).fill(Buffer.concat([Buffer.of(0x00), text("x".repeat(15)), text("y".repeat(15))])),
        ),
      );
      return flooding(grpcPort(to), Buffer.concat([preface, frame(1, 0, 1, exportHeaders)]), more, 5000);
    },
  },
  {
    what: "pings without end, answers never read, gRPC",
    gets: /^closed$/,
    run: (to) => flooding(grpcPort(to), preface, bomb(frame(6, 0, 0, Buffer.alloc(8)), 4096), 2000),
  },
  {
    what: "settings without end, answers never read, gRPC",
    gets: /^closed$/,
    run: (to) => flooding(grpcPort(to), preface, bomb(frame(4, 0, 0, Buffer.of(0, 4, 0, 0, 0xff, 0xff)), 4096), 2000),
  },
];
