// What was run, for whom and when: so that nothing runs twice for one incident, over restarts too, and nothing runs too often.
import type { Host, Store } from "vedette";
import { z } from "vedette";
import type { Action } from "./options.ts";

const HOUR = 3_600_000;
/** Runs remembered; the first is forgotten. */
const MOST = 10_000;

const record = z.tuple([z.string(), z.string(), z.string(), z.number()]);

interface Run {
  readonly action: string;
  /** Of the episode or incident. */
  readonly id: string;
  /** The service, or else the series. */
  readonly subject: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** In the storage. */
  readonly key: number | undefined;
}

export class Past {
  readonly #host: Host;
  readonly #storage: string | undefined;
  readonly #mostPerHour: number;
  #store: Store | undefined;
  /** By action and id, the earliest first. */
  readonly #runs = new Map<string, Run>();

  /** Without `storage` it ends with the process. */
  constructor(host: Host, storage: string | undefined, mostPerHour: number) {
    this.#host = host;
    this.#storage = storage;
    this.#mostPerHour = mostPerHour;
  }

  /** Has what is kept read, when it was not yet. Rejects when it cannot be. */
  async open(): Promise<void> {
    if (this.#store || this.#storage === undefined) return;
    const extension = this.#host.extension(this.#storage);
    if (!extension.open) throw new Error(`the extension ${this.#storage} stores nothing; name one that does`);
    const store = await extension.open(`remedies of ${this.#host.id}`);
    for (const { key, note } of store.entries()) {
      const read = record.safeParse(parsed(note));
      if (!read.success) continue;
      const [action, id, subject, at] = read.data;
      this.#runs.set(keyOf(action, id), { action, id, subject, at, key });
    }
    this.#store = store;
  }

  async close(): Promise<void> {
    const store = this.#store;
    this.#store = undefined;
    await store?.close();
  }

  has(action: string, id: string): boolean {
    return this.#runs.has(keyOf(action, id));
  }

  /** Why the action must not run now; undefined when it may. A run in the future, before the clock was set back, counts as one just now. */
  tooOften({ name, cooldown, max_per_hour }: Action, subject: string, now: number): string | undefined {
    let own = 0;
    let all = 0;
    for (const { action, subject: other, at } of this.#runs.values()) {
      if (action === name && other === subject && now - at < cooldown) {
        return `it ran for ${subject} at ${new Date(at).toISOString()}, within the cooldown of ${cooldown / 1000} s`;
      }
      if (now - at >= HOUR) continue;
      all++;
      if (action === name) own++;
    }
    if (own >= max_per_hour) return `it ran ${own} times within the hour; max_per_hour of the action allows no more`;
    if (all >= this.#mostPerHour) return `actions ran ${all} times within the hour; max_per_hour allows no more`;
    return undefined;
  }

  /** Resolves once a death of the process would not lose it. Rejects when it may not be kept. */
  async remember(action: string, id: string, subject: string, at: number): Promise<void> {
    const key = this.#store?.append(new Uint8Array(0), JSON.stringify([action, id, subject, at]));
    await this.#store?.flush();
    this.#runs.set(keyOf(action, id), { action, id, subject, at, key });
    if (this.#runs.size <= MOST) return;
    const [first] = this.#runs.values();
    this.#runs.delete(keyOf(first.action, first.id));
    if (first.key !== undefined) this.#store?.remove([first.key]);
  }
}

const keyOf = (action: string, id: string) => `${action}\n${id}`;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
