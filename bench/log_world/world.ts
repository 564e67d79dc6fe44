// A generated log world: what thirty services log as it arrives, with what goes wrong in it known.
import { Chance } from "../world/chance.ts";
import { Delivery } from "../world/delivery.ts";
import { START } from "../world/world.ts";
import { applyFaults, type LogFault, type Planted } from "./faults.ts";
import { Life, type News } from "./life.ts";
import type { Instance } from "./node.ts";
import { ALONE, type Context, RecordWriter } from "./record.ts";
import { runSequence, type Sequence } from "./sequence.ts";
import type { Job, Service } from "./service.ts";
import type { Statement } from "./statement.ts";
import { type System, systemOf } from "./system.ts";
import { LOG_NOISE, type LogNoise, LogWeather, MOVE } from "./weather.ts";

export interface LogWorldOptions {
  /** The same options give the same bytes. */
  readonly seed: number;
  readonly hours: number;
  /** Unix milliseconds; unless given Monday, 2026-01-05, 00:00 UTC. */
  readonly start?: number;
  /** Records of all services a second at the busiest time, about; 36 unless given. */
  readonly rate?: number;
  readonly faults?: readonly LogFault[];
  /** What differs from the usual noise. */
  readonly noise?: Partial<LogNoise>;
}

/** One Export request, in the order in which they arrive. */
export interface LogArrival {
  /** Unix milliseconds. */
  readonly at: number;
  /** An ExportLogsServiceRequest. */
  readonly bytes: Uint8Array;
  readonly records: number;
}

const SECOND = 1000;
const HEARTBEAT = 30 * SECOND;
/** Chance that a clumped statement is followed by another of it, and the mean of milliseconds until then. */
const CLUMP = 0.5;
const CLUMPED = 800;

export class LogWorld {
  readonly system: System;
  readonly start: number;
  readonly #options: LogWorldOptions;
  readonly #chance: Chance;
  readonly #noise: LogNoise;
  readonly #weather: LogWeather;
  readonly #life: Life;
  readonly #records: RecordWriter;
  /** By service in order: rates of its statements, summed up. */
  readonly #sums: Float64Array[] = [];
  #planted: Planted[] = [];

