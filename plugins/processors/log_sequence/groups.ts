// Groups of records that belong together and are not complete yet: which messages each has, in the order they came.
import type { Service } from "./service.ts";

/** Messages of a group that count. */
export const LONGEST = 256;

export interface Group {
  readonly service: Service;
  readonly high: number;
  readonly low: number;
  /** As people know it. */
  readonly text: string;
  /** Unix milliseconds of the receipt of its latest record. */
  last: number;
  /** Numbers of messages, as the service has them. */
  readonly messages: number[];
  /** Another group of the same hash. */
  next: Group | undefined;
}

export class Groups {
  readonly #most: number;
  readonly #idle: number;
  readonly #byHash = new Map<number, Group>();
  /** In the order in which they began. */
  #all: Group[] = [];
  /** Groups that had to be taken for complete early, since there were too many. */
  early = 0;

  /** At most so many, each open until nothing was added to it for `idle` milliseconds. */
  constructor(most: number, idle: number) {
    this.#most = most;
    this.#idle = idle;
  }

  get size(): number {
    return this.#all.length;
  }

  /** Undefined where there is none. */
  find(service: Service, high: number, low: number): Group | undefined {
    let group = this.#byHash.get(low);
    while (group && !(group.high === high && group.low === low && group.service === service)) group = group.next;
    return group;
  }

  open(service: Service, high: number, low: number, text: string, last: number, messages: number[] = []): Group {
    const group: Group = { service, high, low, text, last, messages, next: this.#byHash.get(low) };
    this.#byHash.set(low, group);
    this.#all.push(group);
    return group;
  }

  get isFull(): boolean {
    return this.#all.length >= this.#most;
  }

  /** Hands over those to which nothing was added since, and the older half of all while there are too many. */
  complete(now: number, done: (group: Group) => void): void {
    const until = now - this.#idle;
    const early = this.isFull ? this.#all.length >> 1 : 0;
    const left: Group[] = [];
    for (const [i, group] of this.#all.entries()) {
      const idle = group.last <= until || group.last > now + this.#idle;
      if (!idle && i >= early) {
        left.push(group);
        continue;
      }
      if (!idle) this.early++;
      this.#remove(group);
      done(group);
    }
    this.#all = left;
  }

  #remove(group: Group): void {
    const first = this.#byHash.get(group.low);
    if (first === group) {
      if (group.next) this.#byHash.set(group.low, group.next);
      else this.#byHash.delete(group.low);
      return;
    }
    for (let each = first; each; each = each.next) {
      if (each.next === group) {
        each.next = group.next;
        return;
      }
    }
  }

  [Symbol.iterator](): Iterator<Group> {
    return this.#all[Symbol.iterator]();
  }
}
