// What a probe is told, and when.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import type { Extension, ExtensionHost } from "vedette";
import { fakeHost } from "vedette/testing";
import health from "../../plugins/extensions/health_check/index.ts";

/** Runs `use` with a started extension, its base URL, and a clock that the test moves. */
async function withHealthCheck(
  options: object,
  use: (extension: Extension, url: string, clock: { now: number }) => Promise<void>,
): Promise<void> {
  const clock = { now: Date.parse("2026-11-22T18:40:00Z") };
  let url = "";
  const info = (_: string, fields?: object) => {
    url = `http://${(fields as { endpoint: string }).endpoint}`;
  };
  const host: ExtensionHost = {
    ...fakeHost("health_check"),
    log: { debug() {}, info, warn() {}, error() {} },
    now: () => clock.now,
    random: () => 0.5,
  };
  const extension = health.create(health.config.parse({ endpoint: "127.0.0.1:0", ...options }), host);
  await extension.start!();
  try {
    await use(extension, url, clock);
  } finally {
    await extension.stop!();
  }
}

test("503 until the agent is ready, 200 while it is, 503 once it stops", async () => {
  await withHealthCheck({}, async (extension, url, clock) => {
    const notAvailable = { status: "Server not available", upSince: "0001-01-01T00:00:00Z", uptime: "" };
    const early = await fetch(url);
    assert.equal(early.status, 503);
    assert.deepEqual(await early.json(), notAvailable);

    extension.ready!(true);
    clock.now += 3_723_456;
    const ready = await fetch(url);
    assert.equal(ready.status, 200);
    assert.match(ready.headers.get("content-type")!, /application\/json/);
    assert.deepEqual(await ready.json(), {
      status: "Server available",
      upSince: "2026-11-22T18:40:00.000Z",
      uptime: "1h2m3.456s",
    });

    extension.ready!(false);
    const late = await fetch(url);
    assert.equal(late.status, 503);
    assert.deepEqual(await late.json(), notAvailable);
  });
});

test("texts of one's own, at a path of one's own", async () => {
  const options = { path: "/health", response_body: { healthy: "fine", unhealthy: "poorly" } };
  await withHealthCheck(options, async (extension, url) => {
    assert.equal(await (await fetch(`${url}/health?full`)).text(), "poorly");
    extension.ready!(true);
    assert.equal(await (await fetch(`${url}/health`)).text(), "fine");
    for (const path of ["/", "/healthy", "/health/"]) assert.equal((await fetch(url + path)).status, 404);
  });
});

test("a path that ends in / stands for all below it; probes are GET or HEAD", async () => {
  await withHealthCheck({}, async (extension, url) => {
    extension.ready!(true);
    assert.equal((await fetch(`${url}/livez`)).status, 200);
    const head = await fetch(url, { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), "");
    const posted = await fetch(url, { method: "POST", body: "x" });
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.get("allow"), "GET, HEAD");
  });
});

test("stop is safe twice and without start, and cuts a probe that hangs", async () => {
  await withHealthCheck({}, async (extension, url) => {
    const hanging = net.connect(Number(new URL(url).port), "127.0.0.1");
    await once(hanging, "connect");
    hanging.write("GET / HTTP/1.1\r\n");
    hanging.on("error", () => {});
    const cut = new Promise((resolve) => hanging.once("close", resolve));
    await Promise.all([extension.stop!(), extension.stop!(), cut]);
    await assert.rejects(fetch(url));
  });
  const host = fakeHost("health_check");
  await health.create(health.config.parse({}), host).stop!();
});

test("a port in use is said with endpoint, cause and remedy", async () => {
  const blocker = net.createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const endpoint = `127.0.0.1:${(blocker.address() as net.AddressInfo).port}`;
  await assert.rejects(
    withHealthCheck({ endpoint }, async () => {}),
    { message: new RegExp(`cannot listen on ${endpoint} \\(endpoint\\): another program listens there`) },
  );
  blocker.close();
});
