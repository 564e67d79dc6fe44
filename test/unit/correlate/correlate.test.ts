// correlate: what has one cause is told once, with where it began; what has not is not.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly } from "vedette";
import { fakeHost } from "vedette/testing";
import correlate from "../../../plugins/processors/correlate/index.ts";
import { BEGINNING } from "../../anomaly_timeline.ts";
import { damaged } from "../../damaged.ts";
import { brief, busy, correlated, failing, incidents, logging, metric, slow } from "./outage.ts";

const inTrace = (traceId: string, anomaly: Partial<Anomaly>) => ({
  ...anomaly,
  labels: { ...anomaly.labels!, traceId },
});
const changed = (anomaly: Partial<Anomaly>, state: Anomaly["state"], lastSeen: number) => {
  const episode = { start: BEGINNING, lastSeen: BEGINNING + lastSeen, peak: 2.4, count: 3 };
  return { ...anomaly, state, episode };
};

test("a payment outage is one incident, which began at the database", () => {
  const shop = correlated();
  shop.raise(metric("payments-db", "db.client.connection.pending", { score: 3 }));
  shop.tick(2);
  shop.raise(inTrace("0af7651916cd43dd8448eb211c80319c", slow("payments", { score: 3 })), slow("frontend"));
  shop.raise(failing("checkout"), logging("payments"));
  const [opened] = shop.tick(10);
  assert.deepEqual(brief([opened]), ["open checkout,frontend,payments,payments-db from payments-db"]);
  const { incident, episode, severity, type, detector, labels } = opened;
  assert.equal(incident!.episodes, 5);
  assert.deepEqual(incident!.traces, ["0af7651916cd43dd8448eb211c80319c"]);
  assert.deepEqual(incident!.templates, ["lost <*>"]);
  assert.deepEqual(
    incident!.origins.slice(0, 2).map(({ service }) => service),
    ["payments-db", "payments"],
  );
  assert.ok(incident!.origins.every(({ reasons }) => reasons.every((reason) => /^.+\.?$/.test(reason))));
  assert.deepEqual([type, detector, severity, episode!.count], ["incident", "correlate", "warning", 5]);
  assert.equal(labels.resource["service.name"], "payments-db");
});

test("the sentence says how many, since when, where it began, and who suffers", () => {
  const shop = correlated();
  shop.raise(
    slow("payments", { score: 4 }),
    failing("checkout", { score: 1.5 }),
    slow("frontend", { score: 1.5 }),
    logging("payments"),
  );
  const [{ reason }] = shop.tick(10);
  assert.equal(
    reason,
    "3 services slowed or failed since 00:00 UTC; it began at payments: POST /charge of payments takes 2.3 s itself; usually 180 to 240 ms; " +
      "checkout and frontend call it and suffer with it (4 anomalies of traces, logs).",
  );
});

test("one anomaly alone is an incident in its own words", () => {
  const shop = correlated();
  shop.raise(slow("payments"));
  const [{ reason, incident }] = shop.tick(10);
  assert.equal(reason, "POST /charge of payments takes 2.3 s itself; usually 180 to 240 ms.");
  assert.deepEqual(
    incident!.origins.map(({ share }) => share),
    [1],
  );
});

test("what happens at once in services that have nothing to do with each other is two incidents", () => {
  const shop = correlated();
  shop.raise(slow("payments"), failing("checkout"), slow("search-index"), slow("search"));
  assert.deepEqual(brief(shop.tick(10)).sort(), [
    "open checkout,payments from payments",
    "open search,search-index from search-index",
  ]);
});

test("a service that suffers from one fault does not make another one part of it", () => {
  const shop = correlated();
  shop.raise(slow("payments", { score: 3 }), slow("frontend"), slow("search", { score: 3 }));
  assert.equal(shop.tick(10).length, 2);
});

