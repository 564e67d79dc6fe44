// The span at hand, as numbers in one place: an argument or a result that is no integer would be made an object for each span.

/** Unix milliseconds, milliseconds, and what the user's options say: the least standard deviation of logarithms, and the rarity of the line or NaN. */
export const START = 0;
export const DURATION_MS = 1;
export const SELF_MS = 2;
export const LEAST_UNIT = 3;
export const LINE = 4;
/** Since the last span of the operation, in milliseconds; 0 where it is out of order. */
export const ELAPSED = 5;
/** Logarithms of own time and duration. */
export const LN_SELF = 6;
export const LN_DURATION = 7;
/** How far the logarithm of own time is from its mean, and what the children take from theirs, as a share of it; both as far as that counts. */
export const OFF_SELF = 8;
export const OFF_CHILDREN = 9;
/** Own time in standard deviations. */
export const DEVIATIONS = 10;
/** 1 where its operation is known long enough to be told of, and where the span failed. */
export const WARM = 11;
export const FAILED = 12;

export const span = new Float64Array(13);

/** What is said of it. */
export const SCORE = 0;
export const OBSERVED = 1;
export const EXPECTED = 2;
export const LOWER = 3;
export const UPPER = 4;
/** NaN where it stands alone; else since when, and how many spans it has been. */
export const FROM = 5;
export const SPANS = 6;

/** 1 where it is part of what was told, and no news. */
export const GOES_ON = 7;

export const verdict = new Float64Array(8);
