// A flood of new series: what is held stays within its bounds, and the models of the series that were there stay as they are.
import assert from "node:assert/strict";
import test from "node:test";
import ewma from "../../../plugins/processors/ewma/index.ts";
import type { Batch } from "../../../src/api/index.ts";
import { Detector } from "../../../src/pipeline/detect.ts";
import type { Snapshot } from "../../../src/series/snapshot.ts";
import { SeriesTable } from "../../../src/series/table.ts";
import { fakeHostNamed, optionsOf } from "../../wired.ts";

const LIMIT = 50_000;
const MAX_SERIES = 10_000;
const MINUTE = 60_000;
/** Points of a request. */
const SIZE = 1000;

const LABELS = {
  resource: {},
  scope: { name: "", version: "" },
  name: "load",
  statistic: "",
  unit: "",
  attributes: {},
  traceId: "",
  spanId: "",
};

/** A table and a detector, fed with series by number; each point's value depends on its series and the minute alone. */
function agent() {
  const table = new SeriesTable(LIMIT);
  const options = optionsOf(ewma, { max_series: MAX_SERIES });
  const detector = new Detector<"metrics">(ewma, options, options, fakeHostNamed("ewma"), table, () => {});
  const series = new Uint32Array(SIZE);
  const hash0 = new Int32Array(SIZE);
  const hash1 = new Int32Array(SIZE);
  const time = new Float64Array(SIZE);
  const value = new Float64Array(SIZE);
  const offset = new Uint32Array(SIZE);
  const send = (minute: number, first: number, count: number): void => {
    for (let at = 0; at < count; at += SIZE) {
      const length = Math.min(SIZE, count - at);
      for (let i = 0; i < length; i++) {
        const id = first + at + i;
        hash0[i] = Math.imul(id, 0x9e3779b1);
        hash1[i] = id;
        value[i] = Math.sin(id * 7 + minute);
        time[i] = minute * MINUTE;
      }
      table.tick(minute * MINUTE);
      table.assign(hash0, hash1, length, series);
      const rows = { length, series, time, offset, value };
      detector.process({
        signal: "metrics",
        receivedAt: minute * MINUTE,
        rows,
        labels: () => LABELS,
      } as unknown as Batch<"metrics">);
    }
  };
  return { table, detector, send };
}

/** All that is known of each series numbered below `count`: age, state and calibration, as text. */
function models({ columns }: Snapshot, count: number): Map<number, string> {
  const id = new Int32Array(columns.find(({ name }) => name === "series.hash1")!.bytes.buffer as ArrayBuffer);
  const rest = columns.filter(({ name, shared }) => name !== "series.seen" && !shared);
  const found = new Map<number, string>();
  for (const [row, number] of id.entries()) {
    if (number >= count) continue;
    const parts = rest.map(({ bytes }) => {
      const width = bytes.length / id.length;
      return Buffer.from(bytes.subarray(row * width, (row + 1) * width)).toString("hex");
    });
    found.set(number, parts.join(" "));
  }
  return found;
}

test("a million new series within ten minutes change no bit of the models that were there, and nothing outgrows its bound", () => {
  const calm = agent();
  const flooded = agent();
  const known = 5000;
  for (let minute = 0; minute < 60; minute++) {
    calm.send(minute, 0, known);
    flooded.send(minute, 0, known);
  }
  let held = 0;
  for (let minute = 60; minute < 70; minute++) {
    calm.send(minute, 0, known);
    flooded.send(minute, 0, known / 2);
    flooded.send(minute, 1_000_000 + minute * 100_000, 100_000);
    flooded.send(minute, known / 2, known / 2);
    if (minute === 61) held = flooded.detector.stateBytes + flooded.table.byteLength;
  }
  const { table, detector } = flooded;
  assert.equal(table.length, LIMIT);
  assert.equal(detector.series, MAX_SERIES);
  assert.equal(detector.stateBytes + table.byteLength, held, "full after two minutes, and no byte more after ten");
  assert.ok(detector.stateBytes <= MAX_SERIES * 220 + LIMIT * 4, `${detector.stateBytes}`);
  assert.ok(table.byteLength <= LIMIT * 62, `${table.byteLength}`);
  assert.ok(detector.counts.evicted >= 1_000_000 - MAX_SERIES);
  const expected = models(calm.detector.takeSnapshot(), known);
  assert.equal(expected.size, known);
  assert.deepEqual(models(detector.takeSnapshot(), known), expected);
});

test("a flood whose series are sent again each minute is no different", () => {
  const calm = agent();
  const flooded = agent();
  const known = 8000;
  for (let minute = 0; minute < 120; minute++) {
    calm.send(minute, 0, known);
    flooded.send(minute, 0, known);
    if (minute >= 60) flooded.send(minute, 1_000_000, 20_000);
  }
  const expected = models(calm.detector.takeSnapshot(), known);
  assert.deepEqual(models(flooded.detector.takeSnapshot(), known), expected);
});

test("a deployment that renames every series is watched again: what died gives way after an hour at the latest", () => {
  const { detector, send } = agent();
  for (let deployment = 0; deployment < 4; deployment++) {
    for (let minute = 0; minute < 180; minute++) send(deployment * 180 + minute, deployment * 100_000, 6000);
    const alive = models(detector.takeSnapshot(), (deployment + 1) * 100_000);
    const current = [...alive.keys()].filter((id) => id >= deployment * 100_000);
    assert.equal(current.length, 6000);
    assert.equal(detector.warming, 0);
  }
});
