// Series by words and by state, the anomalous first; why a row is an anomaly or none; what lies further back, from Prometheus.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import test, { type TestContext } from "node:test";
import { queryOf } from "../../../plugins/extensions/dashboard/prometheus.ts";
import type { AnomalyStore, Effect } from "../../../src/api/index.ts";
import { ask, NOW, newHost, pointsOf, remembering, start, watched } from "./dashboard.ts";

const { labels } = watched();
const id = (number: number) => number.toString(16).padStart(16, "0");

test("series are found by words in any order, those past the line first, then the latest that were, then by name", async (t) => {
  const host = newHost();
  const of = (number: number, name: string, changes = {}) =>
    watched({ fingerprint: id(number), labels: { ...labels, name, attributes: { route: "/cart" } }, ...changes });
  remembering(host, [
    of(1, "b.quiet"),
    of(2, "a.quiet"),
    of(3, "was.over", { lastOver: NOW - 9000 }),
    of(4, "was.over.later", { lastOver: NOW - 5000 }),
    of(5, "is.over", { state: "over", score: 3, lastOver: NOW - 10_000 }),
    of(6, "learning", { state: "warming", detector: "seasonal" }),
  ]);
  const at = await start(t, {}, host);
  const names = async (query: string) => {
    const { json } = await ask(at, `/api/v1/series?${query}`);
    return json.items.map(({ name }: any) => name);
  };
  assert.deepEqual(await names(""), ["is.over", "was.over.later", "was.over", "a.quiet", "b.quiet", "learning"]);
  assert.deepEqual(await names("q=cart QUIET checkout"), ["a.quiet", "b.quiet"]);
  assert.deepEqual(await names("q=seasonal"), ["learning"]);
  assert.deepEqual(await names("q=nothing of this"), []);
  assert.deepEqual(await names("state=over&service=checkout"), ["is.over"]);
  assert.deepEqual(await names("service=cart"), []);
  const first = (await ask(at, "/api/v1/series?limit=4")).json;
  assert.deepEqual([first.total, first.next, first.items.length], [6, "4", 4]);
  const second = (await ask(at, `/api/v1/series?limit=4&cursor=${first.next}`)).json;
  assert.deepEqual([second.next, second.items.length], [null, 2]);
});

test("a sparkline has at most sixty points, and none of those past the line is left out", async (t) => {
  const host = newHost();
  const score = new Array<number>(512).fill(0.2);
  for (const i of [3, 200, 511]) score[i] = 2;
  remembering(host, [watched()], pointsOf(512, { score, lower: new Array(512).fill(Number.NaN) }));
  const at = await start(t, {}, host);
  const { spark } = (await ask(at, "/api/v1/series")).json.items[0];
  assert.ok(spark.over.length <= 60 && spark.over.length > 50);
  assert.equal(
    spark.over.reduce((sum: number, over: number) => sum + over, 0),
    3,
  );
  assert.equal(spark.lower[0], null, "no number is null");
});

test("why a row is an anomaly or none is said with numbers", async (t) => {
  const host = newHost();
  const effect: Effect = {
    feedback: ["f1"],
    scope: "fingerprint",
    match: { fingerprint: id(1), direction: "above" },
    factor: 0.5,
    upTo: 3,
    until: NOW + 1000,
    says: "queue.depth is told again beyond a score of 3",
  };
  const other: Effect = { ...effect, match: { detector: "seasonal" }, says: "about others" };
  const anomalies = {
    watch: () => () => {},
    effects: [effect, other],
    episodes: async () => [],
  } satisfies Partial<AnomalyStore> as unknown as AnomalyStore;
  host.extensions.set("anomaly_store", { anomalies });
  remembering(host, [
    watched({ fingerprint: id(1), lastOver: NOW - 600_000 }),
    watched({
      fingerprint: id(2),
      state: "over",
      score: 1.5,
      rarity: 7.5,
      observed: 2300,
      expected: 300,
      lower: 180,
      upper: 420,
      labels: { ...labels, unit: "ms" },
    }),
    watched({ fingerprint: id(3), state: "warming", rows: 12 }),
    watched({
      fingerprint: id(4),
      rarity: Number.NaN,
      expected: Number.NaN,
      lower: Number.NaN,
      upper: 100,
      observed: 40,
      score: 0.4,
    }),
    watched({ fingerprint: id(5), time: NOW - 7_200_000, score: Number.NaN }),
  ]);
  const at = await start(t, { store: "anomaly_store" }, host);
  const explained = async (number: number) => (await ask(at, `/api/v1/series/${id(number)}`)).json.explain;
  const width = "A point of the chart stands for 1 s at most: the row of them that surprised most.";
  assert.deepEqual(await explained(1), [
    "The last row is no anomaly: its score is 0.3, and 1 is the line.",
    "It was 12, within what was expected: 8 to 14, about 10.",
    "Of normal rows one in 32 surprises as much; the line is at one in 100 thousand.",
    "The last row past the line was 10 min ago.",
    "Feedback counts here: queue.depth is told again beyond a score of 3.",
    "The last row came 3 s ago.",
    width,
  ]);
  assert.deepEqual(await explained(2), [
    "The last row is an anomaly: its score is 1.5, and 1 is the line.",
    "It was 2.3 s, above what was expected: 180 ms to 420 ms, about 300 ms.",
    "Of normal rows one in 32 million surprises as much; the line is at one in 100 thousand.",
    "The last row came 3 s ago.",
    width,
  ]);
  assert.equal(
    (await explained(3))[0],
    "ewma is still learning: it has judged 12 of the 50 rows that it wants to see before it says anything.",
  );
  assert.deepEqual((await explained(4)).slice(1, 3), [
    "It was 40; up to 100 is usual.",
    "The detector claims no probability: options of its own say what is too much.",
  ]);
  assert.deepEqual((await explained(5)).slice(0, 2), [
    "The last row is 2 h old: what it is now is not known.",
    "Of the last row ewma says nothing: it cannot judge it yet.",
  ]);
});

