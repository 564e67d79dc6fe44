// An agent that is started anew goes on with the alerts that it has told of: the same message, no second page.
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, folderWith, request, startAgent } from "../agent.ts";
import { alertSink, KINDS } from "../alert_sinks.ts";
import { gauge } from "../requests.ts";

const kindOf = (name: string) => KINDS.find((kind) => kind.name === name)!;
const [bot, pager, keeper] = ["slack by a bot", "pagerduty", "alertmanager"].map(kindOf);

test("a message is changed that was posted before, who was paged is not paged again, and Alertmanager goes on hearing of it", async (t) => {
  const chat = await alertSink(t, bot.usual);
  const pages = await alertSink(t, pager.usual);
  const alerts = await alertSink(t, keeper.usual);
  const config = JSON.stringify({
    receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
    processors: { threshold: { upper: 100 }, episodes: { repeat_interval: "1s" } },
    exporters: {
      debug: {},
      slack: bot.options(chat.url),
      pagerduty: pager.options(pages.url),
      alertmanager: { ...keeper.options(alerts.url), resend_delay: "200ms" },
    },
    service: {
      telemetry: { metrics: { level: "none" } },
      state: { directory: folderWith(t) },
      pipelines: {
        metrics: { receivers: ["otlp"], processors: ["threshold"], exporters: ["debug"] },
        anomalies: { processors: ["episodes"], exporters: ["slack", "pagerduty", "alertmanager"] },
      },
    },
  });
  const first = await startAgent(t, config);
  const points = [20, 500].map((value, i) => ({ time: Date.now() - 1000 + i * 500, value }));
  const { status } = await request(first.at("otlp", "http"), "/v1/metrics", gauge("hall", "temperature", points));
  assert.equal(status, 200);
  await eventually("a message and a page", () => chat.taken.length > 0 && pages.taken.length > 0);
  await eventually("an alert", () => alerts.taken.some(({ method }) => method === "POST"));
  assert.equal(await first.stop(), 0);

  const [posted, heard] = [chat.taken.length, alerts.taken.length];
  const second = await startAgent(t, config);
  await eventually("the alert to be told again", () => alerts.taken.length > heard);
  await eventually("the message to change", () => chat.taken.length > posted);
  assert.equal(await second.stop(), 0);
  const calls = chat.taken.map(({ path }) => path.replace("/api/chat.", ""));
  assert.deepEqual(new Set(calls.slice(1)), new Set(["update"]));
  assert.deepEqual(new Set(chat.taken.slice(1).map(({ body }) => body.ts)), new Set(["1700000000.1"]));
  assert.equal(pages.taken.length, 1);
  assert.ok(
    alerts.arrived.every(({ method }) => method === "POST"),
    "nothing had to be looked up",
  );
});
