// Error ratios: what is told, how often, and what never is, on calls that fail by chance.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { judgeRatio, RATIO_STATE, ratio } from "../../../src/counts/index.ts";
import { PYRAMID, push } from "../../../src/counts/pyramid.ts";
import { SeriesState } from "../../../src/series/state.ts";
import { seededRandom } from "../../../src/testing/fake_host.ts";

const INTERVAL = 10_000;
const START = 1.79e12;
const LINE = 6;

interface Told {
  readonly at: number;
  readonly share: number;
  readonly errors: number;
  readonly since: number;
}

/** One series on a clock of its own; `told` are intervals past the line, `at` counts from the last `mark`. */
class Operation {
  readonly told: Told[] = [];
  readonly #state = new SeriesState(RATIO_STATE);
  readonly #random: () => number;
  readonly #line: number;
  #time = START;
  #mark = START;

  constructor(seed: number, line = LINE) {
    this.#line = line;
    this.#random = seededRandom(seed);
    this.#state.grow(1);
  }

  interval(calls: number, errors: number): void {
    this.#time += INTERVAL;
    judgeRatio(this.#state.columns, 0, this.#time, INTERVAL, calls, errors, 3, this.#line);
    if (!(ratio.rarity >= this.#line)) return;
    const at = (this.#time - this.#mark) / INTERVAL;
    const since = (this.#state.columns.since[0] - this.#mark) / INTERVAL;
    this.told.push({ at, share: ratio.errors / ratio.calls, errors: ratio.errors, since });
  }

  /** Intervals of so many calls, each failing with that chance. */
  run(intervals: number, calls: number, share: number): this {
    for (let i = 0; i < intervals; i++) {
      let errors = 0;
      for (let call = 0; call < calls; call++) if (this.#random() < share) errors++;
      this.interval(calls, errors);
    }
    return this;
  }

  mark(): this {
    this.#mark = this.#time;
    this.told.length = 0;
    return this;
  }

  silent(intervals: number): this {
    this.#time += intervals * INTERVAL;
    return this;
  }
}

const HOUR = 360;

test("windows hold exactly the last intervals, whatever their number", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), (length) => {
      const cells = new Float32Array(PYRAMID);
      for (let row = 0; row < length; row++) push(cells, 0, row, 1, row % 3 === 0 ? 1 : 0);
      let calls = 0;
      for (let cell = 0; cell < PYRAMID; cell += 2) calls += cells[cell];
      // what is older than the coarsest level goes 180 at a time
      assert.ok(calls === length || (calls <= length && calls > 6 + 24 + 150 + 900), `${calls} of ${length}`);
    }),
  );
});

test("one failed call of two is never told, nor two of two, however good the past", () => {
  const operation = new Operation(1).run(24 * HOUR, 2, 0).mark();
  operation.interval(2, 1);
  operation.run(HOUR, 2, 0);
  operation.interval(2, 2);
  assert.deepEqual(operation.told, []);
});

test("an outage is told after its first interval, once", () => {
  const { told } = new Operation(2)
    .run(12 * HOUR, 10, 0.001)
    .mark()
    .run(HOUR / 2, 10, 1);
  assert.equal(told[0].at, 1);
  assert.ok(told.length <= 2, `told ${told.length} times`);
  assert.equal(told[0].share, 1);
});

test("an operation that begins to fail a little is told within minutes, with the time when it began", () => {
  const { told } = new Operation(3)
    .run(12 * HOUR, 100, 0.001)
    .mark()
    .run(HOUR / 2, 100, 0.03);
  assert.ok(told[0].at <= 12, `after ${told[0].at} intervals`);
  assert.ok(Math.abs(told[0].since) <= 6, `since ${told[0].since}`);
});

test("three times the usual errors are told", () => {
  const { told } = new Operation(4)
    .run(24 * HOUR, 100, 0.02)
    .mark()
    .run(HOUR, 100, 0.06);
  assert.ok(told[0].at <= 60, `after ${told[0]?.at} intervals`);
});

test("a share that is nearly four times as high for a quarter of an hour may have drifted, one that is six times as high is told", () => {
  const during = (share: number) => {
    const operation = new Operation(6).run(12 * HOUR, 4, 0.02).mark();
    for (let i = 1; i <= 100; i++) operation.interval(4, Math.floor(4 * share * i) - Math.floor(4 * share * (i - 1)));
    return operation.told.length;
  };
  assert.equal(during(0.075), 0);
  assert.ok(during(0.12) > 0);
});

test("an operation that is called every other minute is judged by hours", () => {
  const operation = new Operation(5);
  for (let i = 0; i < 24 * 30; i++) operation.run(1, 1, 0.001).run(11, 0, 0);
  operation.mark();
  for (let i = 0; i < 20; i++) operation.run(1, 1, 0.7).run(11, 0, 0);
  assert.ok(operation.told.length > 0);
});

test("days of steady errors, few or many, are no news", () => {
  for (const [seed, share] of [0, 0.001, 0.02, 0.3, 1].entries()) {
    assert.deepEqual(new Operation(10 + seed).run(48 * HOUR, 10, share).told, [], `a share of ${share}`);
  }
});

test("an incident that lasts is how things are: its end is no news, and the next outage is", () => {
  const operation = new Operation(6)
    .run(12 * HOUR, 20, 0.01)
    .mark()
    .run(3 * HOUR, 20, 0.3);
  assert.ok(operation.told.length > 0);
  operation.mark().run(6 * HOUR, 20, 0.3);
  assert.deepEqual(operation.told, []);
  operation.run(6 * HOUR, 20, 0.01).mark();
  assert.deepEqual(operation.told, []);
  assert.ok(operation.run(6, 20, 1).told[0].at <= 2);
});

test("an incident is told wherever the line is, once", () => {
  for (const line of [6, 9, 12]) {
    const { told } = new Operation(3, line)
      .run(24 * HOUR, 20, 0.001)
      .mark()
      .run(15, 20, 0.08);
    assert.equal(told.length, 1, `at a line of ${line}`);
  }
});

test("the pauses of a sparse incident do not make it seem many, each less surprising than the one before", () => {
  const { columns } = state();
  let time = START;
  const go = (intervals: number, calls: number, fails: (i: number) => boolean) => {
    for (let i = 1; i <= intervals; i++) {
      time += INTERVAL;
      judgeRatio(columns, 0, time, INTERVAL, calls, fails(i) ? 1 : 0);
    }
  };
  go(24 * HOUR, 2, (i) => i % 25 === 0);
  const before = columns.tailClaims[0];
  go(HOUR / 6, 2, (i) => i % 4 === 0);
  go(12 * HOUR, 2, (i) => i % 25 === 0);
  assert.ok(columns.tailClaims[0] - before <= 1, `${columns.tailClaims[0] - before} claims`);
});

test("an outage of minutes is not usual since nobody called for hours after it", () => {
  for (const rest of ["silent", "idle"]) {
    const operation = new Operation(12).run(24 * HOUR, 10, 0).run(18, 10, 1);
    if (rest === "silent") operation.silent(2 * HOUR);
    else operation.run(2 * HOUR, 0, 0);
    operation.run(HOUR, 10, 0).mark().run(18, 10, 0.15);
    assert.ok(operation.told.length > 0, rest);
  }
});

test("intervals may be of any length", () => {
  for (const seconds of [1, 60, 300, 3600]) {
    const { columns } = state();
    const random = seededRandom(5);
    const before = (4 * 24 * 3600) / seconds;
    const told: number[] = [];
    for (let i = 1; i <= before + 10; i++) {
      let errors = 0;
      for (let call = 0; call < 20; call++) if (random() < (i > before ? 0.3 : 0.002)) errors++;
      judgeRatio(columns, 0, START + i * seconds * 1000, seconds * 1000, 20, errors, 3, LINE);
      if (ratio.rarity >= LINE) told.push(i - before);
    }
    assert.ok(told[0] > 0 && told[0] <= 5 && told.length <= 2, `${seconds} s: ${told}`);
  }
});

test("a second incident is told as well", () => {
  const operation = new Operation(7)
    .run(12 * HOUR, 20, 0.001)
    .mark()
    .run(60, 20, 0.5);
  assert.ok(operation.told.length > 0);
  operation
    .run(2 * HOUR, 20, 0.001)
    .mark()
    .run(60, 20, 0.5);
  assert.ok(operation.told[0].at <= 2, `after ${operation.told[0].at} intervals`);
});

test("what came before a long silence is not counted with what comes after it", () => {
  const operation = new Operation(8).run(12 * HOUR, 10, 0).mark();
  operation.interval(10, 2);
  operation.silent(HOUR).interval(10, 2);
  assert.deepEqual(operation.told, []);
});

test("an operation without a past is not judged", () => {
  assert.deepEqual(new Operation(9).run(5, 10, 0).run(6, 10, 1).told, []);
});

test("an excess that nobody cares for does not keep a larger one from being told", () => {
  const { columns } = state();
  const random = seededRandom(4);
  const told: number[] = [];
  for (let i = 1; i <= 24 * HOUR + 50; i++) {
    const share = i <= 24 * HOUR ? 0.001 : i <= 24 * HOUR + 30 ? 0.04 : 0.08;
    let errors = 0;
    for (let call = 0; call < 20; call++) if (random() < share) errors++;
    judgeRatio(columns, 0, START + i * INTERVAL, INTERVAL, 20, errors, 3, LINE, (now) => now >= 0.06);
    if (ratio.rarity >= LINE && ratio.errors / ratio.calls >= 0.06) told.push(i - 24 * HOUR);
  }
  assert.equal(told.length, 1, `${told}`);
});

test("whatever is counted, state stays finite and nothing is told of fewer than three errors", () => {
  const number = fc.oneof(fc.nat(50), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 1e308, 0.5));
  fc.assert(
    fc.property(fc.array(fc.tuple(number, number, fc.boolean()), { maxLength: 300 }), (intervals) => {
      const { columns } = state();
      let time = START;
      for (const [calls, errors, back] of intervals) {
        time += back ? -5 * INTERVAL : INTERVAL;
        judgeRatio(columns, 0, time, INTERVAL, calls, errors);
        assert.ok(!(ratio.rarity > 0) || ratio.errors >= 3);
      }
      for (const [name, column] of Object.entries(columns)) assert.ok(column.every(Number.isFinite), name);
    }),
  );
});

function state() {
  const made = new SeriesState(RATIO_STATE);
  made.grow(1);
  return made;
}
