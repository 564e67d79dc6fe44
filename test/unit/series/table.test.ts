// A series keeps its row while it is remembered; the one that goes is exactly the one that should.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Identify, NO_SERIES, SeriesTable } from "../../../src/series/table.ts";
import { NaiveRecency } from "./naive_recency.ts";

type Identity = readonly [hash0: number, hash1: number];

function assign(table: SeriesTable, identities: readonly Identity[]): number[] {
  const series = new Uint32Array(identities.length);
  const hash0 = Int32Array.from(identities, ([h]) => h);
  const hash1 = Int32Array.from(identities, ([, h]) => h);
  table.assign(hash0, hash1, identities.length, series);
  return [...series];
}

/** What the table should do, without its speed. */
class Oracle {
  readonly rows = new Map<string, number>();
  readonly recycled: number[] = [];
  readonly limit: number;
  readonly recency = new NaiveRecency<string>();

  constructor(limit: number) {
    this.limit = limit;
  }

  assign(identities: readonly Identity[]): number[] {
    const seen = new Set<string>();
    return identities.map((identity) => {
      const key = identity.join();
      let row = this.rows.get(key);
      if (row === undefined) {
        if (this.rows.size < this.limit) row = this.rows.size;
        else {
          const oldest = this.recency.oldest();
          if (seen.has(oldest)) return NO_SERIES;
          row = this.rows.get(oldest)!;
          this.recency.forget(oldest);
          this.rows.delete(oldest);
          this.recycled.push(row);
        }
      }
      this.recency.touch(key);
      this.rows.set(key, row);
      seen.add(key);
      return row;
    });
  }
}

// few distinct values, equal low bits: probes collide, wrap round and leave holes
const crowded = fc.tuple(
  fc.constantFrom(0, 1, 2, -1, -2, 15, 16, 17, 1 << 20, (1 << 20) + 1, -(2 ** 31), 2 ** 31 - 1),
  fc.integer({ min: -3, max: 3 }),
);
const spread = fc.tuple(fc.integer(), fc.integer());
const identity = fc.oneof({ weight: 3, arbitrary: crowded }, { weight: 1, arbitrary: spread });

// some are seen so often that they are established
const times = fc.constantFrom(1, 1, 1, 2, 49, 60);
const run = fc.tuple(identity, times).map(([each, n]) => Array<Identity>(n).fill(each));
const batch = fc.array(run, { maxLength: 20, size: "max" }).map((runs) => runs.flat());

test("rows, eviction and recycling are those of a naive segmented list", () => {
  const requests = fc.array(fc.record({ batch, eighths: fc.integer({ min: 1, max: 9 }) }), {
    maxLength: 30,
    size: "max",
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), requests, (limit, batches) => {
      const table = new SeriesTable(limit);
      const oracle = new Oracle(limit);
      const recycled: number[] = [];
      let capacity = 0;
      table.own({ grow: (c) => (capacity = c), recycle: (row) => recycled.push(row) });
      let now = 1_700_000_000_000;
      for (const { batch, eighths } of batches) {
        now += eighths * 450_000;
        table.tick(now);
        oracle.recency.tick(now);
        assert.deepEqual(assign(table, batch), oracle.assign(batch));
        assert.equal(table.length, oracle.rows.size);
        assert.ok(table.length <= capacity && capacity <= limit);
        for (const [key, row] of oracle.rows) {
          const [h0, h1] = key.split(",").map(Number);
          assert.equal(table.find(h0, h1), row);
          assert.deepEqual(table.identity(row), [h0, h1]);
        }
      }
      assert.deepEqual(recycled, oracle.recycled);
      assert.equal(table.evicted, oracle.recycled.length);
    }),
    { numRuns: 300 },
  );
});

