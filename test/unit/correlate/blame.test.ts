// Where it began, by what detectors say of each service and who calls whom.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { blame, type Said } from "../../../plugins/processors/correlate/blame.ts";
import { KINDS, kindOf, placeOf } from "../../../plugins/processors/correlate/evidence.ts";
import { ServiceGraph } from "../../../plugins/processors/correlate/graph.ts";
import { anomalyOf } from "../../exporting.ts";
import { calls } from "./outage.ts";

const said = (place: string, kind: Said["kind"], strength = 2, detector: string = kind): Said => {
  return { place, detector, kind, strength };
};
/** "web" calls "cart", which calls "db". */
const order = ["web", "cart", "db"];
const leads = (from: string, to: string) => order.includes(from) && order.indexOf(from) < order.indexOf(to);
const first = (...all: Said[]) => blame(all, leads)[0].place;

test("what is called is blamed for those that call it", () => {
  assert.equal(first(said("web", "slow"), said("cart", "fail"), said("db", "log")), "db");
  assert.equal(first(said("web", "slow", 3), said("db", "resource", 2.5)), "db");
  assert.equal(first(said("web", "wait", 4), said("db", "slow", 2)), "db");
});

test("what calls is blamed for the load of what it calls", () => {
  assert.equal(first(said("db", "load", 4), said("cart", "load", 4), said("web", "load", 2)), "web");
  assert.equal(first(said("db", "load", 4), said("cart", "change", 2)), "cart");
});

test("a service that changed by itself is not excused by what it calls", () => {
  assert.equal(first(said("web", "change", 3), said("db", "slow", 2)), "web");
});

test("detectors that agree say more than one, and one that says it ten times no more than once", () => {
  assert.equal(first(said("cart", "slow", 2), said("cart", "fail", 2), said("other", "slow", 2.4)), "cart");
  const often = Array.from({ length: 10 }, () => said("cart", "slow", 2));
  assert.equal(first(...often, said("other", "slow", 2.1)), "other");
});

test("the order of what is said does not matter, and blame is never negative", () => {
  const one = fc.record({
    place: fc.constantFrom(...order, "other"),
    detector: fc.constantFrom("a", "b"),
    kind: fc.constantFrom(...KINDS),
    strength: fc.integer({ min: 0, max: 400 }).map((each) => each / 100),
  });
  const several = fc.uniqueArray(one, { selector: ({ place, detector }) => `${place} ${detector}`, maxLength: 8 });
  fc.assert(
    fc.property(several, (all) => {
      const suspects = blame(all, leads);
      assert.ok(suspects.every((each) => each.blame >= 0));
      const places = (some: readonly Said[]) => blame(some, leads).map(({ place }) => place);
      assert.deepEqual(places(all.toReversed()), places(all));
    }),
  );
});

test("neighbours are as many calls away as hops says, through circles as well", () => {
  const graph = new ServiceGraph(2);
  graph.follow(calls("a>b b>c c>d c>a a>a"));
  assert.deepEqual(
    [...graph.below("a")],
    [
      ["b", 1],
      ["c", 2],
    ],
  );
  assert.deepEqual(
    [...graph.above("a")],
    [
      ["c", 1],
      ["b", 2],
    ],
  );
  assert.equal(graph.leads("a", "d"), false);
  assert.equal(new ServiceGraph(0).leads("a", "b"), false);
});

test("what anomalies tell of the graph is kept when traces tell more, up to a bound", () => {
  const graph = new ServiceGraph(1);
  graph.learn("a", "host.name n");
  graph.follow(calls("a>b"));
  assert.deepEqual([...graph.below("a").keys()].sort(), ["b", "host.name n"]);
  for (let i = 0; i < 6000; i++) graph.learn("a", `x${i}`);
  assert.equal(graph.learnt.length, 5000);
});

test("a service without its namespace is the one that has one, unless there are two", () => {
  const graph = new ServiceGraph(1);
  graph.follow(calls("shop/cart>redis/shop shop/web>shop/cart a/auth>a/db b/auth>b/db"));
  assert.deepEqual(
    ["cart", "auth", "shop", "none"].map((name) => graph.whole(name)),
    ["shop/cart", "auth", "shop", "none"],
  );
});

test("anomalies are of the kind that their type, or the name of their metric, says", () => {
  const { labels } = anomalyOf();
  const of = (name: string, statistic = "p99", more: object = {}) =>
    kindOf(anomalyOf({ labels: { ...labels, name, statistic }, ...more }));
  assert.deepEqual(
    [
      of("http.server.request.duration"),
      of("http.server.request.duration", "rate"),
      of("http.requests.failed"),
      of("messages.published"),
      of("process.memory.usage"),
    ],
    ["slow", "load", "fail", "load", "resource"],
  );
  assert.equal(of("GET /", "", { signal: "traces", type: "latency" }), "slow");
  assert.equal(of("GET /", "", { signal: "traces", type: "latency", observed: 1, expected: 9 }), "change");
  assert.equal(of("", "", { signal: "traces", type: "absence" }), "fail");
});

test("a place is the service; of what names none the pod, the host or the like", () => {
  const { labels } = anomalyOf();
  const of = (resource: Record<string, string>) => placeOf({ ...labels, resource });
  assert.equal(of({ "service.name": "cart", "host.name": "n1" }), "cart");
  assert.equal(of({ "host.name": "n1" }), "host.name n1");
  assert.equal(of({}), "");
});
