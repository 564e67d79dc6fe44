// How far each metric of a vector is from where the resource's other metrics say it is: what trees and distances can use.
import { SeriesState } from "../series/state.ts";

/** Vectors over which means and covariances are taken: a day of minutes. */
const MEMORY = 1440;
/** Those over which the scatter of the deviations is taken. */
const SCATTER_MEMORY = 360;
/** A value teaches as one this many standard deviations away at most, once there are so many. */
const CLIP = 6;
const ENOUGH = 8;
/** As CLIP, of a deviation and its scatter. */
const SCATTER_CLIP = 4;
/** Reports of a metric before others are held against it, and vectors after which the relations are looked at again. */
const FIRST = 16;
const REFIT = 64;
/** What is added to a variance of 1, so that metrics that say the same can be told from one another; 1 / reports on top. */
const RIDGE = 0.002;
/** Deviations lie within these. */
const FARTHEST = 1e6;
const LEAST_SCATTER = 1e-6;

/**
 * For each resource a running linear regression of every metric on the others, by the inverse of their correlations. What an
 * outlier may teach is bounded. A load that drives all metrics is in no deviation; a metric that leaves it is.
 */
export class Relations {
  readonly state;
  readonly #width: number;
  /** Standardised values of the vector, those of silent metrics by the others; and what of each is learnt. */
  readonly #values: Float64Array;
  readonly #taught: Float64Array;

  constructor(width: number) {
    this.#width = width;
    this.#values = new Float64Array(width);
    this.#taught = new Float64Array(width);
    this.state = new SeriesState({
      vectors: "u32",
      reports: ["u32", width],
      mean: ["f64", width],
      covariance: ["f64", width * width],
      // of the correlations; entry (k, k) is 0 of a metric that is not known yet
      inverse: ["f64", width * width],
      // mean square of the deviations, where 1 is as the regression says; 0: none yet
      scatter: ["f64", width],
    });
  }

