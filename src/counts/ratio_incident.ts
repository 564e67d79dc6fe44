// An incident of errors: it teaches nothing while it lasts, is told once, ends by evidence, and becomes the base when it does not end.

import { usual } from "./ratio_base.ts";
import { type RatioState, restart } from "./ratio_state.ts";

/** How many times as rare it must have become to be told again. */
const AGAIN = 3;
/** It is over at so much evidence (nats) of the usual share against that with such an excess, after so many intervals. */
const OVER = 4.5;
const EXCESS = 0.03;
const QUIET = 30;
/** It is adopted after so long, so many intervals and so many errors, and forgotten after so long without rows. */
export const HOUR = 3_600_000;
const ADOPTED_INTERVALS = 6;
const ADOPTED = 20;

/** An incident goes on, ends, or has lasted so long that it is how things are. */
export function follow(state: RatioState, s: number, time: number, interval: number, n: number, k: number): void {
  const { since, lastingCalls, lastingErrors, calm, quiet } = state;
  lastingCalls[s] += n;
  lastingErrors[s] += k;
  const p = usual(state, state.calls[s], state.errors[s]);
  const q = Math.min(0.9995, Math.max(3 * p, p + EXCESS));
  const evidence = n * Math.log((1 - p) / (1 - q)) - k * Math.log((q * (1 - p)) / (p * (1 - q)));
  calm[s] = Math.max(0, Math.min(OVER, calm[s] + evidence));
  if (calm[s] === 0) quiet[s] = 0;
  else quiet[s]++;
  const lasts = Math.max(HOUR, ADOPTED_INTERVALS * interval);
  const adopted = k > 0 && time - since[s] >= lasts && lastingErrors[s] >= ADOPTED;
  if (adopted) {
    state.calls[s] = lastingCalls[s];
    state.errors[s] = lastingErrors[s];
  }
  if (adopted || (calm[s] >= OVER && quiet[s] >= QUIET)) {
    restart(state, s);
    end(state, s);
  }
}

/** Without a word on how it ended. */
export function end({ since, told, calm, quiet }: RatioState, s: number): void {
  since[s] = 0;
  told[s] = 0;
  calm[s] = 0;
  quiet[s] = 0;
}

/** Whether an incident this rare is news: each new high until it is past the line, then only what is far beyond what was told. */
export function isNews({ told }: RatioState, s: number, rarity: number, line: number): boolean {
  if (told[s] < line ? rarity <= told[s] : rarity < AGAIN * told[s]) return false;
  told[s] = rarity;
  return true;
}

/** Whether what was found past `line` goes on, though it may be no news: there is no more evidence against it than for it. */
export function ratioLasts({ since, told, calm }: RatioState, s: number, line = Number.POSITIVE_INFINITY): boolean {
  return since[s] > 0 && calm[s] < OVER && told[s] > 0 && (told[s] >= line || line === Number.POSITIVE_INFINITY);
}
