// Fire once: an event counts only if it tops the recent past.

/**
 * Size if it tops all of the last `block` to twice as many points by `margin`, else 0. `peaks[p]` is the largest of the block
 * under way, `peaks[p + 1]` that of the one before, `ages[a]` how far the block has come.
 */
export function once(
  peaks: Float32Array,
  p: number,
  ages: Uint16Array,
  a: number,
  size: number,
  block: number,
  margin: number,
): number {
  // as it will be stored, or equal sizes would top each other
  const stored = Math.fround(size);
  const passes = stored > margin * peaks[p] && stored > margin * peaks[p + 1];
  if (++ages[a] >= block) {
    peaks[p + 1] = peaks[p];
    peaks[p] = stored;
    ages[a] = 0;
  } else if (stored > peaks[p]) peaks[p] = stored;
  return passes ? stored : 0;
}
