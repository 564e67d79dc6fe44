// What people on call rely on: a change of what a service sends is told once with what changed, and when it is as before.
import assert from "node:assert/strict";
import test from "node:test";
import schemaDrift from "../../plugins/processors/schema_drift/index.ts";
import { metricsOf, type Point, recordsOf, spansOf, type Timeline, timeline, type Values } from "../timeline.ts";

const MINUTE = 60;
const cart: Values = { "service.name": "cart" };

/** Sends what `request` makes every 5 s until `end`, in seconds. */
function play(line: Timeline, end: number, request: (second: number) => Uint8Array): void {
  while (line.now < end) {
    line.send(request(line.now));
    line.tick(5);
  }
}

/** Ten spans of one operation. */
const spans = (time: number, attributes: Values, name = "GET /cart") =>
  spansOf(
    cart,
    Array.from({ length: 10 }, () => ({ name, attributes, time })),
  );

const FULL: Values = { "http.route": "/cart", "user.id": "u1", "http.status_code": 200 };
const { "user.id": _, ...WITHOUT } = FULL;
const ALL = { types: ["missing_field", "new_field", "type_change", "unit_change"] };

test("an attribute that goes missing from spans is told within a minute or two, and when it is back", () => {
  const line = timeline(schemaDrift, {}, { signal: "traces" });
  const lost = (at: number) => at >= 60 * MINUTE && at < 75 * MINUTE;
  play(line, 90 * MINUTE, (at) => spans(at, lost(at) ? WITHOUT : FULL));
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^6[12]:\d\d missing_field open: The attribute user.id is missing from GET \/cart spans of cart: the last \d\d looked at are without it, 100 % before had it\.$/,
  );
  assert.match(
    line.told[1],
    /^7[56]:\d\d missing_field resolved: What cart sends is as before again after 15 min \(user\.id missing from GET \/cart spans\)\.$/,
  );
  assert.equal(line.anomalies[1].id, line.anomalies[0].id);
});

test("an attribute that only some rows have may be missing, and one that was rare may come", () => {
  const line = timeline(schemaDrift, {}, { signal: "traces" });
  let row = 0;
  play(line, 120 * MINUTE, (at) => {
    row++;
    const { "user.id": id, ...rest } = FULL;
    return spans(at, { ...rest, ...(row % 3 > 0 && { "user.id": id }), ...(row % 40 === 0 && { "retry.count": 1 }) });
  });
  assert.deepEqual(line.told, []);
});

test("of records the attributes are those of a service and severity", () => {
  const line = timeline(schemaDrift, {}, { signal: "logs" });
  play(line, 70 * MINUTE, (at) => {
    const attributes: Values = at < 60 * MINUTE ? { thread: "main", order: 1 } : { thread: "main" };
    return recordsOf(cart, [
      { name: 17, attributes, time: at },
      { name: 9, attributes: { thread: "main" }, time: at },
    ]);
  });
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(line.told[0], /missing_field open: The attribute order is missing from ERROR records of cart/);
});

test("new attributes, other types and other units are told", () => {
  for (const [after, told] of [
    [
      { ...FULL, "debug.flag": true },
      /new_field open: GET \/cart spans of cart have a new attribute, debug.flag, which is true or false\.$/,
    ],
    [
      { ...FULL, "http.status_code": "200" },
      /type_change open: The attribute http.status_code of GET \/cart spans of cart is text now; it used to be a number\.$/,
    ],
  ] as const) {
    const line = timeline(schemaDrift, ALL, { signal: "traces" });
    play(line, 70 * MINUTE, (at) => spans(at, at < 60 * MINUTE ? FULL : after));
    assert.equal(line.told.length, 1, line.told.join("\n"));
    assert.match(line.told[0], told);
  }
  const line = timeline(schemaDrift);
  const point: Point = { name: "http.server.duration", attributes: { route: "/pay" } };
  play(line, 80 * MINUTE, (at) => metricsOf(cart, [{ ...point, unit: at < 60 * MINUTE ? "ms" : "s" }], at));
  assert.equal(line.told.length, 1, line.told.join("\n"));
  assert.match(
    line.told[0],
    /unit_change open: The unit of http.server.duration of cart is "s" now; it used to be "ms"\.$/,
  );
});

