// What the dashboard draws: limits, gaps and stretches of charts, sparklines, the graph of pipelines, tables and lists behind them.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { ComponentView, Num, Pipelines, SeriesItem } from "../../plugins/extensions/dashboard/contract.ts";
import { dayWords } from "../../plugins/extensions/dashboard/page/days.ts";
import { errorsOf, graphOf, toldRates } from "../../plugins/extensions/dashboard/page/graph.ts";
import { pathOf, renewed, waitingIn } from "../../plugins/extensions/dashboard/page/listing.ts";
import { type Points, plotOf, stretchesOf } from "../../plugins/extensions/dashboard/page/plot.ts";
import { pointRows, rangeWords, readout } from "../../plugins/extensions/dashboard/page/readout.ts";
import { sparkPaths } from "../../plugins/extensions/dashboard/page/spark.ts";
import { componentFare, seriesFare } from "../../plugins/extensions/dashboard/page/states.ts";

const MINUTE = 60_000;

/** A point a minute from time 0 on; where nothing is said of a column it has no numbers. */
function points(
  columns: Partial<Record<"observed" | "expected" | "lower" | "upper" | "score", Num[]>> & { time?: number[] },
): Points {
  const { length } = columns.time ?? Object.values(columns)[0];
  const none = Array.from({ length }, () => null);
  const time = columns.time ?? none.map((_, i) => i * MINUTE);
  return { width: MINUTE, observed: none, expected: none, lower: none, upper: none, score: none, ...columns, time };
}

test("where nothing came the line has a gap", () => {
  const plot = plotOf(points({ time: [0, 1, 2, 3, 60, 61].map((at) => at * MINUTE), observed: [1, 1, 1, 1, 2, 2] }));
  assert.deepEqual(plot.observed, [1, 1, 1, 1, null, 2, 2]);
  assert.deepEqual(plot.from, [0, 1, 2, 3, -1, 4, 5]);
});

test("rows that come slower than points are wide are no gaps", () => {
  const slow = points({ time: [0, 10, 20, 30].map((at) => at * MINUTE), observed: [1, 2, 3, 4] });
  assert.deepEqual(plotOf(slow).observed, [1, 2, 3, 4]);
});

test("one wide bound does not flatten the line, and a bound without end fills the chart", () => {
  const { y } = plotOf(points({ observed: [1000, 1010], lower: [-1e9, -1e9], upper: [1020, 1e9] }));
  assert.ok(y[0] > 900 && y[1] < 1100, `${y}`);
  const open = plotOf(points({ observed: [100, 110], lower: ["-Infinity", 90], upper: [120, "Infinity"] }));
  assert.ok(open.lower[0]! < open.y[0] && open.upper[1]! > open.y[1]);
});

test("values near zero are shown from zero on, others are not", () => {
  assert.equal(plotOf(points({ observed: [1, 9] })).y[0], 0);
  assert.ok(plotOf(points({ observed: [1000, 1009] })).y[0] > 900);
});

test("whatever comes, what is drawn is finite and in order", () => {
  const num = fc.oneof(
    fc.double({ noNaN: true }).map((value): Num => (Number.isFinite(value) ? value : "Infinity")),
    fc.constantFrom<Num>(null, "Infinity", "-Infinity"),
  );
  const row = fc.record({
    step: fc.integer({ min: 1, max: 1e6 }),
    observed: num,
    expected: num,
    lower: num,
    upper: num,
    score: num,
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
      let at = 0;
      const time = rows.map(({ step }) => (at += step));
      const columns = (["observed", "expected", "lower", "upper", "score"] as const).map((name) => [
        name,
        rows.map((each) => each[name]),
      ]);
      const all = points({ time, ...Object.fromEntries(columns) });
      const plot = plotOf(all);
      assert.ok(plot.x[0] < plot.x[1] && plot.y[0] < plot.y[1] && Number.isFinite(plot.top));
      assert.ok(plot.time.every((each, i) => i === 0 || each > plot.time[i - 1]));
      assert.ok(plot.score.every((each) => each === null || Number.isFinite(each)));
      assert.equal(plot.from.filter((each) => each >= 0).length, rows.length);
      assert.equal(pointRows(all, "s").length, rows.length);
      for (const stretch of stretchesOf(all, [], at)) assert.ok(stretch.from <= stretch.until);
    }),
  );
});

