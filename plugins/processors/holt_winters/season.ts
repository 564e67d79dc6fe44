// Where in its season a moment lies, and the first season as a pattern around zero.

/** Of Unix milliseconds: how many bins it lies behind the middle of the season's first one, at most `bins`. */
export function positionOf(time: number, season: number, bins: number): number {
  const turns = time / season;
  const position = (turns - Math.floor(turns)) * bins - 0.5;
  return position < 0 ? position + bins : position;
}

/** How far it is between the middles of two bins: 0 at that of the first, almost 1 before that of the second. */
export const shareOf = (position: number): number => position - Math.floor(position);

/**
 * Makes of the means of a first season, `weight` 0 where there is none, a pattern whose mean is zero. Between means it is drawn
 * straight. By how much the series, now at `level` at a `position`, has moved from where it was there a season ago is its
 * trend, and taken out; the season began two bins ago.
 */
export function complete(
  pattern: Float64Array,
  weight: Float32Array,
  from: number,
  bins: number,
  position: number,
  level: number,
): void {
  let first = 0;
  while (first < bins && weight[from + first] === 0) first++;
  if (first === bins) return;
  let before = first;
  for (let k = 1; k <= bins; k++) {
    const here = first + k;
    if (weight[from + (here % bins)] === 0) continue;
    const slope = (pattern[from + (here % bins)] - pattern[from + (before % bins)]) / (here - before);
    for (let at = before + 1; at < here; at++) {
      pattern[from + (at % bins)] = pattern[from + (before % bins)] + slope * (at - before);
    }
    before = here;
  }
  const now = Math.floor(position);
  const share = shareOf(position);
  const then = (1 - share) * pattern[from + (now % bins)] + share * pattern[from + ((now + 1) % bins)];
  let mean = 0;
  for (let k = 0; k < bins; k++) {
    const at = from + ((now + bins - 1 + k) % bins);
    pattern[at] -= ((level - then) * k) / bins;
    mean += pattern[at] / bins;
  }
  for (let at = from; at < from + bins; at++) pattern[at] -= mean;
}