test("what suffers from one service already does not suffer from another one for that", () => {
  const shop = correlated();
  shop.raise(slow("frontend", { score: 4 }), failing("checkout", { score: 1.1 }));
  shop.tick(11);
  shop.raise(slow("search", { score: 1.5 }));
  shop.tick(11);
  assert.deepEqual(brief(shop.passed), ["open checkout,frontend from frontend", "open search from search"]);
});

test("what is called more since its caller has changed is part of it; what the caller is called more for is not", () => {
  const shop = correlated();
  const changed = slow("search", { detector: "trace_structure", type: "fan_out", score: 3 });
  shop.raise(changed, busy("search"));
  shop.tick(11);
  shop.raise(busy("search-index"));
  shop.tick(11);
  shop.raise(busy("frontend"));
  shop.tick(11);
  assert.deepEqual(brief(shop.passed), [
    "open search from search",
    "ongoing search,search-index from search",
    "open frontend from frontend",
  ]);
});

test("what is called less since its caller fails is part of it", () => {
  const shop = correlated({}, "checkout>payments checkout>shipping");
  shop.raise(failing("payments", { score: 4 }), failing("checkout"), busy("shipping"));
  assert.deepEqual(brief(shop.tick(10)), ["open checkout,payments,shipping from payments"]);
});

test("a service that is called more, and fails for it, does not fail for what it calls", () => {
  const shop = correlated();
  shop.raise(busy("frontend", { score: 4 }), failing("frontend", { score: 1.2 }));
  shop.tick(11);
  shop.raise(failing("payments"));
  shop.tick(11);
  assert.deepEqual(brief(shop.passed), ["open frontend from frontend", "open payments from payments"]);
});

test("load comes from above: the service that all are called from is the origin", () => {
  const shop = correlated();
  shop.raise(busy("payments"), busy("search"));
  shop.raise(busy("checkout"), busy("frontend"));
  assert.deepEqual(brief(shop.tick(10)), ["open checkout,frontend,payments,search from frontend"]);
});

test("neighbours that are odd at other times are two incidents", () => {
  const shop = correlated({ window: "5m", resolve_after: "1h" });
  shop.raise(slow("payments"));
  shop.tick(400);
  shop.raise(slow("checkout"));
  shop.tick(10);
  assert.deepEqual(brief(shop.passed), ["open payments from payments", "open checkout from checkout"]);
});

test("services further apart than hops are two incidents", () => {
  const shop = correlated({ hops: 1 });
  shop.raise(slow("payments"), slow("frontend"));
  assert.equal(shop.tick(10).length, 2);
});

test("a trace that both name joins services of which the graph knows nothing", () => {
  const shop = correlated({}, "");
  shop.raise(inTrace("11", slow("a")), inTrace("11", slow("b")), inTrace("12", slow("c")));
  assert.deepEqual(brief(shop.tick(10)).sort(), ["open a,b from a", "open c from c"]);
});

test("a host is blamed for what runs on it", () => {
  const shop = correlated({}, "");
  const { labels } = slow("payments") as Anomaly;
  const on = (resource: object) => ({
    labels: { ...labels, name: "system.cpu.utilization", resource: { ...resource } },
  });
  shop.raise(metric("", "system.cpu.utilization", { score: 4, ...on({ "host.name": "node-3" }) }));
  shop.raise(slow("payments", on({ "service.name": "payments", "host.name": "node-3" })));
  const [opened] = shop.tick(10);
  assert.deepEqual(brief([opened]), ["open host.name node-3,payments from host.name node-3"]);
  assert.match(opened.reason, /it began at node-3: .*; payments suffers with it/);
});

test("a critical one goes out at once, others once it has settled", () => {
  const shop = correlated({ settle: "10s" });
  assert.deepEqual(shop.raise(slow("search")), []);
  assert.deepEqual(brief(shop.raise(failing("checkout", { severity: "critical" }))), ["open checkout from checkout"]);
  assert.deepEqual(shop.tick(9), []);
  assert.deepEqual(brief(shop.tick(1)), ["open search from search"]);
});