/** A Prometheus that answers with this, and what it was asked. */
async function prometheus(t: TestContext, answer: { status?: number; body: unknown }) {
  const asked: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", () => {
      asked.push(new URLSearchParams(text));
      response.writeHead(answer.status ?? 200, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  return { asked, endpoint: `http://127.0.0.1:${port}/` };
}

const HOUR = 3_600_000;

test("what lies before the agent's own points comes from Prometheus, without an expected range", async (t) => {
  const host = newHost();
  remembering(host, [watched()]);
  const values = [
    [(NOW - 2 * HOUR) / 1000, "7.5"],
    [(NOW - HOUR) / 1000, "+Inf"],
  ];
  const { asked, endpoint } = await prometheus(t, {
    body: { status: "success", data: { resultType: "matrix", result: [{ metric: {}, values }] } },
  });
  const at = await start(t, { prometheus: { endpoint } }, host);
  const path = `/api/v1/series/${watched().fingerprint}`;
  const recent = (await ask(at, `${path}?from=${NOW - 50_000}`)).json;
  assert.deepEqual([recent.source, recent.points.time.length, asked.length], ["agent", 51, 0]);
  const { source, points, explain } = (await ask(at, `${path}?from=${NOW - 3 * HOUR}`)).json;
  assert.equal(source, "prometheus");
  assert.equal(points.time.length, 102);
  assert.deepEqual(points.observed.slice(0, 3), [7.5, "Infinity", 0]);
  assert.deepEqual(points.lower.slice(0, 3), [null, null, 8]);
  assert.match(explain.at(-1), /^Points from before the agent's own come from Prometheus/);
  const form = Object.fromEntries(asked[0]);
  assert.equal(form.query, '{__name__=~"(queue_depth)(_(ratio))?", job="checkout"}');
  assert.deepEqual([Number(form.start), Number(form.end)], [(NOW - 3 * HOUR) / 1000, (NOW - 99_000) / 1000]);
});

test("without an answer of Prometheus the agent's own points are shown, and why there are no more", async (t) => {
  for (const [answer, why] of [
    [{ status: 400, body: { status: "error", error: "too many samples" } }, /answered 400: too many samples/],
    [{ body: { data: { result: [] } } }, /has no points for/],
    [{ body: "hello" }, /answered not as a Prometheus does/],
  ] as const) {
    const host = newHost();
    remembering(host, [watched()]);
    const { endpoint } = await prometheus(t, answer);
    const at = await start(t, { prometheus: { endpoint } }, host);
    const { source, points, explain } = (await ask(at, `/api/v1/series/${watched().fingerprint}?from=0`)).json;
    assert.deepEqual([source, points.time.length], ["agent", 100]);
    assert.match(explain.at(-1), why);
  }
});

test("metrics are asked for under the names that Prometheus gives them", () => {
  const base = { ...labels, name: "http.server.request.duration", unit: "s", attributes: { "http.route": '/a"b' } };
  const where = (part: string, unit = "(_(seconds))?") =>
    `{__name__=~"(http_server_request_duration)${unit}${part}", job="shop/checkout", instance="i-1", http_route="/a\\"b"}`;
  const resource = { "service.name": "checkout", "service.namespace": "shop", "service.instance.id": "i-1" };
  const query = (statistic: string, unit = "s") => queryOf({ ...base, unit, resource, statistic }, 300);
  assert.equal(query("p99"), `histogram_quantile(0.99, rate(${where("_bucket")}[300s]))`);
  assert.equal(query("mean"), `rate(${where("_sum")}[300s]) / ignoring (__name__) rate(${where("_count")}[300s])`);
  assert.equal(query("rate", "By/s"), `rate(${where("(_total)?", "(_(bytes))?")}[300s])`);
  assert.equal(query("rate", "1/s"), `rate(${where("(_total|_count)?", "(_(ratio))?")}[300s])`);
  assert.equal(query("", "By/min"), where("", "(_(bytes_per_minute))?"));
  assert.equal(query("", "{request}"), where("", ""));
  assert.match(queryOf({ ...labels, name: "9 läng", unit: "" }, 300), /__name__=~"\(_9_l_ng\)"/);
});