test("a series is the same whichever of its spellings comes, while series come, go and take each other's rows", () => {
  // a spelling is the hash of the bytes; which series it names is known to `identify` alone
  const spelling = fc.tuple(fc.nat(30), fc.nat(2));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.array(spelling, { maxLength: 25 }), { maxLength: 25 }),
      fc.boolean(),
      (limit, batches, repeated) => {
        const table = new SeriesTable(limit);
        const oracle = new Oracle(limit);
        for (const batch of repeated ? batches.flatMap((batch) => [batch, batch]) : batches) {
          const series = new Uint32Array(batch.length);
          const hash0 = Int32Array.from(batch, ([id, as]) => Math.imul(id * 3 + as + 1, 0x9e3779b1));
          const identify: Identify = (i, identity) => identity.set([batch[i][0] & 3, batch[i][0]]);
          table.assign(hash0, new Int32Array(batch.length), batch.length, series, identify);
          assert.deepEqual([...series], oracle.assign(batch.map(([id]) => [id & 3, id])));
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("what `identify` throws leaves every series known so far its row", () => {
  const table = new SeriesTable(3);
  const series = new Uint32Array(4);
  const hashes = Int32Array.of(11, 12, 13, 14);
  const identify: Identify = (i, identity) => {
    if (hashes[i] === 13) throw new RangeError("malformed");
    identity.set([hashes[i] - 10, 0]);
  };
  assert.throws(() => table.assign(hashes, hashes, 4, series, identify), RangeError);
  hashes[2] = 12;
  table.assign(hashes, hashes, 4, series, identify);
  assert.deepEqual([...series], [0, 1, 1, 2]);
});

test("series that are gone are not found, however the ones around them moved", () => {
  const table = new SeriesTable(8);
  const all = Array.from({ length: 100 }, (_, i) => [i % 5, i] as const);
  for (let i = 0; i < all.length; i++) {
    assign(table, [all[i]]);
    for (let j = 0; j < all.length; j++) assert.equal(table.find(...all[j]) >= 0, j <= i && j > i - 8, `${j} at ${i}`);
  }
});

test("growth past the first capacity keeps every series its row and tells the owners in time", () => {
  const table = new SeriesTable(10_000);
  const capacities: number[] = [];
  table.own({ grow: (c) => capacities.push(c), recycle: () => assert.fail("nothing had to go") });
  const all = Array.from({ length: 5000 }, (_, i) => [Math.imul(i, 0x9e3779b1), i] as const);
  const first = assign(table, all);
  assert.deepEqual(first, [...all.keys()]);
  assert.deepEqual(assign(table, all.toReversed()), first.toReversed());
  assert.ok((capacities.at(-1) as number) >= 5000);
  assert.ok(capacities.every((c, i) => i === 0 || c > capacities[i - 1]));
});

test("one request with more series than the limit evicts none of its own: the rest gets NO_SERIES", () => {
  const table = new SeriesTable(4);
  assign(table, [
    [9, 9],
    [8, 8],
  ]);
  const many = Array.from({ length: 10 }, (_, i) => [i + 100, i] as const);
  const rows = assign(table, [...many, ...many]);
  assert.deepEqual(rows.slice(0, 10), [2, 3, 0, 1, ...Array(6).fill(NO_SERIES)]);
  assert.deepEqual(rows.slice(10), rows.slice(0, 10));
  assert.equal(table.evicted, 2);
});

test("a repeated order of series, and a changed one, give the same rows", () => {
  const table = new SeriesTable(100);
  const all = Array.from({ length: 50 }, (_, i) => [i << 8, -i] as const);
  const rows = assign(table, all);
  const shuffled = all.map((_, i) => (i * 7) % 50);
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(assign(table, all), rows);
    assert.deepEqual(
      assign(
        table,
        shuffled.map((i) => all[i]),
      ),
      shuffled,
    );
  }
});

test("the identity (0, 0) is a series like any other", () => {
  const table = new SeriesTable(10);
  assert.equal(table.find(0, 0), -1);
  assert.deepEqual(
    assign(table, [
      [5, 5],
      [0, 0],
      [0, 0],
    ]),
    [0, 1, 1],
  );
});

test("an owner is told the capacity when it joins and nothing once it has left", () => {
  const table = new SeriesTable(1);
  const told: string[] = [];
  const owner = { grow: (c: number) => told.push(`grow ${c}`), recycle: (row: number) => told.push(`recycle ${row}`) };
  table.own(owner);
  assign(table, [[1, 1]]);
  assign(table, [[2, 2]]);
  table.disown(owner);
  table.disown(owner);
  assign(table, [[3, 3]]);
  assert.deepEqual(told, ["grow 1", "recycle 0"]);
});

test("one owner that leaves twice takes no other with it", () => {
  const table = new SeriesTable(1);
  const told: number[] = [];
  const leaver = { grow: () => {}, recycle: () => {} };
  table.own({ grow: () => {}, recycle: (row) => told.push(row) });
  table.own(leaver);
  table.disown(leaver);
  table.disown(leaver);
  assign(table, [[1, 1]]);
  assign(table, [[2, 2]]);
  assert.deepEqual(told, [0]);
});

const many = (from: number, count: number) =>
  Array.from({ length: count }, (_, i): Identity => [Math.imul(from + i, 0x9e3779b1), from + i]);

/** Requests of 1,000, so that no request alone names more than there is room for. */
function assignAll(table: SeriesTable, identities: readonly Identity[]): void {
  for (let at = 0; at < identities.length; at += 1000) assign(table, identities.slice(at, at + 1000));
}

test("a flood of new series, sent again and again, leaves every established series its row", () => {
  const table = new SeriesTable(10_000);
  const old = many(0, 5000);
  for (let i = 0; i < 50; i++) assignAll(table, old);
  const rows = old.map((identity) => table.find(...identity));
  const flood = many(1_000_000, 100_000);
  for (let minute = 0; minute < 3; minute++) {
    assignAll(table, old);
    assignAll(table, flood);
  }
  assert.deepEqual(
    old.map((identity) => table.find(...identity)),
    rows,
  );
  assert.equal(table.length, 10_000);
});

test("established series that died give way to those that come to stay, a whole new set after an hour", () => {
  const table = new SeriesTable(1000);
  let now = 1_700_000_000_000;
  const live = (series: readonly Identity[], minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      now += 60_000;
      table.tick(now);
      assign(table, series);
    }
  };
  const known = (series: readonly Identity[]) => series.filter((identity) => table.find(...identity) >= 0).length;
  const generations = [many(0, 500), many(10_000, 500), many(20_000, 500)];
  for (const generation of generations) live(generation, 120);
  assert.equal(known(generations[2]), 500, "five hundred new ones, more than the fifth that is not established");
  const stayed = generations[2].slice(0, 100);
  live([...stayed, ...many(30_000, 900)], 65);
  assert.equal(known(stayed), 100);
});

test("series that another process knew come back established, in their order, without anyone having to go", () => {
  const table = new SeriesTable(10);
  assign(table, many(0, 4));
  const recalled = many(100, 10);
  const column = (k: 0 | 1) => Int32Array.from(recalled, (identity) => identity[k]);
  const series = new Uint32Array(10);
  recalled[0] = many(0, 1)[0];
  table.recall(column(0), column(1), new Uint32Array(10).fill(60), series);
  assert.equal(table.evicted, 0);
  assert.equal(series[0], 0, "a series that lives here already");
  assert.deepEqual([...series.slice(1)], [NO_SERIES, NO_SERIES, NO_SERIES, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(assign(table, recalled.slice(4)), [4, 5, 6, 7, 8, 9]);
  for (const each of many(500, 20)) assign(table, [each]);
  assert.deepEqual(assign(table, recalled.slice(4)), [4, 5, 6, 7, 8, 9], "newcomers took other rows");
});