test("it is as grave as its gravest member ever was, and tells of the worst, also when that is over", () => {
  const shop = correlated({ linger: "0" });
  shop.raise(slow("payments", { severity: "critical", score: 5 }), failing("checkout"));
  shop.raise(slow("payments", { state: "resolved", severity: "info", score: 1, reason: "All is well." }));
  shop.raise(failing("frontend"));
  const [grown] = shop.tick(20);
  assert.match(grown.reason, /it began at payments: POST \/charge of payments takes 2.3 s itself/);
  const told = shop.tick(1000);
  assert.deepEqual(
    told.map(({ state, severity }) => [state, severity]),
    [["resolved", "critical"]],
  );
});

test("more of the same is told when it is twice as much", () => {
  const shop = correlated({ settle: "10s" });
  for (let i = 0; i < 8; i++) {
    shop.raise(metric("payments", `m${i}`));
    shop.tick(11);
  }
  assert.deepEqual(
    shop.passed.map(({ incident }) => incident!.episodes),
    [1, 2, 4, 8],
  );
});

test("it grows: what comes is told once in a while, what makes it graver at once", () => {
  const shop = correlated({ settle: "10s" });
  shop.raise(slow("checkout"));
  const [{ id }] = shop.tick(10);
  shop.raise(slow("payments", { score: 4 }));
  shop.raise(failing("frontend"));
  assert.deepEqual(shop.tick(9), []);
  const [grown] = shop.tick(1);
  assert.deepEqual(brief([grown]), ["ongoing checkout,frontend,payments from payments"]);
  shop.raise(logging("payments"));
  const [graver] = shop.raise(failing("checkout", { severity: "critical" }));
  assert.deepEqual([graver.state, graver.severity], ["ongoing", "critical"]);
  assert.deepEqual([grown.id, graver.id], [id, id]);
});

test("the longer it lasts, the longer is waited between two changes of it, up to a minute; nothing is left out", () => {
  const callers = Array.from({ length: 30 }, (_, i) => `caller-${i}`);
  const shop = correlated({ settle: "10s" }, callers.map((caller) => `${caller}>base`).join(" "));
  shop.raise(slow("base", { score: 4 }));
  const at: number[] = [];
  for (let second = 1; second <= 330; second++) {
    if (second % 8 === 0 && second / 8 < callers.length) shop.raise(failing(callers[second / 8]));
    if (shop.tick(1).length > 0) at.push(second);
  }
  assert.deepEqual(at, [10, 20, 40, 80, 140, 200, 260]);
  assert.equal(shop.passed.at(-1)!.incident!.services.length, 30);
});

test("it is resolved once all its episodes are, and a while has passed since the last that was seen of it", () => {
  const shop = correlated({ linger: "2m" });
  const [one, other] = [slow("payments"), failing("checkout")];
  shop.raise(changed(one, "open", 0), changed(other, "open", 0));
  shop.tick(100);
  shop.raise(changed(one, "resolved", 60_000));
  shop.tick(600);
  shop.raise(changed(other, "resolved", 690_000));
  assert.deepEqual(shop.tick(109), []);
  const [resolved] = shop.tick(2);
  assert.deepEqual(brief([resolved]), ["resolved checkout,payments from payments"]);
  assert.match(resolved.reason, /^2 services slowed or failed since 00:00 UTC; .+\. Resolved: it lasted 12 min\.$/);
  assert.equal(resolved.episode!.count, 6);
  assert.equal(resolved.episode!.end, BEGINNING + 690_000);
  shop.raise(slow("payments"));
  assert.notEqual(shop.tick(10)[0].id, resolved.id);
});

/** Seconds after its episode is resolved, 600 s from its beginning, in which an incident is. */
function ends(lastSeen: number): number | undefined {
  const shop = correlated({ linger: "5m" });
  shop.raise(changed(slow("payments"), "open", 0));
  shop.tick(600);
  shop.raise(changed(slow("payments"), "resolved", lastSeen));
  for (let second = 1; second <= 1000; second++) if (shop.tick(1).length > 0) return second;
  return undefined;
}

