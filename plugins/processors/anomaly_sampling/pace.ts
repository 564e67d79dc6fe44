// The probability that keeps what is sent within so many spans a second.
import { thresholdOf } from "./threshold.ts";

/** Milliseconds between two looks, and at least. */
const INTERVAL = 5000;
const SOONEST = 1000;
/** What an interval may send, as a multiple of its budget, before it is cut short. */
const BURST = 2;
/** How far the load that is believed moves towards a smaller one. */
const EASE = 0.3;
/** Share of the budget that is left to ordinary traces whatever else is sent. */
const LEAST = 0.1;

export class Pace {
  /** Of spans in ordinary traces; a trace keeps the one that it came under. */
  threshold = 0;
  /** Spans of ordinary traces that came since the last look, and spans that were kept for another reason. */
  ordinary = 0;
  wanted = 0;
  readonly #budget: number;
  readonly #precision: number;
  #since = Number.NaN;
  /** A second, both. */
  #load = 0;
  #kept = 0;

  /** `budget` in spans a second. */
  constructor(budget: number, precision: number) {
    this.#budget = budget;
    this.#precision = precision;
  }

  /** Between requests; `now` in Unix milliseconds. A load that grows is believed at once, one that falls bit by bit. */
  look(now: number): void {
    const passed = now - this.#since;
    // the first time, and where the clock was set back
    if (!(passed >= 0)) this.#since = now;
    else if (passed >= INTERVAL || this.#bursts) {
      const seconds = Math.max(passed, SOONEST) / 1000;
      this.#load = eased(this.#load, this.ordinary / seconds);
      this.#kept = eased(this.#kept, this.wanted / seconds);
      this.#since = now;
      this.ordinary = 0;
      this.wanted = 0;
      const left = Math.max(LEAST * this.#budget, this.#budget - this.#kept);
      this.threshold = thresholdOf(this.#load > left ? left / this.#load : 1, this.#precision);
    }
  }

  get #bursts(): boolean {
    const sent = this.ordinary * (1 - this.threshold) + this.wanted;
    return sent > BURST * this.#budget * (INTERVAL / 1000);
  }
}

const eased = (before: number, now: number) => (now > before ? now : before + EASE * (now - before));
