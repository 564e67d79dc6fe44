// Which operation each series of spans is: bounded, also where services put ids into span names.
import type { Operation, Service } from "../api/index.ts";
import { clipped } from "../otlp/labels.ts";

/** Span names of one service that are taken as they are; and after that, with what varies in them replaced. */
const MOST_NAMES = 1000;
const MOST_MASKED = 200;
const MOST_SERVICES = 2000;
const MOST_OPERATIONS = 20_000;
/** Names of operations and services are cut to so many characters. */
const LONGEST = 256;
/** Milliseconds after which an operation that did not come again makes room where there is none, and an overflow is over. */
const UNSEEN = 3_600_000;
/** Traces after which a call is known to have a far side, or none; what is known of it rests on about so many at most. */
const KNOWN = 5;
const WELL_KNOWN = 20;

class KnownService implements Service {
  readonly name: string;
  readonly namespace: string;
  /** By name and kind, exact; and masked. */
  readonly exact = new Map<string, KnownOperation>();
  readonly masked = new Map<string, KnownOperation>();
  overflow: string | undefined;
  /** Unix milliseconds of the last name that there was no room for. */
  overflowed = 0;

  constructor(name: string, namespace: string) {
    this.name = name;
    this.namespace = namespace;
  }

  get names(): number {
    return this.exact.size + this.masked.size;
  }
}

class KnownOperation implements Operation {
  readonly key: string;
  readonly service: KnownService;
  readonly name: string;
  readonly kind: number;

  constructor(service: KnownService, name: string, kind: number) {
    this.key = `${service.namespace}\n${service.name}\n${name}\n${kind}`;
    this.service = service;
    this.name = name;
    this.kind = kind;
  }
}

export class Operations {
  /** By number; gaps are undefined. */
  readonly list: (KnownOperation | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #numbers = new Map<KnownOperation, number>();
  /** What services share for which there is no room. */
  readonly #rest = new KnownService("(other)", "");
  readonly #services = new Map([["", this.#rest]]);
  /** By number: Unix milliseconds of its latest span. */
  #seen = new Float64Array(0);
  /**
   * By twice the number, and one more of its spans that failed: the share that had a server span of another process below them, and how many
   * were looked at.
   */
  #far = new Float32Array(0);
  #looked = new Uint8Array(0);
  /** Something found no room since the last sweep, which was then. */
  #full = false;
  #swept = Number.NEGATIVE_INFINITY;
  /** Called when operations were forgotten, or what had no room may have some. */
  readonly #forgot: () => void;

  constructor(forgot: () => void) {
    this.#forgot = forgot;
  }

  /** The number of an operation, new or known. `now` is Unix milliseconds. */
  number(namespace: string, serviceName: string, spanName: string, kind: number, now: number): number {
    const service = this.#service(clipped(namespace, LONGEST), clipped(serviceName, LONGEST));
    const operation = this.#operation(service, clipped(spanName, LONGEST), kind, now);
    let number = this.#numbers.get(operation);
    if (number === undefined) {
      number = this.#free.pop() ?? this.list.length;
      if (number === this.#seen.length) this.#grow(Math.max(256, 2 * number));
      this.list[number] = operation;
      this.#numbers.set(operation, number);
      this.#looked.fill(0, 2 * number, 2 * number + 2);
    }
    this.#seen[number] = now;
    return number;
  }

  #grow(capacity: number): void {
    const seen = new Float64Array(capacity);
    const far = new Float32Array(2 * capacity);
    const looked = new Uint8Array(2 * capacity);
    seen.set(this.#seen);
    far.set(this.#far);
    looked.set(this.#looked);
    this.#seen = seen;
    this.#far = far;
    this.#looked = looked;
  }

  #service(namespace: string, name: string): KnownService {
    const key = `${namespace}\n${name}`;
    let service = this.#services.get(key);
    if (!service) {
      if (this.#services.size > MOST_SERVICES) {
        this.#full = true;
        return this.#rest;
      }
      service = new KnownService(name, namespace);
      this.#services.set(key, service);
    }
    return service;
  }

  #operation(service: KnownService, name: string, kind: number, now: number): KnownOperation {
    const exact = `${kind}${name}`;
    const known = service.exact.get(exact);
    if (known) return known;
    if (this.#numbers.size < MOST_OPERATIONS && service.exact.size < MOST_NAMES) {
      const operation = new KnownOperation(service, name, kind);
      service.exact.set(exact, operation);
      return operation;
    }
    this.#full = true;
    service.overflow = name;
    service.overflowed = now;
    const roomy = service.masked.size < MOST_MASKED && this.#numbers.size < MOST_OPERATIONS + MOST_SERVICES;
    const mask = masked(name);
    const shown = roomy || service.masked.has(`${kind}${mask}`) ? mask : "(other)";
    const key = `${kind}${shown}`;
    let operation = service.masked.get(key);
    if (!operation) {
      operation = new KnownOperation(service, shown, kind);
      service.masked.set(key, operation);
    }
    return operation;
  }

  /** Notes that a span of the operation was completed, failed or not (1 or 0), with or without a far side. */
  looked(number: number, failed: number, far: boolean): void {
    const at = 2 * number + failed;
    if (this.#looked[at] < WELL_KNOWN) this.#looked[at]++;
    this.#far[at] += ((far ? 1 : 0) - this.#far[at]) / this.#looked[at];
  }

  /**
   * Whether the far side of its calls reports: it is waited for. So it is until a few calls were seen whole. Calls that fail are known by
   * themselves: a far side that was not reached does not report.
   */
  awaitsFar(number: number, failed: number): boolean {
    const known = this.#looked[2 * number + failed] >= KNOWN;
    const at = 2 * number + (known ? failed : 0);
    return this.#looked[at] < KNOWN || this.#far[at] > 0.5;
  }

  touch(number: number, now: number): void {
    this.#seen[number] = now;
  }

  /**
   * Services whose names fit again are told so; where there is no room, what was not seen for long goes. A span may refer to its operation for
   * `longest` milliseconds.
   */
  tick(now: number, longest: number): void {
    for (const service of this.#services.values()) {
      if (service.overflow !== undefined && now - service.overflowed > UNSEEN) service.overflow = undefined;
    }
    // a flood asks for every name; looking through all is for once a minute
    if (!this.#full || Math.abs(now - this.#swept) < 60_000) return;
    this.#full = false;
    this.#swept = now;
    if (this.#sweep(now - Math.max(UNSEEN, longest))) this.#forgot();
  }

  /** Whether anything went. */
  #sweep(before: number): boolean {
    const { size } = this.#numbers;
    for (const [key, service] of this.#services) {
      for (const names of [service.exact, service.masked]) {
        for (const [name, operation] of names) {
          const number = this.#numbers.get(operation)!;
          if (this.#seen[number] >= before) continue;
          names.delete(name);
          this.#numbers.delete(operation);
          this.list[number] = undefined;
          this.#free.push(number);
        }
      }
      if (service.names === 0 && service !== this.#rest) this.#services.delete(key);
    }
    return this.#numbers.size < size;
  }
}

/** The name with ids in it replaced: what has digits, and what is long and hexadecimal. */
function masked(name: string): string {
  const words = name.replace(/[\p{L}\p{N}_-]+/gu, (word) => (/\p{N}/u.test(word) ? "*" : word));
  return words.replace(/\b[0-9a-fA-F-]{8,}\b/g, "*");
}
