// What both protocols do with a request once it has arrived: inflate, rewrite JSON, hand over; and who takes which signal.
import type { Emit, Host, Outputs, Telemetry } from "vedette";
import { jsonToProtobuf } from "vedette/otlp";
import { Bodies, type Body } from "./body.ts";
import { inflate } from "./inflate.ts";
import { overloaded, type Refusal, refusalOf, unknownTarget } from "./refusal.ts";

const REPORT_INTERVAL = 60_000;

/** What a request's headers say. */
export interface Request {
  readonly signal: Telemetry;
  readonly emit: Emit;
  /** One of ENCODINGS. */
  readonly encoding: string;
  readonly json: boolean;
  /** Bytes that it may have, both as sent and inflated. */
  readonly limit: number;
}

/** Shared by the servers of one receiver. */
export class Intake {
  readonly bodies: Bodies;
  readonly #host: Host;
  readonly #outputs: Outputs;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #unreported = 0;

  /** `limit` bounds the bytes of all requests that are not taken yet. */
  constructor(host: Host, outputs: Outputs, limit: number) {
    this.bodies = new Bodies(limit);
    this.#host = host;
    this.#outputs = outputs;
  }

  /** Throws a Refusal when no pipeline takes the signal. */
  output(signal: Telemetry): Emit {
    const emit = this.#outputs[signal];
    if (!emit) throw unknownTarget(`no pipeline of this agent takes ${signal} from ${this.#host.id}`);
    return emit;
  }

  /** Resolves once the agent has taken the request; throws, most often a Refusal, when it has not. Takes `body` over. */
  async deliver(request: Request, body: Body): Promise<void> {
    const asSent = request.encoding === "identity" && !request.json;
    const bytes = asSent ? body.bytes : await this.#rewritten(request, body);
    const outcome = request.emit(bytes, asSent ? body.handOver() : undefined);
    const taken = typeof outcome === "boolean" ? outcome : await this.bodies.whileWaiting(bytes.length, outcome);
    if (!taken) throw overloaded("the agent's queues are full");
  }

  async #rewritten({ signal, encoding, json, limit }: Request, body: Body): Promise<Uint8Array> {
    try {
      const bytes = encoding === "identity" ? body.bytes : await inflate(encoding, body.bytes, limit);
      return json ? jsonToProtobuf(signal, bytes) : bytes;
    } finally {
      body.release();
    }
  }

  /** What to tell the sender about `error`. One that nobody expected is logged, at most once a minute. */
  refusal(error: unknown): Refusal {
    return refusalOf(error, (unexpected) => {
      const now = this.#host.now();
      if (now - this.#reportedAt < REPORT_INTERVAL) {
        this.#unreported++;
        return;
      }
      const stack = unexpected instanceof Error ? unexpected.stack : String(unexpected);
      this.#host.log.error("a request failed", { error: stack, unreported: this.#unreported });
      this.#reportedAt = now;
      this.#unreported = 0;
    });
  }
}
