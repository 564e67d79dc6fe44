// Declared columns: zero until written, kept through growth, cleared a row at a time, saved and refused as a whole.
import assert from "node:assert/strict";
import test from "node:test";
import type { StateShape } from "../../../src/api/index.ts";
import type { KeptColumn } from "../../../src/series/snapshot.ts";
import { SeriesState } from "../../../src/series/state.ts";

const SHAPE = { mean: "f64", seen: "u32", profile: ["f32", 3], level: ["u8", 2, "shared"], drift: "i32" } as const;

function filled(): SeriesState<typeof SHAPE> {
  const state = new SeriesState(SHAPE);
  state.grow(3);
  const { mean, seen, profile, level, drift } = state.columns;
  for (let row = 0; row < 3; row++) {
    mean[row] = row + 0.5;
    seen[row] = row + 1;
    drift[row] = -row - 1;
    profile.fill(row + 1, row * 3, row * 3 + 3);
  }
  level.set([7, 8]);
  return state;
}

test("columns have the declared type, a width a row, and a shared length whatever the rows", () => {
  const { mean, seen, profile, level, drift } = filled().columns;
  assert.ok(mean instanceof Float64Array && seen instanceof Uint32Array && profile instanceof Float32Array);
  assert.ok(level instanceof Uint8Array && drift instanceof Int32Array);
  assert.deepEqual([mean.length, seen.length, profile.length, level.length], [3, 3, 9, 2]);
});

test("growth keeps what was written, adds zeros, leaves shared columns alone; smaller is no growth", () => {
  const state = filled();
  const { level } = state.columns;
  state.grow(5);
  state.grow(2);
  assert.equal(state.capacity, 5);
  assert.deepEqual([...state.columns.mean], [0.5, 1.5, 2.5, 0, 0]);
  assert.deepEqual([...state.columns.profile], [1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 0, 0, 0, 0, 0]);
  assert.equal(state.columns.level, level);
  assert.equal(state.byteLength, 5 * 8 + 5 * 4 + 15 * 4 + 2 + 5 * 4);
});

test("a cleared row is zero in every column, its neighbours and the shared ones are untouched", () => {
  const state = filled();
  state.clear(1);
  const { mean, seen, profile, level, drift } = state.columns;
  assert.deepEqual([...mean], [0.5, 0, 2.5]);
  assert.deepEqual([...seen], [1, 0, 3]);
  assert.deepEqual([...drift], [-1, 0, -3]);
  assert.deepEqual([...profile], [1, 1, 1, 0, 0, 0, 3, 3, 3]);
  assert.deepEqual([...level], [7, 8]);
});

const named = (columns: readonly KeptColumn[]) => new Map(columns.map((column) => [column.name, column]));

test("what is saved is a copy, and restores row by row in whatever order it is asked for", () => {
  const state = filled();
  const saved = named(state.save("state.", 3));
  state.columns.mean[0] = 99;
  state.columns.level[0] = 99;
  const other = new SeriesState(SHAPE);
  assert.equal(other.misfit("state.", 3, saved), undefined);
  other.restore("state.", Uint32Array.of(2, 0), saved);
  assert.equal(other.capacity, 2);
  assert.deepEqual([...other.columns.mean], [2.5, 0.5]);
  assert.deepEqual([...other.columns.profile], [3, 3, 3, 1, 1, 1]);
  assert.deepEqual([...other.columns.drift], [-3, -1]);
  assert.deepEqual([...other.columns.level], [7, 8]);
});

test("why columns do not fit is said by name; ones that are no longer declared do not matter", () => {
  const saved = filled().save("state.", 2);
  const misfit = (shape: StateShape, columns = saved, rows = 2) =>
    new SeriesState(shape).misfit("state.", rows, named(columns));
  assert.equal(misfit({ mean: "f64", level: ["u8", 2, "shared"] }), undefined);
  assert.match(misfit({ ...SHAPE, slope: "f32" })!, /has no column state.slope \(f32 x 1\)/);
  assert.match(
    misfit({ ...SHAPE, profile: ["f32", 24] })!,
    /state.profile of another shape: f32 x 3 then, f32 x 24 now/,
  );
  assert.match(misfit({ ...SHAPE, seen: "i32" })!, /state.seen of another shape: u32 x 1 then, i32 x 1 now/);
  assert.match(misfit({ ...SHAPE, level: ["u8", 2] })!, /state.level of another shape/);
  assert.match(misfit(SHAPE, saved, 3)!, /state.mean of 16 bytes, not 24/);
});
