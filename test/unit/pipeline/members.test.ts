// Series and their parts: what is remembered beside them goes with them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch, Labels } from "../../../src/api/index.ts";
import { Members } from "../../../src/pipeline/members.ts";
import { Tally } from "../../../src/pipeline/tally.ts";
import { SeriesTable } from "../../../src/series/table.ts";

test("with a series its parts are forgotten, each told to who keeps something of it", () => {
  const table = new SeriesTable(10);
  const row = new Uint32Array(1);
  table.assign(Int32Array.of(1), Int32Array.of(1), 1, row);
  const forgotten: [number, number][] = [];
  const owner = {
    grow() {},
    taken() {},
    forgotten: (member: number, whole: number) => forgotten.push([member, whole]),
  };
  const members = new Members(table, new Tally(1000, 0), undefined, 10, owner);
  const labels = { resource: { "service.name": "shop" }, name: "INFO" } as unknown as Labels;
  const whole = members.of({ labels: () => labels } as unknown as Batch<"logs">, 0, row[0]);
  const parts = [members.part(whole, "a"), members.part(whole, "b")];
  members.forget(whole);
  assert.deepEqual(forgotten, [...parts.map((part) => [part, whole]), [whole, -1]]);
});
