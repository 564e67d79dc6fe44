// The tails of counts against sums of their terms, and at the ends of what doubles can say.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { betaBinomialAbove, lnGamma, negativeBinomialAbove, negativeBinomialBelow } from "../../../src/counts/tails.ts";

const close = (actual: number, expected: number, within: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= within, `${what}: ${actual}, not ${expected}`);

/** P(Y = 0), P(Y = 1), ... up to `last`, by the recurrence of the negative binomial. */
function negativeBinomial(mean: number, dispersion: number, last: number): number[] {
  const size = 1 / dispersion;
  const p = mean / (mean + size);
  const terms = [(1 + dispersion * mean) ** -size];
  for (let y = 0; y < last; y++) terms.push((terms[y] * p * (y + size)) / (y + 1));
  return terms;
}

/** P(K = 0), ... P(K = n): failures drawn one by one from Polya's urn, whose colours are as correlated. */
function betaBinomial(n: number, p: number, rho: number): number[] {
  const weight = 1 / rho - 1;
  let shares = [1];
  for (let drawn = 0; drawn < n; drawn++) {
    const next = new Array(drawn + 2).fill(0);
    for (const [k, share] of shares.entries()) {
      const failing = (p * weight + k) / (weight + drawn);
      next[k] += share * (1 - failing);
      next[k + 1] += share * failing;
    }
    shares = next;
  }
  return shares;
}

const sum = (terms: readonly number[]) => terms.reduce((a, b) => a + b, 0);
const means = fc.double({ min: 0.001, max: 100, noNaN: true });
const dispersions = fc.double({ min: 0.001, max: 3, noNaN: true });

test("lnGamma is the logarithm of a factorial", () => {
  let expected = 0;
  for (let n = 1; n <= 170; n++) {
    close(lnGamma(n), expected, 1e-11 * Math.max(1, expected), `ln ${n - 1}!`);
    expected += Math.log(n);
  }
  close(lnGamma(0.5), Math.log(Math.sqrt(Math.PI)), 1e-11, "a half");
});

test("the tails of the negative binomial are sums of its terms", () => {
  fc.assert(
    fc.property(means, dispersions, fc.integer({ min: 0, max: 300 }), (mean, dispersion, y) => {
      const terms = negativeBinomial(mean, dispersion, 6000);
      const above = sum(terms.slice(y).reverse());
      const below = sum(terms.slice(0, y + 1));
      if (above > 1e-250) {
        close(negativeBinomialAbove(y, mean, dispersion), -Math.log10(above), 1e-4, "above");
      }
      if (below > 1e-250) close(negativeBinomialBelow(y, mean, dispersion), -Math.log10(below), 1e-4, "below");
    }),
  );
});

test("the tail of the beta-binomial is what Polya's urn gives", () => {
  const shares = fc.double({ min: 0.001, max: 0.999, noNaN: true });
  const rhos = fc.double({ min: 0.0001, max: 0.9, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 150 }), shares, rhos, fc.nat(), (n, p, rho, at) => {
      const k = at % (n + 1);
      const above = sum(betaBinomial(n, p, rho).slice(k).reverse());
      // its docs: nothing is rarer than 300
      close(betaBinomialAbove(k, n, p, rho), Math.min(300, -Math.log10(above)), 1e-4, "above");
    }),
  );
});

test("where a sum would be too long, the approximation goes on from it", () => {
  const exact = betaBinomialAbove(6_000, 15_000, 0.2, 0.02);
  const approximate = betaBinomialAbove(24_000, 60_000, 0.2, 0.02);
  close(approximate, exact, 0.02 * exact, "the same share of four times as many");
});

test("more of it is rarer above and less rare below, and dispersion makes all less rare that is far out", () => {
  fc.assert(
    fc.property(means, dispersions, fc.integer({ min: 1, max: 1000 }), (mean, dispersion, y) => {
      assert.ok(negativeBinomialAbove(y + 1, mean, dispersion) >= negativeBinomialAbove(y, mean, dispersion));
      assert.ok(negativeBinomialBelow(y + 1, mean, dispersion) <= negativeBinomialBelow(y, mean, dispersion));
      const far = Math.ceil(mean * 3 + 10);
      assert.ok(negativeBinomialAbove(far, mean, dispersion * 2) <= negativeBinomialAbove(far, mean, dispersion));
    }),
  );
});

test("whatever the numbers, the rarity is one from 0 to 300", () => {
  const any = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1, 1e-320, 1e308, Infinity, -Infinity, NaN));
  fc.assert(
    fc.property(any, any, any, any, (a, b, c, d) => {
      for (const found of [
        negativeBinomialAbove(a, b, c),
        negativeBinomialBelow(a, b, c),
        betaBinomialAbove(a, b, c, d),
      ]) {
        assert.ok(found >= 0 && found <= 300, `${found}`);
      }
    }),
    { numRuns: 2000 },
  );
});

test("counts too large to count by ones come to an end", () => {
  for (const n of [2 ** 53, 1e16, 1e17, 1e300]) assert.ok(betaBinomialAbove(n / 2, n, 0.4, 0.001) > 1, `${n}`);
});

test("what cannot happen is as rare as can be, and what must happen is not rare", () => {
  assert.equal(negativeBinomialAbove(1, 0, 0.1), 300);
  assert.equal(negativeBinomialAbove(0, 5, 0.1), 0);
  assert.equal(negativeBinomialBelow(0, 0, 0.1), 0);
  assert.equal(betaBinomialAbove(1, 10, 0, 0.1), 300);
  assert.equal(betaBinomialAbove(10, 10, 1, 0.1), 0);
});