test("the silence that ended its episodes counts: it is not waited for twice, whatever the clocks of senders say", () => {
  assert.deepEqual([300_000, 500_000, 600_000].map(ends), [1, 200, 300]);
  assert.deepEqual([630_000, 86_400_000].map(ends), [301, 301], "clocks that go wrong");
});

test("what was there only briefly is waited for as much longer as it was shorter", () => {
  assert.deepEqual([200_000, 60_000, 0].map(ends), [1, 1, 1]);
  const shop = correlated({ linger: "5m" });
  shop.raise(changed(slow("payments"), "open", 0));
  shop.tick(60);
  shop.raise(changed(slow("payments"), "resolved", 60_000));
  assert.deepEqual(
    shop.tick(539).map(({ state }) => state),
    [],
    "a minute, then nine",
  );
  assert.deepEqual(
    shop.tick(1).map(({ state }) => state),
    ["resolved"],
  );
});

test("what comes back within the while is part of it", () => {
  const shop = correlated({ linger: "2m" });
  shop.raise(changed(slow("payments"), "open", 0));
  shop.tick(10);
  shop.raise(changed(slow("payments"), "resolved", 10_000));
  shop.tick(60);
  shop.raise(failing("payments"));
  assert.deepEqual(brief(shop.tick(600)), ["ongoing payments from payments"]);
});

test("anomalies that no processor has made episodes of are over when nothing more comes; a silence is not", () => {
  const shop = correlated({ resolve_after: "15m", linger: "0" });
  shop.raise(slow("payments"), slow("search", { untilResolved: true }));
  shop.tick(600);
  shop.raise(slow("payments"));
  assert.deepEqual(brief(shop.tick(890)), []);
  assert.deepEqual(brief(shop.tick(20)), ["resolved payments from payments"]);
  assert.deepEqual(brief(shop.tick(3600)), []);
  shop.raise(slow("search", { state: "resolved" }));
  assert.deepEqual(brief(shop.tick(2)), ["resolved search from search"]);
});

test("a deployment is no incident; what begins right after it at the same service says so, also after a restart", () => {
  const deployed = (service: string, version: number) =>
    metric(service, "deployment", {
      type: "deployment",
      severity: "info",
      reason: `${service} runs version ${version}; it was ${version - 1} before`,
    });
  const shop = correlated();
  shop.raise(deployed("search", 3), deployed("payments", 8));
  assert.deepEqual(shop.tick(400), []);
  shop.raise(deployed("payments", 9));
  shop.tick(20);
  shop.restart();
  shop.raise(failing("payments", { score: 3 }), failing("search"), slow("checkout"));
  const told = shop.tick(10);
  assert.deepEqual(brief(told), ["open checkout,payments from payments", "open search from search"]);
  const sentence = "payments runs version 9; it was 8 before (00:06 UTC).";
  assert.ok(told[0].reason.endsWith(`. ${sentence}`), told[0].reason);
  assert.ok(told[0].incident!.origins[0].reasons.includes(sentence));
  assert.ok(!told[1].reason.includes("version"), "too long ago");
});

test("two that turn out to be one are merged: the younger says into which it went", () => {
  const shop = correlated({ hops: 1 });
  shop.raise(slow("payments"));
  shop.tick(11);
  shop.raise(slow("frontend"));
  shop.tick(11);
  const [one, two] = shop.passed;
  shop.raise(slow("checkout", { score: 1.1 }));
  shop.tick(11);
  const merged = shop.passed.find(({ state }) => state === "resolved")!;
  assert.equal(merged.id, two.id);
  assert.equal(merged.reason, `What was told of frontend is part of the incident ${one.id}, which began at payments.`);
  assert.deepEqual(brief(shop.passed.filter(({ state }) => state === "ongoing")), [
    "ongoing checkout,frontend,payments from payments",
  ]);
});

