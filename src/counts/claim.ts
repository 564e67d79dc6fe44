// The most surprising that was found in an interval: of several windows one is told.

/** Rates are in events a second, `span` in seconds; `variance` is relative to the squared expectation, of what is expected and of chance. */
export interface Claim {
  /** 0 where nothing surprises. */
  rarity: number;
  observed: number;
  expected: number;
  span: number;
  /** Seconds until a window of the same length is judged again. */
  every: number;
  variance: number;
  /** Whether what else the service does has set the expectation. */
  relative: boolean;
}

export function noClaim(): Claim {
  return { rarity: 0, observed: 0, expected: 0, span: 0, every: 0, variance: 0, relative: false };
}

/** Takes y events in `span` seconds where m were expected, if that is the most surprising so far. */
export function propose(
  claim: Claim,
  rarity: number,
  y: number,
  m: number,
  span: number,
  dispersion: number,
  every = span,
  relative = false,
): void {
  if (!(rarity > claim.rarity)) return;
  claim.rarity = rarity;
  claim.observed = y / span;
  claim.expected = m / span;
  claim.span = span;
  claim.every = every;
  claim.variance = dispersion + 1 / m;
  claim.relative = relative;
}
