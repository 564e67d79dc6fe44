// The instances of a log world's services: they start, are deployed anew and restarted, and say so.
import type { Chance } from "../world/chance.ts";
import { EXPORT_EVERY, Instance, Node } from "./node.ts";
import type { Service } from "./service.ts";
import type { Statement } from "./statement.ts";
import type { LogNoise } from "./weather.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const NODES = 6;
/** Milliseconds: from one instance of a deployment to the next, and within which all start when the world begins. */
const ROLLED_EVERY = 40 * SECOND;
const FIRST_STARTS = 600 * SECOND;
/** When the nodes are upgraded: all instances are restarted once while detectors learn. */
const UPGRADE = 2 * HOUR;
const UPGRADED_WITHIN = 0.5 * HOUR;

/** Something new that is no fault: it may be told once. */
export interface News {
  readonly service: string;
  /** The words of its statements, without their parameters. */
  readonly words: readonly string[];
  /** Milliseconds since the world began. */
  readonly at: number;
}

export type Say = (service: Service, instance: Instance, statement: Statement, time: number) => void;

export class Life {
  readonly nodes: readonly Node[];
  readonly news: News[] = [];
  readonly #instances = new Map<Service, readonly Instance[]>();
  readonly #noise: LogNoise;
  readonly #chance: Chance;
  readonly #say: Say;
  /** In the order of their time. */
  readonly #planned: { at: number; service: Service; instance: Instance; version: number }[] = [];
  /** Of services to which deployments have added some: all statements. */
  readonly #statements = new Map<Service, readonly Statement[]>();
  readonly #sets = new Map<Service, number>();
  readonly #services: readonly Service[];

  constructor(services: readonly Service[], noise: LogNoise, chance: Chance, say: Say) {
    this.#services = services;
    this.#noise = noise;
    this.#chance = chance;
    this.#say = say;
    this.nodes = Array.from({ length: NODES }, (_, i) => new Node(`node-${i}`, chance.uniform() * EXPORT_EVERY));
    let place = 0;
    for (const service of services) {
      const count = service.spec.instances;
      const own = Array.from(
        { length: count },
        (_, slot) => new Instance(service.name, this.nodes[place++ % NODES], slot),
      );
      this.#instances.set(service, own);
      for (const [i, instance] of own.entries()) {
        const begins = chance.uniform() * FIRST_STARTS;
        this.#start(service, instance, begins);
        const at = UPGRADE + chance.uniform() * UPGRADED_WITHIN + i * ROLLED_EVERY;
        this.#plan(service, instance, at, 1);
      }
    }
  }

  /** One that is up; undefined while all are away. */
  any(service: Service, now: number): Instance | undefined {
    const instances = this.#instances.get(service)!;
    const first = this.#chance.whole(instances.length);
    for (let i = 0; i < instances.length; i++) {
      const instance = instances[(first + i) % instances.length];
      if (instance.downUntil <= now) return instance;
    }
    return undefined;
  }

  instances(service: Service): readonly Instance[] {
    return this.#instances.get(service)!;
  }

  /** All that comes by itself: those of the code, and those that deployments have added. */
  statements(service: Service): readonly Statement[] {
    return this.#statements.get(service) ?? service.statements;
  }

  /** Once a second. Whether any service has other statements than before. */
  move(now: number): boolean {
    const chance = this.#chance;
    while (this.#planned.length > 0 && this.#planned[0].at <= now) {
      const { service, instance, version } = this.#planned.shift()!;
      this.#restart(service, instance, now, version);
    }
    const some = () => this.#services[chance.whole(this.#services.length)];
    if (chance.uniform() < (this.#noise.restarts * SECOND) / DAY) {
      const service = some();
      const [instance] = this.instances(service);
      this.#restart(service, instance, now, instance.version);
    }
    if (chance.uniform() >= (this.#noise.deploys * SECOND) / DAY) return false;
    const service = some();
    this.deploy(service, now);
    return chance.uniform() < 0.5 && this.#add(service, now);
  }

  /** A new version, one instance after the other. */
  deploy(service: Service, now: number): void {
    for (const [i, instance] of this.instances(service).entries()) {
      this.#plan(service, instance, now + i * ROLLED_EVERY, instance.version + 1);
    }
  }

  #add(service: Service, now: number): boolean {
    const set = this.#sets.get(service) ?? 0;
    if (set >= service.added.length) return false;
    this.#sets.set(service, set + 1);
    for (const [i, statement] of service.added[set].entries()) {
      statement.rate = (0.05 * service.spec.rate * this.#chance.around(1, 0.5)) / (1 + i);
    }
    this.#statements.set(service, [...this.statements(service), ...service.added[set]]);
    this.news.push({ service: service.name, words: service.added[set].map(({ message }) => message), at: now });
    return true;
  }

  #plan(service: Service, instance: Instance, at: number, version: number): void {
    this.#planned.push({ at, service, instance, version });
    this.#planned.sort((a, b) => a.at - b.at);
  }

  #restart(service: Service, instance: Instance, now: number, version: number): void {
    let time = now;
    for (const statement of service.stopping) {
      this.#say(service, instance, statement, time);
      time += this.#chance.exponential(500);
    }
    instance.deploy(version);
    this.#start(service, instance, time + (5 + 20 * this.#chance.uniform()) * SECOND);
  }

  #start(service: Service, instance: Instance, from: number): void {
    let time = from;
    for (const statement of service.starting) {
      this.#say(service, instance, statement, time);
      time += this.#chance.exponential(400);
    }
    instance.downUntil = time;
  }
}
