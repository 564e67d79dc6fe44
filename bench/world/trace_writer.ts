// Writes the spans of one trace at a time to the senders whose they are.
import { Wire, type Writer } from "../../src/otlp/writer.ts";
import type { Chance } from "./chance.ts";
import type { Sender } from "./sender.ts";
import type { SpanBytes } from "./span_bytes.ts";
import type { Noise } from "./weather.ts";

/** Eight bytes. */
export interface Id {
  readonly high: number;
  readonly low: number;
}

/** Milliseconds after its begin at which a trace that is cut short is cut, on average. */
const CUT_AFTER = 20;

export class TraceWriter {
  readonly #chance: Chance;
  readonly #sampling: number;
  readonly #noise: Noise;
  /** The tracestate of a sampled span. */
  readonly #state: string;
  readonly #startLow: number;
  readonly #startHigh: number;
  readonly #trace = new Uint32Array(4);
  #cut = Number.POSITIVE_INFINITY;

  /** `start` of the world in Unix milliseconds, and the share of traces that is kept. */
  constructor(chance: Chance, start: number, sampling: number, noise: Noise) {
    this.#chance = chance;
    this.#sampling = sampling;
    this.#noise = noise;
    this.#state = sampling < 1 ? `ot=th:${threshold(sampling)}` : "";
    const nanos = BigInt(start) * 1_000_000n;
    this.#startLow = Number(nanos & 0xffffffffn);
    this.#startHigh = Number(nanos >> 32n);
  }

  /** What is written from now on is of a new trace, which begins at `time`. */
  begin(time: number): void {
    const chance = this.#chance;
    const trace = this.#trace;
    for (let i = 0; i < 4; i++) trace[i] = chance.word();
    // a sampler decides by the last seven bytes; the first of these is the second of the third word
    if (this.#sampling < 1) {
      const kept = Math.ceil((1 - this.#sampling + chance.uniform() * this.#sampling) * 255.99);
      trace[2] = ((trace[2] & 0xffff00ff) | (Math.min(255, kept) << 8)) >>> 0;
    }
    const cut = chance.uniform() < this.#noise.truncated;
    this.#cut = cut ? time + chance.exponential(CUT_AFTER) : Number.POSITIVE_INFINITY;
  }

  id(): Id {
    return { high: this.#chance.word(), low: this.#chance.word() };
  }

  /** Times are milliseconds since the world began; `failure` is empty where there is none. */
  write(
    sender: Sender,
    bytes: SpanBytes,
    id: Id,
    parent: Id | undefined,
    start: number,
    end: number,
    failure: string,
  ): void {
    if (start > this.#cut) return;
    if (this.#noise.dropped > 0 && this.#chance.uniform() < this.#noise.dropped) return;
    const writer = sender.open(end);
    const trace = this.#trace;
    const span = writer.open(2);
    writer.field(1, Wire.bytes).varint(16);
    writer.fixed32(trace[0]).fixed32(trace[1]).fixed32(trace[2]).fixed32(trace[3]);
    writer.field(2, Wire.bytes).varint(8).fixed32(id.high).fixed32(id.low);
    if (this.#state !== "") writer.field(3, Wire.bytes).string(this.#state);
    if (parent) writer.field(4, Wire.bytes).varint(8).fixed32(parent.high).fixed32(parent.low);
    writer.append(bytes.head);
    this.#time(writer.field(7, Wire.fixed64), start + sender.skew);
    this.#time(writer.field(8, Wire.fixed64), end + sender.skew);
    writer.append(failure === "" ? bytes.succeeded : bytes.failed(failure));
    writer.close(span);
  }

  /** Nanoseconds to the last one, without a bigint. */
  #time(writer: Writer, time: number): void {
    const nanos = Math.round(time * 1e6);
    const high = Math.floor(nanos / 4294967296);
    const low = this.#startLow + (nanos - high * 4294967296);
    const carry = low >= 4294967296 ? 1 : 0;
    writer.fixed32(low - carry * 4294967296).fixed32(this.#startHigh + high + carry);
  }
}

/** The threshold of OpenTelemetry's probability sampling: 56 bits in hex, without zeros at the end. */
function threshold(sampling: number): string {
  const rejected = BigInt(Math.round((1 - sampling) * 2 ** 32)) << 24n;
  return rejected.toString(16).padStart(14, "0").replace(/0+$/, "") || "0";
}
