// The API answers as docs/openapi.yaml says, filters and pages, and refuses in words what is hostile or wrong.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import { connect } from "node:net";
import test, { type TestContext } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { parse } from "yaml";
import { ROUTES } from "../../../plugins/extensions/anomaly_store/routes.ts";
import { ask, episode, incident, type Kept, kept, NOW, newHost } from "./kept.ts";

const HOUR = 3_600_000;
const openapi = parse(readFileSync(new URL("../../../docs/openapi.yaml", import.meta.url), "utf8"));
const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema({ $id: "api", ...openapi });

/** Asserts that an answer is what the document says of its path, method and status. */
function assertDocumented(path: string, method: string, { status, json }: { status: number; json: unknown }): void {
  const { responses } = openapi.paths[path][method];
  const answers = responses[status] ?? openapi.components.responses.Error;
  const schema = answers.content?.["application/json"].schema.$ref;
  if (!schema) {
    assert.equal(json, undefined);
    return;
  }
  const valid = ajv.getSchema(`api${schema}`)!;
  assert.ok(valid(json), `${method} ${path}: ${ajv.errorsText(valid.errors)}\n${JSON.stringify(json, null, 1)}`);
}

/** Three services, three hours, one incident. */
async function filled(t: TestContext, options: object = {}): Promise<Kept> {
  const store = await kept(t, options);
  const all = ["checkout", "cart", "search"].flatMap((service, i) =>
    [0, 60, 120].map((minute, j) =>
      episode(service, "latency", minute + i, {
        peak: 2 + j,
        severity: (["info", "warning", "critical"] as const)[j],
        state: j === 2 ? "open" : "resolved",
        detector: i === 0 ? "auto" : "ewma",
      }),
    ),
  );
  await store.anomalies.keep(all);
  await store.anomalies.keep([incident("00000000000000aa-x", all.slice(0, 2))]);
  return store;
}

test("every answer is what docs/openapi.yaml says, and every route is in it", async (t) => {
  const store = await filled(t);
  const id = "00000000000000aa-x";
  const { json } = await ask(store, "/api/v1/episodes");
  const one = json.items[0].id;
  for (const [path, asked] of [
    ["/api/v1/incidents", "/api/v1/incidents"],
    ["/api/v1/incidents/{id}", `/api/v1/incidents/${id}`],
    ["/api/v1/incidents/{id}", "/api/v1/incidents/nothing"],
    ["/api/v1/episodes", "/api/v1/episodes?limit=2"],
    ["/api/v1/episodes", "/api/v1/episodes?limit=0"],
    ["/api/v1/episodes/{id}", `/api/v1/episodes/${one}`],
    ["/api/v1/feedback/preview", `/api/v1/feedback/preview?about=${one}&opinion=bad`],
  ]) {
    assertDocumented(path, "get", await ask(store, asked));
  }
  const saying = { about: id, opinion: "bad", note: "backup" };
  const taught = await ask(store, "/api/v1/feedback", { body: saying });
  assert.equal(taught.status, 201);
  assertDocumented("/api/v1/feedback", "post", taught);
  for (const path of ["/api/v1/feedback", "/api/v1/effects", "/api/v1/audit"]) {
    const answer = await ask(store, path);
    assert.ok(answer.json.items.length > 0, path);
    assertDocumented(path, "get", answer);
  }
  assertDocumented("/api/v1/incidents/{id}", "get", await ask(store, `/api/v1/incidents/${id}`));
  const gone = await ask(store, `/api/v1/feedback/${taught.json.feedback.id}`, { method: "DELETE" });
  assert.equal(gone.status, 204);
  assertDocumented("/api/v1/feedback/{id}", "delete", gone);
  for (const path of Object.keys(openapi.paths)) {
    const route = ROUTES.find((each) => each.path.test(path))!;
    assert.deepEqual(
      Object.keys(openapi.paths[path]).sort(),
      Object.keys(route.methods)
        .map((each) => each.toLowerCase())
        .sort(),
    );
  }
  assert.equal(Object.keys(openapi.paths).length, ROUTES.length);
});

test("filters: each narrows, values of one add up", async (t) => {
  const store = await filled(t);
  const count = async (query: string) => (await ask(store, `/api/v1/episodes?${query}`)).json.items.length;
  const hour = (n: number) => new Date(NOW + n * HOUR).toISOString();
  for (const [query, wanted] of [
    ["", 9],
    ["service=cart", 3],
    ["service=cart&service=search", 6],
    ["severity=critical&service=cart", 1],
    ["state=open", 3],
    ["detector=auto", 3],
    ["signal=metrics", 9],
    ["signal=logs", 0],
    ["type=spike&type=drop", 9],
    ["incident=00000000000000aa-x", 2],
    [`since=${hour(1)}`, 6],
    [`until=${NOW + HOUR}`, 4],
    [`since=${hour(1)}&until=${hour(1.5)}`, 3],
  ] as const) {
    assert.equal(await count(query), wanted, query);
  }
  assert.equal((await ask(store, "/api/v1/incidents?state=open&service=checkout")).json.items.length, 0);
  assert.equal((await ask(store, "/api/v1/incidents?service=checkout")).json.items.length, 1);
});

