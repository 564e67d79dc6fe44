// An Alertmanager's silences count as expected until they end; what cannot be taught is said; a broken one harms nothing.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import test, { type TestContext } from "node:test";
import { subjectOf } from "../../plugins/extensions/anomaly_store/silences.ts";
import { eventually } from "../agent.ts";
import { ask, episode, incident, type Kept, kept, NOW, newHost } from "../unit/anomaly_store/kept.ts";

const HOUR = 3_600_000;
const equal = (name: string, value: string) => ({ name, value, isRegex: false, isEqual: true });

/** As Alertmanager's API v2 lists it. */
const silence = (id: string, matchers: object[], { hours = 2, state = "active" } = {}) => ({
  id,
  status: { state },
  updatedAt: new Date(NOW).toISOString(),
  comment: "moving house",
  createdBy: "ada",
  startsAt: new Date(NOW).toISOString(),
  endsAt: new Date(NOW + hours * HOUR).toISOString(),
  matchers,
});

async function alertmanager(t: TestContext) {
  const self = { silences: [] as unknown, status: 200, asked: 0, url: "" };
  const server = http.createServer((request, response) => {
    self.asked++;
    const known = request.method === "GET" && request.url === "/am/api/v2/silences";
    response
      .writeHead(known ? self.status : 404)
      .end(typeof self.silences === "string" ? self.silences : JSON.stringify(self.silences));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.closeAllConnections() ?? server.close());
  self.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/am`;
  return self;
}

async function started(t: TestContext) {
  const manager = await alertmanager(t);
  const host = newHost();
  const store = await kept(t, { alertmanager: { endpoint: manager.url, interval: "1s" } }, host);
  /** Sets what is silenced, and waits until that was looked at twice. */
  const silenced = async (silences: unknown, status = 200) => {
    Object.assign(manager, { silences, status });
    const { asked } = manager;
    await eventually("two looks", () => manager.asked >= asked + 2);
  };
  return { store, host, silenced };
}

const matches = ({ anomalies }: Kept) => anomalies.effects.map(({ match }) => match);

test("a silence of an incident's fingerprint holds back its episodes until it ends, once; one that is expired early is taken back", async (t) => {
  const { store, silenced } = await started(t);
  const members = [episode("checkout", "latency", 0, { peak: 5 }), episode("cart", "errors", 1)];
  await store.anomalies.keep([incident("00000000000000aa-x", members)]);
  const matchers = [
    equal("alertname", "incident"),
    equal("fingerprint", "00000000000000aa"),
    equal("severity", "critical"),
  ];
  await silenced([silence("s1", matchers)]);
  assert.deepEqual(
    matches(store)
      .map(({ fingerprint }) => fingerprint)
      .sort(),
    members.map(({ fingerprint }) => fingerprint).sort(),
  );
  const { items } = (await ask(store, "/api/v1/feedback")).json;
  assert.deepEqual(
    items.map(({ about, opinion, by, note, until }: any) => [about, opinion, by, note, until]),
    [["00000000000000aa-x", "expected", "alertmanager silence s1", "ada: moving house", NOW + 2 * HOUR]],
  );
  await silenced([silence("s1", matchers, { hours: 3 })]);
  assert.equal(store.anomalies.effects[0].until, NOW + 3 * HOUR, "it was made longer");
  await silenced([silence("s1", matchers, { state: "expired" })]);
  assert.deepEqual(matches(store), []);
});

test("broader silences teach what they name; two about one thing do not fight; others are told once", async (t) => {
  const { store, host, silenced } = await started(t);
  const odd = episode("checkout", "latency", 0, { peak: 5 });
  await store.anomalies.keep([odd]);
  const broad = [equal("service", "checkout"), equal("type", "spike")];
  const exact = [equal("fingerprint", odd.fingerprint)];
  await silenced([
    silence("s1", broad),
    silence("s2", exact),
    silence("s3", exact),
    silence("s4", [equal("team", "payments"), equal("service", "checkout")]),
    silence("s5", [{ ...equal("service", "check.*"), isRegex: true }]),
    silence("s6", [equal("fingerprint", "ffffffffffffffff")]),
    { id: 7, what: "no silence" },
  ]);
  assert.deepEqual(matches(store).slice(0, 1), [{ service: "checkout", type: "spike" }]);
  assert.equal(store.anomalies.effects[0].upTo, 3 * 5, "by the peak of what is kept");
  assert.deepEqual(
    matches(store)
      .map(({ fingerprint }) => fingerprint)
      .slice(1),
    [odd.fingerprint, odd.fingerprint, "ffffffffffffffff"],
  );
  assert.equal((await ask(store, "/api/v1/feedback")).json.items.length, 4);
  const told = host.logged.filter(({ message }) => message === "a silence teaches nothing");
  assert.deepEqual(
    told.map(({ fields }) => (fields as any).silence),
    ["s4", "s5"],
  );
});

test("an Alertmanager that answers rubbish or refuses is reported, and what was taught stays", async (t) => {
  const { store, host, silenced } = await started(t);
  await silenced([silence("s1", [equal("service", "checkout")])]);
  for (const [what, status] of [
    ["rubbish", 200],
    [{ not: "a list" }, 200],
    ["", 503],
  ] as const) {
    await silenced(what, status);
    assert.deepEqual(matches(store), [{ service: "checkout" }]);
    assert.equal(host.reported.at(-1)!.status, "recoverable_error");
  }
  assert.match(
    host.reported.at(-1)!.reason!,
    /silences of http:\S+\/am\/api\/v2\/silences cannot be read: it answers 503/,
  );
  await silenced([]);
  assert.equal(host.reported.at(-1)!.status, "ok");
  assert.deepEqual(matches(store), []);
});

test("matchers: a fingerprint counts alone; without one, only what can be taught exactly", () => {
  assert.deepEqual(subjectOf([equal("fingerprint", "a"), equal("severity", "info")]), { fingerprint: "a" });
  assert.deepEqual(subjectOf([equal("detector", "auto"), equal("type", "spike")]), { detector: "auto", type: "spike" });
  assert.deepEqual(subjectOf([equal("alertname", "AnomalyErrorRate"), equal("service", "a")]), {
    type: "error_rate",
    service: "a",
  });
  assert.equal(subjectOf([equal("severity", "info")]), undefined);
  assert.equal(subjectOf([equal("severity", "info"), equal("service", "a")]), undefined);
  assert.equal(subjectOf([{ ...equal("service", "a"), isEqual: false }]), undefined);
  assert.equal(subjectOf([{ ...equal("fingerprint", "a"), isEqual: false }, equal("service", "a")]), undefined);
  assert.equal(subjectOf([]), undefined);
});
