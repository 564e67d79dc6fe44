// One cause told once: what a finder tells of a service within minutes is taken to have one cause.
import { z } from "zod";

/** Milliseconds without anything more after which it is over, and the longest that one cause is believed in. */
const QUIET = 900_000;
const LONGEST = 3_600_000;
/** Beside what was told, something else is told that is so many times as surprising. */
const MORE = 2;

const told = z.object({ about: z.string(), began: z.number(), until: z.number(), rarity: z.number() });

/** What a cause remembers, to be given to another one; undefined where nothing was told. */
export const causeShape = told.optional();
export type CauseState = z.output<typeof causeShape>;

export class Cause {
  state: CauseState;

  /** Whether it is news beside what was told, and not part of it. Times in Unix milliseconds, about in order. */
  isNews(about: string, rarity: number, time: number): boolean {
    const { state } = this;
    // also a clock that was set back ends what was told
    if (!state || time > state.until || Math.abs(time - state.began) >= LONGEST) return true;
    state.until = Math.max(state.until, time + QUIET);
    return about !== state.about && rarity >= MORE * state.rarity;
  }

  /** It was told. */
  tell(about: string, rarity: number, time: number): void {
    this.state = { about, began: time, until: time + QUIET, rarity };
  }
}
