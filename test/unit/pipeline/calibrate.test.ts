// Rarity means what it says: of normal rows about one in 10^r is as rare as r, whatever the shape and scale of the scores.
import assert from "node:assert/strict";
import test from "node:test";
import { Calibrator } from "../../../src/pipeline/calibrate.ts";

type Random = () => number;

/** Uniform in [0, 1), the same for the same seed: splitmix32. */
function uniform(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let x = state ^ (state >>> 16);
    x = Math.imul(x, 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
}

const exponential = (random: Random) => -Math.log(1 - random());
const normal = (random: Random) => Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random());

const SHAPES: Record<string, (random: Random) => number> = {
  "half normal": (random) => Math.abs(normal(random)),
  exponential,
  uniform: (random) => random(),
  "log-normal": (random) => Math.exp(0.5 * normal(random)),
  "heavy log-normal": (random) => Math.exp(normal(random)),
  "squared normal": (random) => normal(random) ** 2,
  "power law": (random) => (1 - random()) ** -0.5,
  "mostly zero": (random) => (random() < 0.9 ? 0 : exponential(random)),
  "nearly always zero": (random) => (random() < 0.99 ? 0 : exponential(random)),
  integers: (random) => Math.floor(3 * exponential(random)),
  bimodal: (random) => (random() < 0.97 ? Math.abs(normal(random)) : 8 + normal(random)),
};

/** A calibrator with room for `series` series. */
function calibrator(series = 1): Calibrator {
  const made = new Calibrator();
  made.state.grow(series);
  return made;
}

const assertFinite = ({ state }: Calibrator, what: string) => {
  for (const column of Object.values(state.columns)) assert.ok(column.every(Number.isFinite), what);
};

/** One score at a time: how rows are batched is the detector's affair. */
function rarityOf(calibrator: Calibrator, series: number, score: number): number {
  const rarity = new Float64Array(1);
  calibrator.apply(Uint32Array.of(series), Float64Array.of(score), 1, rarity);
  return rarity[0];
}

/** A calibrator that has seen `count` scores of a shape. */
function taught(count: number, shape = SHAPES["half normal"], scale = 1, seed = 1): Calibrator {
  const random = uniform(seed);
  const made = calibrator();
  for (let i = 0; i < count; i++) rarityOf(made, 0, shape(random) * scale);
  return made;
}

/** How many times 10^-r is the share of rows as rare as r = 1, 2, 3, of `to - from` rows in each of some runs. */
function excess(shape: (random: Random) => number, scale: number, from: number, to: number, runs: number): number[] {
  const beyond = [0, 0, 0];
  for (let run = 1; run <= runs; run++) {
    const random = uniform(run);
    const made = calibrator();
    for (let i = 0; i < to; i++) {
      const rarity = rarityOf(made, 0, shape(random) * scale);
      if (i >= from) for (let r = 1; r <= 3; r++) if (rarity >= r) beyond[r - 1]++;
    }
  }
  return beyond.map((count, i) => (count / (runs * (to - from))) * 10 ** (i + 1));
}

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`${name} scores: rows as rare as r are at most three times as frequent as 10^-r`, () => {
    // a series that seldom scores at all is judged by the prior for long, and that has a scale
    for (const scale of name === "nearly always zero" ? [1e-9, 1] : [1e-9, 1, 1e9]) {
      const shares = excess(shape, scale, 2000, 22_000, 3);
      for (const [i, share] of shares.entries()) assert.ok(share <= 3, `r = ${i + 1} at scale ${scale}: ${share}`);
    }
  });
}

test("rarity is not merely small: one row in ten and in a hundred are found where there are such rows", () => {
  for (const name of ["half normal", "exponential", "log-normal", "heavy log-normal", "squared normal", "power law"]) {
    const [tenth, hundredth] = excess(SHAPES[name], 1, 2000, 22_000, 3);
    assert.ok(tenth >= 1 / 3 && hundredth >= 1 / 3, `${name}: ${tenth}, ${hundredth}`);
  }
});

test("already past a warm-up of 100 rows the claim of one in a thousand is not far off, at any scale", () => {
  for (const name of ["half normal", "exponential", "log-normal", "squared normal", "uniform"]) {
    for (const scale of [1e-9, 1, 1e9]) {
      const [, , thousandth] = excess(SHAPES[name], scale, 100, 1000, 60);
      assert.ok(thousandth <= 5, `${name} at scale ${scale}: ${thousandth}`);
    }
  }
});

test("a score far out is rare, a whole burst of them too", () => {
  for (const scale of [1e-9, 1, 1e9]) {
    const made = taught(2000, SHAPES["half normal"], scale);
    for (let i = 0; i < 10; i++) {
      const rarity = rarityOf(made, 0, 40 * scale);
      assert.ok(rarity >= 6, `${rarity} at ${i}, scale ${scale}`);
    }
  }
});

