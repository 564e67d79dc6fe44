// An alert budget is kept: about as many false alarms a day as were asked for, whatever the fleet, and whatever its rarities are worth.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { BudgetLine } from "../../src/pipeline/budget.ts";
import type { KeptColumn } from "../../src/series/snapshot.ts";
import { seededRandom } from "../../src/testing/fake_host.ts";

const MINUTE = 60_000;
const DAY = 1440;
const BEGIN = Date.UTC(2026, 0, 5);

type Random = () => number;
/** The next rarity of a series. */
type Shape = (random: Random) => () => number;

const honest: Shape = (random) => () => -Math.log10(1 - random());
/** What is said to be rarer than one in 300 is less rare than is said. */
const heavy: Shape = (random) => () => {
  const r = -Math.log10(1 - random());
  return r < 2.5 ? r : 2.5 + 2.2 * (r - 2.5);
};
/** Heavy shocks (Student's t with three degrees of freedom) that die away over 100 rows. */
const lasting: Shape = (random) => {
  let x = 0;
  return () => {
    const size = Math.sqrt(3 * ((1 - random()) ** (-2 / 3) - 1));
    x = 0.99 * x + size * Math.cos(2 * Math.PI * random());
    const z = Math.abs(x) / 12;
    return z < 1 ? 0.3 * z : 0.3 + 1.8 * Math.log2(z) + 0.4 * random();
  };
};

/** Series that all come each minute; `step` passes one minute and says how many rows were told. */
function fleet(count: number, shapes: readonly Shape[], perDay = 1, seed = 1) {
  const line = new BudgetLine(perDay);
  line.state.grow(count);
  const next = Array.from({ length: count }, (_, s) => shapes[s % shapes.length](seededRandom(seed * 10_007 + s)));
  const series = Uint32Array.from({ length: count }, (_, s) => s);
  const time = new Float64Array(count);
  const rarity = new Float64Array(count);
  const score = new Float64Array(count);
  let minute = 0;
  const lasts = new Uint8Array(count);
  const step = (incident?: (series: number) => number | undefined): number => {
    time.fill(BEGIN + minute++ * MINUTE);
    for (let s = 0; s < count; s++) rarity[s] = incident?.(s) ?? next[s]();
    lasts.fill(0);
    line.apply(series, time, rarity, count, score, lasts);
    return score.reduce((told, each) => told + (each >= 1 ? 1 : 0), 0);
  };
  const days = (many: number): number => {
    let told = 0;
    for (let i = 0; i < many * DAY; i++) told += step();
    return told;
  };
  const jump = (by: number) => {
    minute += by * DAY;
  };
  return { line, step, days, jump, lasts };
}

const within = (told: number, asked: number, factor: number, what: string) =>
  assert.ok(told >= asked / factor && told <= asked * factor, `${what}: ${told} told, ${asked} asked`);

for (const [name, shapes, count, days] of [
  ["one series", [honest], 1, 30],
  ["one series with a heavy tail", [heavy], 1, 30],
  ["one series whose shocks last", [lasting], 1, 30],
  ["200 series", [honest], 200, 30],
  [
    "200 series, a fifth with heavy tails, a fifth with shocks that last",
    [honest, honest, honest, heavy, lasting],
    200,
    30,
  ],
  ["2,000 such series", [honest, honest, honest, heavy, lasting], 2000, 10],
] as const) {
  test(`at 1/day ${name} tell one false alarm a day`, () => {
    const { days: pass } = fleet(count, shapes);
    const first = pass(1);
    assert.ok(first <= 5, `${first} on the first day`);
    within(first + pass(days - 1), days, 2, name);
  });
}

test("who tries it for an hour is told what is clear, and no more in all than a day may tell", () => {
  for (const count of [10, 100, 400]) {
    const { step, line } = fleet(count, [honest], 5);
    let told = 0;
    // while it warms up nothing is a surprise
    for (let minute = 0; minute < 50; minute++) told += step(() => 0);
    assert.ok(line.threshold >= 3.5, `${count} series: ${line.threshold} when it has warmed up`);
    for (let minute = 0; minute < 20; minute++) told += step();
    assert.ok(line.threshold < 4.2, `${count} series: ${line.threshold} 20 minutes later`);
    for (let minute = 0; minute < DAY; minute++) told += step();
    assert.ok(told <= 14, `${count} series: ${told} on the first day`);
  }
});

