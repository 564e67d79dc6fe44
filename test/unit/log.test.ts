// The agent's log: one line an event, whatever the event is about, and no flood of the same one.
import assert from "node:assert/strict";
import test from "node:test";
import { Log, type LogOptions } from "../../src/observe/log.ts";

const START = Date.UTC(2026, 10, 22, 18, 40);

function logTo(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const clock = { now: START };
  const log = new Log({
    level: "debug",
    encoding: "console",
    write: (line) => lines.push(line),
    now: () => clock.now,
    ...options,
  });
  return { log, lines, clock, logger: log.for("otlp_http/backend") };
}

test("a line says when, how grave, who and what, with its fields", () => {
  const { logger, lines } = logTo();
  logger.info("started", { endpoint: "127.0.0.1:4317", attempts: 2, ids: ["a"], size: 10n, missing: undefined });
  logger.error("stopped");
  assert.deepEqual(lines, [
    '2026-11-22T18:40:00.000Z info  otlp_http/backend: started  endpoint="127.0.0.1:4317" attempts=2 ids=["a"] size="10"\n',
    "2026-11-22T18:40:00.000Z error otlp_http/backend: stopped\n",
  ]);
});

test("as JSON a line is one object", () => {
  const { logger, lines } = logTo({ encoding: "json" });
  logger.warn("slow", { ms: 12, size: 10n });
  assert.deepEqual(JSON.parse(lines[0]), {
    time: "2026-11-22T18:40:00.000Z",
    level: "warn",
    component: "otlp_http/backend",
    message: "slow",
    ms: 12,
    size: "10",
  });
  assert.equal(lines[0].indexOf("\n"), lines[0].length - 1);
});

test("what is below the level is not written", () => {
  for (const [level, written] of [
    ["debug", 4],
    ["info", 3],
    ["warn", 2],
    ["error", 1],
  ] as const) {
    const { logger, lines } = logTo({ level });
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.error("d");
    assert.equal(lines.length, written, level);
  }
});

test("a repeated warning is written once a minute, with how often it came since", () => {
  const { log, logger, lines, clock } = logTo();
  for (let i = 0; i < 500; i++) logger.warn("export failed", { error: `attempt ${i}` });
  assert.equal(lines.length, 1);
  log.for("otlp_http/other").warn("export failed");
  logger.warn("another message");
  assert.equal(lines.length, 3, "other components and messages are heard");
  clock.now += 60_000;
  logger.warn("export failed", { error: "again" });
  assert.match(lines[3], /error="again" repeated=499\n$/);
  clock.now += 60_000;
  logger.warn("export failed", {});
  assert.doesNotMatch(lines[4], /repeated/);
});

test("debug and info lines are never held back", () => {
  const { logger, lines } = logTo();
  for (let i = 0; i < 5; i++) logger.info("batch");
  assert.equal(lines.length, 5);
});

test("a clock set back silences nothing", () => {
  const { logger, lines, clock } = logTo();
  logger.error("disk full");
  clock.now -= 3_600_000;
  logger.error("disk full");
  assert.equal(lines.length, 2);
});

test("many different messages do not make the log grow without bound, and stay heard", () => {
  const { logger, lines } = logTo();
  for (let i = 0; i < 5000; i++) logger.error(`message ${i}`);
  assert.equal(lines.length, 5000);
  logger.error("message 4999");
  assert.equal(lines.length, 5000);
  logger.error("message 0");
  assert.equal(lines.length, 5001, "long ago forgotten");
});

test("control characters from the network can neither forge a line nor move the cursor", () => {
  const evil = "a\n2026 error forged\r\u001b[2J\u009b31m\u007f\u202e\u2028";
  for (const encoding of ["console", "json"] as const) {
    const { logger, lines } = logTo({ encoding });
    logger.info(`a plugin says ${evil}`, { name: evil, [evil]: 1 });
    assert.doesNotMatch(lines[0].slice(0, -1), /[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/, encoding);
  }
  const { logger, lines } = logTo({ encoding: "json" });
  logger.info("refused", { name: evil });
  assert.equal(JSON.parse(lines[0]).name, evil);
});

test("fields that JSON cannot write do not stop whoever logs", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const thrower = {
    toJSON() {
      throw new Error("no");
    },
  };
  for (const encoding of ["console", "json"] as const) {
    const { logger, lines } = logTo({ encoding });
    logger.info("odd", { circle });
    logger.info("odd", { thrower, nothing: () => 1 });
    assert.equal(lines.length, 2);
    for (const line of lines) assert.match(line, /odd.*unwritable/);
  }
});

test("what was held back is told once its time is over, or at the end", () => {
  const { log, logger, lines, clock } = logTo();
  for (let i = 0; i < 5; i++) logger.warn("export failed");
  clock.now += 60_000;
  logger.info("batch");
  assert.equal(lines.length, 3);
  assert.match(lines[2], / warn {2}otlp_http\/backend: export failed {2}repeated=4\n$/);
  for (let i = 0; i < 3; i++) logger.error("disk full");
  log.flush();
  log.flush();
  assert.match(lines[4], / error otlp_http\/backend: disk full {2}repeated=2\n$/);
  assert.equal(lines.length, 5);
});

test("every message is counted by its level, written or held back", () => {
  const { log, logger } = logTo({ level: "info" });
  logger.debug("unheard");
  logger.info("a");
  logger.info("a");
  for (let i = 0; i < 5; i++) logger.warn("b");
  const counted = (name: string) =>
    log.measurements().flatMap((one) => (one.name === name ? [[one.attributes.level, one.value]] : []));
  assert.deepEqual(counted("vedette_log_messages"), [
    ["debug", 0],
    ["info", 2],
    ["warn", 5],
    ["error", 0],
  ]);
  assert.deepEqual(counted("vedette_log_messages_held_back"), [
    ["debug", 0],
    ["info", 0],
    ["warn", 4],
    ["error", 0],
  ]);
});

test("a new configuration holds from the next line on, for loggers that were handed out", () => {
  const { log, logger, lines } = logTo({ level: "error" });
  logger.warn("unheard");
  log.configure({ level: "warn", encoding: "json", initial_fields: { zone: "a" } });
  logger.warn("heard", { ms: 1 });
  const { time: _, ...line } = JSON.parse(lines[0]);
  assert.deepEqual(line, { level: "warn", component: "otlp_http/backend", message: "heard", zone: "a", ms: 1 });
});

test("how repetition is held back is a choice", () => {
  const sampling = { enabled: true, tick: 1000, initial: 2, thereafter: 3 };
  const { log, logger, lines } = logTo({ sampling });
  for (let i = 1; i <= 9; i++) logger.warn("slow", { i });
  assert.deepEqual(
    lines.map((line) => line.match(/ i=(.*)\n/)![1]),
    ["1", "2", "5 repeated=2", "8 repeated=2"],
  );
  log.configure({ level: "info", encoding: "console", sampling: { ...sampling, enabled: false } });
  for (let i = 0; i < 5; i++) logger.warn("slow");
  assert.equal(lines.length, 9);
});