test("an episode is a stretch with its highest score, until now while it is open", () => {
  const scored = points({ score: [0.2, 0.3, 2, 4.2, 3, 0.1] });
  const episode = { id: "e", start: 2 * MINUTE, end: null, severity: "critical", incident: "i" } as const;
  assert.deepEqual(stretchesOf(scored, [episode], 5 * MINUTE), [
    { from: 2 * MINUTE, until: 5 * MINUTE, length: 3 * MINUTE, severity: "critical", open: true, score: 4.2 },
  ]);
  // a point stands for the time from it on
  const within = { ...episode, start: 2.7 * MINUTE, end: 2.9 * MINUTE };
  const [stretch] = stretchesOf(scored, [within], 5 * MINUTE);
  assert.deepEqual([stretch.from, stretch.score], [2 * MINUTE, 2]);
});

test("rows past the line of which no episode is told are stretches too, and a short lull does not part them", () => {
  const scored = points({ score: [2, 0.5, 0.5, 3, 0, 0, 0, 0, 1.5] });
  assert.deepEqual(
    stretchesOf(scored, [], 0).map(({ from, until, severity, score }) => [
      from / MINUTE,
      until / MINUTE,
      severity,
      score,
    ]),
    [
      [0, 3, undefined, 3],
      [8, 8, undefined, 1.5],
    ],
  );
});

test("a point is read in words: its bounds, and whether it is past the line", () => {
  const one = points({ observed: [1.85], lower: [0.22], upper: [0.34], score: [4.2] });
  assert.deepEqual(readout(one, plotOf(one), 0, "s").slice(1), [
    "observed 1.85\u00a0s",
    "expected 220\u00a0ms to 340\u00a0ms",
    "score 4.2, over the line",
  ]);
  assert.equal(rangeWords("-Infinity", 5, ""), "up to 5");
  assert.equal(rangeWords(null, null, ""), undefined);
  assert.equal(pointRows(points({ score: [0.5, 2] }), "")[0].at(-1), "2, over");
});

test("a sparkline has a bounded number of points, breaks at gaps, and marks what is past the line", () => {
  const many = Array.from({ length: 1000 }, (_, i) => i);
  const long = sparkPaths({ observed: many, lower: [], upper: [], over: [] }, 80, 28);
  assert.ok(long.line.split(/[ML]/).length <= 121);
  assert.equal(long.odd, "");
  const { line, odd, dot } = sparkPaths(
    { observed: [1, 1, null, 9, 9], lower: [], upper: [], over: [0, 0, 0, 1, 1] },
    80,
    28,
  );
  assert.equal(line.match(/M/g)?.length, 2);
  assert.ok(line.endsWith(odd) && odd !== "");
  assert.deepEqual(dot, [77, 3]);
  assert.equal(sparkPaths({ observed: [null, "Infinity"], lower: [], upper: [], over: [] }, 80, 28).line, "");
});

const view = (section: string, id: string, more: Partial<ComponentView> = {}): ComponentView => ({
  section,
  id,
  status: "ok",
  since: 0,
  incoming: null,
  outgoing: null,
  totals: {},
  cpu: null,
  config: "",
  ...more,
});

