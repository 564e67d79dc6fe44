// How rare a count is: tails of the negative binomial and the beta-binomial distribution, as -log10 of their probability.

/** What cannot happen is this rare, and nothing is rarer. */
const RAREST = 300;
/** Dispersion and correlation below this are taken as this: the distributions are then Poisson and binomial to a hundredth of a decade. */
const LEAST = 1e-6;
/** Counts beyond this are taken as this. */
const MOST = 1e12;
const HALF_LN_2PI = 0.5 * Math.log(2 * Math.PI);
/** Terms of a sum, and of a continued fraction, after which it is given up. */
const MOST_TERMS = 4096;
const PRECISION = 1e-9;
const TINY = 1e-300;

/** What Stirling's formula leaves of ln x!; for x > 0 (Loader 2000, "Fast and accurate computation of binomial probabilities"). */
function stirlingError(x: number): number {
  if (x < 10) return stirlingError(x + 1) + (x + 0.5) * Math.log1p(1 / x) - 1;
  const square = x * x;
  return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / x;
}

/** ln of the gamma function of x > 0. */
export function lnGamma(x: number): number {
  return (x - 0.5) * Math.log(x) - x + HALF_LN_2PI + stirlingError(x);
}

const LN_FACTORIALS = new Float64Array(256);
for (let n = 2; n < LN_FACTORIALS.length; n++) LN_FACTORIALS[n] = LN_FACTORIALS[n - 1] + Math.log(n);

/** ln x!; most counts are small. */
const lnFactorial = (x: number) =>
  x < LN_FACTORIALS.length && Number.isInteger(x) ? LN_FACTORIALS[x] : lnGamma(x + 1);

/** x ln(x / m) + m - x, without cancellation where the two are close. */
function deviance(x: number, m: number): number {
  const d = x - m;
  if (Math.abs(d) >= 0.1 * (x + m)) return x * Math.log(x / m) + m - x;
  // x ln(x/m) = 2 x atanh(v), a series in v; Loader's bd0
  const v = d / (x + m);
  let sum = d * v;
  let term = 2 * x * v;
  for (let j = 3; j < 200; j += 2) {
    term *= v * v;
    const next = sum + term / j;
    if (next === sum) break;
    sum = next;
  }
  return sum;
}

/** The continued fraction of the incomplete beta function by Lentz's method (Press et al., Numerical Recipes, 6.4). */
function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let product = d;
  for (let m = 1; m <= MOST_TERMS; m++) {
    const at = a + 2 * m;
    const even = (m * (b - m) * x) / ((at - 1) * at);
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    product *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / (at * (at + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    product *= d * c;
    if (Math.abs(d * c - 1) < PRECISION) break;
  }
  return product;
}

const nonZero = (x: number) => (Math.abs(x) < TINY ? TINY : x);

/**
 * ln of the regularised incomplete beta function I_x(a, b), for a, b > 0. `y` is 1 - x, which a caller may know better. Also where the
 * function itself is no double any more.
 */
export function lnIncompleteBeta(a: number, b: number, x: number, y = 1 - x): number {
  if (x <= 0) return Number.NEGATIVE_INFINITY;
  if (y <= 0) return 0;
  const n = a + b;
  // x^a y^b / B(a, b), as a binomial density
  const front =
    stirlingError(n) -
    stirlingError(a) -
    stirlingError(b) -
    deviance(a, n * x) -
    deviance(b, n * y) +
    0.5 * (Math.log(a) + Math.log(b / n)) -
    HALF_LN_2PI;
  if (x < (a + 1) / (n + 2)) return Math.min(0, front + Math.log(betaFraction(a, b, x) / a));
  const rest = (Math.exp(front) * betaFraction(b, a, y)) / b;
  return Math.log1p(-Math.min(rest, 1 - 1e-16));
}

/** -log10 of a probability of which the natural logarithm is known. */
function rarity(lnP: number): number {
  return lnP < 0 ? Math.min(RAREST, -lnP * Math.LOG10E) : 0;
}

const bounded = (x: number, least: number, most: number) => Math.min(most, Math.max(least, x));

/**
 * -log10 P(Y >= y) where Y is a count of that mean and of variance mean + dispersion mean^2. 0 to 300; 0 where an argument is NaN. Counts
 * may be fractions.
 */
export function negativeBinomialAbove(y: number, mean: number, dispersion: number): number {
  if (!(y > 0)) return 0;
  if (mean <= 0) return RAREST;
  const size = 1 / bounded(dispersion, LEAST, 1 / LEAST);
  const m = Math.min(mean, MOST);
  return rarity(lnIncompleteBeta(Math.min(y, MOST), size, m / (m + size), size / (m + size)));
}

/** -log10 P(Y <= y), of the same. */
export function negativeBinomialBelow(y: number, mean: number, dispersion: number): number {
  if (!(mean > 0) || Number.isNaN(y)) return 0;
  if (y < 0) return RAREST;
  const size = 1 / bounded(dispersion, LEAST, 1 / LEAST);
  const m = Math.min(mean, MOST);
  if (y < 1) return rarity(-size * Math.log1p(m / size));
  return rarity(lnIncompleteBeta(size, Math.min(y, MOST) + 1, size / (m + size), m / (m + size)));
}

/**
 * -log10 P(K >= k) where K counts the failures among n calls, each failing with probability p, any two of them correlated by rho. 0 to
 * 300; 0 where an argument is NaN. An exact sum; where that has too many terms, the beta distribution of the same mean and variance.
 */
export function betaBinomialAbove(k: number, n: number, p: number, rho: number): number {
  if (!(k > 0 && n > 0)) return 0;
  if (k > n || p <= 0) return RAREST;
  if (!(p < 1 && n < Number.POSITIVE_INFINITY) || Number.isNaN(rho)) return 0;
  if (n > MOST) return betaBinomialAbove((k / n) * MOST, MOST, p, rho);
  const correlation = bounded(rho, LEAST, 1 - LEAST);
  const weight = 1 / correlation - 1;
  const a = p * weight;
  const b = (1 - p) * weight;
  let lnScale =
    lnFactorial(n) - lnFactorial(k) - lnFactorial(n - k) + lnGamma(k + a) + lnGamma(n - k + b) - lnGamma(n + weight);
  lnScale += lnGamma(weight) - lnGamma(a) - lnGamma(b);
  let term = 1;
  let sum = 1;
  const end = Math.min(n, k + MOST_TERMS);
  let j = k;
  for (; j < end; j++) {
    term *= ((n - j) * (a + j)) / ((j + 1) * (b + n - j - 1));
    sum += term;
    if (term < sum * PRECISION) return rarity(lnScale + Math.log(sum));
    if (sum > 1e200) {
      term *= 1e-200;
      sum *= 1e-200;
      lnScale += 200 * Math.LN10;
    }
  }
  if (j >= n) return rarity(lnScale + Math.log(sum));
  const shape = Math.max(LEAST, n / (1 + (n - 1) * correlation) - 1);
  return rarity(lnIncompleteBeta((1 - p) * shape, p * shape, 1 - (k - 0.5) / n));
}
