// How often a rarity comes true: stationary noise of many shapes through the calibration, alone or behind a detector.
import ewma from "../plugins/processors/ewma/index.ts";
import { Calibrator } from "../src/pipeline/calibrate.ts";
import { optionsOf } from "../src/registry.ts";
import { SeriesState } from "../src/series/state.ts";
import { seededRandom } from "../src/testing/fake_host.ts";

export type Random = () => number;
/** Noise of its own for each series. */
export type Noise = (random: Random) => () => number;

export const exponential = (random: Random) => -Math.log(1 - random());
export const normal = (random: Random) => Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random());
const t3 = (random: Random) => Math.sqrt(3 * ((1 - random()) ** (-2 / 3) - 1)) * Math.cos(2 * Math.PI * random());
const laplace = (random: Random) => exponential(random) - exponential(random);

function poisson(random: Random, mean: number): number {
  const end = Math.exp(-mean);
  let count = 0;
  for (let p = random(); p > end; p *= random()) count++;
  return count;
}

const each =
  (draw: (random: Random) => number): Noise =>
  (random) =>
  () =>
    draw(random);

const autoregressive =
  (memory: number): Noise =>
  (random) => {
    let x = normal(random) / Math.sqrt(1 - memory * memory);
    return () => {
      x = memory * x + normal(random);
      return x;
    };
  };

export interface Shape {
  readonly name: string;
  readonly noise: Noise;
  /** The share of rows that differ from the rest at all; a rarity of which there are more cannot be reached. */
  readonly most?: number;
  /** Bounded or of several modes: rarities may be rarer than they say. */
  readonly rarer?: boolean;
}

/** Around zero, so that the magnitude is a raw score and the value is one for a detector. */
export const SHAPES: readonly Shape[] = [
  { name: "normal", noise: each(normal) },
  { name: "log-normal", noise: each((random) => Math.exp(normal(random))) },
  { name: "Laplace", noise: each(laplace) },
  { name: "t3", noise: each(t3) },
  { name: "exponential", noise: each(exponential) },
  { name: "Poisson 3", noise: each((random) => poisson(random, 3)) },
  { name: "Poisson 0.5", noise: each((random) => poisson(random, 0.5)) },
  { name: "ties", noise: each((random) => Math.round(2 * normal(random))) },
  { name: "97 % zeros", noise: each((random) => (random() < 0.97 ? 0 : exponential(random))), most: 0.03 },
  { name: "98 % zeros, counts", noise: each((random) => (random() < 0.98 ? 0 : 1 + poisson(random, 3))), most: 0.02 },
  { name: "AR(1) 0.9", noise: autoregressive(0.9) },
  { name: "AR(1) 0.99", noise: autoregressive(0.99) },
  { name: "uniform", noise: each((random) => random()), rarer: true },
  {
    name: "bimodal",
    noise: each((random) => (random() < 0.7 ? normal(random) : 6 + normal(random) / 2)),
    rarer: true,
  },
  { name: "1 % at 8 sigma", noise: each((random) => normal(random) + (random() < 0.99 ? 0 : 8)), rarer: true },
];

/** What stands before the calibration; the first takes magnitudes for scores. */
export const DETECTORS = { none: undefined, ewma } as const;

/** What judges a row of each series at a time: rarity of value by series. */
export function judgeOf(detector: keyof typeof DETECTORS, series: number): (value: Float64Array) => Float64Array {
  const calibrator = new Calibrator();
  calibrator.state.grow(series);
  const ids = Uint32Array.from({ length: series }, (_, s) => s);
  const column = () => new Float64Array(series);
  const rarity = column();
  const plugin = DETECTORS[detector] as any;
  if (!plugin) {
    return (value) => {
      calibrator.apply(ids, value.map(Math.abs), series, rarity);
      return rarity;
    };
  }
  const own = optionsOf(plugin).parse({});
  const state = new SeriesState(plugin.state);
  state.grow(series);
  const marks = { finding: new Uint8Array(series), basis: new Uint8Array(series), lasts: new Uint8Array(series) };
  const score = column();
  const verdicts = { score, observed: column(), expected: column(), lower: column(), upper: column(), ...marks };
  return (value) => {
    score.fill(Number.NaN);
    const rows = { length: series, series: ids, age: ids, time: value, value };
    plugin.scoreThenLearn(rows, state.columns, verdicts, own);
    calibrator.apply(ids, score, series, rarity);
    return rarity;
  };
}

export interface Span {
  readonly series: number;
  /** Rows of each series, the first and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/** Observed over expected share of rows with rarity >= 1, 2, 3 and 4; every series is of another scale. */
export function ratios(detector: keyof typeof DETECTORS, { noise }: Shape, { series, from, to }: Span): number[] {
  const judge = judgeOf(detector, series);
  const draws = Array.from({ length: series }, (_, s) => noise(seededRandom(1000 + s)));
  const value = new Float64Array(series);
  const reached = [0, 0, 0, 0];
  for (let row = 0; row < to; row++) {
    for (let s = 0; s < series; s++) value[s] = draws[s]() * 10 ** ((s % 7) - 3);
    const rarity = judge(value);
    if (row < from) continue;
    for (let s = 0; s < series; s++) for (let r = 1; r <= 4 && rarity[s] >= r; r++) reached[r - 1]++;
  }
  return reached.map((rows, i) => (rows / (series * (to - from))) * 10 ** (i + 1));
}
