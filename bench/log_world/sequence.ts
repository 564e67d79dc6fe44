// What a service logs of one piece of work, from its opening to its closing, with the ways that are normal.
import type { Chance } from "../world/chance.ts";
import type { Statement } from "./statement.ts";

export interface Step {
  readonly statement: Statement;
  readonly chance: number;
  /** At most. */
  readonly times: number;
}

export class Sequence {
  /** By what its records are known to belong together. */
  readonly keyed: "trace" | "session";
  readonly open: Statement;
  readonly steps: readonly Step[];
  readonly retry: Statement;
  readonly abort: Statement;
  readonly close: Statement;
  /** Begun a second at the busiest time of day. */
  readonly rate: number;
  /** Median of milliseconds between two records. */
  readonly gap: number;
  /** Of another service, asked in this share of the runs. */
  calls: readonly [sequence: Sequence, service: string, share: number] | undefined;
  /** What faults change: the share of runs that is not closed; and what is said as well in this share. */
  unclosed = 0;
  foreign: Statement | undefined;
  foreignShare = 0;

  constructor(parts: Pick<Sequence, "keyed" | "open" | "steps" | "retry" | "abort" | "close" | "rate" | "gap">) {
    this.keyed = parts.keyed;
    this.open = parts.open;
    this.steps = parts.steps;
    this.retry = parts.retry;
    this.abort = parts.abort;
    this.close = parts.close;
    this.rate = parts.rate;
    this.gap = parts.gap;
  }

  get statements(): readonly Statement[] {
    return [this.open, ...this.steps.map(({ statement }) => statement), this.retry, this.abort, this.close];
  }
}

/** Shares of steps that are tried again, that are given up, and of runs whose end is never logged. */
const RETRIED = 0.015;
const ABORTED = 0.003;
const LOST = 0.0003;
/** Of neighbours that change places. */
const SWAPPED = 0.15;

/** Told of each record, and of the call to another service; times are milliseconds. When it is over. */
export interface Teller {
  say(statement: Statement, time: number): void;
  call(sequence: Sequence, service: string, time: number): number;
}

export function runSequence(sequence: Sequence, time: number, chance: Chance, teller: Teller): number {
  const { steps, gap, calls } = sequence;
  const pause = () => chance.around(gap, 0.8);
  let now = time;
  teller.say(sequence.open, now);
  const order = steps.filter((step) => chance.uniform() < step.chance);
  for (let i = 1; i < order.length; i++) {
    if (chance.uniform() < SWAPPED) [order[i - 1], order[i]] = [order[i], order[i - 1]];
  }
  const called = calls && chance.uniform() < calls[2] ? chance.whole(order.length + 1) : -1;
  const foreign = chance.uniform() < sequence.foreignShare ? sequence.foreign : undefined;
  for (const [i, { statement, times }] of order.entries()) {
    if (i === called) now = teller.call(calls![0], calls![1], now);
    for (let again = chance.uniform() < RETRIED ? 1 + chance.whole(2) : 0; again > 0; again--) {
      now += pause();
      teller.say(sequence.retry, now);
    }
    for (let n = 1 + chance.whole(times); n > 0; n--) {
      now += pause();
      teller.say(statement, now);
    }
    if (chance.uniform() < ABORTED) {
      now += pause();
      teller.say(sequence.abort, now);
      break;
    }
  }
  if (foreign) teller.say(foreign, now);
  now += pause();
  if (chance.uniform() >= sequence.unclosed && chance.uniform() >= LOST) teller.say(sequence.close, now);
  return now;
}
