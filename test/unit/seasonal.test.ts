// seasonal: what it takes for usual, when it begins to speak, and what it learns of an incident.
import assert from "node:assert/strict";
import test from "node:test";
import seasonal from "../../plugins/processors/seasonal/index.ts";
import { normal } from "../gauges.ts";
import { scored } from "../scoring.ts";

const DAY = 86_400_000;
const MIDNIGHT = 1_699_920_000_000;
const TEN = 600_000;
const usual = (i: number) => 1000 + 300 * Math.sin((2 * Math.PI * i) / 144);

test("a time of the day is judged once it was seen on three days, by the time of day", () => {
  const { score, basis, expected } = scored(
    seasonal,
    {},
    Array.from({ length: 144 * 5 }, (_, i) => usual(i)),
    { step: TEN, begin: MIDNIGHT },
  );
  assert.equal(
    score.findIndex((value) => !Number.isNaN(value)),
    144 * 3,
  );
  assert.equal(basis[144 * 3], 1);
  for (let i = 144 * 4; i < 144 * 5; i++)
    assert.ok(Math.abs(expected[i] - usual(i)) < 10, `${expected[i]}, not ${usual(i)}`);
});

test("a time of the week is judged once it was seen in two weeks, by the time of week", () => {
  const { score, basis } = scored(seasonal, { period: "week", bins: 24 }, new Array(24 * 7 * 3).fill(5), {
    step: DAY / 24,
    begin: MIDNIGHT,
  });
  assert.equal(
    score.findIndex((value) => !Number.isNaN(value)),
    24 * 14,
  );
  assert.equal(basis[24 * 14], 2);
});

test("one point a bin is held against its own place, wherever it lies in the bin", () => {
  for (const offset of [0, 60_000, DAY / 48 - 1]) {
    const values = Array.from({ length: 48 * 5 }, (_, i) => (i % 48 < 20 ? 10 : 500));
    const { expected } = scored(seasonal, {}, values, { step: DAY / 48, begin: MIDNIGHT + offset });
    for (let i = 48 * 4; i < 48 * 5; i++) assert.ok(Math.abs(expected[i] - values[i]) < 1e-9);
  }
});

test("an outage of hours teaches nothing, one that goes on becomes the level", () => {
  const random = normal();
  const before = Array.from({ length: 144 * 6 }, (_, i) => usual(i) + 10 * random());
  const after = (hours: number) => [
    ...before,
    ...new Array(hours * 6).fill(0).map((_, i) => usual(i) - 700 + 10 * random()),
    ...Array.from({ length: 144 }, (_, i) => usual(i + hours * 6) + 10 * random()),
  ];
  const short = scored(seasonal, {}, after(3), { step: TEN, begin: MIDNIGHT });
  const at = 144 * 6 + 18;
  assert.ok(short.expected[at - 1] > 900 && short.score[at - 1] > 5, "it is judged as long as it lasts");
  assert.ok(Math.abs(short.expected[at + 6] - usual(24)) < 30, "and forgotten");
  const long = scored(seasonal, {}, after(12), { step: TEN, begin: MIDNIGHT });
  assert.ok(Math.abs(long.expected[144 * 6 + 71] - (usual(71) - 700)) < 60, "after six hours it is the level");
});

test("an outlier on the first day is outgrown", () => {
  const random = normal();
  const values = Array.from({ length: 48 * 12 }, (_, i) => (i === 20 ? 1e9 : 100 + random()));
  const { expected } = scored(seasonal, {}, values, { step: DAY / 48, begin: MIDNIGHT });
  assert.ok(Math.abs(expected[48 * 11 + 20] - 100) < 1e8);
});
