// What a person and a program see of a running agent.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { hostname } from "node:os";
import { test } from "node:test";
import type { AgentView, Measurement } from "vedette";
import { type FakeHost, fakeHost } from "vedette/testing";
import zpages from "../../plugins/extensions/zpages/index.ts";
import { request, startAgent } from "../agent.ts";
import { gauge } from "../requests.ts";
import { request as spansOf } from "../spans.ts";

const START = Date.parse("2024-01-01T00:00:00Z");
const STATUS = { status: "ok", since: START } as const;

const measured = (name: string, value: number, attributes: Record<string, string>): Measurement => ({
  name,
  value,
  attributes,
});

const agent: AgentView = {
  version: "1.2.3",
  startedAt: START,
  remember: () => fakeHost("zpages").agent.remember({ maxMemory: 1, span: 60_000, maxTraceMemory: 1 }),
  components: () => [
    { section: "receivers", id: "otlp", ...STATUS },
    { section: "processors", id: "ewma", pipeline: "metrics", ...STATUS },
    { section: "processors", id: "ewma", pipeline: "metrics/2", ...STATUS },
    {
      section: "exporters",
      id: "otlp_http/<b>",
      status: "permanent_error",
      reason: `the backend says <script>alert("1")</script> & 'more'`,
      since: START + 1000,
    },
    { section: "extensions", id: "zpages", ...STATUS },
  ],
  pipelines: () => [
    { id: "metrics", signal: "metrics", receivers: ["otlp"], processors: ["ewma"], exporters: ["otlp_http/<b>"] },
    { id: "metrics/2", signal: "metrics", receivers: ["otlp"], processors: ["ewma"], exporters: [] },
  ],
  measurements: () => [
    measured("otelcol_receiver_accepted_metric_points", 1234, { receiver: "otlp", transport: "grpc" }),
    measured("vedette_detector_series", 7, { detector: "ewma", pipeline: "metrics" }),
    measured("vedette_detector_series", 9, { detector: "ewma", pipeline: "metrics/2" }),
    measured("otelcol_exporter_queue_size", 3, { exporter: "otlp_http/<b>" }),
    measured("otelcol_process_uptime", 5, {}),
  ],
  calls: () => [
    { from: "web", to: "cart", rate: 12.345, failed: 0.25, latency: 104.2 },
    { from: "cart", to: "<script>alert(1)</script>", rate: 0.5, failed: 0, latency: 3, anomaly: "a1-b2" },
  ],
};

/** Runs `use` with the base URL of started pages. */
async function withPages(options: object, use: (url: string, host: FakeHost) => Promise<void>): Promise<void> {
  const host = Object.assign(fakeHost("zpages"), { agent, time: START + 3_723_000 });
  const extension = zpages.create(zpages.config.parse({ endpoint: "127.0.0.1:0", ...options }), host);
  await extension.start!();
  try {
    await use(`http://${(host.logged[0].fields as { endpoint: string }).endpoint}`, host);
  } finally {
    await extension.stop!();
  }
}

const json = async (url: string): Promise<any> => (await fetch(`${url}?format=json`)).json();

test("the service page: version, process, uptime, every component with its status, since when and why", async () => {
  await withPages({}, async (url) => {
    const page = await (await fetch(`${url}/debug/servicez`)).text();
    for (const text of [
      "1.2.3",
      "1h 2m 3s",
      String(process.pid),
      "4 ok, 1 permanent error",
      "2024-01-01T00:00:01.000Z",
    ]) {
      assert.ok(page.includes(text), `${text} is missing in\n${page}`);
    }
    const data = await json(`${url}/debug/servicez`);
    assert.deepEqual(
      [data.version, data.uptime_seconds, data.statuses],
      ["1.2.3", 3723, { ok: 4, permanent_error: 1 }],
    );
    assert.equal(data.components[3].reason, agent.components()[3].reason);
  });
});

