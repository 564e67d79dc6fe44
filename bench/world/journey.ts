// One request's way through the system, written span by span to the senders whose they are.
import type { Chance } from "./chance.ts";
import type { Sender } from "./sender.ts";
import { calledBytes, callingBytes, type SpanBytes } from "./span_bytes.ts";
import type { Edge, Operation, Step } from "./system.ts";
import type { Id, TraceWriter } from "./trace_writer.ts";
import type { Noise, Weather } from "./weather.ts";

/** Milliseconds: how soon what cannot be reached is given up, and how long it takes until the next try. */
const GIVE_UP = 3;
const BACK_OFF = 20;
/** Of a tail: standard deviation of the logarithm of its factor. */
const TAIL_SD = 0.8;
/** Standard deviation of the logarithm of a gap; and the median of milliseconds that a message waits. */
const GAP_SD = 0.4;
const QUEUE_WAIT = 40;

/** Times are milliseconds since the world began. */
export class Journey {
  readonly #chance: Chance;
  readonly #weather: Weather;
  readonly #noise: Noise;
  readonly #senders: ReadonlyMap<string, readonly Sender[]>;
  readonly #spans: TraceWriter;
  readonly #called = new Map<Operation, SpanBytes>();
  readonly #calling = new Map<Edge, SpanBytes>();
  /** What the last operation failed of; empty when it did not. */
  #failure = "";

  constructor(
    chance: Chance,
    weather: Weather,
    noise: Noise,
    senders: ReadonlyMap<string, readonly Sender[]>,
    spans: TraceWriter,
  ) {
    this.#chance = chance;
    this.#weather = weather;
    this.#noise = noise;
    this.#senders = senders;
    this.#spans = spans;
  }

  /** A trace that begins at `time`. */
  begin(entry: Operation, time: number): void {
    this.#spans.begin(time);
    this.#run(entry, this.#instance(entry.service), undefined, time);
  }

  #instance(service: string): Sender {
    const senders = this.#senders.get(service)!;
    return senders[this.#chance.whole(senders.length)];
  }

