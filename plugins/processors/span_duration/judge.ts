// One span of an operation: how rare it is by itself, and as part of what the last minutes were like.
import type { LineOptions } from "vedette";
import { follow, OPENS, run, tell } from "./excursion.ts";
import { begin, learn } from "./learn.ts";
import type { Memory } from "./memory.ts";
import * as layout from "./memory.ts";
import * as fields from "./span.ts";
import { rarity } from "./spread.ts";
import { CLIP, change, compare, join, learnBetween, RARITY, SHIFT, SIDE } from "./windows.ts";

// constants of its own are folded into the code, those of another module are read each time
const {
  CLOCK,
  DURATION,
  FACTS,
  FAST_DURATION,
  HELD,
  HOLDS,
  LEAST,
  MEAN_CHILDREN,
  MEAN_SELF,
  MOST,
  NORMAL,
  NUMBERS,
  RUN,
  RUN_ROWS,
  RUN_SINCE,
  SELF,
  SINCE,
  SLOW_DURATION,
  SLOW_SELF,
  TOLD,
  USUAL,
  VARIANCE,
} = layout;
const {
  DEVIATIONS,
  DURATION_MS,
  ELAPSED,
  EXPECTED,
  FAILED,
  FROM,
  GOES_ON,
  LEAST_UNIT,
  LN_DURATION,
  LN_SELF,
  LOWER,
  OBSERVED,
  OFF_CHILDREN,
  OFF_SELF,
  SCORE,
  SELF_MS,
  SPANS,
  START,
  span,
  UPPER,
  verdict,
} = fields;

/** A clock so far behind the last is another one; milliseconds. */
const BACK = 3_600_000;
/** Spans of less are all alike to a person: a microsecond, in milliseconds. And the longest that there are, as a logarithm. */
const SHORTEST = 0.001;
const LN_SHORTEST = Math.log(SHORTEST);
const LN_LONGEST = 40;
/** A span whose children take less of it than this has none to speak of. */
const ALONE = 0.05;
/** A logarithm that is so far off counts in full if it is rare enough, however little others vary. */
const LEAST_CLIP = 0.6;
/** What children take counts as at most so much more than their mean, as a share of it. */
const MOST_OFF = 3;
/** Spans of a run, and its sum, from which on the windows are asked; and what part of a change each must have to be part of it. */
const SOME = 3;
const ENOUGH = 2;
const PART = 0.5;
/** How much farther than the held level is still back at it, in standard deviations. */
const BACK_AT = 3;
/** A rarity to here can be counted; beyond it rests on the model of a tail: the farther, the less is believed. */
const COUNTED = 5;

/** Whether what takes so long, milliseconds as a whole and by itself, is slower than the operation usually is; false until that is known. */
export function isLate({ numbers, facts }: Memory, s: number, took: number, own: number): boolean {
  const usual = facts[s * FACTS + USUAL];
  return facts[s * FACTS + MOST] > 0 && own > usual && took > usual + numbers[s * NUMBERS + MEAN_CHILDREN];
}

/** Fills `verdict` for the span at hand, of which START to LINE, WARM and FAILED are given, and learns it unless it failed. */
export function judge(memory: Memory, s: number, options: LineOptions): void {
  const { numbers, facts } = memory;
  const n = s * NUMBERS;
  const f = s * FACTS;
  const duration = span[DURATION_MS];
  const self = span[SELF_MS];
  const d = duration > SHORTEST ? Math.min(LN_LONGEST, Math.log(duration)) : LN_SHORTEST;
  const x = self >= duration ? d : self > SHORTEST ? Math.min(LN_LONGEST, Math.log(self)) : LN_SHORTEST;
  span[LN_DURATION] = d;
  span[LN_SELF] = x;
  const failed = span[FAILED] === 1;
  if (!failed) arrive(memory, s);
  const within = facts[f + TOLD] !== 0;
  if (failed && within) facts[f + RUN_ROWS]++;

  const known = facts[f + MOST] > 0;
  verdict[SCORE] = 0;
  verdict[OBSERVED] = self;
  verdict[EXPECTED] = facts[f + USUAL];
  verdict[LOWER] = known ? facts[f + LEAST] : Number.NaN;
  verdict[UPPER] = known ? facts[f + MOST] : Number.NaN;
  verdict[FROM] = Number.NaN;
  verdict[SPANS] = Number.NaN;
  verdict[GOES_ON] = 0;
  if (known) {
    const far = x - numbers[n + MEAN_SELF];
    let side = alone(memory, s);
    if (side === 0) side = far < 0 ? -1 : 1;
    let score = verdict[SCORE];
    if (!failed && facts[f + RUN_ROWS] >= SOME && side * facts[f + RUN] > ENOUGH) {
      compare(memory, s);
      const part = side * far >= PART * side * change[SHIFT];
      if (change[SIDE] === side && part && change[RARITY] > score) score = change[RARITY];
    }
    if (facts[f + HOLDS] === 1 && score > 0) {
      const back = numbers[n + HELD] - numbers[n + MEAN_SELF];
      if (back * side > 0 && side * far < side * back + BACK_AT * Math.sqrt(facts[f + VARIANCE])) score = 0;
    }
    if (score > COUNTED) score = COUNTED * (1 + Math.log(score / COUNTED));
    verdict[SCORE] = score;
    tell(memory, s, side, options);
    if (score >= OPENS && facts[f + RUN_ROWS] > 1) {
      verdict[FROM] = numbers[n + SINCE];
      verdict[SPANS] = facts[f + RUN_ROWS];
    }
  }
  if (failed) return;
  if (within) follow(memory, s);
  else learn(memory, s);
}