test("rarities that reach no farther are followed: what stands clear of them is told on the first day", () => {
  // its tail falls off much faster than rarity says
  const short: Shape = (random) => () => {
    const r = -Math.log10(1 - random());
    return r < 3 ? r : 3 + (r - 3) / 4;
  };
  const { days, line } = fleet(100, [short], 5);
  days(1);
  assert.ok(line.threshold < 3.55, `${line.threshold}`);
});

test("a budget may be small or large", () => {
  within(fleet(20, [honest, heavy], 1 / 7).days(70), 10, 2, "1/week");
  within(fleet(20, [honest, heavy], 24).days(4), 96, 1.5, "1/h");
});

test("a cluster of surprises is told once, and again when it gets twice as rare", () => {
  const { days, step, line } = fleet(1, [honest]);
  days(10);
  const told = (rarity: number) => step(() => rarity) === 1;
  const rare = line.threshold + 1;
  assert.deepEqual([rare, rare, 0.1, rare + 1, 2 * rare + 0.1, 2 * rare].map(told), [
    true,
    false,
    false,
    false,
    true,
    false,
  ]);
  for (let i = 0; i < 16; i++) told(0.1);
  assert.ok(told(rare + 2), "after a while of silence it is another");
});

test("what is held back of a cluster that was told is said to last, what is quiet or was never told is not", () => {
  const { days, step, line, lasts } = fleet(2, [honest]);
  days(10);
  const rare = line.threshold + 1;
  const seen = [rare, rare, 0.1, rare, line.threshold - 0.1, 1, 0.1, rare].map((rarity) => {
    const told = step((s) => (s === 0 ? rarity : 0));
    return [told, ...lasts];
  });
  assert.deepEqual(seen, [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
    [0, 1, 0],
    [0, 1, 0],
    [0, 0, 0],
    [0, 0, 0],
    [0, 1, 0],
  ]);
  for (let i = 0; i < 16; i++) step(() => 0.1);
  step((s) => (s === 0 ? line.threshold - 0.1 : 0));
  assert.deepEqual([...lasts], [0, 0], "it is over");
});

test("an incident of all series at once, however rare, does not hide the next one", () => {
  const { days, step, line } = fleet(200, [honest]);
  days(8);
  const before = line.threshold;
  let told = 0;
  for (let i = 0; i < 60; i++) told += step(() => 20);
  assert.equal(told, 200);
  assert.ok(line.threshold < before + 1, `from ${before} to ${line.threshold}`);
  days(1);
  assert.equal(
    step((s) => (s === 3 ? before + 1.5 : undefined)),
    1,
  );
});

test("incidents every day for weeks raise the line by a bounded amount", () => {
  const { step, line } = fleet(50, [honest]);
  for (let minute = 0; minute < 20 * DAY; minute++) step((s) => (minute % 240 < 5 && s < 3 ? 30 : undefined));
  assert.ok(line.threshold <= 4 * Math.log10(50 * DAY) + 0.5, `${line.threshold}`);
});

/** Rows of three series, some out of order in time, some of years away, some abstaining. */
const someRows = fc.array(
  fc.record({
    series: fc.nat(2),
    step: fc.oneof(
      { weight: 8, arbitrary: fc.constant(MINUTE) },
      fc.constantFrom(0, -5 * MINUTE, -400 * DAY * MINUTE, 900 * DAY * MINUTE, Number.NaN),
    ),
    rarity: fc.oneof(fc.double({ min: 0, max: 12, noNaN: true }), fc.constantFrom(0, Number.NaN, 40, 1e9, Infinity)),
  }),
  { maxLength: 400 },
);

/** The scores of the rows, applied in pieces that end at `ends`; `between` is called after each piece. */
function scored(
  rows: readonly { series: number; step: number; rarity: number }[],
  ends: readonly number[],
  line: BudgetLine,
  between: (line: BudgetLine) => BudgetLine = (same) => same,
): number[] {
  const scores: number[] = [];
  let now = BEGIN;
  const times = rows.map(({ step }, i) => {
    if (step === MINUTE || step === 0) now += step;
    return Math.abs(step) > DAY * MINUTE || step < 0 || Number.isNaN(step) ? now + step + i : now;
  });
  let using = line;
  let from = 0;
  for (const end of [...ends.filter((each) => each < rows.length).sort((a, b) => a - b), rows.length]) {
    const some = rows.slice(from, end);
    const score = new Float64Array(some.length);
    const rarity = Float64Array.from(some, (row) => row.rarity);
    const time = Float64Array.from(times.slice(from, end));
    using.apply(
      Uint32Array.from(some, ({ series }) => series),
      time,
      rarity,
      some.length,
      score,
    );
    scores.push(...score);
    using = between(using);
    from = end;
  }
  return scores;
}

