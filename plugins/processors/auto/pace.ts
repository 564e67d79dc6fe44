// A point comes: what it is, and at which pace the series goes.
import {
  BASE,
  COUNTS,
  DAY,
  FIRST,
  LEVEL,
  LEVELS,
  MANY,
  MEAN,
  type Memory,
  PLAIN_LEVELS,
  POINTS,
  type Point,
  SETTLED,
  SLOW,
  SPREADS,
  STEP,
  TIME,
} from "./memory.ts";

/** Seconds. */
const FINE = 300;
const HOUR = 3600;
/** Steps without a point that make a gap. */
const GAP_STEPS = 10;
/** Beyond this the square of a value is no number any more. */
const LARGEST = 1e18;
/** Rounding errors, as a part of the value. */
const ROUNDING = 1e-13;

/** Fills the point as far as it is known before any forecast. */
export function arrive(memory: Memory, s: number, time: number, value: number, point: Point): void {
  const { levels, counts } = memory;
  const points = s * COUNTS + POINTS;
  point.value = Math.max(-LARGEST, Math.min(LARGEST, value));
  point.time = time;
  point.tiny = ROUNDING * Math.abs(point.value) + 1e-30;
  if (counts[points] === 0) begin(levels, s * LEVELS, point);
  if (counts[points] < MANY) counts[points]++;
  point.n = counts[points];
  pace(memory, s, point);
}

function begin(levels: Float64Array, f: number, { time, value }: Point): void {
  levels[f + FIRST] = time;
  levels[f + TIME] = time;
  levels[f + BASE] = value;
  levels[f + MEAN] = value;
  levels[f + PLAIN_LEVELS + LEVEL] = value;
  levels[f + PLAIN_LEVELS + SLOW] = value;
}

/** Keeps the mean interval, and sees gaps; points that are late or come twice have no interval. */
function pace({ levels, spreads, counts }: Memory, s: number, point: Point): void {
  const f = s * LEVELS;
  const settled = s * COUNTS + SETTLED;
  const interval = point.time - levels[f + TIME];
  levels[f + TIME] = point.time;
  let step = spreads[s * SPREADS + STEP];
  if (point.n > 1 && interval > 0) {
    if (step > 0 && interval > GAP_STEPS * step) counts[settled] = 0;
    const usual = Math.min(interval, step > 0 ? 4 * step : DAY);
    step += (usual - step) * Math.max(1 / 1000, 1 / (point.n - 1));
    spreads[s * SPREADS + STEP] = step;
  }
  if (counts[settled] < MANY) counts[settled]++;
  point.step = step > 0 ? step : FINE;
  point.coarse = point.step <= FINE ? 0 : point.step >= HOUR ? 1 : Math.log(point.step / FINE) / Math.log(HOUR / FINE);
}