/** The span at hand joins the windows and the run. One that failed does not: of these only late ones are judged, and such a choice would look like a change. */
function arrive(memory: Memory, s: number): void {
  const { numbers, facts } = memory;
  const n = s * NUMBERS;
  const f = s * FACTS;
  const end = span[START] + span[DURATION_MS];
  if (memory.seen[s] === 0) begin(memory, s);
  if (memory.seen[s] < 0xffffffff) memory.seen[s]++;
  const elapsed = end - numbers[n + CLOCK];
  if (elapsed > 0 || elapsed < -BACK) numbers[n + CLOCK] = end;
  span[ELAPSED] = elapsed > 0 ? elapsed : 0;
  if (elapsed < -BACK) {
    // what began by another clock begins now
    numbers[n + SINCE] = Math.min(numbers[n + SINCE], span[START]);
    numbers[n + RUN_SINCE] = Math.min(numbers[n + RUN_SINCE], span[START]);
  }

  const x = span[LN_SELF];
  const unit = Math.sqrt(facts[f + VARIANCE]);
  const far = x - numbers[n + MEAN_SELF];
  const deviation = unit > LEAST_CLIP / CLIP ? unit : LEAST_CLIP / CLIP;
  let limit = CLIP * deviation;
  if (facts[f + MOST] > 0) {
    // no more standard deviations than what is as rare in a normal distribution
    const side = far > 0 ? 1 : -1;
    const first = f + NORMAL + (far > 0 ? 0 : CLIP);
    let k = 0;
    while (k < CLIP && side * x > side * facts[first + k]) k++;
    if (k === 0) limit = deviation;
    else if (k < CLIP) {
      const near = facts[first + k - 1];
      limit = (k + (x - near) / (facts[first + k] - near)) * deviation;
    }
  }
  const clipped = far > limit ? limit : far < -limit ? -limit : far;
  span[OFF_SELF] = clipped;
  const children = numbers[n + MEAN_CHILDREN];
  const off = children > 0 ? (span[DURATION_MS] - span[SELF_MS]) / children - 1 : 0;
  span[OFF_CHILDREN] = off < MOST_OFF ? off : MOST_OFF;
  span[DEVIATIONS] = clipped / deviation;

  if (facts[f + TOLD] === 0) learnBetween(memory, s);
  join(memory, s);
  run(memory, s);
}

/**
 * The rarity of the span by itself, in `verdict`, and the side that it is on, 0 for neither. A slow one is as rare as the lesser of what own time
 * and duration say; so is a fast one, unless it did without its children: then its duration counts.
 */
function alone(memory: Memory, s: number): number {
  const { facts, numbers } = memory;
  const f = s * FACTS;
  const x = span[LN_SELF];
  const d = span[LN_DURATION];
  if (d < facts[f + SLOW_DURATION] && d > facts[f + FAST_DURATION]) return 0;
  const unit = Math.max(span[LEAST_UNIT], Math.sqrt(facts[f + VARIANCE]));
  const duration = span[DURATION_MS];
  const self = span[SELF_MS];
  if (x > facts[f + SLOW_SELF] && d > facts[f + SLOW_DURATION]) {
    const own = rarity(memory, 2 * s + SELF, x, 1, unit);
    const whole = numbers[s * NUMBERS + MEAN_CHILDREN] === 0 ? own : rarity(memory, 2 * s + DURATION, d, 1, unit);
    verdict[SCORE] = own < whole ? own : whole;
    return 1;
  }
  if (d >= facts[f + FAST_DURATION]) return 0;
  const whole = rarity(memory, 2 * s + DURATION, d, -1, unit);
  const own = rarity(memory, 2 * s + SELF, x, -1, unit);
  verdict[SCORE] = own < whole ? own : whole;
  if (own < whole && duration - self <= ALONE * duration) {
    verdict[SCORE] = whole;
    verdict[OBSERVED] = duration;
    verdict[EXPECTED] = facts[f + USUAL] + numbers[s * NUMBERS + MEAN_CHILDREN];
    verdict[LOWER] = Number.NaN;
    verdict[UPPER] = Number.NaN;
  }
  return -1;
}