  constructor(options: LogWorldOptions) {
    this.#options = options;
    this.start = options.start ?? START;
    this.system = systemOf(options.seed, options.rate);
    this.#noise = { ...LOG_NOISE, ...options.noise };
    this.#chance = new Chance(options.seed + 0x20000);
    this.#weather = new LogWeather(this.#noise, this.#chance, this.system.services);
    this.#records = new RecordWriter(this.#chance);
    this.#life = new Life(this.system.services, this.#noise, this.#chance, (service, instance, statement, time) =>
      this.#say(service, instance, statement, time, ALONE),
    );
  }

  /** What is new although nothing is wrong, as far as the world has been generated. */
  get news(): readonly News[] {
    return this.#life.news;
  }

  /** Once only. */
  *arrivals(): Generator<LogArrival, void> {
    const { hours, faults = [] } = this.#options;
    const { services } = this.system;
    const delivery = new Delivery(this.#life.nodes, this.#noise, this.#chance, this.start);
    const changes = new Set(faults.flatMap(({ from, to }) => [this.#second(from), this.#second(to)]));
    for (let now = 0; now < hours * 3600 * SECOND; now += SECOND) {
      const time = this.start + now;
      const changed = changes.has(now);
      if (changed) this.#change(faults, now);
      const added = this.#life.move(now);
      if (now % MOVE === 0) this.#weather.move(now);
      if (changed || added || now % MOVE === 0) this.#weigh();
      for (const [i, service] of services.entries()) this.#live(service, this.#sums[i], time, now);
      for (const { service, statement, rate } of this.#planted) {
        for (let n = this.#chance.poisson(rate); n > 0; n--) this.#run(service, statement, now);
      }
      // what is logged of sequences after the end is never sent: without all the rest it would look like silence
      yield* delivery.until(now + SECOND);
    }
  }

  /** Seconds since the world began in which it happens, in milliseconds. */
  #second(time: number): number {
    return Math.ceil((time - this.start) / SECOND) * SECOND;
  }

  #change(faults: readonly LogFault[], now: number): void {
    const active = faults.filter(({ from, to }) => this.#second(from) <= now && now < this.#second(to));
    const planted = applyFaults(this.system, active);
    for (const fault of active.filter(({ from }) => this.#second(from) === now)) {
      const service = this.system.services.find(({ name }) => name === fault.service)!;
      if (fault.kind === "deploy") this.#life.deploy(service, now);
      const once = planted.find(({ rate, service }) => rate === 0 && service.name === fault.service);
      if (once) this.#run(once.service, once.statement, now);
    }
    this.#planted = planted.filter(({ rate }) => rate > 0);
  }

  #weigh(): void {
    for (const [i, service] of this.system.services.entries()) {
      const sums = this.#weather.rates(service, this.#life.statements(service));
      for (let k = 1; k < sums.length; k++) sums[k] += sums[k - 1];
      this.#sums[i] = sums;
    }
  }

  /** A second of a service's life. */
  #live(service: Service, sums: Float64Array, time: number, now: number): void {
    const chance = this.#chance;
    const level = this.#weather.level(service, time);
    const whole = sums[sums.length - 1];
    for (let n = chance.poisson(whole * level); n > 0; n--) {
      const at = chance.uniform() * whole;
      let k = 0;
      while (sums[k] < at) k++;
      this.#run(service, this.#life.statements(service)[k], now);
    }
    for (const statement of service.seldom) {
      if (chance.uniform() < statement.rate) this.#run(service, statement, now);
    }
    for (const sequence of service.sequences) {
      for (let n = chance.poisson(sequence.rate * level); n > 0; n--) this.#begin(sequence, service, now);
    }
    for (const job of service.jobs)
      if (Math.floor((time - job.at) / SECOND) % (job.every / SECOND) === 0) this.#work(service, job, now);
    if (service.heartbeat && now % HEARTBEAT === 0) {
      for (const instance of this.#life.instances(service)) {
        if (instance.downUntil <= now)
          this.#say(service, instance, service.heartbeat, now + chance.uniform() * 300, ALONE);
      }
    }
  }

  #run(service: Service, statement: Statement, now: number): void {
    const chance = this.#chance;
    const instance = this.#life.any(service, now);
    if (!instance) return;
    let time = now + chance.uniform() * SECOND;
    this.#say(service, instance, statement, time, ALONE);
    while (statement.clumped && chance.uniform() < CLUMP) {
      time += chance.exponential(CLUMPED);
      this.#say(service, instance, statement, time, ALONE);
    }
  }

  #begin(sequence: Sequence, service: Service, now: number): void {
    const chance = this.#chance;
    const words = Array.from({ length: 4 }, () => chance.word());
    const traced = sequence.keyed === "trace";
    const context = traced
      ? { trace: words, session: "" }
      : { trace: undefined, session: `s-${words[0].toString(36)}${words[1]}` };
    this.#follow(sequence, service, now + chance.uniform() * SECOND, context);
  }

  #follow(sequence: Sequence, service: Service, time: number, context: Context): number {
    const instance = this.#life.any(service, time);
    if (!instance) return time;
    return runSequence(sequence, time, this.#chance, {
      say: (statement, at) => this.#say(service, instance, statement, at, context),
      call: (called, name, at) =>
        this.#follow(called, this.system.services.find((each) => each.name === name)!, at, context),
    });
  }

  #work(service: Service, { every, size, lasts, begin, work, end }: Job, now: number): void {
    const chance = this.#chance;
    const instance = this.#life.any(service, now);
    if (!instance) return;
    if (every >= 24 * 3600 * SECOND) {
      const words = [begin, ...work, end].map(({ message }) => message);
      this.#life.news.push({ service: service.name, words, at: now });
    }
    this.#say(service, instance, begin, now, ALONE);
    for (let n = Math.round(chance.around(size, 0.3)); n > 0; n--) {
      const statement = work[chance.uniform() < 0.85 ? 0 : 1];
      this.#say(service, instance, statement, now + chance.uniform() * lasts, ALONE);
    }
    this.#say(service, instance, end, now + lasts, ALONE);
  }

  #say(service: Service, instance: Instance, statement: Statement, time: number, context: Context): void {
    if (service.silenced === statement.level) return;
    const load = this.#weather.load(service);
    this.#records.write(service, instance, statement, time, this.start + time, load, context);
  }
}
