// How far has the recent level parted from the slow one? Leaks, and small shifts that last.
import { clamp, GAP, GAP_BIAS, LEVEL, type Memory, MISS, type Point, RUN, rate, SLOW } from "./memory.ts";

/** Half-lives in points: of the slow level, and of the spread of the gap. */
const SLOW_POINTS = 500;
const SLOW_RATE = rate(SLOW_POINTS);
const GAP_RATE = rate(3000);
/** The spread of the gap in white noise, as a share of a miss's: it is never taken for less. */
const STEADIEST = 0.1;
const CLIP = 4;
/** The value must be as far from the slow level as this share of the gap, on the same side: one wild value is no drift. */
const AGREES = 0.5;
/** Latest misses of this share of the gap mean that it opened just now. */
const SUDDEN = 0.5;

/** Learns y, which both levels of one forecast follow; fills `gap`, `drift`, `sudden` and `usual` if it is the one in use. */
export function learnDrift(
  { levels, spreads }: Memory,
  f: number,
  g: number,
  y: number,
  n: number,
  point: Point,
  used: boolean,
): void {
  const slow = levels[f + SLOW];
  const off = levels[f + LEVEL] - slow - spreads[g + GAP_BIAS];
  const before = spreads[g + GAP];
  const spread = Math.max(before, STEADIEST * spreads[g + MISS]) + point.tiny;
  const learnt = n > SLOW_POINTS ? clamp(off, CLIP * spread) : off;
  const learn = Math.max(GAP_RATE, 1 / n);
  spreads[g + GAP_BIAS] += learn * learnt;
  spreads[g + GAP] = Math.sqrt((1 - learn) * (before * before + learn * learnt * learnt));
  levels[f + SLOW] = slow + Math.max(SLOW_RATE, 1 / n) * (y - slow);
  if (!used) return;
  const side = off < 0 ? -1 : 1;
  const agrees = (y - slow) * side > AGREES * side * off;
  point.gap = side * off;
  point.drift = agrees && n >= 3 * SLOW_POINTS ? point.gap / spread : 0;
  point.sudden = side * spreads[g + RUN] * point.spread > SUDDEN * point.gap;
  point.usual = point.value - (y - slow);
}
