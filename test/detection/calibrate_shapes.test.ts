// Rarity means what it says: of normal rows one in 10^r is as rare as r, whatever makes the noise. The output has the table.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { type DETECTORS, judgeOf, ratios, SHAPES, type Shape, type Span } from "../rarity.ts";

type Before = keyof typeof DETECTORS;

/** Each share is at most 3 times as often as it says, and at least a third as often for rarities to `both`. */
function assertHonest(
  t: TestContext,
  detector: Before,
  shapes: readonly Shape[],
  span: Span,
  both: number,
  to = 4,
): void {
  const cells = (name: string, all: readonly string[]) =>
    name.padEnd(22) + all.map((cell) => cell.padStart(8)).join("");
  t.diagnostic(cells("observed / expected", ["r >= 1", "r >= 2", "r >= 3", "r >= 4"]));
  const faults: string[] = [];
  for (const shape of shapes) {
    const shares = ratios(detector, shape, span);
    t.diagnostic(
      cells(
        shape.name,
        shares.map((share) => share.toFixed(2)),
      ),
    );
    for (let r = 1; r <= to; r++) {
      const share = shares[r - 1];
      const low = !shape.rarer && r <= both && 10 ** -r < (shape.most ?? 1) ? 1 / 3 : 0;
      if (share > 3 || share < low)
        faults.push(`${shape.name}, r >= ${r}: ${share.toFixed(2)} times as often as it says`);
    }
  }
  assert.deepEqual(faults, []);
}

const GROWN = { series: 16, from: 2000, to: 25_000 };
const YOUNG = { series: 100, from: 500, to: 2000 };
const NEW = { series: 400, from: 50, to: 150 };

test("scores as they are, after 2,000 rows: each rarity to 4 comes true within a factor of 3", (t) => {
  assertHonest(t, "none", SHAPES, GROWN, 4);
});

test("values through ewma, after 2,000 rows: within a factor of 3 to 3, and at 4 not more often", (t) => {
  assertHonest(t, "ewma", SHAPES, GROWN, 3);
});

for (const detector of ["none", "ewma"] as const) {
  test(`${detector}, from 500 to 2,000 rows: rarities to 3 are at most three times as frequent as they say`, (t) => {
    assertHonest(t, detector, SHAPES, YOUNG, 2, 3);
  });
}

test("a series of 50 to 150 rows seldom claims what so few cannot tell", (t) => {
  assertHonest(t, "none", SHAPES, NEW, 0);
});

test("error counters, nearly always zero, raise less than one false alarm a series in their first 900 rows", () => {
  const series = 200;
  const random = seededRandom(1);
  const judge = judgeOf("ewma", series);
  const value = new Float64Array(series);
  let alarms = 0;
  for (let row = 0; row < 900; row++) {
    for (let s = 0; s < series; s++) value[s] = random() < 0.98 ? 0 : 1 + Math.floor(random() * 5);
    for (const rarity of judge(value)) if (row >= 50 && rarity >= 5) alarms++;
  }
  assert.ok(alarms < series, `${alarms / series} a series`);
});

test("ewma: an event in a still series alarms for itself at most, not for the rows after it", (t) => {
  for (const every of [20, 50, 200, 1000, 5000]) {
    const series = 10;
    const judge = judgeOf("ewma", series);
    const draws = Array.from({ length: series }, (_, s) => seededRandom(77 + s));
    const value = new Float64Array(series);
    let told = 0;
    let after = 0;
    for (let row = 0; row < 20_000; row++) {
      for (let s = 0; s < series; s++) value[s] = draws[s]() < 1 / every ? 1 : 0;
      const rarity = judge(value);
      for (let s = 0; s < series; s++) {
        if (row < 50 || rarity[s] < 5) continue;
        if (value[s] > 0) told++;
        else after++;
      }
    }
    t.diagnostic(`once in ${every} rows: ${told / series} of ${20_000 / every} told`);
    assert.equal(after, 0, `once in ${every} rows`);
    assert.ok(told / series <= (every < 1000 ? 1 : 15), `once in ${every} rows: ${told / series} told a series`);
  }
});
