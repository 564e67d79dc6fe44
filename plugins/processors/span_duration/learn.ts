// What an ordinary span teaches: the base that others are held against.

import type { Memory } from "./memory.ts";
import * as layout from "./memory.ts";
import * as fields from "./span.ts";
import { count, quantile, tailOf } from "./spread.ts";
import { CLIP, startBetween } from "./windows.ts";

// constants of its own are folded into the code, those of another module are read each time
const {
  CLOCK,
  COUNT,
  DURATION,
  FACTS,
  FAST_DURATION,
  FIRST_WINDOW,
  LEAST,
  MEAN_CHILDREN,
  MEAN_SELF,
  MOST,
  NORMAL,
  NUMBERS,
  SELF,
  SKIP,
  SLOW_DURATION,
  SLOW_SELF,
  USUAL,
  VARIANCE,
  WEIGHT,
  WINDOW,
} = layout;
const { DURATION_MS, ELAPSED, LEAST_UNIT, LN_DURATION, LN_SELF, OFF_SELF, SELF_MS, START, span } = fields;

/** The base forgets in this time, in milliseconds, but rests on no fewer spans. */
const MEMORY = 3_600_000;
const FEWEST = 200;
/** Of more spans in five minutes only about so many are learnt. */
const LEARNT = 1200;
/** What is believed of the variance before there are spans: that of so many, this large. */
const VARIANCE_PRIOR = 0.25;
const PRIOR = 4;
/** Spans from which on it is worked out what is usual, and one can be a surprise. */
const KNOWN = 20;
/** What children take counts as at most so many times their mean, or usual own time. */
const MOST_CHILDREN = 4;
/** Share of spans beyond which one is looked at, and that which the band leaves out on each side. */
const LOOKED_AT = 0.1;
const BAND = 0.001;
/** Shares beyond 1, 2 and 3 standard deviations of a normal distribution. */
const BEYOND = [0.158655, 0.02275, 0.00135] as const;
/** What is usual is worked out anew after so many spans, or this share of all, a power of two each. */
const OFTEN = 8;
const SHARE = 16;
const SELDOM = 256;

/** The first span of an operation. */
export function begin(memory: Memory, s: number): void {
  const { numbers, facts } = memory;
  const n = s * NUMBERS;
  const x = span[LN_SELF];
  numbers[n + CLOCK] = span[START] + span[DURATION_MS];
  numbers[n + MEAN_SELF] = x;
  numbers[n + MEAN_CHILDREN] = span[DURATION_MS] - span[SELF_MS];
  facts[s * FACTS + VARIANCE] = VARIANCE_PRIOR;
  facts[s * FACTS + USUAL] = Math.exp(x);
  startBetween(memory, s);
}

/** The span at hand teaches what is usual. */
export function learn(memory: Memory, s: number): void {
  const { numbers, facts, totals } = memory;
  const n = s * NUMBERS;
  const f = s * FACTS;
  if (facts[f + SKIP] > 0) {
    facts[f + SKIP]--;
    return;
  }
  const skipped = Math.floor(facts[f + FIRST_WINDOW + 2 * WINDOW + COUNT] / LEARNT);
  facts[f + SKIP] = skipped;
  const was = facts[f + WEIGHT];
  const left = 1 - Math.min(1, (span[ELAPSED] * (1 + skipped)) / MEMORY);
  const weight = (was > FEWEST ? Math.max(FEWEST, was * left) : was) + 1;
  facts[f + WEIGHT] = weight;
  const clipped = span[OFF_SELF];
  numbers[n + MEAN_SELF] += clipped / weight;
  const children = numbers[n + MEAN_CHILDREN];
  let took = span[DURATION_MS] - span[SELF_MS];
  if (took > MOST_CHILDREN * children) {
    took = Math.min(took, MOST_CHILDREN * Math.max(children, Math.exp(numbers[n + MEAN_SELF])));
  }
  numbers[n + MEAN_CHILDREN] += (took - children) / weight;
  const variance = facts[f + VARIANCE] + (clipped * clipped - facts[f + VARIANCE]) / (weight + PRIOR);
  const least = span[LEAST_UNIT];
  facts[f + VARIANCE] = Math.max(least * least, variance);
  count(memory, 2 * s + SELF, LN_SELF);
  count(memory, 2 * s + DURATION, LN_DURATION);
  const total = totals[2 * s + SELF];
  const every = Math.max(OFTEN, Math.min(SELDOM, 1 << (31 - Math.clz32(total / SHARE))));
  if (total >= KNOWN && (total & (every - 1)) === 0) {
    outline(memory, s);
  }
}

/** What is usual, in `facts`. */
export function outline(memory: Memory, s: number): void {
  const { facts } = memory;
  const f = s * FACTS;
  const unit = Math.max(span[LEAST_UNIT], Math.sqrt(facts[f + VARIANCE]));
  const own = 2 * s + SELF;
  const whole = 2 * s + DURATION;
  tailOf(memory, own, 1, unit);
  facts[f + USUAL] = Math.exp(quantile(memory, own, 0.5, 1));
  facts[f + MOST] = Math.exp(quantile(memory, own, BAND, 1));
  facts[f + SLOW_SELF] = quantile(memory, own, LOOKED_AT, 1);
  for (let k = 0; k < CLIP; k++) facts[f + NORMAL + k] = quantile(memory, own, BEYOND[k], 1);
  tailOf(memory, own, -1, unit);
  facts[f + LEAST] = Math.exp(quantile(memory, own, BAND, -1));
  for (let k = 0; k < CLIP; k++) facts[f + NORMAL + CLIP + k] = quantile(memory, own, BEYOND[k], -1);
  tailOf(memory, whole, 1, unit);
  facts[f + SLOW_DURATION] = quantile(memory, whole, LOOKED_AT, 1);
  tailOf(memory, whole, -1, unit);
  facts[f + FAST_DURATION] = quantile(memory, whole, LOOKED_AT, -1);
}
