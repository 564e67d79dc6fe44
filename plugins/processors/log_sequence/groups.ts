// Groups of records that belong together and are not complete yet: which messages each has, in rows of numbers that lie side by side.
import type { Service } from "./service.ts";
import { SlotTable } from "./slot_table.ts";

/** A group of so many messages is made shorter. */
const LONGEST = 256;
/** How often a message of a group counts. */
export const COUNTED = 5;
/** Messages of all groups together: then it is full. */
const MOST_MESSAGES = 2_000_000;
/** Groups are looked at by the second of their latest record. Milliseconds. */
const STEP = 1000;

/** A group as it is handed over. */
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
  readonly partial: boolean;
  /** Unix milliseconds of the receipt of its latest record. */
  readonly last: number;
  /** Numbers of messages, as the service has them; each as often as it came, or `COUNTED` times at least. */
  readonly messages: readonly number[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Words of a row; `LAST` is of those of eight bytes. */
const WORDS = 16;
const [HIGH, LOW, LEFT0, LEFT1, GENERATION, NEXT, STATE] = [0, 1, 2, 3, 6, 7, 8];
const LAST = 2;
/** The rest of it: messages, of two bytes each. A group of more has a list instead. */
const MESSAGES = 18;
const ROOM = 2 * WORDS - MESSAGES;
/** The state: how many messages, and above that. */
const LENGTH = 0xffff;
const PARTIAL = 1 << 16;
const LISTED = 1 << 17;

const FIRST = 256;
const NONE = -1;

export class Groups {
  readonly #most: number;
  /** Milliseconds. */
  readonly idle: number;
  /** The same memory three times. */
  #words = new Int32Array(FIRST * WORDS);
  #times = new Float64Array(this.#words.buffer);
  #short = new Uint16Array(this.#words.buffer);
  readonly #services: (Service | undefined)[] = [];
  /** By slot: messages, and the length at which there are to be fewer. */
  readonly #lists = new Map<number, { messages: number[]; most: number }>();
  #table = new SlotTable(2 * FIRST);
  readonly #free: number[] = [];
  #used = 0;
  /** By second of the latest record, as it was when the group was last looked at: the first of those linked by NEXT. */
  readonly #bySecond = new Map<number, number>();
  #size = 0;
  #messages = 0;
  /** Found last: records of one group mostly come one after another. */
  #latest = NONE;
  /** Of the group that was read last. */
  readonly #group: Mutable<Group> = {
    service: undefined as never,
    generation: 0,
    high: 0,
    low: 0,
    left0: 0,
    left1: 0,
    partial: false,
    last: 0,
    messages: [],
  };
  readonly #few: number[] = [];

  /** At most so many, each open until nothing was added to it for `idle` milliseconds. */
  constructor(most: number, idle: number) {
    this.#most = most;
    this.idle = idle;
  }

  /** Its slot; -1 where there is none. */
  find(service: Service, high: number, low: number): number {
    const latest = this.#latest;
    if (latest >= 0 && this.#is(latest, service, high, low)) return latest;
    const hash = hashOf(service, high, low);
    const { cells, mask } = this.#table;
    for (let i = hash & mask; cells[2 * i] !== 0; i = (i + 1) & mask) {
      const slot = cells[2 * i] - 1;
      if (cells[2 * i + 1] !== hash || !this.#is(slot, service, high, low)) continue;
      this.#latest = slot;
      return slot;
    }
    return NONE;
  }

  #is(slot: number, service: Service, high: number, low: number): boolean {
    const at = slot * WORDS;
    return this.#words[at + LOW] === low && this.#words[at + HIGH] === high && this.#services[slot] === service;
  }

  /** The slot of a new one. */
  open({ service, generation, high, low, left0, left1, partial, last, messages }: Group): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot * WORDS >= this.#words.length) this.#grow();
    const words = this.#words;
    const at = slot * WORDS;
    words[at + HIGH] = high;
    words[at + LOW] = low;
    words[at + LEFT0] = left0;
    words[at + LEFT1] = left1;
    words[at + GENERATION] = generation;
    words[at + STATE] = partial ? PARTIAL : 0;
    this.#services[slot] = service;
    this.#size++;
    this.#place(slot);
    this.#latest = slot;
    for (const message of messages) this.add(slot, message, last);
    this.#times[at / 2 + LAST] = last;
    this.#put(slot);
    return slot;
  }

  add(slot: number, message: number, now: number): void {
    const at = slot * WORDS;
    this.#times[at / 2 + LAST] = now;
    this.#messages++;
    const state = this.#words[at + STATE];
    if ((state & LISTED) !== 0 || (state & LENGTH) === ROOM) {
      this.#addToList(slot, message);
      return;
    }
    this.#short[2 * at + MESSAGES + (state & LENGTH)] = message;
    this.#words[at + STATE] = state + 1;
  }

  #addToList(slot: number, message: number): void {
    let list = this.#lists.get(slot);
    if (!list) {
      list = { messages: [...this.#messagesOf(slot)], most: LONGEST };
      this.#lists.set(slot, list);
      this.#words[slot * WORDS + STATE] |= LISTED;
    }
    if (list.messages.length >= list.most) {
      const before = list.messages.length;
      list.messages = shortened(list.messages);
      list.most = Math.max(LONGEST, 2 * list.messages.length);
      this.#messages -= before - list.messages.length;
    }
    list.messages.push(message);
  }

  get isFull(): boolean {
    return this.#size >= this.#most || this.#messages >= MOST_MESSAGES;
  }

  /** All that are open, and all that come until they were idle for once, are not whole. */
  miss(): void {
    for (const head of this.#bySecond.values()) {
      for (let slot = head; slot >= 0; slot = this.#words[slot * WORDS + NEXT]) {
        this.#words[slot * WORDS + STATE] |= PARTIAL;
      }
    }
  }

  /** Hands over those to which nothing was added since, and half of all, those that are idle for longest, while there are too many. The object is reused. */
  complete(now: number, done: (group: Group) => void): void {
    const until = now - this.idle;
    for (const [second, head] of this.#bySecond) {
      // a clock that was set back makes them idle too
      if ((second + 1) * STEP > until && second * STEP <= now + this.idle) continue;
      this.#bySecond.delete(second);
      for (let slot = head; slot >= 0; ) {
        const next = this.#words[slot * WORDS + NEXT];
        const last = this.#times[(slot * WORDS) / 2 + LAST];
        if (last > until && last <= now + this.idle) this.#put(slot);
        else this.#end(slot, done);
        slot = next;
      }
    }
    if (!this.isFull) return;
    const most = this.#size / 2;
    for (const second of [...this.#bySecond.keys()].sort((a, b) => a - b)) {
      if (this.#size <= most) return;
      const head = this.#bySecond.get(second)!;
      this.#bySecond.delete(second);
      for (let slot = head; slot >= 0; ) {
        const next = this.#words[slot * WORDS + NEXT];
        this.#end(slot, done);
        slot = next;
      }
    }
  }

  #put(slot: number): void {
    const at = slot * WORDS;
    const second = Math.floor(this.#times[at / 2 + LAST] / STEP);
    this.#words[at + NEXT] = this.#bySecond.get(second) ?? NONE;
    this.#bySecond.set(second, slot);
  }

  #end(slot: number, done: (group: Group) => void): void {
    const group = this.#read(slot);
    this.#latest = NONE;
    this.#size--;
    this.#messages -= group.messages.length;
    this.#table.remove(slot, this.#hashOf(slot));
    this.#services[slot] = undefined;
    this.#lists.delete(slot);
    this.#free.push(slot);
    done(group);
  }

  #read(slot: number): Group {
    const words = this.#words;
    const at = slot * WORDS;
    const group = this.#group;
    group.service = this.#services[slot]!;
    group.generation = words[at + GENERATION];
    group.high = words[at + HIGH];
    group.low = words[at + LOW];
    group.left0 = words[at + LEFT0];
    group.left1 = words[at + LEFT1];
    group.partial = (words[at + STATE] & PARTIAL) !== 0;
    group.last = this.#times[at / 2 + LAST];
    group.messages = this.#lists.get(slot)?.messages ?? this.#messagesOf(slot);
    return group;
  }

  /** Of a group without a list; reused. */
  #messagesOf(slot: number): readonly number[] {
    const messages = this.#few;
    const from = 2 * slot * WORDS + MESSAGES;
    const length = this.#words[slot * WORDS + STATE] & LENGTH;
    messages.length = 0;
    for (let i = 0; i < length; i++) messages.push(this.#short[from + i]);
    return messages;
  }

  #place(slot: number): void {
    this.#table.place(slot, this.#hashOf(slot));
  }

  #hashOf(slot: number): number {
    const at = slot * WORDS;
    return hashOf(this.#services[slot]!, this.#words[at + HIGH], this.#words[at + LOW]);
  }

  #grow(): void {
    const words = new Int32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
    this.#times = new Float64Array(words.buffer);
    this.#short = new Uint16Array(words.buffer);
    this.#table = new SlotTable(2 * this.#table.size);
    for (let slot = 0; slot < this.#services.length; slot++) if (this.#services[slot]) this.#place(slot);
  }

  /** Each an object of its own. */
  *[Symbol.iterator](): Iterator<Group> {
    for (const head of this.#bySecond.values()) {
      for (let slot = head; slot >= 0; slot = this.#words[slot * WORDS + NEXT]) {
        const group = this.#read(slot);
        yield { ...group, messages: [...group.messages] };
      }
    }
  }
}

/** Each message as often as counts. */
function shortened(messages: readonly number[]): number[] {
  const counts = new Map<number, number>();
  return messages.filter((message) => {
    const count = (counts.get(message) ?? 0) + 1;
    counts.set(message, count);
    return count <= COUNTED;
  });
}

/** The finalizer of MurmurHash3, of all three. */
function hashOf({ number }: Service, high: number, low: number): number {
  let h = low ^ Math.imul(high, 0x9e3779b1) ^ Math.imul(number, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
  return h ^ (h >>> 15);
}
