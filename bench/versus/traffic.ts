// What is sent in a comparison: prebuilt requests of one signal, and how they are made new each time they are sent again.
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Telemetry } from "../../src/api/index.ts";
import { enter, position, readTag, skip } from "../../src/otlp/index.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";
import * as logs from "../log_traffic.ts";
import { metricRequests } from "../payloads.ts";
import * as spans from "../span_traffic.ts";

export type Encoding = "identity" | "gzip" | "zstd";

export interface Traffic {
  readonly signal: Telemetry;
  /** Data points, spans or log records in a request. */
  readonly rows: number;
  /** Of metrics. */
  readonly series: number;
  readonly encoding: Encoding;
}

/** Requests that are sent one after the other, over and over. */
export class Requests {
  readonly traffic: Traffic;
  readonly bodies: readonly Buffer[];
  /** Bytes a row before compression. */
  readonly size: number;
  readonly #marks: readonly Marks[];
  readonly #began = Date.now();

  constructor(traffic: Traffic) {
    this.traffic = traffic;
    const plain = BUILT[traffic.signal](traffic);
    this.size = plain.reduce((sum, { length }) => sum + length, 0) / (plain.length * traffic.rows);
    // a compressed body is sent as it is
    this.#marks = traffic.encoding === "identity" ? plain.map((body) => new Marks(traffic.signal, body)) : [];
    this.bodies = plain.map((body) => COMPRESSED[traffic.encoding](body));
  }

  /** The body to be sent as the n-th, from 0; new in time, with ids and values of its own, unless it is compressed. */
  next(n: number): Buffer {
    const at = n % this.bodies.length;
    const body = this.bodies[at];
    this.#marks[at]?.renew(body, Date.now() - this.#began, Math.floor(n / this.bodies.length));
    return body;
  }
}

const COMPRESSED: Readonly<Record<Encoding, (body: Buffer) => Buffer>> = {
  identity: (body) => body,
  gzip: (body) => gzipSync(body),
  zstd: (body) => zstdCompressSync(body),
};

const BUILT: Readonly<Record<Telemetry, (traffic: Traffic) => Buffer[]>> = {
  metrics: ({ rows, series }) => metricRequests(series, rows, 0, NOW()).map((body) => Buffer.from(body)),
  traces: ({ rows }) => joined(spans.spanSeconds(), rows / (spans.SPANS_A_SECOND / spans.SERVICES)),
  logs: ({ rows }) => joined(logs.logSeconds(), rows / (logs.RECORDS_A_SECOND / logs.SERVICES)),
};
const NOW = () => BigInt(Date.now()) * 1_000_000n;
/** Seconds of spans and log records that are sent in a circle. */
const SECONDS = 20;

/** Requests one after the other are one request: as many at once as make up the rows. */
function joined(seconds: Iterable<readonly Uint8Array[]>, together: number): Buffer[] {
  const bodies: Buffer[] = [];
  let second = 0;
  for (const requests of seconds) {
    if (second++ === SECONDS) break;
    for (let i = 0; i < requests.length; i += together) bodies.push(Buffer.concat(requests.slice(i, i + together)));
  }
  return bodies;
}

interface Row {
  readonly way: readonly number[];
  readonly times: readonly number[];
  readonly id?: number;
  readonly value?: number;
}

/** Field numbers from the request down to a row; times, ids and values in it, by field. */
const ROWS: Readonly<Record<Telemetry, Row>> = {
  metrics: { way: [1, 2, 2, 5, 1], times: [3], value: 4 },
  traces: { way: [1, 2, 2], times: [7, 8], id: 1 },
  logs: { way: [1, 2, 2], times: [1], id: 9 },
};

const random = seededRandom(7);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
/** Values of gauges; a prime number of them, so that a series meets another one each time. */
const VALUES = Float64Array.from({ length: 65_521 }, () => 55 + 3 * normal());

const min = (a: bigint, b: bigint) => (a < b ? a : b);

interface Found {
  readonly times: number[];
  readonly ids: number[];
  readonly values: number[];
}

function walk(body: Buffer, at: number, end: number, row: Row, depth: number, found: Found): void {
  while (at < end) {
    const tag = readTag(body, at, end);
    const from = position;
    const field = tag >>> 3;
    if (depth < row.way.length && field === row.way[depth]) {
      const to = enter(body, from, end);
      walk(body, position, to, row, depth + 1, found);
      at = to;
      continue;
    }
    if (depth === row.way.length) {
      if (row.times.includes(field)) found.times.push(from);
      else if (field === row.value) found.values.push(from);
      else if (field === row.id) {
        enter(body, from, end);
        found.ids.push(position);
      }
    }
    at = skip(body, tag, from, end);
  }
}

/** Where the times, trace ids and values of a body lie. */
class Marks {
  readonly #times: Uint32Array;
  readonly #ids: Uint32Array;
  readonly #values: Uint32Array;
  /** The times as they were, low and high half. */
  readonly #was: Uint32Array;
  /** Milliseconds that the times of this body were before those of now. */
  readonly #behind: number;

  constructor(signal: Telemetry, body: Buffer) {
    const found: Found = { times: [], ids: [], values: [] };
    walk(body, 0, body.length, ROWS[signal], 0, found);
    const { times } = found;
    this.#times = Uint32Array.from(times);
    this.#ids = Uint32Array.from(found.ids);
    this.#values = Uint32Array.from(found.values);
    this.#was = Uint32Array.from(times.flatMap((at) => [body.readUInt32LE(at), body.readUInt32LE(at + 4)]));
    const oldest = Number(times.reduce((least, at) => min(least, body.readBigUInt64LE(at)), 2n ** 63n)) / 1e6;
    // what shares a trace is moved by as much, whichever request it is in
    this.#behind = Date.now() - Math.floor(oldest / 1000) * 1000;
  }

  /** `passed` in milliseconds; `round` tells the ids of one sending from those of another. */
  renew(body: Buffer, passed: number, round: number): void {
    const shift = BigInt(Math.round(passed + this.#behind)) * 1_000_000n;
    const low = Number(shift & 0xffffffffn);
    const high = Number(shift >> 32n);
    for (let i = 0; i < this.#times.length; i++) {
      const sum = this.#was[2 * i] + low;
      body.writeUInt32LE(sum >>> 0, this.#times[i]);
      body.writeUInt32LE((this.#was[2 * i + 1] + high + (sum > 0xffffffff ? 1 : 0)) >>> 0, this.#times[i] + 4);
    }
    for (const at of this.#ids) body.writeUInt32LE(round, at);
    const first = Math.floor(random() * VALUES.length);
    for (let i = 0; i < this.#values.length; i++)
      body.writeDoubleLE(VALUES[(first + i) % VALUES.length], this.#values[i]);
  }
}