test("pages hold each item once, whatever their size, the latest first", async (t) => {
  const store = await filled(t);
  const whole = (await ask(store, "/api/v1/episodes")).json.items.map(({ id }: any) => id);
  for (const limit of [1, 2, 4, 9]) {
    const seen: string[] = [];
    let cursor = "";
    do {
      const { json } = await ask(store, `/api/v1/episodes?limit=${limit}${cursor && `&cursor=${cursor}`}`);
      seen.push(...json.items.map(({ id }: any) => id));
      cursor = json.next ?? "";
    } while (cursor);
    assert.deepEqual(seen, whole);
  }
  const starts = (await ask(store, "/api/v1/episodes")).json.items.map(({ start }: any) => start);
  assert.deepEqual(
    starts,
    starts.toSorted((a: number, b: number) => b - a),
  );
});

test("what feedback changes is told before it is given, and gone once it is taken back", async (t) => {
  const store = await filled(t);
  const { json } = await ask(store, "/api/v1/episodes?service=cart&severity=warning");
  const [{ id, fingerprint }] = json.items;
  const preview = await ask(store, `/api/v1/feedback/preview?about=${id}&opinion=bad`);
  assert.deepEqual([preview.json.held_back, preview.json.of], [3, 9], "peaks of 2, 3 and 4, below 1.5 times 3");
  assert.equal((await ask(store, "/api/v1/effects")).json.items.length, 0);
  const taught = await ask(store, "/api/v1/feedback", {
    body: { about: id, opinion: "bad", until: "2026-12-01T00:00:00Z" },
  });
  const [effect] = taught.json.effects;
  assert.deepEqual([effect.match.fingerprint, effect.up_to, effect.until], [fingerprint, 4.5, Date.UTC(2026, 11, 1)]);
  assert.match(
    effect.says,
    /^spike of latency on cart \(ewma\), called nothing at a score of 3 and 810 ms off, is told again beyond a score of 4.5, or 1220 ms off, until 2026-12-01$/,
  );
  const [told] = preview.json.effects;
  assert.deepEqual({ ...told, feedback: [], until: 0, says: "" }, { ...effect, feedback: [], until: 0, says: "" });
  const again = await ask(store, `/api/v1/feedback/preview?about=${id}&opinion=good`);
  assert.equal(again.json.effects[0].factor, 1.25);
  assert.equal((await ask(store, `/api/v1/feedback/${taught.json.feedback.id}`, { method: "DELETE" })).status, 204);
  assert.deepEqual((await ask(store, "/api/v1/effects")).json, { items: [], next: null });
  const { items } = (await ask(store, "/api/v1/feedback")).json;
  assert.deepEqual([items[0].opinion, items[0].taken_back], ["bad", NOW]);
});

test("what is wrong is refused with its place, cause and remedy", async (t) => {
  const store = await filled(t);
  const { json } = await ask(store, "/api/v1/episodes?limit=1");
  const [{ id }] = json.items;
  const post = (body: unknown) => ["/api/v1/feedback", { body }] as const;
  for (const [status, place, path, options] of [
    [400, "the parameter colour", "/api/v1/episodes?colour=red"],
    [400, "the parameter state", "/api/v1/episodes?state=burning"],
    [400, "the parameter limit", "/api/v1/episodes?limit=501"],
    [400, "the parameter limit", "/api/v1/episodes?limit=-1"],
    [400, "the parameter cursor", "/api/v1/episodes?cursor=bm8"],
    [400, "the parameter cursor", `/api/v1/feedback?cursor=${Buffer.from('[1,"a"]').toString("base64url")}`],
    [400, "the parameter since", "/api/v1/episodes?since=yesterday"],
    [400, "the parameter since", "/api/v1/episodes?since=1&since=2"],
    [400, "the parameter service", `/api/v1/episodes?${"service=a&".repeat(21)}`],
    [400, "the parameter service", `/api/v1/episodes?service=${"a".repeat(600)}`],
    [400, "the parameter opinion", `/api/v1/feedback/preview?about=${id}`],
    [400, "the URL", `/api/v1/episodes?service=${"a".repeat(9000)}`],
    [404, "/api/v1/nothing", "/api/v1/nothing"],
    [404, "/api/v1/episodes/nothing", "/api/v1/episodes/nothing"],
    [404, "about", ...post({ about: "nothing", opinion: "bad" })],
    [404, "/api/v1/feedback/f77", "/api/v1/feedback/f77", { method: "DELETE" }],
    [405, "/api/v1/effects", "/api/v1/effects", { method: "DELETE" }],
    [405, "/api/v1/episodes", "/api/v1/episodes", { method: "PUT" }],
    [400, "the body", ...post("{")],
    [400, "the body", ...post("null")],
    [400, "opinion", ...post({ about: id, opinion: "fine" })],
    [400, "the body", ...post({ about: id, opinion: "bad", more: 1 })],
    [400, "until", ...post({ about: id, opinion: "expected" })],
    [400, "until", ...post({ about: id, opinion: "bad", until: NOW - 1 })],
    [400, "until", ...post({ about: id, opinion: "bad", until: "soon" })],
    [400, "by", ...post({ about: id, opinion: "bad", by: "alertmanager silence 1" })],
    [413, "the body", ...post({ about: id, opinion: "bad", note: "x".repeat(70_000) })],
    [415, "content-type", "/api/v1/feedback", { body: "about=1", headers: { "content-type": "text/plain" } }],
    [415, "content-encoding", "/api/v1/feedback", { body: "{}", headers: { "content-encoding": "gzip" } }],
    [403, "the request's headers", "/api/v1/episodes", { headers: { origin: "https://evil.example" } }],
  ] as const) {
    const answer = await ask(store, path, options);
    const { error } = answer.json;
    assert.deepEqual([answer.status, error.place], [status, place], `${path}: ${JSON.stringify(answer.json)}`);
    assert.ok(error.cause && error.remedy && error.code, path);
  }
  assert.equal((await ask(store, "/api/v1/effects")).json.items.length, 0, "none of it taught anything");
});

