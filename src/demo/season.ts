// How much goes on in the made-up shop: the course of its day, which may pass faster than ours.

/** Milliseconds of a day at speed 1. */
const DAY = 4 * 3_600_000;

/** Share of the busiest hour's customers at a time in Unix milliseconds: few by night, a peak at noon and a higher one in the evening. */
export function season(time: number, speed: number): number {
  const day = 2 * Math.PI * (((time * speed) % DAY) / DAY);
  return 0.74 - 0.2 * Math.cos(day - 0.35) - 0.06 * Math.cos(2 * day - 0.7);
}
