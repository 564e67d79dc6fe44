// Who may look at the dashboard, who may change something, and what a page of another site gets: nothing.
import assert from "node:assert/strict";
import test from "node:test";
import type { AnomalyStore } from "../../../src/api/index.ts";
import { ask, type Got, NOW, newHost, start, statusFor } from "./dashboard.ts";

const TOKEN = "operators may do it";
const token = TOKEN.replaceAll(" ", "-");
const reader = "readers-may-look-only";

/** A host with a store that says who asked it. */
function withStore() {
  const host = newHost();
  const asked: (string | undefined)[] = [];
  const anomalies = {
    answer: async (_request, response, by) => {
      asked.push(by);
      response.writeHead(by === undefined ? 401 : 200, { "content-type": "application/json" }).end("{}");
    },
    watch: () => () => {},
    tally: async () => ({ open: { critical: 0, warning: 0, info: 0 }, days: [], detectors: [] }),
  } satisfies Partial<AnomalyStore> as unknown as AnomalyStore;
  host.extensions.set("anomaly_store", { anomalies });
  const status = { section: "extensions", id: "anomaly_store", status: "ok", since: NOW } as const;
  host.agent = { ...host.agent, components: () => [status] };
  return { host, asked };
}

const cookieOf = ({ headers }: Got) => headers.get("set-cookie")!.split(";")[0];
const say = { about: "1", opinion: "bad" };

test("without tokens whoever is on this machine may look and change; a browser must send the token of the page", async (t) => {
  const { host, asked } = withStore();
  const at = await start(t, { store: "anomaly_store" }, host);
  const session = await ask(at, "/api/v1/session");
  assert.deepEqual([session.json.role, session.json.login, session.json.store], ["operator", false, true]);
  const origin = at.url;
  const teach = (headers: Record<string, string>) => ask(at, "/api/v1/feedback", { body: say, headers });
  assert.equal((await teach({})).status, 200, "a program");
  const refused = await teach({ origin });
  assert.deepEqual(
    [refused.status, refused.json.error.remedy],
    [403, "send csrf of /api/v1/session as x-csrf-token; load the page again"],
  );
  assert.equal((await teach({ origin, "x-csrf-token": "x".repeat(43) })).status, 403);
  assert.equal((await teach({ "sec-fetch-site": "same-origin" })).status, 403);
  assert.equal((await teach({ origin, "x-csrf-token": session.json.csrf })).status, 200);
  assert.deepEqual(asked, ["dashboard", "dashboard"]);
});

test("a page of another site, and a site that made its name lead here, get nothing", async (t) => {
  const { host, asked } = withStore();
  const at = await start(t, {}, host);
  const { csrf } = (await ask(at, "/api/v1/session")).json;
  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: at.url.replace("127.0.0.1", "localhost") },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ] as Record<string, string>[]) {
    for (const path of ["/api/v1/session", "/api/v1/status", "/api/v1/incidents"]) {
      assert.equal((await ask(at, path, { headers })).status, 403, JSON.stringify(headers));
    }
    const changing = { body: say, headers: { ...headers, "x-csrf-token": csrf } };
    assert.equal((await ask(at, "/api/v1/feedback", changing)).status, 403);
    assert.equal((await ask(at, "/login", { body: { token }, headers })).status, 403);
  }
  for (const path of ["/", "/lib/preact.js", "/api/v1/session", "/login"]) {
    assert.equal(await statusFor(at, path, "evil.example"), 403, path);
  }
  assert.equal(await statusFor(at, "/lib/preact.js", "localhost"), 200);
  assert.deepEqual(asked, []);
});

