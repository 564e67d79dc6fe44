// Starting and stopping of components that misbehave: named, waited for no longer than a limit, and the rest goes on.
import assert from "node:assert/strict";
import test from "node:test";
import type { Component } from "vedette";
import { fakeHost } from "vedette/testing";
import { Board } from "../../../src/agent/board.ts";
import { create, type Made, start, stop } from "../../../src/agent/lifecycle.ts";

const never = () => new Promise<void>(() => {});

function made(part: Component): { made: Made; logged: ReturnType<typeof fakeHost>["logged"] } {
  const host = { ...fakeHost("odd"), mute() {}, unmute() {}, close() {}, onClose() {} };
  return {
    made: { section: "exporters", id: "odd", plugin: {} as never, options: {}, part, host },
    logged: host.logged,
  };
}

const statusOf = (board: Board) => board.list().map(({ id, status, reason }) => ({ id, status, reason }));

test("a start that never settles fails after half a minute, naming the component", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const board = new Board(() => 0);
  const failure = assert.rejects(
    start(made({ start: never }).made, board),
    /^Error: odd could not start: .*within 30 s/,
  );
  await Promise.resolve();
  assert.deepEqual(statusOf(board), [{ id: "odd", status: "starting", reason: undefined }]);
  t.mock.timers.tick(30_000);
  await failure;
  assert.equal(statusOf(board)[0].status, "permanent_error");
});

test("a stop that never settles is waited for no longer than ten seconds, and told", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { made: hanging, logged } = made({ stop: never });
  const stopped = stop(hanging);
  t.mock.timers.tick(10_000);
  await stopped;
  assert.match(JSON.stringify(logged), /stopping failed.*within 10 s/);
});

test("a component that throws as it starts or stops is told; one that starts well is ok, or what it says of itself", async () => {
  const board = new Board(() => 0);
  const throws = () => {
    throw new Error("no disk");
  };
  await assert.rejects(start(made({ start: throws }).made, board), /odd could not start: no disk/);
  const { made: faulty, logged } = made({ stop: throws });
  await stop(faulty, board);
  assert.match(JSON.stringify(logged), /no disk/);
  assert.equal(statusOf(board)[0].status, "stopped");
  await start(made({}).made, board);
  assert.equal(statusOf(board)[0].status, "ok");
  const degraded: Made = made({ start: async () => board.report(degraded, "recoverable_error", "no peer yet") }).made;
  await start(degraded, board);
  assert.deepEqual(statusOf(board)[0], { id: "odd", status: "recoverable_error", reason: "no peer yet" });
});

test("what a plugin makes must be a component, at once", () => {
  for (const rubbish of [undefined, null, 7, Promise.resolve({})]) {
    assert.throws(
      () => create("odd", () => rubbish as never),
      /odd could not be created: its plugin's create gives no/,
    );
  }
});

test("the board tells a change once, keeps since when, and forgets", () => {
  let now = 5;
  const heard: string[] = [];
  const board = new Board(
    () => now,
    ({ status }, before) => heard.push(`${before} > ${status}`),
  );
  const place = { section: "processors", id: "ewma", pipeline: "metrics" } as const;
  board.report(place, "ok");
  now = 6;
  board.report(place, "recoverable_error", "x".repeat(2000));
  now = 7;
  board.report(place, "recoverable_error", "another reason");
  assert.deepEqual(heard, ["undefined > ok", "ok > recoverable_error"]);
  assert.deepEqual(board.list(), [{ ...place, status: "recoverable_error", since: 6, reason: "another reason" }]);
  board.forget(place);
  assert.deepEqual(board.list(), []);
});