test("an anomaly among the first scores hides none of a thousand later", () => {
  for (const early of [0, 7, 15, 20]) {
    let found = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const made = calibrator();
      const random = uniform(seed);
      for (let i = 0; i < 1000; i++) rarityOf(made, 0, i === early ? 1e6 : SHAPES["half normal"](random));
      if (rarityOf(made, 0, 20) >= 6) found++;
    }
    assert.ok(found >= 18, `${found} of 20 found after an anomaly at ${early}`);
  }
});

test("after a few hundred ordinary scores one of twenty deviations is found more often than not", () => {
  let found = 0;
  for (let seed = 1; seed <= 40; seed++) {
    if (rarityOf(taught(400, SHAPES["half normal"], 1, seed), 0, 20) >= 6) found++;
  }
  assert.ok(found >= 20, `${found} of 40`);
});

test("a batch of scores of many series is judged as they would be one by one", () => {
  const random = uniform(8);
  const count = 3000;
  const series = Uint32Array.from({ length: count }, () => Math.floor(random() * 5));
  const score = Float64Array.from({ length: count }, () => (random() < 0.1 ? Number.NaN : exponential(random)));
  const rarity = new Float64Array(count);
  calibrator(5).apply(series, score, count, rarity);
  const alone = calibrator(5);
  for (let i = 0; i < count; i++) assert.equal(rarityOf(alone, series[i], score[i]), rarity[i]);
});

test("the longer a series stood still, the rarer its first move: past 5 after a thousand rows, not after a hundred", () => {
  const [first, hundred, thousand, more] = [20, 100, 1000, 3000].map((rows) => {
    const made = calibrator();
    for (let i = 0; i < rows; i++) assert.equal(rarityOf(made, 0, 0), 0);
    return rarityOf(made, 0, 10);
  });
  assert.ok(first < hundred && hundred < thousand && thousand < more);
  assert.ok(hundred < 3 && thousand >= 5, `${hundred}, ${thousand}`);
});

test("a series that has begun to move is soon no news", () => {
  const made = calibrator();
  for (let i = 0; i < 1000; i++) rarityOf(made, 0, 0);
  const random = uniform(5);
  let rare = 0;
  for (let i = 0; i < 1000; i++) if (rarityOf(made, 0, SHAPES["half normal"](random)) >= 6) rare++;
  assert.ok(rare <= 2, `${rare}`);
});

test("a larger score is never less rare", () => {
  for (const rows of [0, 5, 15, 16, 17, 50, 2000]) {
    let last = -1;
    for (const x of [0, 0.1, 0.5, 1, 2, 2.6, 3, 5, 10, 100, 1e6, 1e300, Number.POSITIVE_INFINITY]) {
      const rarity = rarityOf(taught(rows), 0, x);
      assert.ok(rarity >= last, `${x} after ${rows} rows: ${rarity} < ${last}`);
      last = rarity;
    }
  }
});

test("a grown series stands for itself: what others score does not matter", () => {
  const random = uniform(9);
  const scores = Array.from({ length: 7000 }, () => SHAPES.exponential(random));
  const run = (beside: boolean) => {
    const made = calibrator(2);
    return scores.map((x) => {
      if (beside) rarityOf(made, 1, random() < 0.9 ? x : 1000);
      return rarityOf(made, 0, x);
    });
  };
  const [alone, among] = [run(false), run(true)];
  assert.deepEqual(alone.slice(4200), among.slice(4200));
  assert.notDeepEqual(alone, among);
});

test("NaN and negative scores abstain and teach nothing; infinite ones are rare and spoil nothing", () => {
  const made = taught(500);
  const before = made.state.save("", 1);
  assert.ok(Number.isNaN(rarityOf(made, 0, Number.NaN)) && Number.isNaN(rarityOf(made, 0, -1)));
  assert.deepEqual(made.state.save("", 1), before);
  assert.equal(made.scores(0), 500);
  for (let i = 0; i < 50; i++) assert.ok(rarityOf(made, 0, Number.POSITIVE_INFINITY) >= 6);
  assertFinite(made, "infinite scores");
});

test("nothing but infinite or tiny scores leaves finite state", () => {
  for (const x of [Number.POSITIVE_INFINITY, 1e308, 5e-324, 1e-300, 1e-40]) {
    const made = calibrator();
    for (let i = 0; i < 5000; i++) assert.ok(Number.isFinite(rarityOf(made, 0, x)), `${x} at ${i}`);
    assertFinite(made, `${x}`);
    assert.ok(Number.isFinite(rarityOf(made, 0, 1)));
  }
});