  /**
   * Writes the deviations of a vector, row `row` of `values` and `held`, to that row of `into`, in standard deviations: NaN of a
   * metric that is silent or not known yet. Then it is learnt.
   */
  deviate(r: number, values: Float64Array, held: Uint32Array, row: number, into: Float64Array): void {
    const from = row * this.#width;
    let forgot = false;
    for (let k = 0; k < this.#width; k++) {
      if (held[from + k] > 0) continue;
      const { reports, inverse } = this.state.columns;
      if (inverse[(r * this.#width + k) * this.#width + k] > 0) forgot = true;
      if (reports[r * this.#width + k] > 0) this.#forget(r, k);
    }
    if (forgot) this.#refit(r);
    this.#standardise(r, values, from);
    this.#learn(r, values, from, this.#measure(r, values, from, into));
  }

  #forget(r: number, k: number): void {
    const { reports, mean, covariance, scatter } = this.state.columns;
    const width = this.#width;
    reports[r * width + k] = mean[r * width + k] = scatter[r * width + k] = 0;
    for (let j = 0; j < width; j++) {
      covariance[(r * width + k) * width + j] = covariance[(r * width + j) * width + k] = 0;
    }
  }

  #standardise(r: number, values: Float64Array, from: number): void {
    const { mean, covariance, inverse } = this.state.columns;
    const width = this.#width;
    const own = this.#values;
    for (let k = 0; k < width; k++) {
      const at = r * width + k;
      const deviation = values[from + k] - mean[at];
      const unit = Math.sqrt(covariance[at * width + k]);
      if (!(inverse[at * width + k] > 0)) own[k] = 0;
      else if (deviation === 0 || Number.isNaN(deviation)) own[k] = deviation;
      else own[k] = Math.max(-FARTHEST, Math.min(FARTHEST, deviation / unit));
    }
    for (let k = 0; k < width; k++) {
      if (!Number.isNaN(own[k])) continue;
      const at = (r * width + k) * width;
      let sum = 0;
      for (let j = 0; j < width; j++) if (!Number.isNaN(values[from + j])) sum -= inverse[at + j] * own[j];
      own[k] = sum / inverse[at + k];
    }
  }

  /** How far off the metric is that is furthest off. */
  #measure(r: number, values: Float64Array, from: number, into: Float64Array): number {
    const { reports, inverse, scatter } = this.state.columns;
    const width = this.#width;
    let farthest = 0;
    for (let k = 0; k < width; k++) {
      const row = (r * width + k) * width;
      const own = inverse[row + k];
      into[from + k] = Number.NaN;
      if (!(own > 0) || Number.isNaN(values[from + k])) continue;
      let sum = 0;
      for (let j = 0; j < width; j++) sum += inverse[row + j] * this.#values[j];
      const at = r * width + k;
      if (scatter[at] === 0) scatter[at] = 1;
      const deviation = sum / Math.sqrt(own * scatter[at]);
      into[from + k] = Math.max(-FARTHEST, Math.min(FARTHEST, deviation));
      farthest = Math.max(farthest, Math.abs(deviation));
      const taught = Math.min(SCATTER_CLIP, Math.abs(deviation)) ** 2 - 1;
      const weight = 1 / Math.min(SCATTER_MEMORY, reports[at]);
      scatter[at] = Math.max(LEAST_SCATTER, scatter[at] * (1 + taught * weight));
    }
    return farthest;
  }

  #learn(r: number, values: Float64Array, from: number, farthest: number): void {
    const { vectors, reports, mean, covariance } = this.state.columns;
    const width = this.#width;
    const taught = this.#taught;
    // odd as a whole, though no value may be
    const trust = Math.min(1, (CLIP / farthest) ** 2);
    for (let k = 0; k < width; k++) {
      const at = r * width + k;
      const deviation = values[from + k] - mean[at];
      taught[k] = deviation;
      if (Number.isNaN(deviation)) continue;
      if (reports[at] < 0xffffffff) reports[at]++;
      const most = CLIP * Math.sqrt(covariance[at * width + k]);
      if (reports[at] > ENOUGH && most > 0) taught[k] = Math.max(-most, Math.min(most, deviation));
      mean[at] += (trust * taught[k]) / Math.min(reports[at], MEMORY);
    }
    for (let k = 0; k < width; k++) {
      const at = r * width + k;
      for (let j = 0; j <= k; j++) {
        const silent = Number.isNaN(taught[k]) ? 1 : 0;
        const other = Number.isNaN(taught[j]) ? 1 : 0;
        if (silent + other === 2) continue;
        const together = Math.min(reports[at], reports[r * width + j], MEMORY);
        if (together === 0) continue;
        const weight = trust / together;
        // of metrics that do not report together less and less is known
        const product = silent + other === 0 ? taught[k] * taught[j] : 0;
        const both = (1 - weight) * (covariance[at * width + j] + weight * product);
        covariance[at * width + j] = covariance[(r * width + j) * width + k] = both;
      }
    }
    const n = vectors[r] < 0xffffffff ? ++vectors[r] : 0xffffffff;
    if (n % REFIT === 0 || (n >= FIRST && n < REFIT && (n & (n - 1)) === 0)) this.#refit(r);
  }

  /** Finds the inverse of the correlations anew: of all metrics that are known, or what is nearest to it that has one. */
  #refit(r: number): void {
    const { reports, inverse } = this.state.columns;
    const width = this.#width;
    const known = [...this.#values.keys()].filter((k) => reports[r * width + k] >= FIRST);
    // correlations of metrics that were not seen at the same times may contradict each other
    let found: Float64Array[] | undefined;
    for (const share of [1, 0.9, 0.5, 0]) found ??= inverseOf(this.#correlations(r, known, share));
    const entry = (k: number, j: number) => (r * width + k) * width + j;
    inverse.fill(0, entry(0, 0), entry(width, 0));
    for (const [a, k] of known.entries()) {
      for (const [b, j] of known.entries()) inverse[entry(k, j)] = found![a][b];
    }
  }

  #correlations(r: number, known: readonly number[], share: number): Float64Array[] {
    const { reports, covariance } = this.state.columns;
    const width = this.#width;
    const entry = (k: number, j: number) => (r * width + k) * width + j;
    const units = known.map((k) => Math.sqrt(covariance[entry(k, k)]));
    return known.map((k, a) =>
      Float64Array.from(known, (j, b) => {
        if (a === b) return 1 + RIDGE + 1 / reports[r * width + k];
        return units[a] > 0 && units[b] > 0 ? (share * covariance[entry(k, j)]) / units[a] / units[b] : 0;
      }),
    );
  }
}

/** By Gauss and Jordan; undefined where it is not positive definite, with a margin. */
function inverseOf(matrix: readonly Float64Array[]): Float64Array[] | undefined {
  const size = matrix.length;
  const rows = matrix.map((row, a) =>
    Float64Array.from({ length: 2 * size }, (_, b) => (b < size ? row[b] : b - size === a ? 1 : 0)),
  );
  for (const [a, pivot] of rows.entries()) {
    const by = pivot[a];
    if (!(by >= RIDGE / 2)) return undefined;
    for (let b = 0; b < pivot.length; b++) pivot[b] /= by;
    for (const other of rows) {
      const factor = other === pivot ? 0 : other[a];
      if (factor !== 0) for (let b = 0; b < other.length; b++) other[b] -= factor * pivot[b];
    }
  }
  return rows.map((row) => row.subarray(size));
}