  /** The operation's own span and all below it; when it ends. */
  #run(operation: Operation, sender: Sender, parent: Id | undefined, start: number): number {
    const chance = this.#chance;
    const id = this.#spans.id();
    const load = this.#weather.load.get(operation.service)!;
    let own = chance.around(operation.median * load * operation.factor, operation.sd);
    if (operation.tailChance > 0 && chance.uniform() < operation.tailChance) {
      own *= chance.around(operation.tailFactor, TAIL_SD);
    }
    const { failing } = operation;
    const share = Number.isNaN(failing) ? operation.errors * this.#weather.errors.get(operation.service)! : failing;
    // by itself it fails after all calls, or before one of them
    const fails = chance.uniform() < share;
    const turned = operation.reversed > 0 && chance.uniform() < operation.reversed;
    const steps = turned ? operation.steps.toReversed() : operation.steps;
    const before = fails && chance.uniform() < 0.3 ? chance.whole(steps.length + 1) : steps.length;
    const piece = own / (steps.length + 1);
    let now = start + piece;
    let failure = "";
    for (let i = 0; i < before && failure === ""; i++) {
      now = this.#step(steps[i], sender, id, now) + piece;
      failure = this.#failure;
    }
    if (operation.extra && failure === "" && chance.uniform() < operation.extraShare) {
      now = this.#call(operation.extra, sender, id, now);
    }
    if (fails) failure = operation.raised ?? operation.exception;
    this.#spans.write(sender, this.#bytesOf(operation), id, parent, start, now, failure);
    this.#failure = failure;
    return now;
  }

  /** When its calls have ended; leaves in `#failure` what the caller fails of. */
  #step(step: Step, sender: Sender, caller: Id, start: number): number {
    let failure = "";
    let end = start;
    if (step.steps) {
      this.#failure = "";
      if (this.#chance.uniform() >= step.chance) return start;
      for (const inner of step.steps) {
        end = this.#step(inner, sender, caller, end);
        if (this.#failure !== "") return end;
      }
      return end;
    }
    for (const edge of step.edges) {
      const { times, optional, detached } = edge.spec;
      let count = times ? times[0] + this.#chance.whole(times[1] - times[0] + 1) : 1;
      count *= edge.fanOut;
      for (let i = 0; i < count; i++) {
        if (edge.skipped > 0 && this.#chance.uniform() < edge.skipped) continue;
        let done = start + 0.05 * i;
        for (let again = 0; again < edge.repeated; again++) done = this.#call(edge, sender, caller, done);
        if (detached) continue;
        if (done > end) end = done;
        if (!optional && this.#failure !== "") failure = "UpstreamError";
      }
    }
    this.#failure = failure;
    return end;
  }

  /** When the caller has its answer; leaves in `#failure` what the last attempt failed of. */
  #call(planned: Edge, sender: Sender, caller: Id, start: number): number {
    const { instead } = planned;
    const edge = instead && this.#chance.uniform() < planned.insteadShare ? instead : planned;
    const { via } = edge.spec;
    if (via === "local") return this.#run(edge.to!, sender, caller, start);
    if (via === "queue") return this.#send(edge, sender, caller, start);
    if (via === "outside") {
      let now = start;
      for (let attempt = edge.attempts; attempt > 0; attempt--) {
        now = this.#ask(edge, sender, caller, now, attempt > 1);
      }
      return now;
    }
    let now = start;
    for (let attempt = edge.attempts; attempt > 0; attempt--) {
      now = this.#request(edge, sender, caller, now, attempt > 1);
      if (attempt > 1) now += this.#chance.exponential(BACK_OFF);
    }
    if (this.#failure !== "" && this.#chance.uniform() < this.#noise.retries) {
      now = this.#request(edge, sender, caller, now + this.#chance.exponential(BACK_OFF), false);
    }
    return now;
  }

  /** One attempt. A call that is `refused` comes back at once. */
  #request(edge: Edge, sender: Sender, caller: Id, start: number, refused: boolean): number {
    const chance = this.#chance;
    const id = this.#spans.id();
    const gap = edge.gap * edge.delay;
    const there = start + chance.around(gap, GAP_SD);
    let end = there;
    let failure = "";
    if (chance.uniform() < this.#noise.lostCalls + edge.outage) {
      failure = "ConnectionError";
      end += chance.exponential(GIVE_UP);
    } else {
      const to = edge.to!;
      if (refused) {
        const busy = 0.2 + chance.exponential(0.3);
        end = there + busy;
        const far = this.#instance(to.service);
        this.#spans.write(far, this.#bytesOf(to), this.#spans.id(), id, there, end, "ServiceUnavailableError");
        failure = "ServiceUnavailableError";
      } else {
        end = this.#run(to, this.#instance(to.service), id, there);
        failure = this.#failure;
      }
      end += chance.around(gap, GAP_SD);
    }
    this.#spans.write(sender, this.#bytesOfCall(edge), id, caller, start, end, failure);
    this.#failure = failure;
    return end;
  }

  /** A call to what does not report. */
  #ask(edge: Edge, sender: Sender, caller: Id, start: number, refused: boolean): number {
    const chance = this.#chance;
    const { own } = edge.spec.outside!;
    const took = chance.around(own[0], own[1]) * (refused ? 0.3 : 1);
    const end = start + took + chance.around(2 * edge.gap * edge.delay, GAP_SD);
    const lost = refused || chance.uniform() < this.#noise.lostCalls + edge.outage;
    const failure = lost ? "ConnectionError" : "";
    this.#spans.write(sender, this.#bytesOfCall(edge), this.#spans.id(), caller, start, end, failure);
    this.#failure = failure;
    return end;
  }

  #send(edge: Edge, sender: Sender, caller: Id, start: number): number {
    const chance = this.#chance;
    const id = this.#spans.id();
    const end = start + chance.around(2 * edge.gap * edge.delay, GAP_SD);
    this.#spans.write(sender, this.#bytesOfCall(edge), id, caller, start, end, "");
    const to = edge.to!;
    this.#run(to, this.#instance(to.service), id, end + chance.around(QUEUE_WAIT, 1));
    this.#failure = "";
    return end;
  }

  #bytesOf(operation: Operation): SpanBytes {
    let bytes = this.#called.get(operation);
    if (!bytes) {
      bytes = calledBytes(operation);
      this.#called.set(operation, bytes);
    }
    return bytes;
  }

  #bytesOfCall(edge: Edge): SpanBytes {
    let bytes = this.#calling.get(edge);
    if (!bytes) {
      bytes = callingBytes(edge);
      this.#calling.set(edge, bytes);
    }
    return bytes;
  }
}