test("with pass: all each anomaly goes on as well", () => {
  const shop = correlated({ pass: "all" });
  assert.equal(shop.raise(slow("payments"), failing("checkout")).length, 2);
  assert.deepEqual(
    shop.tick(10).map(({ type }) => type),
    ["incident"],
  );
});

test("what came never changes, and what it makes of it does not depend on its order", () => {
  const some = [
    slow("payments", { score: 3 }),
    failing("checkout"),
    slow("frontend"),
    busy("search"),
    slow("search-index"),
    logging("payments"),
    metric("payments-db", "cpu"),
    busy("frontend"),
    failing("mailer"),
    inTrace("7", slow("unknown")),
  ];
  const told = (order: readonly Partial<Anomaly>[]) => {
    const shop = correlated();
    for (const each of order) shop.raise(Object.freeze(each));
    return JSON.stringify(shop.tick(600));
  };
  const usual = told(some);
  fc.assert(
    fc.property(fc.shuffledSubarray(some, { minLength: some.length }), (order) => {
      assert.equal(told(order), usual);
    }),
    { numRuns: 30 },
  );
});

test("a restart in between changes nothing", () => {
  const told = (restarts: boolean) => {
    const shop = correlated();
    const again = () => restarts && shop.restart();
    shop.raise(slow("payments"), metric("checkout", "cpu", { score: Number.POSITIVE_INFINITY }));
    again();
    shop.tick(5);
    again();
    shop.raise(failing("checkout", { severity: "critical" }));
    again();
    shop.tick(11);
    shop.raise(changed(slow("search"), "open", 16_000));
    again();
    shop.tick(1000);
    again();
    shop.tick(200);
    assert.equal(shop.errors, 0);
    return shop.passed;
  };
  assert.deepEqual(told(true), told(false));
});

test("what was saved and is damaged is refused in words", () => {
  const shop = correlate.create(correlate.config.parse({}), fakeHost());
  shop.process(correlated({ pass: "all" }).raise(slow("payments"), failing("checkout", { severity: "critical" })));
  const saved = shop.save!();
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (place, value) => {
      const fresh = correlate.create(correlate.config.parse({}), fakeHost());
      try {
        fresh.load!(damaged(saved, place, value));
      } catch (error) {
        assert.match((error as Error).message, /^is (of another version of correlate|not what correlate saves)/);
        return;
      }
      fresh.tick!(1e13);
      fresh.process([]);
      fresh.save!();
    }),
  );
});

test("beyond max_incidents the one that was quiet for longest is told to be followed no longer", () => {
  const shop = correlated({ max_incidents: 2 });
  for (const each of ["payments", "search", "mailer"]) {
    shop.raise(slow(each));
    shop.tick(11);
  }
  const [given] = shop.passed.filter(({ state }) => state === "resolved");
  assert.equal(given.reason, "There are too many incidents at once: what began at payments is followed no longer.");
});

test("what had to make room is told to have ended before what took its place begins", () => {
  const shop = correlated({ max_incidents: 1 });
  shop.raise(slow("payments"));
  shop.tick(10);
  shop.raise(slow("mailer", { severity: "critical" }));
  assert.deepEqual(
    incidents(shop.passed).map(({ state, incident }) => `${state} ${incident!.services}`),
    ["open payments", "resolved payments", "open mailer"],
  );
});

test("incidents that end untold for want of room are said to be in the log", () => {
  const shop = correlated({ max_incidents: 20 }, "");
  shop.raise(...Array.from({ length: 10_000 }, (_, i) => slow(`s${i}`)));
  assert.equal(shop.tick(11).length, 20);
  assert.deepEqual(
    shop.host.logged.map(({ level, fields }) => [level, fields]),
    [["warn", { incidents: 9980, max_incidents: 20 }]],
  );
});

test("beyond max_members the weakest are only counted", () => {
  const shop = correlated({ max_members: 3 });
  shop.raise(...[1.5, 3, 2, 4, 1.2].map((score, i) => metric("payments", `m${i}`, { score })));
  const [{ incident, episode }] = shop.tick(10);
  assert.deepEqual(
    incident!.members.map(({ score }) => score),
    [4, 3, 2],
  );
  assert.deepEqual([incident!.episodes, episode!.count], [5, 5]);
});

