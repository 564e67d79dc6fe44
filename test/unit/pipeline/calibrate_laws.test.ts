// Laws of calibration: how rows are batched, a restart and a row that had another series before change no bit; the young borrow.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Calibrator } from "../../../src/pipeline/calibrate.ts";
import { seededRandom } from "../../../src/testing/fake_host.ts";
import { exponential, normal } from "../../rarity.ts";

const SERIES = 3;

function calibrator(series = SERIES): Calibrator {
  const made = new Calibrator();
  made.state.grow(series);
  return made;
}

interface Rows {
  readonly series: Uint32Array;
  readonly score: Float64Array;
}

/** Rows from `from` to `to`, at once. */
function rarities(made: Calibrator, { series, score }: Rows, from = 0, to = series.length): Float64Array {
  const rarity = new Float64Array(to - from);
  made.apply(series.subarray(from, to), score.subarray(from, to), to - from, rarity);
  return rarity;
}

/** Some thousand rows: zeros, ties, ordinary scores, scales that change, extremes, and what is no score. */
const rows = fc
  .record({ seed: fc.integer(), length: fc.integer({ min: 1, max: 5000 }) })
  .map(({ seed, length }): Rows => {
    const random = seededRandom(seed);
    const kinds = [
      () => 0,
      () => Math.floor(4 * random()),
      () => exponential(random),
      () => Math.abs(normal(random)) * 10 ** Math.floor(3 * random()),
      () => 10 ** (600 * random() - 300),
      () => [Number.NaN, -1, Number.POSITIVE_INFINITY, 5e-324][Math.floor(4 * random())],
    ];
    let kind = kinds[2];
    const score = new Float64Array(length).map(() => {
      if (random() < 0.02) kind = kinds[Math.floor(6 * random())];
      return kind();
    });
    return { series: Uint32Array.from(score, () => Math.floor(SERIES * random())), score };
  });

test("how rows are batched changes no bit of a rarity or of what is remembered", () => {
  fc.assert(
    fc.property(rows, fc.infiniteStream(fc.integer({ min: 0, max: 900 })), (given, sizes) => {
      const [whole, cut] = [calibrator(), calibrator()];
      const expected = rarities(whole, given);
      const found: number[] = [];
      for (let from = 0; from < given.series.length; ) {
        const to = Math.min(given.series.length, from + sizes.next().value!);
        found.push(...rarities(cut, given, from, to));
        from = to;
      }
      assert.deepEqual(Float64Array.from(found), expected);
      assert.deepEqual(cut.state.columns, whole.state.columns);
    }),
    { numRuns: 60 },
  );
});

test("what is saved is all it knows: restored into other rows it goes on as if nothing had been", () => {
  fc.assert(
    fc.property(rows, fc.double({ min: 0, max: 1, noNaN: true }), (given, part) => {
      const middle = Math.floor(part * given.series.length);
      const [whole, before, after] = [calibrator(), calibrator(), calibrator(0)];
      rarities(whole, given, 0, middle);
      rarities(before, given, 0, middle);
      const saved = new Map(before.state.save("", SERIES).map((column) => [column.name, column]));
      after.state.restore("", Uint32Array.of(2, 0, 1), saved);
      const moved = { ...given, series: given.series.map((s) => (s + 1) % SERIES) };
      assert.deepEqual(rarities(after, moved, middle), rarities(whole, given, middle));
    }),
    { numRuns: 60 },
  );
});

test("a row that had another series before is as good as new", () => {
  fc.assert(
    fc.property(rows, rows, (earlier, given) => {
      const [used, fresh] = [calibrator(2 * SERIES), calibrator(2 * SERIES)];
      rarities(used, earlier);
      rarities(fresh, { ...earlier, series: earlier.series.map((s) => s + SERIES) });
      for (let s = 0; s < SERIES; s++) used.state.clear(s);
      assert.deepEqual(rarities(used, given), rarities(fresh, given));
    }),
    { numRuns: 40 },
  );
});

test("rarities and all that is remembered stay finite, and no rarity is negative", () => {
  fc.assert(
    fc.property(rows, (given) => {
      const made = calibrator();
      for (const [i, rarity] of rarities(made, given).entries()) {
        assert.ok(
          given.score[i] >= 0 ? rarity >= 0 && rarity < 50 : Number.isNaN(rarity),
          `${given.score[i]}: ${rarity}`,
        );
      }
      for (const column of Object.values(made.state.columns)) assert.ok(column.every(Number.isFinite));
    }),
    { numRuns: 60 },
  );
});

test("young series of one kind learn together how heavy their tail is", () => {
  const series = 300;
  const all = Uint32Array.from({ length: series }, (_, s) => s);
  /** How many times more often than it says a rarity of 3 is reached from row 60 to row 250. */
  const excess = (calibrators: readonly Calibrator[]) => {
    const random = seededRandom(4);
    let reached = 0;
    for (let row = 0; row < 250; row++) {
      const score = Float64Array.from(all, () => (1 - random()) ** -0.7);
      const rarity = new Float64Array(series);
      if (calibrators.length === 1) calibrators[0].apply(all, score, series, rarity);
      else
        for (const s of all) calibrators[s].apply(all.subarray(0, 1), score.subarray(s, s + 1), 1, rarity.subarray(s));
      if (row >= 60) reached += rarity.filter((each) => each >= 3).length;
    }
    return (reached / (series * 190)) * 1000;
  };
  const together = excess([calibrator(series)]);
  const alone = excess(Array.from(all, () => calibrator(1)));
  assert.ok(together < 0.75 * alone, `${together} together, ${alone} alone`);
});
