// What is remembered of an operation: how its own time and its duration are spread, the last minutes, and the excursion that is under way.
import type { StateOf } from "vedette";

/** Bins of a quarter octave, of logarithms: ten octaves. */
export const BINS = 40;
export const BIN = Math.LN2 / 4;

/** Own time and duration, one after the other, in `bins` and `places`. */
export const SELF = 0;
export const DURATION = 1;

/** Windows of event time, each fading exponentially. */
export const WINDOWS = 3;
/** Of a window: weight, sum of squared weights, and sums of how far own time (as a logarithm) and the time of the children (as a share of it) were off. */
export const COUNT = 0;
export const SQUARES = 1;
export const SUM_SELF = 2;
export const SUM_CHILDREN = 3;
export const WINDOW = 4;

// `numbers`, f64. Times are Unix milliseconds of the end of a span, means those of logarithms of milliseconds unless said otherwise.
export const CLOCK = 0;
export const MEAN_SELF = 1;
/** Mean of what children take, in milliseconds. */
export const MEAN_CHILDREN = 2;
/** Mean of own time before what was adopted last. */
export const HELD = 3;
/** Begin of the run of deviating spans, and of the excursion that it became. */
export const RUN_SINCE = 4;
export const SINCE = 5;
export const NUMBERS = 6;

// `facts`, f32.
/** Spans that the means and the variance of own time rest on. */
export const WEIGHT = 0;
export const VARIANCE = 1;
/** Logarithms beyond which a span may be rare: own time and duration above, duration below. */
export const SLOW_SELF = 2;
export const SLOW_DURATION = 3;
export const FAST_DURATION = 4;
/** Usual own time in milliseconds, and that which 99.9 % stay below and above. */
export const USUAL = 5;
export const MOST = 6;
export const LEAST = 7;
/** Logarithms of own time that the normal quantiles of 1, 2 and 3 standard deviations stand for, above and then below; all 0 while not known. */
export const NORMAL = 8;
/** The run: how far deviations have added up, negative below; its spans. */
export const RUN = 14;
export const RUN_ROWS = 15;
/** The excursion: largest rarity told, negative below, 0 while there is none; 1 when `HELD` holds something. */
export const TOLD = 16;
export const HOLDS = 17;
/** How far own time has been off in the excursion, in the mean, as a logarithm. */
export const LEVEL = 18;
/** Variance between windows of each length, beyond that of their spans. */
export const BETWEEN = 19;
/** Spans until one is learnt: of busy operations only some are. */
export const SKIP = BETWEEN + WINDOWS;
export const FIRST_WINDOW = SKIP + 1;
export const FACTS = FIRST_WINDOW + WINDOWS * WINDOW;

export const STATE = {
  seen: "u32",
  numbers: ["f64", NUMBERS],
  facts: ["f32", FACTS],
  /** Spans by the logarithm of own time, and of duration; the first bin of each; and all in them. */
  bins: ["u16", 2 * BINS],
  places: ["i32", 2],
  totals: ["u16", 2],
} as const;

export type Memory = StateOf<typeof STATE>;
