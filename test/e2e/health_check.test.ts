// What a probe is told, and when.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import type { ComponentStatus, Extension, ExtensionHost } from "vedette";
import { fakeHost } from "vedette/testing";
import health from "../../plugins/extensions/health_check/index.ts";

/** Runs `use` with a started extension, its base URL, and a clock that the test moves. */
async function withHealthCheck(
  options: object,
  use: (extension: Extension, url: string, clock: { now: number }) => Promise<void>,
  components: ComponentStatus[] = [],
): Promise<void> {
  const clock = { now: Date.parse("2026-11-22T18:40:00Z") };
  let url = "";
  const info = (_: string, fields?: object) => {
    url = `http://${(fields as { endpoint: string }).endpoint}`;
  };
  const fake = fakeHost("health_check");
  const host: ExtensionHost = {
    ...fake,
    agent: { ...fake.agent, components: () => components },
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
    const notAvailable = {
      status: "Server not available",
      upSince: "0001-01-01T00:00:00Z",
      uptime: "",
      components: [],
    };
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
      components: [],
    });

    extension.ready!(false);
    const late = await fetch(url);
    assert.equal(late.status, 503);
    assert.deepEqual(await late.json(), notAvailable);
  });
});

test("every component's status is told; permanent errors make the agent unwell, others as configured", async () => {
  const since = Date.parse("2026-11-22T18:39:00Z");
  const reason = "the backend answers 401";
  const exporter = { section: "exporters", id: "otlp_http", since } as const;
  const components: ComponentStatus[] = [
    { section: "processors", id: "ewma", pipeline: "metrics", status: "starting", since },
  ];
  await withHealthCheck(
    { component_health: { include_recoverable_errors: true, recovery_duration: "2m" } },
    async (extension, url, clock) => {
      extension.ready!(true);
      const answer = async () => {
        const response = await fetch(url);
        return { code: response.status, ...((await response.json()) as { status: string; components: object[] }) };
      };
      assert.equal((await answer()).code, 200, "a component that starts is not one that fails");
      components[1] = { ...exporter, status: "recoverable_error", reason };
      const ailing = await answer();
      assert.equal(ailing.code, 200);
      assert.deepEqual(ailing.components, [
        { ...components[0], since: "2026-11-22T18:39:00.000Z" },
        { ...components[1], since: "2026-11-22T18:39:00.000Z" },
      ]);
      clock.now += 60_000;
      assert.equal((await answer()).code, 503, "it has lasted for two minutes");
      components[1] = { ...exporter, status: "permanent_error", reason };
      const failed = await answer();
      assert.deepEqual([failed.code, failed.status], [503, "Server not available"]);
    },
    components,
  );
  components[1] = { ...exporter, status: "recoverable_error", reason };
  const lenient = { component_health: { include_permanent_errors: false } };
  await withHealthCheck(
    lenient,
    async (extension, url, clock) => {
      extension.ready!(true);
      clock.now += 3_600_000;
      assert.equal((await fetch(url)).status, 200);
      components[1] = { ...exporter, status: "permanent_error", reason };
      assert.equal((await fetch(url, { method: "HEAD" })).status, 200);
    },
    components,
  );
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
