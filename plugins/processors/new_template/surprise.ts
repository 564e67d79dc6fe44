// How surprising a statement that was never seen before is: by how rare such are, how severe it is, and how often it came since.

/** What severities are worth, in decades: a new error is sooner a fault than a new INFO. */
const WORTH = [-1, 0, 0.5, 2];
/**
 * How much of what seems unlikely of a repetition is believed, by rank: what goes wrong once does so several times, while of what is said in the course of things
 * next to nothing new comes three times within a quarter of an hour, but for what was deployed or runs once a day. And what repetitions add at most, in decades.
 */
export const AGAIN = [0.9, 0.6, 0.6, 0.6];
export const MOST_ADDED = [6, 4, 5, 5];
/** Statements that are new at once have one cause in threes. */
const TOGETHER = 3;

/** How many ranks of severity there are. */
export const RANKS = WORTH.length;

/** From it on a new one is told at once. */
export const ERROR = 2;
export const FATAL = 3;

/** 0 below WARN, 1 WARN, 2 ERROR, 3 FATAL, of an OTLP severity number. */
export function rankOf(severity: number): number {
  return severity < 13 ? 0 : severity < 17 ? 1 : severity < 21 ? 2 : 3;
}

/** Discoveries are of a rank, and of a variant of what is known or of something else. */
export const kindOf = (rank: number, variant: boolean) => rank * 2 + (variant ? 1 : 0);

/** Rarity of one discovery where so many a minute are to be expected. */
export function rarityOf(rate: number, rank: number): number {
  return Math.max(0, -Math.log10(rate) + WORTH[rank]);
}

/** Rarity of so many discoveries within minutes where `mean` are to be expected: a Poisson tail, of as many causes as that may have. */
export function rarityOfMany(count: number, mean: number): number {
  const causes = Math.ceil(count / TOGETHER);
  let rarity = 0;
  for (let k = 1; k <= causes; k++) rarity += Math.max(0, Math.log10(k / mean));
  return rarity;
}
