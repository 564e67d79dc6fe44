// What both protocols do with a request once it has arrived: inflate, rewrite JSON, hand over; and who takes which signal.
import type { Compressed, Emit, Host, Outputs, Telemetry } from "vedette";
import { jsonToProtobuf } from "vedette/otlp";
import { Bodies, type Body } from "./body.ts";
import { inflate } from "./inflate.ts";
import { overloaded, type Refusal, reasonOf, refusalOf, tooLate, unknownTarget } from "./refusal.ts";

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
  /** When its sender no longer waits for the answer, by `performance.now()`. */
  readonly deadline?: number;
}

export type Transport = "http" | "grpc";

/** Shared by the servers of one receiver. */
export class Intake {
  readonly bodies: Bodies;
  readonly #host: Host;
  readonly #outputs: Outputs;
  readonly #rejected;
  /** By message, when it was logged last and how often it was not since. */
  readonly #complaints = new Map<string, { at: number; unreported: number }>();

  /** `limit` bounds the bytes of all requests that are not taken yet. */
  constructor(host: Host, outputs: Outputs, limit: number) {
    this.bodies = new Bodies(limit);
    this.#host = host;
    this.#outputs = outputs;
    this.#rejected = host.meter.createCounter("vedette_receiver_rejected_requests", {
      unit: "{request}",
      description: "Requests that were turned away, by transport and reason.",
    });
  }

  /** Throws a Refusal when no pipeline takes the signal. */
  output(signal: Telemetry): Emit {
    const emit = this.#outputs[signal];
    if (!emit) throw unknownTarget(`no pipeline of this agent takes ${signal} from ${this.#host.id}`);
    return emit;
  }

  /** Resolves once the agent has taken the request; throws, most often a Refusal, when it has not. Takes `body` over. */
  async deliver(request: Request, body: Body): Promise<void> {
    const { encoding, json } = request;
    const asSent = encoding === "identity" && !json;
    let bytes: Uint8Array = body.bytes;
    let compressed: Compressed | undefined;
    if (!asSent) {
      try {
        const inflated = encoding === "identity" ? undefined : await inflate(encoding, body.bytes, request.limit);
        if (inflated?.single && !json) compressed = { encoding, bytes: body.bytes };
        if (inflated) bytes = inflated.bytes;
        if (json) bytes = jsonToProtobuf(request.signal, bytes);
      } catch (error) {
        body.release();
        throw error;
      }
    }
    if (request.deadline !== undefined && request.deadline <= performance.now()) {
      body.release();
      throw tooLate();
    }
    // what was rewritten is in a buffer of its own
    if (!asSent && !compressed) body.release();
    const outcome = request.emit(bytes, asSent || compressed ? body.handOver() : undefined, compressed);
    const taken =
      typeof outcome === "boolean"
        ? outcome
        : await before(request.deadline, this.bodies.whileWaiting(bytes.length, outcome));
    if (!taken) throw overloaded("the agent's queues are full");
  }

  /** What to tell the sender about `error`, counted. One that nobody expected is logged. */
  refusal(error: unknown, transport: Transport): Refusal {
    const refusal = refusalOf(error, (unexpected) => {
      const stack = unexpected instanceof Error ? unexpected.stack : String(unexpected);
      this.complain("error", "a request failed", { error: stack });
    });
    this.rejected(transport, refusal.cause === undefined ? refusal.status : 500);
    return refusal;
  }

  /** Counts a request that was turned away; `status` says why, as in HTTP. */
  rejected(transport: Transport, status: number): void {
    this.#rejected.add(1, { transport, reason: reasonOf(status) });
  }

  /** Logs what strangers can bring about, at most once a minute for each of the fixed texts. */
  complain(level: "warn" | "error", message: string, fields: object): void {
    const now = this.#host.now();
    const last = this.#complaints.get(message);
    if (last && now - last.at < REPORT_INTERVAL) {
      last.unreported++;
      return;
    }
    this.#host.log[level](message, { ...fields, unreported: last?.unreported ?? 0 });
    this.#complaints.set(message, { at: now, unreported: 0 });
  }
}

/** `outcome`, or a Refusal once `deadline` has passed; what was handed over may still be taken then. */
async function before(deadline: number | undefined, outcome: Promise<boolean>): Promise<boolean> {
  if (deadline === undefined) return outcome;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(tooLate()), deadline - performance.now());
  try {
    return await Promise.race([outcome, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
