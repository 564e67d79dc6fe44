// The bounded queue before each exporter: it sends, retries and drains; what it holds was promised to be delivered.
import type { Batching, Delivery, Exporter, ExportOf, Host, Signal } from "../api/index.ts";
import { LONGEST_TIMER } from "./attempt.ts";
import { Backlog, type Entry } from "./backlog.ts";
import { type Piece, piecesOf } from "./batching.ts";
import { newCounts, type QueueCounts } from "./counts.ts";
import { Health } from "./health.ts";
import type { SendingOptions } from "./options.ts";
import { type End, Sender } from "./sender.ts";
import { messageOf, Spool } from "./spool.ts";

/** How long a buffer is kept from its owner for an exporter that was waited for no more: it may still read it. */
const LINGER = 60_000;

/** What one request weighs; the queue counts the one its `sizer` names. */
export interface Weight {
  readonly items: number;
  readonly bytes: number;
}

/** With `sending_queue.storage`, `start` comes before the first push. */
export class Queue {
  /** By signal. */
  readonly counts: Readonly<Record<Signal, QueueCounts>> = newCounts();
  /** Whether what it takes survives the process: acknowledge after `flush`. */
  readonly persistent: boolean;
  readonly #host: Host;
  readonly #health: Health;
  readonly #backlog = new Backlog();
  readonly #sender: Sender;
  #spool: Spool | undefined;
  readonly #held = { requests: 0, items: 0, bytes: 0 };
  /** Batches being sent or waiting to be tried again. */
  #active = 0;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #draining = false;
  /** It takes no more: a stop ran out of time, or is done. */
  #over = false;
  /** Drained for good: the storage is closed. */
  #closed = false;
  readonly #lingering = new Set<() => void>();
  /** Who waits for room, for how much, first come first. */
  #whenRoom: { readonly weight: Weight; readonly wake: () => void }[] = [];
  #whenEmpty: (() => void)[] = [];

  /** `delivered` is told what becomes of anomalies. */
  constructor(exporter: Exporter<any>, options: SendingOptions, host: Host, delivered?: (delivery: Delivery) => void) {
    this.#host = host;
    this.#health = new Health((status, reason) => host.report(status, reason));
    this.persistent = options.sending_queue.enabled && options.sending_queue.storage !== null;
    this.#sender = new Sender(exporter, options, host, this.#health, this.counts, this.persistent, delivered);
  }

  /** Opens the storage, if there is one, and goes on with what an earlier process left. Rejects when it cannot be opened. */
  async start(): Promise<void> {
    const { storage } = this.#options;
    if (!this.persistent || storage === null) return;
    const spool = await Spool.open(storage, this.#host, this.#health);
    if (this.#draining) return spool.close();
    this.#spool = spool;
    let items = 0;
    for (const kept of this.#spool.left()) {
      this.counts[kept.signal].restored += kept.items;
      items += kept.items;
      const batching = this.#options.batch ?? kept.batching;
      this.#hold({ ...kept, batching, since: performance.now(), data: undefined, release: nothing, settle: undefined });
    }
    if (items > 0) this.#host.log.info("sending what an earlier run left in the storage", { items });
    this.#dispatch();
  }

  get #options(): SendingOptions["sending_queue"] {
    return this.#sender.options.sending_queue;
  }

  /** In units of the sizer; what is being sent counts until it is done with. */
  get size(): number {
    return this.#held[this.#sizer];
  }

  get capacity(): number {
    return this.#options.queue_size;
  }

  /** Whether who finds it full is to wait for room. */
  get blocks(): boolean {
    return this.#options.block_on_overflow && !this.#over;
  }

  get #sizer(): "requests" | "items" | "bytes" {
    return this.#options.enabled ? this.#options.sizer : "requests";
  }

