// Groups of records that belong together and are not complete yet: which messages each has.
import type { Service } from "./service.ts";

/** A group of so many messages is made shorter. */
const LONG = 256;
/** How often a message of a group counts. */
export const COUNTED = 5;
/** Messages of all groups together: then it is full. */
const MOST_MESSAGES = 2_000_000;
/** Groups are looked at by the second of their latest record. Milliseconds. */
const STEP = 1000;

export interface Group {
  readonly service: Service;
  /** Of the service's numbers of messages. */
  readonly generation: number;
  /** What it is known by: the halves of the right half of a trace id, or of another hash. */
  readonly high: number;
  readonly low: number;
  /** The left half of the trace id. */
  readonly left0: number;
  readonly left1: number;
  /** Some of its records were missed. */
  partial: boolean;
  /** Unix milliseconds of the receipt of its latest record. */
  last: number;
  /** Numbers of messages, as the service has them; each as often as it came, or `COUNTED` times at least. */
  messages: number[];
  /** Length at which it is made shorter. */
  most: number;
  /** Another group of the same hash. */
  next: Group | undefined;
}

export type NewGroup = Omit<Group, "most" | "next">;

export class Groups {
  readonly #most: number;
  /** Milliseconds. */
  readonly idle: number;
  readonly #byHash = new Map<number, Group>();
  /** By second of the latest record, as it was when the group was last looked at. */
  readonly #bySecond = new Map<number, Group[]>();
  #size = 0;
  #messages = 0;
  /** Found last: records of one group mostly come one after another. */
  #latest: Group | undefined;

  /** At most so many, each open until nothing was added to it for `idle` milliseconds. */
  constructor(most: number, idle: number) {
    this.#most = most;
    this.idle = idle;
  }

  /** Undefined where there is none. */
  find(service: Service, high: number, low: number): Group | undefined {
    let group = this.#latest;
    if (group !== undefined && group.low === low && group.high === high && group.service === service) return group;
    group = this.#byHash.get(low);
    while (group !== undefined && (group.high !== high || group.service !== service || group.low !== low)) {
      group = group.next;
    }
    this.#latest = group;
    return group;
  }

  open(parts: NewGroup): Group {
    const { service, generation, high, low, left0, left1, partial, last, messages } = parts;
    const most = Math.max(LONG, 2 * messages.length);
    const next = this.#byHash.get(low);
    const group: Group = { service, generation, high, low, left0, left1, partial, last, messages, most, next };
    this.#byHash.set(low, group);
    this.#size++;
    this.#messages += messages.length;
    this.#put(group);
    this.#latest = group;
    return group;
  }

  add(group: Group, message: number, now: number): void {
    group.last = now;
    if (group.messages.length >= group.most) this.#shorten(group);
    group.messages.push(message);
    this.#messages++;
  }

  get isFull(): boolean {
    return this.#size >= this.#most || this.#messages >= MOST_MESSAGES;
  }

  /** Hands over those to which nothing was added since, and half of all, those that are idle for longest, while there are too many. */
  complete(now: number, done: (group: Group) => void): void {
    const until = now - this.idle;
    for (const [second, groups] of this.#bySecond) {
      // a clock that was set back makes them idle too
      if ((second + 1) * STEP > until && second * STEP <= now + this.idle) continue;
      this.#bySecond.delete(second);
      for (const group of groups) {
        if (group.last > until && group.last <= now + this.idle) this.#put(group);
        else this.#end(group, done);
      }
    }
    if (!this.isFull) return;
    const most = this.#size / 2;
    for (const second of [...this.#bySecond.keys()].sort((a, b) => a - b)) {
      if (this.#size <= most) return;
      const groups = this.#bySecond.get(second)!;
      this.#bySecond.delete(second);
      for (const group of groups) this.#end(group, done);
    }
  }

  #put(group: Group): void {
    const second = Math.floor(group.last / STEP);
    const groups = this.#bySecond.get(second);
    if (groups) groups.push(group);
    else this.#bySecond.set(second, [group]);
  }

  #shorten(group: Group): void {
    const counts = new Map<number, number>();
    const kept = group.messages.filter((message) => {
      const count = (counts.get(message) ?? 0) + 1;
      counts.set(message, count);
      return count <= COUNTED;
    });
    this.#messages -= group.messages.length - kept.length;
    group.messages = kept;
    group.most = Math.max(LONG, 2 * kept.length);
  }

  #end(group: Group, done: (group: Group) => void): void {
    if (group === this.#latest) this.#latest = undefined;
    this.#size--;
    this.#messages -= group.messages.length;
    const first = this.#byHash.get(group.low);
    if (first !== group) {
      let before = first!;
      while (before.next !== group) before = before.next!;
      before.next = group.next;
    } else if (group.next) this.#byHash.set(group.low, group.next);
    else this.#byHash.delete(group.low);
    done(group);
  }

  *[Symbol.iterator](): Iterator<Group> {
    for (const groups of this.#bySecond.values()) yield* groups;
  }
}

/** The trace id of a group that a trace holds together. */
export function traceOf({ left0, left1, high, low }: Group): string {
  return [left0, left1, high, low].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}
