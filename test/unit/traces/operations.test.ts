// Which operation spans are of: bounded whatever they are called, and room that is free again is given.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Intake } from "../../../src/pipeline/intake.ts";
import { Operations } from "../../../src/traces/operations.ts";
import { request, type Span } from "../../spans.ts";

const HOUR = 3_600_000;
const LONGEST = 300_000;

function known() {
  const operations = new Operations(() => {});
  const add = (service: string, name: string, now: number, kind = 2) =>
    operations.list[operations.number("", service, name, kind, now)]!;
  return { operations, add };
}

test("a service that puts ids into its span names keeps to its room, and leaves others theirs", () => {
  const { operations, add } = known();
  for (let i = 0; i < 5000; i++) add("shop", `GET /orders/${i}`, i);
  for (let i = 0; i < 5000; i++) add("shop", `GET /${"x".repeat(i % 250)}/${i}`, i);
  const { service, name } = add("shop", "GET /orders/77777", 5000);
  assert.equal(name, "GET /orders/*");
  assert.ok(service.names <= 1201, `${service.names}`);
  assert.ok(service.overflow);
  assert.equal(add("cart", "GET /cart", 5000).name, "GET /cart");
  assert.ok(operations.list.length < 1300);
});

test("what was not seen for long makes room, also for services", () => {
  const { operations, add } = known();
  for (let i = 0; i < 2100; i++) add(`job-${i}`, "run", 0);
  assert.equal(add("late", "run", 1).service.name, "(other)");
  operations.tick(2, LONGEST);
  assert.equal(add("late", "run", 3).service.name, "(other)", "all were seen just now");
  operations.tick(HOUR + 10, LONGEST);
  assert.equal(add("late", "run", HOUR + 11).service.name, "late");
  for (let i = 0; i < 2000; i++) add(`job-${i}`, "GET", HOUR + 20 + i);
  assert.ok(operations.list.length < 4500);
});

test("no text is kept beyond its bound", () => {
  const { add } = known();
  const { key, name, service } = add("s".repeat(100_000), "n".repeat(100_000), 0);
  assert.equal(name.length, 256);
  assert.equal(service.name.length, 256);
  assert.ok(key.length < 600);
});

test("spans of open traces keep their operations, whatever the clock does", () => {
  const intake = new Intake("traces", 1, 100_000);
  const assembler = intake.assemble({ idle_timeout: 10_000, max_traces: 1000, max_spans: 100_000 });
  const names: string[] = [];
  assembler.onTrace = ({ length, operation, operations }) => {
    for (let i = 0; i < length; i++) names.push(operations[operation[i]].name);
  };
  const ids = (i: number) => ({ trace: (i + 1).toString(16).padStart(32, "0"), id: "00000000000000a1" });
  const add = (spans: readonly Span[], now: number) => {
    intake.read(request(spans));
    intake.rows(now);
  };
  const span = (i: number, name: string): Span => ({ ...ids(i), name, kind: 3, from: 0, to: 1 });
  add([span(0, "first")], 0);
  const flood = Array.from({ length: 2000 }, (_, i) => span(1, `flood ${i}`));
  add(
    flood.map((each, i) => ({ ...each, id: (i + 1).toString(16).padStart(16, "0") })),
    1,
  );
  add([span(2, "later")], 3 * HOUR);
  assembler.tick(3 * HOUR);
  assembler.tick(3 * HOUR + 20_000);
  assert.equal(names[0], "first");
  assert.ok(names.includes("later") || names.includes("*"));
  add([span(3, "later")], 3 * HOUR + 30_000);
  assembler.tick(4 * HOUR);
  assert.equal(names.at(-1), "later", "there is room again");
});