  get #consumers(): number {
    return this.#options.enabled ? this.#options.num_consumers : Number.POSITIVE_INFINITY;
  }

  /**
   * Whether it would take this much now: an empty queue any one request, or a large one could never pass; one that drops what
   * it has no room for anything.
   */
  room(weight: Weight): boolean {
    return !this.#over && (this.#options.drop_on_overflow || this.#fits(this.size, weight));
  }

  #fits(size: number, weight: Weight): boolean {
    return size === 0 || size + weighed(weight)[this.#sizer] <= this.capacity;
  }

  /**
   * Settles when something has left the queue, and there is room for this much and for all who waited before; somebody else
   * may have taken it by then. What waits to be joined with more is sent now.
   */
  roomMade(weight: Weight): Promise<void> {
    return new Promise((wake) => {
      this.#whenRoom.push({ weight, wake });
      this.#dispatch();
    });
  }

  /** Counts what was not pushed since there was no room; what waits to be joined with more is sent now. `lost`: nobody will hand it over again. */
  refuse(signal: Signal, items: number, lost?: ExportOf<Signal>): void {
    this.#dispatch(true);
    this.counts[signal].refused += items;
    if (lost) this.#sender.tell(lost, "the queue was full", 0, performance.now());
  }

  /**
   * Takes the data, in full or not: the caller asked `room` first. `release` is called once, when its bytes are no longer
   * read. False: the storage cannot take it, which is logged, reported and counted. A promise, where the sender is to wait:
   * whether it was delivered, or dropped. `batching` counts where `sending_queue.batch` does not say.
   */
  push(
    data: ExportOf<Signal>,
    weight: Weight,
    release: () => void,
    batching?: Batching,
  ): true | false | Promise<boolean> {
    const signal = "bytes" in data ? data.signal : "anomalies";
    const { items, bytes } = weight;
    const { enabled, batch, wait_for_result, drop_on_overflow } = this.#options;
    if (drop_on_overflow && !this.#fits(this.size, weight)) {
      this.#overflow(signal, items);
      this.#sender.tell(data, "the queue was full", 0, performance.now());
      this.#call(release);
      return true;
    }
    let key: number | undefined;
    if (this.persistent) {
      key = this.#append(data, items, batching);
      if (key === undefined) {
        this.refuse(signal, items);
        this.#sender.tell(data, "the storage of the queue could not take it", 0, performance.now());
        this.#call(release);
        return false;
      }
    }
    this.counts[signal].accepted += items;
    const answer = wait_for_result || !enabled ? Promise.withResolvers<boolean>() : undefined;
    const entry: Entry = {
      signal,
      items,
      bytes,
      batching: (enabled ? batch : undefined) ?? batching,
      since: performance.now(),
      key,
      data,
      release,
      settle: answer?.resolve,
    };
    // what is not sent at once is read from the storage when it is
    const waits = entry.batching !== undefined || this.#sender.keeping || this.#active >= this.#consumers;
    if (key !== undefined && waits) this.#let(entry);
    this.#hold(entry);
    this.#dispatch();
    return answer?.promise ?? true;
  }

  #overflow(signal: Signal, items: number): void {
    this.counts[signal].accepted += items;
    this.counts[signal].held += items;
    this.#sender.drop(signal, items, "overflow", "the queue is full (sending_queue.drop_on_overflow)", undefined);
    this.#dispatch(true);
  }

  #append(data: ExportOf<Signal>, items: number, batching: Batching | undefined): number | undefined {
    if (this.#spool && !this.#closed) {
      const key = this.#spool.append(data, items, batching);
      // nobody waits for anomalies to be durable
      if (!("bytes" in data) && key !== undefined) void this.#spool.flush();
      return key;
    }
    this.#host.log.error("data refused: the storage of the queue is not open", { items });
    return undefined;
  }

  /** Settles once what was pushed is as durable as the storage promises; false: it may not be, which is logged and reported. */
  async flush(): Promise<boolean> {
    return this.#spool ? this.#spool.flush() : !this.persistent;
  }

  /**
   * From now on attempts use these; what waits to be tried again is tried at once. Resolves when no attempt runs on the
   * exporter before. A change of `sending_queue.storage` takes another queue.
   */
  reconfigure(exporter: Exporter<any>, options: SendingOptions): Promise<void> {
    this.#health.begin();
    const left = this.#sender.reconfigure(exporter, options);
    this.#wakeWaiting(true);
    this.#dispatch();
    return left;
  }

  /**
   * Settles when nothing is being sent. After `deadline` ms what is left is dropped, counted and logged. A persistent queue
   * sends as long as sending works, keeps the rest in its storage and closes that.
   */
  async drain(deadline: number): Promise<void> {
    this.#draining = true;
    this.#sender.drain();
    this.#dispatch();
    const expire = () => {
      // a storage keeps what still comes
      if (!this.persistent) this.#end();
      this.#sender.giveUp();
    };
    const timer = this.#active > 0 ? setTimeout(expire, Math.min(deadline, LONGEST_TIMER)) : undefined;
    // who waited for room may push at the very moment that the queue is empty
    while (this.#active > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve));
    clearTimeout(timer);
    clearTimeout(this.#timer);
    for (const end of [...this.#lingering]) end();
    this.#end();
    if (!this.#spool) return;
    this.#closed = true;
    const items = Object.values(this.counts).reduce((sum, { held }) => sum + held, 0);
    if (items > 0) this.#host.log.info("what was not sent stays in the storage, for whoever opens it next", { items });
    await this.#spool.close();
  }

  #end(): void {
    this.#over = true;
    this.#wakeWaiting(true);
  }

  #hold(entry: Entry): void {
    const { requests, items, bytes } = weighed(entry);
    this.#held.requests += requests;
    this.#held.items += items;
    this.#held.bytes += bytes;
    this.counts[entry.signal].held += entry.items;
    this.#backlog.push(entry);
  }

  /** Whether waiting for more would keep somebody out. */
  get #pressed(): boolean {
    return this.#draining || this.#whenRoom.length > 0 || this.size >= this.capacity;
  }

  /** Sends what is due, or whatever there is, while consumers are free; comes back when more is due. */
  #dispatch(all = this.#pressed): void {
    while (this.#active < this.#consumers) {
      const entries = this.#closed || this.#sender.keeping ? undefined : this.#backlog.next(performance.now(), all);
      if (!entries) break;
      void this.#consume(entries);
    }
    const at = this.#active < this.#consumers ? this.#backlog.due : Number.POSITIVE_INFINITY;
    const idle = at === Number.POSITIVE_INFINITY || this.#draining;
    if (at >= this.#timerAt && !idle) return;
    clearTimeout(this.#timer);
    this.#timerAt = idle ? Number.POSITIVE_INFINITY : at;
    if (idle) return;
    const ms = Math.max(1, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#dispatch();
      },
      Math.min(ms, LONGEST_TIMER),
    );
  }

  async #consume(entries: Entry[]): Promise<void> {
    this.#active++;
    await this.#send(entries);
    this.#active--;
    this.#wakeWaiting();
    this.#dispatch();
    if (this.#active === 0) for (const done of this.#whenEmpty.splice(0)) done();
  }

  /** Never rejects. */
  async #send(batch: readonly Entry[]): Promise<void> {
    const entries = batch.filter((entry) => this.#load(entry));
    if (entries.length === 0) return;
    const { signal, since } = entries[0];
    const unfinished: Promise<unknown>[] = [];
    const ends = new Set<End>();
    for (const piece of this.#pieces(entries)) ends.add(await this.#sender.deliver(piece, signal, since, unfinished));
    for (const entry of entries) {
      if (unfinished.length > 0) this.#linger(entry, unfinished);
      else this.#let(entry);
    }
    this.#done(entries, ends);
  }

  /** Reads the entry's data where it is in the storage alone; what cannot be read is lost, to this process at least. */
  #load(entry: Entry): boolean {
    if (entry.data) return true;
    const found = this.#spool?.read(entry) ?? "damaged";
    if (typeof found === "object") {
      entry.data = found;
      return true;
    }
    const why =
      found === "damaged"
        ? "its record in the storage is damaged or gone"
        : "the storage cannot read its record, which stays there for the next start";
    this.#sender.drop(entry.signal, entry.items, "damaged", why, undefined);
    this.#done([found === "damaged" ? entry : { ...entry, key: undefined }], new Set<End>(["dropped"]));
    return false;
  }

  #pieces(entries: readonly Entry[]): Piece[] {
    try {
      const pieces = piecesOf(entries);
      // a batch and its parts are copies
      if (entries.length > 1 || pieces.length > 1) for (const entry of entries) this.#let(entry);
      return pieces;
    } catch (error) {
      this.#host.log.warn("requests that cannot be joined or split are sent as they came", { error: messageOf(error) });
      return entries.map(({ data, items }) => ({ data: data as ExportOf<Signal>, items }));
    }
  }

  #done(entries: readonly Entry[], ends: ReadonlySet<End>): void {
    if (!ends.has("kept")) {
      for (const entry of entries) {
        const { requests, items, bytes } = weighed(entry);
        this.#held.requests -= requests;
        this.#held.items -= items;
        this.#held.bytes -= bytes;
      }
      const keys = entries.flatMap(({ key }) => key ?? []);
      if (keys.length > 0) this.#spool?.remove(keys);
    }
    for (const { settle } of entries) settle?.(ends.size === 1 && ends.has("sent"));
    this.#wakeWaiting();
  }

  /** Lets go of the entry's bytes. */
  #let(entry: Entry): void {
    const { release } = entry;
    entry.data = undefined;
    entry.release = nothing;
    this.#call(release);
  }

  #call(release: () => void): void {
    try {
      release();
    } catch (error) {
      this.#host.log.error("whoever handed data over failed to take its buffer back", { error: messageOf(error) });
    }
  }

  /** Lets go of the bytes once exporters that were waited for no more are done with them, or can be thought to be. */
  #linger(entry: Entry, unfinished: readonly Promise<unknown>[]): void {
    const end = () => {
      clearTimeout(timer);
      this.#lingering.delete(end);
      this.#let(entry);
    };
    const timer = setTimeout(end, LINGER).unref();
    this.#lingering.add(end);
    void Promise.allSettled(unfinished).then(end);
  }

  /** Those for whom there is room by now; waking more would have each read its request again in vain. */
  #wakeWaiting(all = false): void {
    let woken = 0;
    let { size } = this;
    for (const { weight } of this.#whenRoom) {
      if (!all && !this.#fits(size, weight)) break;
      size += weighed(weight)[this.#sizer];
      woken++;
    }
    for (const { wake } of this.#whenRoom.splice(0, woken)) wake();
    // those may go elsewhere and leave the room to who comes next
    if (woken > 0 && this.#whenRoom.length > 0) setImmediate(() => this.#wakeWaiting());
  }
}

/** Even what weighs nothing takes room. */
const weighed = ({ items, bytes }: Weight) => ({ requests: 1, items: Math.max(1, items), bytes: Math.max(1, bytes) });

function nothing(): void {}