test("the pipelines page: components in order, each with the numbers that are its own there", async () => {
  await withPages({}, async (url) => {
    const { pipelines } = await json(`${url}/debug/pipelinez`);
    const seen = pipelines.map(({ id, components }: any) => [
      id,
      components.map((one: any) => [one.id, one.measurements.map(({ value }: any) => value)]),
    ]);
    assert.deepEqual(seen, [
      [
        "metrics",
        [
          ["otlp", [1234]],
          ["ewma", [7]],
          ["otlp_http/<b>", [3]],
        ],
      ],
      [
        "metrics/2",
        [
          ["otlp", [1234]],
          ["ewma", [9]],
        ],
      ],
    ]);
    const page = await (await fetch(`${url}/debug/pipelinez`)).text();
    assert.ok(page.includes("accepted metric points <b>1,234</b> (transport grpc)"), page);
    assert.ok(page.includes("series <b>9</b>"), page);
  });
});

test("the extensions page shows extensions only", async () => {
  await withPages({}, async (url) => {
    const { extensions } = await json(`${url}/debug/extensionz`);
    assert.deepEqual(
      extensions.map(({ id }: { id: string }) => id),
      ["zpages"],
    );
  });
});

test("the service graph page: who calls whom, how often, how well and how fast; what is wrong comes first", async () => {
  await withPages({}, async (url, host) => {
    const { calls, left, services } = await json(`${url}/debug/servicegraphz`);
    assert.deepEqual([calls, left], [agent.calls().toReversed(), 0]);
    assert.deepEqual(services[0], { service: "cart", called: 12.345, calls: 0.5, anomalies: 1 });
    const page = await (await fetch(`${url}/debug/servicegraphz`)).text();
    for (const text of ['<th scope="row">web</th><td>cart</td><td>12.3</td><td>25 %</td><td>104 ms</td>', "a1-b2"]) {
      assert.ok(page.includes(text), `${text} is missing in\n${page}`);
    }
    const many = Array.from({ length: 700 }, (_, i) => ({ ...agent.calls()[0], to: `peer ${i}` }));
    host.agent = { ...agent, calls: () => many };
    const cut = await json(`${url}/debug/servicegraphz`);
    assert.deepEqual([cut.calls.length, cut.left], [500, 200]);
    assert.match(await (await fetch(`${url}/debug/servicegraphz`)).text(), /200 more that are called less/);
    host.agent = { ...agent, calls: () => [] };
    assert.match(await (await fetch(`${url}/debug/servicegraphz`)).text(), /has the processor service_graph/);
  });
});

