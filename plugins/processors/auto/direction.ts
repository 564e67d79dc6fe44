// Series that all but always move one way: sums that somebody sends as gauges, sawtooths. Their falling back is no drop.
import {
  DAILY_LEVELS,
  LAST,
  LEVEL,
  LEVELS,
  type Memory,
  PLAIN_LEVELS,
  type Point,
  SLOW,
  SPREADS,
  WAY,
} from "./memory.ts";

/** Mean sign of the changes that makes a series one-way, over how many of them, and after how many points. */
const ONE_WAY = 0.9;
const CHANGES = 1000;
const WARM = 60;

/** Sets `oneWay` by what the series did so far; true if this point goes back: then the levels go with it. Learns. */
export function goesBack({ levels, spreads }: Memory, s: number, point: Point): boolean {
  const f = s * LEVELS;
  const way = spreads[s * SPREADS + WAY];
  const jump = point.n > 1 ? point.value - levels[f + LAST] : 0;
  levels[f + LAST] = point.value;
  point.oneWay = point.n >= WARM && Math.abs(way) > ONE_WAY;
  const sign = Math.sign(jump);
  if (sign === 0) return false;
  spreads[s * SPREADS + WAY] = way + (sign - way) * Math.max(1 / CHANGES, 1 / point.n);
  if (!point.oneWay || sign === Math.sign(way)) return false;
  levels[f + PLAIN_LEVELS + LEVEL] += jump;
  levels[f + PLAIN_LEVELS + SLOW] += jump;
  levels[f + DAILY_LEVELS + LEVEL] += jump;
  levels[f + DAILY_LEVELS + SLOW] += jump;
  return true;
}
