// The page's files as a browser gets them, and refusals in words for everything else.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect } from "node:net";
import test from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import fc from "fast-check";
import { ask, start } from "./dashboard.ts";
import { raw } from "./raw.ts";

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

test("each file comes with a strong tag of its bytes, compressed as the browser can, and nothing of it runs elsewhere", async (t) => {
  const at = await start(t);
  const plain = await raw(at, "/lib/preact.js");
  assert.equal(plain.status, 200);
  for (const [accepts, encoding, open] of [
    ["gzip, deflate, br", "br", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    ["gzip;q=1, br;q=0", "gzip", gunzipSync],
  ] as const) {
    const { headers, body } = await raw(at, "/lib/preact.js", { "accept-encoding": accepts });
    assert.equal(headers["content-encoding"], encoding);
    assert.deepEqual(open(body), plain.body);
    assert.notEqual(headers.etag, plain.headers.etag, "other bytes");
    assert.equal(headers.vary, "accept-encoding");
  }
  const { headers } = plain;
  assert.deepEqual(
    [
      headers["content-security-policy"],
      headers["cache-control"],
      headers["x-content-type-options"],
      headers["content-type"],
    ],
    [POLICY, "no-cache", "nosniff", "text/javascript; charset=utf-8"],
  );
  assert.match(headers.etag!, /^"[\w-]{22}"$/);
  const again = await raw(at, "/lib/preact.js", { "if-none-match": `"other", ${headers.etag}` });
  assert.deepEqual([again.status, again.body.length], [304, 0]);
  const head = await raw(at, "/lib/preact.js", {}, "HEAD");
  assert.deepEqual([head.status, head.body.length, head.headers["content-length"]], [200, 0, `${plain.body.length}`]);
});

test("every module that a module imports is served, and no other host is asked", async (t) => {
  const at = await start(t);
  const seen = new Map<string, number>();
  const queue = ["/lib/hooks.js", "/lib/uplot.js"];
  const page = await raw(at, "/");
  for (const [, path] of page.body.toString().matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)) queue.push(path);
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    const { status, body, headers } = await raw(at, path, { "accept-encoding": "br" });
    assert.equal(status, 200, path);
    seen.set(path, body.length);
    if (!/javascript/.test(headers["content-type"]!)) continue;
    const text = brotliDecompressSync(body).toString();
    for (const [, name] of text.matchAll(/\b(?:import|export)\s*(?:[\w*{}\s,$]+?\bfrom\s*)?["']([^"']+)["']/g)) {
      assert.match(name, /^(\/lib\/\w+\.js|\.\/\w+\.js)$/, `an import of ${path}`);
      queue.push(new URL(name, `http://localhost${path}`).pathname);
    }
  }
  const whole = [...seen.values()].reduce((sum, length) => sum + length, page.body.length);
  assert.ok(whole < 150_000, `the page weighs ${whole} bytes`);
});

