// A generated world: spans of a small system of services as they arrive, with what goes wrong in it known.
import { Chance } from "./chance.ts";
import { applyFaults, type Fault, type Truth, truthOf } from "./faults.ts";
import { Journey } from "./journey.ts";
import { EXPORT_EVERY, Sender } from "./sender.ts";
import { SHOP } from "./shop.ts";
import { found, type System, systemOf } from "./system.ts";
import { TraceWriter } from "./trace_writer.ts";
import { NOISE, type Noise, season, Weather } from "./weather.ts";

export interface WorldOptions {
  /** The same options give the same bytes. */
  readonly seed: number;
  readonly hours: number;
  /** Unix milliseconds; unless given Monday, 2026-01-05, 00:00 UTC. */
  readonly start?: number;
  /** Requests from outside, a second in the afternoon of a weekday; 5 unless given, some 15 spans each. */
  readonly requestsPerSecond?: number;
  readonly faults?: readonly Fault[];
  /** Share of the traces that is kept at their head; 1 unless given. */
  readonly sampling?: number;
  /** What differs from the usual noise. */
  readonly noise?: Partial<Noise>;
}

/** One Export request, in the order in which they arrive. */
export interface Arrival {
  /** Unix milliseconds. */
  readonly at: number;
  /** An ExportTraceServiceRequest. */
  readonly bytes: Uint8Array;
  readonly spans: number;
}

export const START = Date.UTC(2026, 0, 5);
const SECOND = 1000;
const INSTANCES = 2;
/** Milliseconds from an export to its arrival, and the mean of what a late one takes more. */
const TRANSFER = 5;
const LATE = 15_000;

/** What the world's faults are about. */
export function truthsOf({ seed, faults = [] }: WorldOptions): { readonly fault: Fault; readonly truth: Truth }[] {
  const system = systemFor(seed);
  return faults.map((fault) => ({ fault, truth: truthOf(system, fault) }));
}

/** Worlds of different seeds have the same operations, at other speeds. */
export function systemFor(seed: number): System {
  const chance = new Chance(seed);
  return systemOf(SHOP, () => chance.around(1, 0.25));
}

export function* arrivals(options: WorldOptions): Generator<Arrival, void> {
  const { seed, hours, start = START, requestsPerSecond = 5, faults = [], sampling = 1 } = options;
  const noise = { ...NOISE, ...options.noise };
  const system = systemFor(seed);
  const chance = new Chance(seed + 0x10000);
  const fleet = new Fleet(system, noise, chance, start);
  const entries = Object.keys(SHOP.entries).map((key) => found(system.operations, key));
  const shares = Object.values(SHOP.entries);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  const periodic = Object.entries(SHOP.periodic).map(([key, every]) => ({
    operation: found(system.operations, key),
    every,
  }));
  const weather = new Weather(noise, chance, system, entries.length, fleet.senders);
  const spans = new TraceWriter(chance, start, sampling, noise.truncated);
  const journey = new Journey(chance, weather, noise, fleet.senders, spans);
  const changes = [...new Set(faults.flatMap(({ from, to }) => [from - start, to - start]))].sort((a, b) => a - b);
  let change = 0;
  const times: { time: number; entry: number }[] = [];
  for (let now = 0; now < hours * 3600 * SECOND; now += SECOND) {
    if (change < changes.length && changes[change] <= now) {
      while (change < changes.length && changes[change] <= now) change++;
      applyFaults(
        system,
        faults.filter(({ from, to }) => from - start <= now && now < to - start),
      );
    }
    weather.move(now);
    times.length = 0;
    const level = requestsPerSecond * sampling * season(start + now) * weather.traffic;
    for (let entry = 0; entry < entries.length; entry++) {
      const mean = (level * shares[entry] * weather.mix[entry] * entries[entry].traffic) / whole;
      for (let n = chance.poisson(mean); n > 0; n--) times.push({ time: now + chance.uniform() * SECOND, entry });
    }
    times.sort((a, b) => a.time - b.time);
    for (const { time, entry } of times) journey.begin(entries[entry], time);
    for (const { operation, every } of periodic) {
      const due = now % every === 0 && chance.uniform() < operation.traffic * sampling;
      if (due) journey.begin(operation, now + chance.uniform() * 200);
    }
    yield* fleet.until(now + SECOND);
  }
  yield* fleet.rest();
}

/** All senders, and what of theirs is on its way. */
class Fleet {
  readonly senders = new Map<string, Sender[]>();
  readonly #byPhase: Sender[];
  readonly #noise: Noise;
  readonly #chance: Chance;
  readonly #start: number;
  /** The next to export, and its which export that is. */
  #next = 0;
  #index = 0;
  /** In order of arrival. */
  readonly #late: Arrival[] = [];

  constructor(system: System, noise: Noise, chance: Chance, start: number) {
    this.#noise = noise;
    this.#chance = chance;
    this.#start = start;
    const worst = chance.whole(system.services.length);
    for (const [i, service] of system.services.entries()) {
      const sender = (slot: number) => {
        const skew =
          i === worst ? noise.skew * (chance.uniform() < 0.5 ? -1 : 1) : 0.01 * noise.skew * chance.gaussian();
        return new Sender(service, slot, chance.uniform() * EXPORT_EVERY, skew);
      };
      this.senders.set(
        service,
        Array.from({ length: INSTANCES }, (_, slot) => sender(slot)),
      );
    }
    this.#byPhase = [...this.senders.values()].flat().sort((a, b) => a.phase - b.phase);
  }

  /** What arrives before `time`, in milliseconds since the world began. */
  *until(time: number): Generator<Arrival, void> {
    for (;;) {
      const sender = this.#byPhase[this.#next];
      const due = sender.due(this.#index);
      if (due >= time) return;
      const taken = sender.take(this.#index);
      if (++this.#next === this.#byPhase.length) {
        this.#next = 0;
        this.#index++;
      }
      if (!taken) continue;
      const at = this.#start + due + TRANSFER;
      while (this.#late.length > 0 && this.#late[0].at <= at) yield this.#late.shift()!;
      const luck = this.#chance.uniform();
      if (luck < this.#noise.lostBatches) continue;
      if (luck < this.#noise.lostBatches + this.#noise.lateBatches) {
        this.#late.push({ ...taken, at: at + this.#chance.exponential(LATE) });
        this.#late.sort((a, b) => a.at - b.at);
      } else yield { ...taken, at };
    }
  }

  /** What is still to come when no new requests do. */
  *rest(): Generator<Arrival, void> {
    for (let time = this.#byPhase[0].due(this.#index); this.#byPhase.some(({ waits }) => waits); time += SECOND) {
      yield* this.until(time);
    }
    yield* this.#late;
  }
}
