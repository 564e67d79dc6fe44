// Which deviations a user cares for.

/** The agent's options that say it; what is absent leaves nothing out. */
export interface DeviationOptions {
  readonly detection_direction?: "both" | "above_expected" | "below_expected" | undefined;
  readonly min_dev_from_expected?: number | undefined;
  readonly min_rel_dev_from_expected?: number | undefined;
}

/** Whether a deviation is one of them. True where one of the numbers is NaN. */
export function isWanted(
  { detection_direction, min_dev_from_expected = 0, min_rel_dev_from_expected = 0 }: DeviationOptions,
  observed: number,
  expected: number,
): boolean {
  const deviation = observed - expected;
  if (deviation < 0 ? detection_direction === "above_expected" : detection_direction === "below_expected") return false;
  if (Math.abs(deviation) < min_dev_from_expected) return false;
  return !(Math.abs(deviation) < min_rel_dev_from_expected * Math.abs(expected));
}