const running: Pipelines = {
  started: 0,
  pipelines: [
    { id: "metrics", signal: "metrics", receivers: ["otlp", "count"], processors: ["ewma"], exporters: ["debug"] },
    { id: "traces", signal: "traces", receivers: ["otlp"], processors: ["limiter", "sampler"], exporters: ["count"] },
    { id: "logs", signal: "logs", receivers: ["otlp"], processors: [], exporters: ["debug"] },
  ],
  components: [
    view("receivers", "otlp", { outgoing: 90 }),
    view("connectors", "count"),
    view("exporters", "debug"),
    view("processors", "ewma", { pipeline: "metrics", incoming: 7, outgoing: 7 }),
    view("processors", "limiter", { pipeline: "traces", incoming: 50, outgoing: 50 }),
    view("processors", "sampler", { pipeline: "traces", incoming: 50, outgoing: 5 }),
  ],
};

test("a pipeline stands below the one whose connector feeds it, and each says where the other is", () => {
  const rows = graphOf(running);
  assert.deepEqual(
    rows.map(({ id, depth }) => [id, depth]),
    [
      ["traces", 0],
      ["metrics", 1],
      ["logs", 0],
    ],
  );
  assert.deepEqual(rows[0].exporters[0].joins, ["metrics"]);
  assert.deepEqual(
    rows[1].receivers.map(({ joins }) => joins),
    [[], ["traces"]],
  );
});

test("rates stand between the components, and only where they are news", () => {
  const [traces, , logs] = graphOf(running);
  assert.deepEqual(traces.rates, [50, 50, 5]);
  assert.deepEqual(toldRates(traces.rates), [50, null, 5]);
  assert.deepEqual(toldRates([7, 7, null, 7]), [7, null, null, 7]);
  assert.deepEqual(logs.rates, [90]);
});

test("pipelines that feed each other are all shown, once", () => {
  const pipelines = ["a", "b"].map((id) => ({
    id,
    signal: "logs" as const,
    receivers: [id],
    processors: [],
    exporters: [id === "a" ? "b" : "a"],
  }));
  const components = ["a", "b"].map((id) => view("connectors", id));
  assert.deepEqual(
    graphOf({ started: 0, pipelines, components }).map(({ id }) => id),
    ["a", "b"],
  );
});

test("what went wrong is told from what was counted", () => {
  const totals = { "sent spans": 900, "send failed spans": 3, "refused spans": 12, "refused logs": 0 };
  assert.deepEqual(errorsOf(view("exporters", "x", { totals })), [
    ["refused spans", 12],
    ["send failed spans", 3],
  ]);
});

test("states are words and marks, not colours", () => {
  assert.deepEqual(seriesFare({ state: "over", score: 4.21, rows: 9, warmup: 1 }), {
    mark: "warning",
    words: "Over the line, score 4.21",
  });
  assert.deepEqual(seriesFare({ state: "warming", score: null, rows: 1, warmup: 3 }), {
    mark: "warming",
    words: "Warming, 2\u00a0rows to go",
  });
  assert.equal(componentFare({ status: "permanent_error" }).words, "Failed");
  assert.equal(componentFare({ status: "toString" }).words, "toString");
});

test("a day says how many alarms were what", () => {
  assert.equal(dayWords({ date: "2026-11-23", good: 2, bad: 0, expected: 0, unjudged: 1 }), "2 real, 1 not judged");
  assert.equal(dayWords({ date: "2026-11-23", good: 0, bad: 0, expected: 0, unjudged: 0 }), "none");
});

test("new numbers of the list change in place; new series past the line wait", () => {
  const item = (fingerprint: string, score: number, state: SeriesItem["state"] = "quiet") =>
    ({ fingerprint, score, state }) as SeriesItem;
  const shown = [item("a", 0.1), item("b", 0.2)];
  const answer = [item("c", 3, "over"), item("b", 0.4)];
  assert.deepEqual(
    renewed(shown, answer).map(({ fingerprint, score }) => [fingerprint, score]),
    [
      ["a", 0.1],
      ["b", 0.4],
    ],
  );
  assert.equal(waitingIn(shown, answer), 1);
  const asked = { words: " a&b ", state: "over", service: "shop/cart", cursors: ["50", "100"] } as const;
  assert.equal(pathOf(asked), "/api/v1/series?limit=50&q=a%26b&state=over&service=shop%2Fcart&cursor=100");
});