test("a member that a merge left no room for may come again", () => {
  const shop = correlated({ hops: 1, max_members: 1 });
  for (const each of [
    slow("payments", { score: 1.5 }),
    slow("frontend", { score: 3 }),
    slow("checkout", { score: 1.6 }),
  ]) {
    shop.raise(each);
    shop.tick(11);
  }
  shop.raise(slow("checkout", { score: 1.6 }));
  shop.tick(11);
  assert.equal(shop.errors, 0);
  assert.equal(shop.passed.filter(({ state }) => state === "resolved").length, 1);
});

test("an incident of a day is told no longer", () => {
  const shop = correlated({ max_age: "24h" });
  shop.raise(slow("payments", { untilResolved: true }));
  shop.tick(86_402);
  assert.match(shop.passed[1].reason, /^What began at payments has lasted for 24 h: /);
});

test("a burst of ten thousand asks little of the graph, and is one incident where it is of one cause", () => {
  let asked = 0;
  const edges = Array.from({ length: 300 }, (_, i) => `s${i}>hub`).join(" ");
  const shop = correlated({}, edges);
  const { calls } = shop.host.agent;
  shop.host.agent = { ...shop.host.agent, calls: () => [asked++, calls()][1] as ReturnType<typeof calls> };
  shop.raise(slow("hub", { score: 4 }));
  shop.raise(
    ...Array.from({ length: 10_000 }, (_, i) => metric(`s${i % 300}`, `duration ${i}`, { score: 1 + (i % 7) / 7 })),
  );
  const [opened] = incidents(shop.tick(10));
  assert.equal(asked, 1);
  assert.equal(opened.incident!.episodes, 10_001);
  assert.equal(opened.incident!.members.length, 50);
  assert.equal(opened.incident!.services.length, 100);
});

test("whatever comes: an incident opens, goes on and is resolved in this order, within all bounds, and none is left", () => {
  const services = ["frontend", "checkout", "payments", "payments-db", "search", "search-index", "mailer", ""];
  const kinds = [slow, failing, busy, logging, (service: string) => metric(service, "cpu")];
  const step = fc.record({
    service: fc.constantFrom(...services),
    kind: fc.constantFrom(...kinds),
    severity: fc.constantFrom("info", "warning", "critical") as fc.Arbitrary<Anomaly["severity"]>,
    state: fc.constantFrom("open", "open", "ongoing", "resolved") as fc.Arbitrary<Anomaly["state"]>,
    score: fc.integer({ min: 10, max: 60 }).map((each) => each / 10),
    wait: fc.constantFrom(0, 1, 20, 400),
    restarts: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const shop = correlated({ max_members: 3, max_incidents: 3, hops: 1 });
      for (const { service, kind, severity, state, score, wait, restarts } of steps) {
        const anomaly = kind(service, { severity, state, score });
        const id = `${anomaly.fingerprint}-${Math.floor(shop.now / 500)}`;
        shop.raise({ ...anomaly, id });
        if (restarts) shop.restart();
        shop.tick(wait);
      }
      shop.tick(1200);
      assert.equal(shop.errors, 0);
      const open = new Map<string, Anomaly>();
      for (const change of shop.passed) {
        const { id, state, incident, episode } = change;
        assert.equal(state === "open", !open.has(id));
        assert.ok(incident!.members.length > 0 && incident!.members.length <= 3);
        assert.ok(incident!.episodes >= incident!.members.length && episode!.count >= incident!.members.length);
        assert.ok(Math.abs(incident!.origins.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
        if (state === "resolved") open.delete(id);
        else open.set(id, change);
        assert.ok(open.size <= 6);
      }
      assert.deepEqual([...open.keys()], []);
    }),
    { numRuns: 200 },
  );
});