test("nothing that a component says becomes markup, and no page may load or run anything", async () => {
  await withPages({}, async (url) => {
    for (const path of ["/debug/servicez", "/debug/pipelinez", "/debug/extensionz", "/debug/servicegraphz"]) {
      const response = await fetch(url + path);
      const page = await response.text();
      assert.doesNotMatch(page, /<script|<b>"|otlp_http\/<b>/);
      assert.match(page, /^<!doctype html>\n<html lang="en">/);
      assert.equal(response.headers.get("content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'");
      assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    }
    const page = await (await fetch(`${url}/debug/servicez`)).text();
    assert.ok(page.includes("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;more&#39;"), page);
  });
});

test("what is not served is said with what there is; only GET and HEAD", async () => {
  await withPages({}, async (url) => {
    for (const path of [
      "/debug/tracez",
      "/debug/rpcz",
      "/debug/featurez",
      "/debug/expvarz",
      "/x",
      "/debug/constructor",
    ]) {
      const response = await fetch(url + path);
      assert.equal(response.status, 404);
      assert.match(await response.text(), /\/debug\/pipelinez/);
    }
    assert.equal((await fetch(`${url}/debug/servicez`, { method: "POST" })).status, 405);
    assert.equal((await fetch(url, { redirect: "manual" })).headers.get("location"), "/debug/servicez");
  });
  await withPages({ expvar: { enabled: true } }, async (url) => {
    const { measurements } = (await (await fetch(`${url}/debug/expvarz`)).json()) as { measurements: unknown[] };
    assert.equal(measurements.length, 5);
  });
});

test("a web site whose name leads to this machine is shown nothing; names and addresses of the machine are served", async () => {
  await withPages({}, async (url) => {
    const port = new URL(url).port;
    const statusFor = async (host: string) => {
      const asked = http.get(`${url}/debug/servicez`, { headers: { host }, agent: false });
      const [response] = (await once(asked, "response")) as [http.IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    for (const host of [`evil.example:${port}`, "evil.example", "127.0.0.1.evil.example", "localhost.evil.example"]) {
      assert.equal(await statusFor(host), 403, host);
    }
    for (const host of [`127.0.0.1:${port}`, "localhost", `[::1]:${port}`, "app.localhost:1", hostname()]) {
      assert.equal(await statusFor(host), 200, host);
    }
  });
});

test("a page that cannot be made is answered with 500 and logged, and the next one is served", async () => {
  await withPages({}, async (url, host) => {
    host.agent = {
      ...agent,
      pipelines() {
        throw new Error("no pipelines today");
      },
    };
    assert.equal((await fetch(`${url}/debug/pipelinez`)).status, 500);
    assert.match(JSON.stringify(host.logged.at(-1)), /no pipelines today/);
    assert.equal((await fetch(`${url}/debug/servicez`)).status, 200);
  });
});

test("an address beyond the machine is warned about, the loopback one is not", async () => {
  const warnings = (host: FakeHost) => host.logged.filter(({ level }) => level === "warn").length;
  await withPages({}, async (_, host) => assert.equal(warnings(host), 0));
  await withPages({ endpoint: "0.0.0.0:0" }, async (_, host) => assert.equal(warnings(host), 1));
});

test("the pages of a real agent name its components and count what it took", async (t) => {
  const running = await startAgent(
    t,
    `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
processors: { ewma: }
exporters: { debug: }
extensions: { zpages: { endpoint: 127.0.0.1:0 } }
service:
  extensions: [zpages]
  pipelines:
    metrics: { receivers: [otlp], processors: [ewma], exporters: [debug] }
`,
  );
  const at = running.at("zpages", "http");
  const points = Array.from({ length: 5 }, (_, i) => ({ time: START + i, value: i }));
  assert.equal((await request(running.at("otlp", "http"), "/v1/metrics", gauge("shop", "load", points))).status, 200);
  const page = async (name: string) => JSON.parse(`${(await request(at, `/debug/${name}?format=json`)).body}`);
  const { version, components } = await page("servicez");
  assert.match(version, /^\d+\.\d+/);
  assert.deepEqual(components.map(({ section, id, status }: any) => `${section} ${id} ${status}`).sort(), [
    "exporters debug ok",
    "extensions zpages ok",
    "processors ewma ok",
    "receivers otlp ok",
  ]);
  const [pipeline] = (await page("pipelinez")).pipelines;
  const accepted = pipeline.components[0].measurements.find(
    ({ name }: any) => name === "otelcol_receiver_accepted_metric_points",
  );
  assert.equal(accepted?.value, 5);
  assert.equal(await running.stop(), 0);
});

test("the service graph of a real agent shows who calls whom once traces are complete", {
  timeout: 30_000,
}, async (t) => {
  const running = await startAgent(
    t,
    `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
processors: { service_graph: }
exporters: { debug: }
extensions: { zpages: { endpoint: 127.0.0.1:0 } }
service:
  traces: { idle_timeout: 1s }
  extensions: [zpages]
  pipelines:
    traces: { receivers: [otlp], processors: [service_graph], exporters: [debug] }
`,
  );
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const [id, far] = ["00000000000000a1", "00000000000000a2"];
  const now = Date.now();
  const bytes = spansOf([
    { trace, id, name: "GET", kind: 3, service: "web", from: now, to: now + 12, failed: true },
    { trace, id: far, parent: id, name: "GET /cart", kind: 2, service: "cart", from: now, to: now + 10, failed: true },
  ]);
  assert.equal((await request(running.at("otlp", "http"), "/v1/traces", bytes)).status, 200);
  const at = running.at("zpages", "http");
  const graph = async () => JSON.parse(`${(await request(at, "/debug/servicegraphz?format=json")).body}`).calls;
  let calls = await graph();
  // the test's own time limit ends it
  for (; calls.length === 0; calls = await graph()) await new Promise((resolve) => setTimeout(resolve, 20));
  const [{ from, to, failed, latency }] = calls;
  assert.deepEqual([from, to, failed, latency], ["web", "cart", 1, 12]);
  assert.equal(await running.stop(), 0);
});