function lineOfThree(perDay = 1): BudgetLine {
  const line = new BudgetLine(perDay);
  line.state.grow(3);
  return line;
}

/** Another line that goes on from what this one remembers. */
function resumed(line: BudgetLine, perDay = 1): BudgetLine {
  const next = new BudgetLine(perDay);
  const saved = new Map<string, KeptColumn>(line.state.save("", 3).map((each) => [each.name, each]));
  next.state.restore("", Uint32Array.of(0, 1, 2), saved);
  next.restored();
  return next;
}

test("scores do not depend on how rows are batched, nor on a restart between", () => {
  fc.assert(
    fc.property(someRows, fc.array(fc.nat(400), { maxLength: 8 }), (rows, ends) => {
      const whole = scored(rows, [], lineOfThree());
      assert.deepEqual(scored(rows, ends, lineOfThree()), whole);
      assert.deepEqual(scored(rows, ends, lineOfThree(), resumed), whole);
    }),
  );
});

test("a row is never told when nobody knows how rare it is, and the line stays where something can pass it", () => {
  fc.assert(
    fc.property(someRows, (rows) => {
      const line = lineOfThree();
      const scores = scored(rows, [], line);
      for (const [i, { rarity }] of rows.entries()) assert.equal(Number.isNaN(scores[i]), Number.isNaN(rarity));
      assert.ok(line.threshold >= 1.5 && line.threshold <= 40, `${line.threshold}`);
      for (const column of Object.values(line.state.columns)) assert.ok(column.every(Number.isFinite));
    }),
  );
});

test("a row that is recycled begins anew", () => {
  const { line, step, days } = fleet(2, [honest]);
  days(5);
  const rare = line.threshold + 1;
  assert.equal(
    step((s) => (s === 0 ? rare : 0)),
    1,
  );
  assert.equal(
    step((s) => (s === 0 ? rare : 0)),
    0,
  );
  line.state.clear(0);
  assert.equal(
    step((s) => (s === 0 ? rare : 0)),
    1,
  );
});

test("another budget goes on from the same counts", () => {
  const { line, days } = fleet(3, [honest]);
  days(10);
  assert.equal(resumed(line).threshold, line.threshold);
  assert.ok(resumed(line, 10).threshold < line.threshold - 0.5);
});

test("a clock that is years ahead for a while stops nothing", () => {
  const { line, days } = fleet(10, [honest]);
  days(5);
  const before = line.threshold;
  const far = Float64Array.from({ length: 5000 }, () => BEGIN + 3650 * DAY * MINUTE);
  const ordinary = new Float64Array(5000).fill(0.5);
  line.apply(new Uint32Array(5000), far, ordinary, 5000, new Float64Array(5000));
  within(days(20), 20, 2, "afterwards");
  assert.ok(Math.abs(line.threshold - before) < 1);
});

test("a recording of another year goes on with the same budget", () => {
  for (const years of [-2, 3]) {
    const { line, days, jump } = fleet(10, [honest]);
    days(5);
    jump(years * 365);
    within(days(25), 25, 2, `${years} years on`);
    assert.ok(line.threshold < 6, `${line.threshold}`);
  }
});

test("findings that stand for themselves keep to a budget too", () => {
  const line = new BudgetLine(1);
  const random = seededRandom(5);
  let told = 0;
  for (let i = 0; i < 30 * 20; i++) {
    const time = BEGIN + ((i + random()) * DAY * MINUTE) / 20;
    if (line.single(3 - Math.log10(1 - random()), time) >= 1) told++;
  }
  within(told, 30, 2, "of 20 a day");
  assert.equal(line.single(Infinity, BEGIN), Infinity);
  assert.ok(Number.isNaN(line.single(Number.NaN, BEGIN)));
});

test("a finding that becomes rarer while it waits is one surprise, not many", () => {
  const threshold = (looks: readonly number[]) => {
    const line = new BudgetLine(1);
    const random = seededRandom(5);
    for (let hour = 0; hour < 2000; hour++) {
      const rarest = 2.5 - Math.log10(1 - random());
      let tried = 0;
      for (const less of looks) {
        if (line.single(rarest - less, BEGIN + hour * 3.6e6, tried) >= 1) break;
        tried = rarest - less;
      }
    }
    return line.threshold;
  };
  const [many, one] = [threshold([0.4, 0.3, 0.2, 0.1, 0]), threshold([0])];
  assert.ok(Math.abs(many - one) < 0.05, `${many} and ${one}`);
});
