// The made-up shop at work: customers come by the time of day, calls follow calls, and faults change what becomes of them.
import type { Call, Kind, Severity } from "./call.ts";
import { Chance, Drift } from "./chance.ts";
import type { Fault, Planned } from "./faults.ts";
import { season } from "./season.ts";
import { ENTRIES, type Failing, JOBS, OPERATIONS, type Operation, PROCESSES, type Process, type Step } from "./shop.ts";
import { Values } from "./values.ts";

/** Customers' requests a second at the busiest hour. */
const BUSIEST = 6.5;
/** Milliseconds that a request is on its way to another process. */
const ON_THE_WAY = 0.6;
const MINUTE = 60_000;

/** What a process takes at a moment. */
export interface Usage {
  readonly process: Process;
  /** Bytes. */
  readonly memory: number;
  /** Share of one core. */
  readonly cpu: number;
}

export interface WorldOptions {
  readonly seed: number;
  /** How many times as fast its days pass. */
  readonly speed: number;
  /** As it is planned at the moment. */
  readonly faults: () => readonly Planned[];
}

export class World {
  readonly #chance: Chance;
  readonly #speed: number;
  readonly #faults: () => readonly Planned[];
  readonly #traffic: Drift;
  /** By service: what its work is slower or faster by. */
  readonly #load = new Map<string, Drift>();
  /** By instance. */
  readonly #memory = new Map<string, Drift>();
  readonly #cpu = new Map<string, Drift>();
  /** By service: the replica that was asked last. */
  readonly #turns = new Map<string, number>();
  #values = new Values(new Chance(0));

  constructor({ seed, speed, faults }: WorldOptions) {
    const chance = new Chance(seed);
    this.#chance = chance;
    this.#speed = speed;
    this.#faults = faults;
    this.#traffic = new Drift(chance, 0.06, 10 * MINUTE);
    for (const { service, instance } of PROCESSES) {
      if (!this.#load.has(service)) this.#load.set(service, new Drift(chance, 0.05, 10 * MINUTE));
      this.#memory.set(instance, new Drift(chance, 0.006, MINUTE / 2));
      this.#cpu.set(instance, new Drift(chance, 0.08, MINUTE));
    }
  }

  /** What is wrong at a time, Unix milliseconds. */
  faultsAt(time: number): Fault[] {
    return this.#plannedAt(time).map(({ fault }) => fault);
  }

  /** Whole traces that begin from a time on and before another, in order; times of one call go on from those of the one before. */
  traces(from: number, until: number): Call[] {
    const chance = this.#chance;
    const mean = (BUSIEST * season(from, this.#speed) * this.#traffic.at(from) * (until - from)) / 1000;
    const beginnings: { time: number; key: string }[] = [];
    for (let n = chance.poisson(mean); n > 0; n--) {
      beginnings.push({ time: from + chance.uniform() * (until - from), key: this.#entry() });
    }
    for (const [key, every] of Object.entries(JOBS)) {
      for (let time = Math.ceil(from / every) * every; time < until; time += every) beginnings.push({ time, key });
    }
    return beginnings
      .sort((a, b) => a.time - b.time)
      .flatMap(({ time, key }) => {
        this.#values = new Values(chance);
        return this.#call(key, time) ?? [];
      });
  }

  /** Of every process that is there. */
  usage(time: number): Usage[] {
    const faults = this.faultsAt(time);
    const busy = season(time, this.#speed);
    return this.#present(faults, PROCESSES).map((process) => {
      const { instance, memory } = process;
      const leaked = this.#plannedAt(time)
        .filter(({ fault }) => fault.leaks?.instance === instance)
        .reduce((sum, { fault, from }) => sum + (fault.leaks!.bytes * (time - from)) / 1000, 0);
      const cpu = (0.03 + 0.12 * busy) * this.#cpu.get(instance)!.at(time);
      return { process, memory: memory * this.#memory.get(instance)!.at(time) + leaked, cpu };
    });
  }

  #plannedAt(time: number): Planned[] {
    return this.#faults().filter(({ from, to }) => from <= time && time < to);
  }

  #entry(): string {
    let left = this.#chance.uniform();
    const entries = Object.entries(ENTRIES);
    for (const [key, share] of entries) {
      left -= share;
      if (left < 0) return key;
    }
    return entries[0][0];
  }

  #present(faults: readonly Fault[], processes: readonly Process[]): Process[] {
    return processes.filter(({ instance }) => !faults.some(({ stops }) => stops === instance));
  }

  /** In turn among the replicas that are there; undefined where none is. */
  #processOf(service: string, faults: readonly Fault[]): Process | undefined {
    const present = this.#present(
      faults,
      PROCESSES.filter((process) => process.service === service),
    );
    const turn = (this.#turns.get(service) ?? 0) + 1;
    this.#turns.set(service, turn);
    return present[turn % present.length];
  }

  /** Of "service operation"; by the caller's own process where it has one. Undefined where nobody is there to do it. */
  #call(key: string, start: number, own?: Process): Call | undefined {
    const faults = this.faultsAt(start);
    const [service, name] = halves(key);
    const process = own ?? this.#processOf(service, faults);
    if (!process) return undefined;
    const operation = OPERATIONS[key];
    const { kind, takes } = operation;
    const call = callOf(process, name, kind, start, kind === "server" ? routeOf(name) : {});
    const slowed = faults.reduce((f, { slows }) => (slows?.operation === key ? f * slows.factor : f), 1);
    const [median, spread] = takes;
    const itself = slowed * this.#load.get(service)!.at(start) * this.#chance.around(median, spread);
    let now = start + itself / 2;
    const hanging = faults.find(({ hangs }) => hangs?.operation === key)?.hangs;
    const failing = faults.find(({ fails }) => fails?.operation === key)?.fails;
    if (hanging && this.#chance.uniform() < hanging.share) {
      now = start + hanging.until;
      this.#fail(call, hanging, "ERROR", now);
    } else if (failing && this.#chance.uniform() < failing.share) {
      this.#fail(call, failing, "ERROR", now);
    } else if (operation.fails && this.#chance.uniform() < operation.fails.share) {
      this.#fail(call, operation.fails, "WARN", now);
    } else {
      for (const step of operation.steps ?? []) {
        now = this.#step(call, step, now);
        if (call.failure !== undefined) break;
      }
    }
    call.end = now + (call.failure === undefined ? itself / 2 : 0.3);
    if (call.failure === undefined) this.#log(call, key, operation, faults);
    return call;
  }