test("only files of the page are served, whatever is asked for", async (t) => {
  const at = await start(t);
  for (const path of [
    "/page/../index.ts",
    "/page/..%2findex.ts",
    "/page/%2e%2e/options.ts",
    "/page//main.js",
    "/page/main.ts",
    "/page/tsconfig.json",
    "/page/constructor",
    "/lib/../package.json",
    "/etc/passwd",
    "//etc/passwd",
    "/page/",
    "/index.html",
  ]) {
    const { status, body } = await raw(at, path);
    assert.equal(status, 404, path);
    assert.match(
      body.toString(),
      /^\{"error":\{"code":"not-found","place":"[^"]+","cause":"[^"]+","remedy":"[^"]+"\}\}$/,
    );
  }
  const path = fc.string({ unit: "binary", maxLength: 60 }).map((text) => `/${encodeURI(text.toWellFormed())}`);
  const anything = fc.oneof(
    path,
    fc.string({ unit: "grapheme-ascii", maxLength: 60 }).map((text) => `/${text.replace(/[\s#]/g, "")}`),
  );
  await fc.assert(
    fc.asyncProperty(anything, async (asked) => {
      const { status } = await raw(at, asked);
      assert.ok([200, 400, 404].includes(status), `${status} for ${asked}`);
      if (status === 200) assert.match(new URL(asked, "http://localhost").pathname, /^\/$/);
    }),
    { numRuns: 200 },
  );
});

test("what is wrong is refused with its place, cause and remedy", async (t) => {
  const at = await start(t);
  const id = "0af7651916cd43dd8448eb211c80319c";
  for (const [status, place, path, sent] of [
    [404, "/nothing", "/nothing"],
    [404, "/api/v1/nothing", "/api/v1/nothing"],
    [404, "/api/v1/constructor", "/api/v1/constructor"],
    [404, "/api/v1/series/77", "/api/v1/series/77"],
    [404, `/api/v1/traces/${id}`, `/api/v1/traces/${id}`],
    [404, "/login", "/login", { body: { token: "x" } }],
    [405, "/", "/", { method: "POST" }],
    [405, "/login", "/login"],
    [405, "/api/v1/status", "/api/v1/status", { method: "DELETE" }],
    [405, "/api/v1/series", "/api/v1/series", { body: {} }],
    [400, "the URL", `/${"x".repeat(9000)}`],
    [400, "/api/v1/series/%ff", "/api/v1/series/%ff"],
    [400, "the parameter colour", "/api/v1/series?colour=red"],
    [400, "the parameter state", "/api/v1/series?state=open"],
    [400, "the parameter limit", "/api/v1/series?limit=501"],
    [400, "the parameter cursor", "/api/v1/series?cursor=-1"],
    [400, "the parameter q", "/api/v1/series?q=a&q=b"],
    [400, "the parameter q", `/api/v1/series?q=${"x".repeat(600)}`],
    [400, "the parameter from", "/api/v1/series/77?from=yesterday"],
    [400, "the parameter from", "/api/v1/series/77?from=20&until=10"],
    [400, "the parameter days", "/api/v1/quality?days=0"],
    [400, "the parameter offset", "/api/v1/quality?offset=9999"],
    [400, "the parameter x", "/api/v1/status?x=1"],
    [503, "anomaly_store", "/api/v1/incidents"],
  ] as const) {
    const answer = await ask(at, path, sent);
    const { error } = answer.json;
    assert.deepEqual([answer.status, error.place], [status, place], `${path}: ${JSON.stringify(answer.json)}`);
    assert.ok(error.cause && error.remedy && error.code, path);
  }
  const guarded = await start(t, { token: "a-token-of-some-length" });
  for (const [status, place, sent] of [
    [415, "content-type", { body: "token=1", headers: { "content-type": "application/x-www-form-urlencoded" } }],
    [413, "the body", { body: { token: "x".repeat(5000) } }],
    [400, "the body", { body: "{" }],
    [400, "the body", { body: "null" }],
    [400, "token", { body: {} }],
    [400, "token", { body: { token: 7 } }],
  ] as const) {
    const answer = await ask(guarded, "/login", sent);
    assert.deepEqual([answer.status, answer.json.error.place], [status, place]);
  }
});

test("bytes that are no request end in an answer and leave it well", async (t) => {
  const at = await start(t);
  const { port } = new URL(at.url);
  for (const text of [
    "GET\r\n\r\n",
    "\0\0\0",
    "GET //[ HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "GET * HTTP/1.1\r\nhost: localhost\r\n\r\n",
  ]) {
    const socket = connect(Number(port), "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    socket.on("data", () => socket.end());
    socket.write(text);
    await closed;
  }
  assert.equal((await ask(at, "/api/v1/status")).status, 200);
  assert.deepEqual(
    at.host.logged.filter(({ level }) => level === "error"),
    [],
  );
});

test("a port that is taken is said in words", async (t) => {
  const taken = createServer().listen(0, "127.0.0.1");
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as { port: number };
  await assert.rejects(start(t, { endpoint: `127.0.0.1:${port}` }), /another program listens there/);
});