test("a metric that is gone, one that is new, and a gauge that is a sum now are told of the service", () => {
  for (const [after, told] of [
    [
      [{ name: "a" }],
      /missing_field open: The metric b of cart has been missing for \d+ min; before, it was there 100 % of the time\.$/,
    ],
    [[{ name: "a" }, { name: "b" }, { name: "c" }], /new_field open: A new metric of cart has come: c\.$/],
    [
      [{ name: "a" }, { name: "b", as: "sum" }],
      /type_change open: The metric b of cart is a sum or a histogram now; it used to be a gauge\.$/,
    ],
  ] as [Point[], RegExp][]) {
    const line = timeline(schemaDrift, ALL);
    play(line, 150 * MINUTE, (at) => {
      const points = at < 120 * MINUTE ? [{ name: "a" }, { name: "b" }] : after;
      return metricsOf(
        cart,
        points.map((point) => ({ ...point, value: at })),
        at,
      );
    });
    assert.equal(line.told.length, 1, line.told.join("\n"));
    assert.match(line.told[0], told);
  }
});

test("a deployment that renames everything is one anomaly, and after a while normal", () => {
  const line = timeline(schemaDrift, { adopt_after: "30m" }, { signal: "traces" });
  const operations = Array.from({ length: 20 }, (_, i) => `GET /${i}`);
  play(line, 120 * MINUTE, (at) => {
    const prefix = at < 60 * MINUTE ? "old" : "new";
    const attributes = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`${prefix}.${i}`, "x"]));
    return spansOf(
      cart,
      operations.map((name) => ({ name, attributes, time: at })),
    );
  });
  assert.equal(line.told.length, 2, line.told.join("\n"));
  assert.match(
    line.told[0],
    /^61:\d\d missing_field open: What cart sends has changed in \d+ ways: old\.\d missing from GET/,
  );
  assert.match(
    line.told[1],
    /^91:\d\d missing_field resolved: What cart sends has changed for 30 min \(.*\): that is taken for normal from now on\.$/,
  );
  assert.equal(line.anomalies[0].contributors.length, 10);
});

test("only what `types` names is told, and nothing before it has learnt", () => {
  const only = timeline(schemaDrift, { types: ["type_change"] }, { signal: "traces" });
  play(only, 80 * MINUTE, (at) => spans(at, at < 60 * MINUTE ? FULL : WITHOUT));
  assert.deepEqual(only.told, []);
  const unasked = timeline(schemaDrift, {}, { signal: "traces" });
  play(unasked, 80 * MINUTE, (at) => spans(at, at < 60 * MINUTE ? FULL : { ...FULL, "error.type": "timeout" }));
  assert.deepEqual(unasked.told, [], "what is new is not told unless asked for");
  const young = timeline(schemaDrift, {}, { signal: "traces" });
  play(young, 28 * MINUTE, (at) => spans(at, at < 20 * MINUTE ? FULL : WITHOUT));
  assert.deepEqual(young.told, []);
});

test("a restart in the middle of a change changes nothing", () => {
  const run = (restarts: readonly number[]) => {
    const line = timeline(schemaDrift, {}, { signal: "traces" });
    for (const until of [...restarts, 90]) {
      play(line, until * MINUTE, (at) => spans(at, at >= 60 * MINUTE && at < 75 * MINUTE ? WITHOUT : FULL));
      if (until < 90) line.restart();
    }
    return line.told;
  };
  const whole = run([]);
  assert.equal(whole.length, 2);
  assert.deepEqual(run([10, 60.5, 61, 70, 75.5]), whole);
});

test("keys of any kind, and keys without end, do no harm", () => {
  const line = timeline(schemaDrift, { learning: "1m" }, { signal: "traces" });
  let n = 0;
  play(line, 60 * MINUTE, (at) => {
    const keys = Array.from({ length: 40 }, () => `key ${n++}`);
    const attributes = JSON.parse(`{"__proto__": "a", "constructor": 1, "": true, "${"x".repeat(5000)}": "b"}`);
    for (const key of keys) attributes[key] = "x";
    if (n % 5000 === 0) line.restart();
    return spansOf(cart, [{ name: `GET /${n % 2 === 0 ? n : "same"}`, attributes, time: n % 7 === 0 ? at + 1e9 : at }]);
  });
  assert.deepEqual(line.told, []);
  assert.equal(line.errors, 0);
  assert.ok(line.save().length < 4e6, `${line.save().length} bytes`);
});

test("bytes that are not its own are refused in words", () => {
  for (const bytes of ["", "{}", "[]", '{"version": 2}', '{"version":1,"signal":"metrics","dice":1,"services":[{}]}']) {
    assert.throws(() => timeline(schemaDrift).load(Buffer.from(bytes)), /schema_drift/, bytes);
  }
});
