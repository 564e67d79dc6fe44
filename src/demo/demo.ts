// The made-up world from its history to its end: what happens in it goes to an agent, and what goes wrong is told.
import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, HISTORY } from "./clock.ts";
import { type Fault, type Planned, plan } from "./faults.ts";
import { Mail } from "./mail.ts";
import { Telemetry } from "./telemetry.ts";
import { World } from "./world.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Milliseconds of it in one request. */
const STEP = 5 * SECOND;
/** Milliseconds between two collections of metrics. */
const COLLECTS = 10 * SECOND;
/** Milliseconds after its beginning at which a trace is told, so that it is over by then. */
const BEHIND = 2 * SECOND;
/** Milliseconds from the end of the history back to the first fault: by the time people look, it is mostly told. */
const HEAD_START = 25 * SECOND;
/** Milliseconds that are told at once: what lies further back after a pause, as of a computer that slept, is left out. */
const CATCHES_UP = MINUTE;
/** Milliseconds for which faults are planned. */
const PLANNED = 24 * HOUR;

export interface DemoOptions {
  /** "http://127.0.0.1:4318". */
  readonly endpoint: string;
  readonly speed: number;
  readonly faults: readonly Fault[];
  readonly seed: number;
  /** Of the agent that is sent to, if it is the demo's own. */
  readonly clock?: Clock;
  /** A line for people. */
  readonly say: (line: string) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export class Demo {
  readonly #options: DemoOptions;
  readonly #mail: Mail;
  readonly #telemetry: Telemetry;
  readonly #began = Math.floor(Date.now() / COLLECTS) * COLLECTS - HISTORY;
  #plan: readonly Planned[] = [];
  #world: World;
  /** Unix milliseconds until which the world has been told. */
  #told: number;
  #measured: number;
  #lost = 0;

  constructor(options: DemoOptions) {
    this.#options = options;
    const { seed, speed, endpoint } = options;
    this.#mail = new Mail(endpoint);
    this.#telemetry = new Telemetry(this.#mail, this.#began);
    this.#world = new World({ seed, speed, faults: () => this.#plan });
    this.#told = this.#measured = this.#began;
  }

  /** Sends what was before now, as fast as it goes; nothing is wrong in it but the beginning of the first fault. Rejects when the agent does not take it. */
  async playHistory(): Promise<void> {
    const { clock, faults, speed, signal } = this.#options;
    for (let now = Date.now(); this.#told + BEHIND + STEP <= now && !signal.aborted; now = Date.now()) {
      const until = this.#told + STEP;
      if (this.#plan.length === 0 && now - until < HEAD_START + BEHIND) {
        this.#plan = plan(faults, speed, until, until + PLANNED);
      }
      clock?.pass(until + BEHIND);
      await this.#tell(until);
    }
    clock?.run();
  }

  /** Goes on with the clock until the signal, or for so many milliseconds. */
  async live(duration = Number.POSITIVE_INFINITY): Promise<void> {
    const { signal } = this.#options;
    const end = Date.now() + duration;
    let before = this.#began;
    while (!signal.aborted && Date.now() < end) {
      const now = Date.now();
      this.#announce(before, now);
      before = now;
      this.#told = Math.max(this.#told, now - CATCHES_UP);
      await this.#tell(now - BEHIND).then(
        () => this.#arrived(),
        (error: Error) => this.#failed(error),
      );
      await sleep(Math.max(0, now + SECOND - Date.now()), undefined, { signal }).catch(() => {});
    }
  }

  close(): Promise<void> {
    return this.#mail.close();
  }

  async #tell(until: number): Promise<void> {
    for (const call of this.#world.traces(this.#told, until)) this.#telemetry.tell(call);
    this.#told = until;
    if (until - this.#measured >= COLLECTS) {
      this.#measured = until - (until % COLLECTS);
      await this.#telemetry.measure(this.#world.usage(this.#measured), this.#measured);
    }
    await this.#mail.send();
  }

  /** Says what began and ended since a time. */
  #announce(since: number, now: number): void {
    for (const { fault, from, to } of this.#plan) {
      const { name, service, says } = fault;
      if (from > since && from <= now) {
        const left = Math.round((to - now) / SECOND);
        this.#options.say(`${service} ${says} (${name}, for ${left} s)`);
      }
      if (to > since && to <= now) this.#options.say(`${service} is well again`);
    }
  }

  #arrived(): void {
    if (this.#lost > 0) this.#options.say(`${this.#options.endpoint} takes telemetry again`);
    this.#lost = 0;
  }

  #failed(error: Error): void {
    if (this.#lost++ === 0) {
      this.#options.say(`${this.#options.endpoint} does not take telemetry (${error.message}); it is tried on`);
    }
  }
}
