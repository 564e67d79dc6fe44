// Declared columns: zero until written, kept through growth, cleared a row at a time, saved and refused as a whole.
import assert from "node:assert/strict";
import test from "node:test";
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

test("what is saved is a copy and restores to the same columns", () => {
  const state = filled();
  const saved = state.save(2);
  state.columns.mean[0] = 99;
  state.columns.level[0] = 99;
  const other = new SeriesState(SHAPE);
  assert.ok(other.restore(2, saved));
  assert.equal(other.capacity, 2);
  assert.deepEqual([...other.columns.mean], [0.5, 1.5]);
  assert.deepEqual([...other.columns.profile], [1, 1, 1, 2, 2, 2]);
  assert.deepEqual([...other.columns.level], [7, 8]);
  assert.deepEqual(other.save(2), saved);
});

test("columns of another shape or number of rows are refused and change nothing", () => {
  const saved = filled().save(2);
  const { mean: _, ...missing } = saved;
  for (const wrong of [
    missing,
    { ...saved, profile: saved.profile.slice(4) },
    { ...saved, level: new Uint8Array(3) },
  ]) {
    const state = new SeriesState(SHAPE);
    assert.equal(state.restore(2, wrong), false);
    assert.equal(state.capacity, 0);
    assert.deepEqual([...state.columns.level], [0, 0]);
  }
  assert.equal(new SeriesState(SHAPE).restore(3, saved), false);
});