test("with tokens nothing is told before the login; who logs in gets a cookie that scripts cannot read", async (t) => {
  const { host, asked } = withStore();
  const at = await start(t, { token, read_only_token: reader }, host);
  const before = (await ask(at, "/api/v1/session")).json;
  assert.deepEqual([before.role, before.login, before.csrf], [null, true, ""]);
  for (const path of ["/api/v1/status", "/api/v1/events", "/api/v1/series", "/api/v1/traces/1", "/api/v1/incidents"]) {
    const { status, json } = await ask(at, path);
    assert.deepEqual(
      [status, json.error.code, json.error.cause],
      [401, "unauthenticated", "nobody is logged in"],
      path,
    );
  }
  assert.equal((await ask(at, "/lib/preact.js")).status, 200, "the page itself is for everybody");
  const wrong = await ask(at, "/login", { body: { token: "not-the-right-token" } });
  assert.deepEqual([wrong.status, wrong.json.error.cause], [401, "the token is wrong"]);

  const got = await ask(at, "/login", { body: { token } });
  assert.deepEqual([got.status, got.json.role], [200, "operator"]);
  assert.match(got.headers.get("set-cookie")!, /^vedette_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const cookie = cookieOf(got);
  assert.equal((await ask(at, "/api/v1/status", { headers: { cookie } })).status, 200);
  assert.equal((await ask(at, "/api/v1/feedback", { body: say, headers: { cookie } })).status, 403, "no csrf token");
  const headers = { cookie, "x-csrf-token": got.json.csrf };
  assert.equal((await ask(at, "/api/v1/feedback", { body: say, headers })).status, 200);
  assert.deepEqual(asked, ["dashboard"]);

  assert.equal((await ask(at, "/logout", { method: "POST", headers: { cookie } })).status, 403, "nor to log out");
  const out = await ask(at, "/logout", { method: "POST", headers });
  assert.match(out.headers.get("set-cookie")!, /Max-Age=0$/);
  assert.equal((await ask(at, "/api/v1/status", { headers: { cookie } })).status, 401);
});

test("a login that is read-only sees everything and changes nothing", async (t) => {
  const { host, asked } = withStore();
  const at = await start(t, { token, read_only_token: reader }, host);
  const { json, ...got } = await ask(at, "/login", { body: { token: reader } });
  assert.equal(json.role, "reader");
  const headers = { cookie: cookieOf({ json, ...got }), "x-csrf-token": json.csrf };
  for (const path of ["/api/v1/status", "/api/v1/pipelines", "/api/v1/incidents"]) {
    assert.equal((await ask(at, path, { headers })).status, 200, path);
  }
  for (const sent of [{ body: say }, { method: "DELETE" }, { method: "PUT", body: say }]) {
    const { status, json } = await ask(at, "/api/v1/feedback", { ...sent, headers });
    assert.deepEqual([status, json.error.cause], [403, "this login may look at everything and change nothing"]);
  }
  assert.deepEqual(asked, ["dashboard"], "what it read");
});

test("a login ends when it is not used for twelve hours, and there are not more than 256", async (t) => {
  const { host } = withStore();
  const at = await start(t, { token }, host);
  const login = async () => cookieOf(await ask(at, "/login", { body: { token } }));
  const status = async (cookie: string) => (await ask(at, "/api/v1/status", { headers: { cookie } })).status;
  const [first, second] = [await login(), await login()];
  host.time = NOW + 11 * 3_600_000;
  assert.equal(await status(first), 200);
  host.time = NOW + 22 * 3_600_000;
  assert.deepEqual([await status(first), await status(second)], [200, 401]);
  for (let i = 0; i < 256; i++) await login();
  assert.equal(await status(first), 401);
});

test("after ten wrong tokens in a minute an address has to wait, whatever it then sends", async (t) => {
  const { host } = withStore();
  const at = await start(t, { token }, host);
  for (let i = 0; i < 10; i++)
    assert.equal((await ask(at, "/login", { body: { token: `wrong-token-number-${i}` } })).status, 401);
  const { status, json, headers } = await ask(at, "/login", { body: { token } });
  assert.deepEqual([status, headers.get("retry-after")], [429, "60"]);
  assert.equal(json.error.remedy, "try again in 60 s");
  assert.equal((await ask(at, "/api/v1/status", { headers: { authorization: `Bearer ${token}` } })).status, 429);
  host.time += 60_000;
  assert.equal((await ask(at, "/login", { body: { token } })).status, 200);
  assert.doesNotMatch(JSON.stringify(host.logged), /wrong-token-number|operators/, "no token in the log");
});

test("programs show a token as bearer, or what the authenticator wants; a browser is asked for a password", async (t) => {
  const { host, asked } = withStore();
  const at = await start(t, { token, read_only_token: reader }, host);
  const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } });
  assert.equal((await ask(at, "/api/v1/status", bearer(reader))).status, 200);
  assert.equal((await ask(at, "/api/v1/feedback", { body: say, ...bearer(reader) })).status, 403);
  assert.equal((await ask(at, "/api/v1/feedback", { body: say, ...bearer(token) })).status, 200);
  assert.equal((await ask(at, "/api/v1/status", bearer("something-else-long"))).status, 401);

  const other = withStore();
  other.host.extensions.set("basicauth", {
    authenticate: async ({ authorization }) => (authorization === "Basic right" ? undefined : "the password is wrong"),
  });
  const guarded = await start(t, { auth: { authenticator: "basicauth" } }, other.host);
  const right = { authorization: "Basic right" };
  for (const path of ["/", "/lib/preact.js", "/api/v1/session", "/api/v1/status", "/api/v1/incidents"]) {
    const { status, headers } = await ask(guarded, path);
    assert.deepEqual([status, headers.get("www-authenticate")], [401, 'Basic realm="vedette"'], path);
  }
  assert.equal((await ask(guarded, "/api/v1/status", { headers: right })).status, 200);
  assert.equal((await ask(guarded, "/api/v1/feedback", { body: say, headers: right })).status, 200);
  const fromPage = { ...right, origin: guarded.url };
  assert.equal((await ask(guarded, "/api/v1/feedback", { body: say, headers: fromPage })).status, 403);
  assert.deepEqual([asked, other.asked], [["dashboard"], ["dashboard"]]);
});

test("who only signs feedback is handed on as a stranger, for that alone", async (t) => {
  const { host, asked } = withStore();
  const at = await start(t, { token }, host);
  const headers = { "x-vedette-signature": "sha256=00" };
  assert.equal((await ask(at, "/api/v1/feedback", { body: say, headers })).status, 401);
  assert.equal((await ask(at, "/api/v1/feedback/f1", { method: "DELETE", headers })).status, 401);
  assert.equal((await ask(at, "/api/v1/incidents", { headers })).status, 401);
  assert.deepEqual(asked, [undefined]);
});

test("an address that others reach is warned of, in words that fit what is missing", async (t) => {
  for (const [options, words] of [
    [{}, /whoever reaches this address may read anomalies and give feedback; set token and tls/],
    [{ token }, /cross the network as plain text; set tls/],
  ] as const) {
    const host = newHost();
    await start(t, { endpoint: "0.0.0.0:0", ...options }, host);
    assert.match(host.logged.find(({ level }) => level === "warn")!.message, words);
  }
  const host = newHost();
  await start(t, {}, host);
  assert.deepEqual(
    host.logged.filter(({ level }) => level === "warn"),
    [],
  );
});