  #fail(call: Call, { error, text }: Failing, severity: Severity, time: number): void {
    call.failure = error;
    this.#write(call, severity, text, time);
  }

  /** Returns when it is over for the caller. */
  #step(caller: Call, step: Step, start: number): number {
    const { via, to, tries = 1 } = step;
    const { process } = caller;
    if (via === "outside") {
      const [median, spread] = step.takes!;
      const call = callOf(process, to, "client", start, step.attributes!);
      call.end = start + this.#chance.around(median, spread);
      caller.children.push(call);
      return call.end;
    }
    if (via === "local") {
      const call = this.#call(to, start, process)!;
      caller.children.push(call);
      return call.end;
    }
    const [service, name] = halves(to);
    if (via === "queue") {
      const sent = callOf(process, `publish ${service}`, "producer", start, { "messaging.destination.name": service });
      sent.end = start + this.#chance.around(1, 0.3);
      const taken = this.#call(to, sent.end + this.#chance.around(15, 0.5));
      if (taken) sent.children.push(taken);
      caller.children.push(sent);
      return sent.end;
    }
    let now = start;
    for (let attempt = 1; attempt <= tries; attempt++) {
      const asking = { ...routeOf(name), "server.address": service };
      const again = { ...asking, "http.request.resend_count": attempt - 1 };
      const asked = callOf(process, name, "client", now, attempt === 1 ? asking : again);
      const answered = this.#call(to, now + ON_THE_WAY);
      if (answered) asked.children.push(answered);
      asked.failure = answered ? answered.failure && "500" : "ECONNREFUSED";
      asked.end = (answered?.end ?? now) + ON_THE_WAY;
      caller.children.push(asked);
      now = asked.end;
      if (asked.failure === undefined) return now;
    }
    caller.failure = "502";
    return now;
  }

  #log(call: Call, key: string, { lines = [] }: Operation, faults: readonly Fault[]): void {
    for (const { severity, text, share = 1 } of lines) {
      if (share === 1 || this.#chance.uniform() < share) this.#write(call, severity, text, call.end);
    }
    for (const { writes } of faults) {
      if (writes?.operation !== key || this.#chance.uniform() >= (writes.share ?? 1)) continue;
      this.#write(call, writes.severity, writes.text, call.end);
    }
  }

  #write(call: Call, severity: Severity, text: string, time: number): void {
    const body = this.#values.fill(text, Math.round(time - call.start));
    call.lines.push({ time, severity, body });
  }
}

function callOf(process: Process, name: string, kind: Kind, start: number, attributes: Call["attributes"]): Call {
  return { process, name, kind, start, end: start, failure: undefined, attributes, children: [], lines: [] };
}

/** Of "POST /orders". */
function routeOf(name: string): Record<string, string> {
  const [method, route] = halves(name);
  return { "http.request.method": method, "http.route": route };
}

function halves(text: string): [string, string] {
  const at = text.indexOf(" ");
  return [text.slice(0, at), text.slice(at + 1)];
}
