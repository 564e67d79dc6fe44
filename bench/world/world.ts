// A generated world: spans of a small system of services as they arrive, with what goes wrong in it known.
import { Chance } from "./chance.ts";
import { Delivery } from "./delivery.ts";
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
  const senders = sendersOf(system, noise, chance);
  const delivery = new Delivery([...senders.values()].flat(), noise, chance, start);
  const entries = Object.keys(SHOP.entries).map((key) => found(system.operations, key));
  const shares = Object.values(SHOP.entries);
  const whole = shares.reduce((sum, share) => sum + share, 0);
  const periodic = Object.entries(SHOP.periodic).map(([key, every]) => ({
    operation: found(system.operations, key),
    every,
  }));
  const weather = new Weather(noise, chance, system, entries.length, senders);
  const spans = new TraceWriter(chance, start, sampling, noise);
  const journey = new Journey(chance, weather, noise, senders, spans);
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
    yield* delivery.until(now + SECOND);
  }
  yield* delivery.rest();
}

/** All senders by service. */
function sendersOf(system: System, noise: Noise, chance: Chance): Map<string, Sender[]> {
  const worst = chance.whole(system.services.length);
  return new Map(
    system.services.map((service, i) => {
      const sender = (slot: number) => {
        const skew =
          i === worst ? noise.skew * (chance.uniform() < 0.5 ? -1 : 1) : 0.01 * noise.skew * chance.gaussian();
        return new Sender(service, slot, chance.uniform() * EXPORT_EVERY, skew);
      };
      return [service, Array.from({ length: INSTANCES }, (_, slot) => sender(slot))];
    }),
  );
}
