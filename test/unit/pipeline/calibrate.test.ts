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

function calibrator(): Calibrator {
  const made = new Calibrator();
  made.state.grow(1);
  return made;
}

/** A calibrator that has seen `count` scores of a shape. */
function taught(count: number, shape = SHAPES["half normal"], scale = 1, seed = 1): Calibrator {
  const random = uniform(seed);
  const made = calibrator();
  for (let i = 0; i < count; i++) made.rarity(0, shape(random) * scale);
  return made;
}

/** How many times 10^-r is the share of rows as rare as r = 1, 2, 3, of `to - from` rows in each of some runs. */
function excess(shape: (random: Random) => number, scale: number, from: number, to: number, runs: number): number[] {
  const beyond = [0, 0, 0];
  for (let run = 1; run <= runs; run++) {
    const random = uniform(run);
    const made = calibrator();
    for (let i = 0; i < to; i++) {
      const rarity = made.rarity(0, shape(random) * scale);
      if (i >= from) for (let r = 1; r <= 3; r++) if (rarity >= r) beyond[r - 1]++;
    }
  }
  return beyond.map((count, i) => (count / (runs * (to - from))) * 10 ** (i + 1));
}

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`${name} scores: rows as rare as r are at most three times as frequent as 10^-r`, () => {
    for (const scale of [1e-9, 1, 1e9]) {
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
    for (let i = 0; i < 20; i++) {
      const rarity = made.rarity(0, 15 * scale);
      assert.ok(rarity >= 6, `${rarity} at ${i}, scale ${scale}`);
    }
  }
});

test("an anomaly among the first scores does not hide a later one", () => {
  const made = calibrator();
  const random = uniform(3);
  for (let i = 0; i < 300; i++) made.rarity(0, i === 7 ? 1e6 : SHAPES["half normal"](random));
  assert.ok(made.rarity(0, 20) >= 6);
});

test("the longer a series stood still, the rarer its first move", () => {
  const first = [20, 100, 1000].map((rows) => {
    const made = calibrator();
    for (let i = 0; i < rows; i++) assert.equal(made.rarity(0, 0), 0);
    return made.rarity(0, 10);
  });
  assert.ok(first[0] < first[1] && first[1] < first[2]);
  assert.ok(first[2] >= 6, `${first[2]}`);
});

test("a series that has begun to move is soon no news", () => {
  const made = calibrator();
  for (let i = 0; i < 1000; i++) made.rarity(0, 0);
  const random = uniform(5);
  let rare = 0;
  for (let i = 0; i < 1000; i++) if (made.rarity(0, SHAPES["half normal"](random)) >= 6) rare++;
  assert.ok(rare <= 2, `${rare}`);
});

test("a larger score is never less rare", () => {
  for (const rows of [0, 5, 15, 16, 17, 50, 2000]) {
    let last = -1;
    for (const x of [0, 0.1, 0.5, 1, 2, 2.6, 3, 5, 10, 100, 1e6, 1e300, Number.POSITIVE_INFINITY]) {
      const rarity = taught(rows).rarity(0, x);
      assert.ok(rarity >= last, `${x} after ${rows} rows: ${rarity} < ${last}`);
      last = rarity;
    }
  }
});

test("the same scores give the same rarities, and other series do not matter", () => {
  const random = uniform(9);
  const scores = Array.from({ length: 500 }, () => SHAPES.exponential(random));
  const run = (beside: boolean) => {
    const made = new Calibrator();
    made.state.grow(2);
    return scores.map((x) => {
      if (beside) made.rarity(1, 1000 * x);
      return made.rarity(0, x);
    });
  };
  assert.deepEqual(run(false), run(true));
});

test("NaN and negative scores abstain and teach nothing; infinite ones are rare and spoil nothing", () => {
  const made = taught(500);
  const before = made.state.save(1);
  assert.ok(Number.isNaN(made.rarity(0, Number.NaN)) && Number.isNaN(made.rarity(0, -1)));
  assert.deepEqual(made.state.save(1), before);
  assert.equal(made.scores(0), 500);
  for (let i = 0; i < 50; i++) assert.ok(made.rarity(0, Number.POSITIVE_INFINITY) >= 6);
  for (const column of Object.values(made.state.columns)) assert.ok(Number.isFinite(column[0]));
});

test("nothing but infinite or tiny scores leaves finite state", () => {
  for (const x of [Number.POSITIVE_INFINITY, 1e308, 5e-324, 1e-300, 1e-40]) {
    const made = calibrator();
    for (let i = 0; i < 5000; i++) assert.ok(Number.isFinite(made.rarity(0, x)), `${x} at ${i}`);
    for (const column of Object.values(made.state.columns)) assert.ok(Number.isFinite(column[0]), `${x}`);
    assert.ok(Number.isFinite(made.rarity(0, 1)));
  }
});
