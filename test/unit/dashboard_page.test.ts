// What the dashboard's page makes of numbers, times and traces, without a browser.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Told, Trace } from "../../plugins/extensions/dashboard/contract.ts";

// checked with the types of browsers by a configuration of its own
const page = (name: string) => import(`../../plugins/extensions/dashboard/page/${name}.ts`);
const { age, bytes, clock, duration, moment, number, percent } = await page("format");
const { parse, to } = await page("router");
const { clipped } = await page("text");
const { depthsOf, guiltyOf, shownSpans } = await page("waterfall");

/** As it reads: a number and its unit stay on one line. */
const read = (text: string) => text.replaceAll("\u00a0", " ");

test("a number is read with its unit, and with no more digits than it needs", () => {
  for (const [value, unit, words] of [
    [0.22, "s", "220 ms"],
    [1.8512, "s", "1.85 s"],
    [1850, "ms", "1.85 s"],
    [41, "ms", "41 ms"],
    [3.8215, "%", "3.82 %"],
    [1914.2, "/s", "1,914/s"],
    [12, "{request}/s", "12/s"],
    [12, "{requests}", "12"],
    [0.5, "1", "0.5"],
    [411041792, "By", "392 MiB"],
    [0, "", "0"],
    [-0.25, "", "-0.25"],
    ["Infinity", "s", "infinite"],
    ["-Infinity", "", "minus infinite"],
    [null, "s", "–"],
  ] as const) {
    assert.equal(read(number(value, unit)), words, `${value} ${unit}`);
  }
  assert.equal(read(bytes(0)), "0 B");
  assert.equal(read(percent(0.0312)), "3.1 %");
  assert.equal(read(percent(0.97)), "97 %");
});

test("durations, ages and times are read as people say them", () => {
  const minute = 60_000;
  for (const [ms, words] of [
    [41, "41 ms"],
    [1520, "1.5 s"],
    [59_900, "60 s"],
    [23 * minute, "23 min"],
    [130 * minute, "2 h 10 min"],
    [120 * minute, "2 h"],
    [24 * 60 * minute, "1 day"],
    [80 * 60 * minute, "3 days"],
    [-5, "0 ms"],
  ] as const) {
    assert.equal(read(duration(ms)), words);
  }
  assert.equal(read(age(2000)), "2 s ago");
  assert.equal(age(-3000), "now", "a clock that is a little ahead");
  const now = new Date(2026, 10, 23, 14, 3, 8).getTime();
  assert.deepEqual([clock(now), clock(now, true)], ["14:03", "14:03:08"]);
  assert.equal(read(moment(new Date(2026, 10, 22, 9, 5).getTime(), now)), "22 Nov 09:05");
});

test("whatever number comes, it is a short text", () => {
  const unit = fc.constantFrom("", "s", "ms", "By", "%", "{a}/s", "x".repeat(500));
  const isShort = (words: string) => words.length <= 40 && !/NaN|undefined/.test(words);
  const longest: [number, string] = [-999_999_999_999_999, "x".repeat(500)];
  fc.assert(
    fc.property(fc.double(), unit, (value, unit) => isShort(number(value, unit))),
    { examples: [longest] },
  );
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(fc.property(finite, (value) => isShort(duration(value)) && isShort(bytes(value))));
});

test("every address leads back to what it was made of, whatever the id is", () => {
  const text = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom("payments/é 100 %", "a?b#c&d=e", "\u202e😀"));
  fc.assert(
    fc.property(text, text, (id, words) => {
      const route = parse(to("incidents", id, { q: words }));
      assert.deepEqual([route.view, route.id, route.query.get("q") ?? ""], ["incidents", id, words]);
    }),
  );
});

test("without an address, or with one that cannot be read, a view is there", () => {
  for (const hash of ["", "#", "#/"]) assert.equal(parse(hash).view, "now");
  assert.deepEqual([parse("#/explore/%zz").view, parse("#/explore/%zz").id], ["explore", "%zz"]);
});

test("a text of any length is cut between characters", () => {
  assert.equal(clipped("😀".repeat(1000), 5), "😀😀…");
  assert.equal(clipped("as it is", 8), "as it is");
});

type Span = Trace["spans"][number];

const span = (span_id: string, parent: number, rest: Partial<Span> = {}): Span => ({
  ...{ span_id, parent, name: `op ${span_id}`, service: "payments", kind: 2 },
  ...{ start: 0, duration: 100, self: 10, failed: false },
  ...rest,
});

const trace = (...spans: Span[]): Trace => ({ trace_id: "t1", spans });

const naming = (span_id: string, trace_id = "t1") =>
  ({ signal: "traces", reason: "charge took 1.5 s", labels: { trace_id, span_id } }) as unknown as Told;

test("the guilty span is the one that an anomaly names", () => {
  const spans = trace(span("a", -1, { self: 90 }), span("b", 0, { failed: true }), span("c", 0));
  assert.deepEqual(guiltyOf(spans, [naming("x"), naming("b", "t2"), naming("c")]), {
    span: 2,
    why: "charge took 1.5 s",
  });
});

test("else the longest of the operation that an anomaly is about", () => {
  const about = { signal: "traces", service: "payments", name: "charge", reason: "charge is slow" } as unknown as Told;
  const charge = { name: "charge" };
  const spans = trace(
    span("a", -1, { failed: true }),
    span("b", 0, { ...charge, self: 20 }),
    span("c", 0, { ...charge, self: 70 }),
    span("d", 0, { ...charge, self: 90, service: "shop" }),
  );
  assert.deepEqual(guiltyOf(spans, [about]), { span: 2, why: "charge is slow" });
});

test("else it is the deepest of those that failed, since failures rise to their callers", () => {
  const spans = trace(
    span("a", -1, { failed: true, self: 95 }),
    span("b", 0, { failed: true }),
    span("c", 1, { failed: true }),
    span("d", 0),
  );
  const { span: index, why } = guiltyOf(spans, [])!;
  assert.equal(index, 2);
  assert.match(why, /failed/);
});

test("else the one that took most of the trace itself; where none did, none is accused", () => {
  const { span: index, why } = guiltyOf(trace(span("a", -1, { self: 20 }), span("b", 0, { self: 80 })), [])!;
  assert.equal(index, 1);
  assert.match(read(why), /80 ms itself, 80 % of the trace/);
  assert.equal(guiltyOf(trace(span("a", -1, { self: 40 }), span("b", 0, { self: 45 })), []), undefined);
  assert.equal(guiltyOf(trace(), []), undefined);
});

test("of a trace of thousands of spans a hundred are shown: the guilty one, those that called it, and the longest", () => {
  const spans = Array.from({ length: 5000 }, (_, i) => span(`${i}`, i - 1 < 3 ? i - 1 : 0, { duration: i % 997 }));
  const shown: number[] = shownSpans(spans, 3);
  assert.ok(shown.length <= 100);
  for (const index of [0, 1, 2, 3, 996]) assert.ok(shown.includes(index), `${index}`);
  assert.deepEqual(
    shown,
    [...shown].sort((a, b) => a - b),
  );
  assert.deepEqual(depthsOf(spans).slice(0, 5), [0, 1, 2, 3, 1]);
});