test("a site that made its name lead here gets nothing", async (t) => {
  const store = await filled(t);
  const { port } = new URL(store.url);
  const status = await new Promise((resolve) => {
    http.get({ port, host: "127.0.0.1", path: "/api/v1/episodes", headers: { host: "evil.example" } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
  assert.equal(status, 403);
});

test("bytes that are no request, and ids of any kind, end in an answer and leave it well", async (t) => {
  const store = await filled(t);
  const { port } = new URL(store.url);
  for (const text of [
    "GET\r\n\r\n",
    "POST /api/v1/feedback HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
    "\0\0\0",
    "GET //[ HTTP/1.1\r\nhost: localhost\r\n\r\n",
  ]) {
    const socket = connect(Number(port), "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.on("data", () => socket.end());
    socket.write(text);
    if (text.includes("99999999999")) socket.end();
    await closed;
  }
  const anything = fc.string({ unit: "binary", minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(anything, fc.constantFrom("episodes", "incidents", "feedback"), async (id, kind) => {
      const path = `/api/v1/${kind}/${encodeURIComponent(id.toWellFormed())}`;
      const { status } = await ask(store, path, { method: kind === "feedback" ? "DELETE" : "GET" });
      assert.ok([404, 400, 405].includes(status), `${status}`);
    }),
    { numRuns: 50 },
  );
  assert.equal((await ask(store, "/api/v1/episodes/%ff")).status, 400);
  assert.equal((await ask(store, "/api/v1/episodes")).status, 200);
  assert.deepEqual(
    store.host.logged.filter(({ level }) => level === "error"),
    [],
  );
});

test("with auth only who is let in may ask; a signature lets in feedback alone", async (t) => {
  const host = newHost();
  host.extensions.set("bearertokenauth", {
    authenticate: async ({ authorization }) => (authorization === "Bearer sesame" ? undefined : "the token is wrong"),
  });
  const secret = "a key of sixteen characters";
  const store = await kept(t, { auth: { authenticator: "bearertokenauth" }, secret }, host);
  const odd = episode("checkout", "latency", 0);
  await store.anomalies.keep([odd]);
  const refused = await ask(store, "/api/v1/episodes");
  assert.deepEqual([refused.status, refused.headers.get("www-authenticate")], [401, 'Bearer realm="vedette"']);
  assert.equal((await ask(store, "/api/v1/episodes", { headers: { authorization: "Bearer sesame" } })).status, 200);
  const body = JSON.stringify({ about: odd.id, opinion: "bad" });
  const signed = (key: string) => ({
    "x-vedette-signature": `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
  });
  assert.equal((await ask(store, "/api/v1/feedback", { body })).status, 401);
  assert.equal((await ask(store, "/api/v1/feedback", { body, headers: signed("another") })).status, 401);
  assert.equal((await ask(store, "/api/v1/episodes", { headers: signed(secret) })).status, 401);
  const taught = await ask(store, "/api/v1/feedback", { body, headers: signed(secret) });
  assert.deepEqual([taught.status, taught.json.feedback.by], [201, "webhook"]);
});

test("an address that others reach is warned of, unless auth is set", async (t) => {
  const host = newHost();
  await kept(t, { endpoint: "0.0.0.0:0" }, host);
  assert.match(host.logged.find(({ level }) => level === "warn")!.message, /whoever reaches this address/);
});
