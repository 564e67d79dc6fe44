// Whoever looks at an incident sees who was told of it, when, and how many tries that took; also after the agent has read its configuration anew.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { eventually, folderWith, request, startWith } from "../agent.ts";
import { alertSink } from "../alert_sinks.ts";
import { gauge } from "../requests.ts";

test("who was sent an alert, at which try and with what outcome is listed with it", async (t) => {
  const pager = await alertSink(t, (_, nth) => ({ status: nth === 1 ? 503 : 200 }));
  const chat = await alertSink(t, () => ({ status: 400, body: "no such channel" }));
  const folder = folderWith(t);
  const configOf = (upper: number) =>
    JSON.stringify({
      receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
      extensions: { anomaly_store: { directory: folder, endpoint: "127.0.0.1:0" } },
      processors: { threshold: { upper }, episodes: {} },
      exporters: {
        debug: {},
        anomaly_store: { store: "anomaly_store" },
        "webhook/pager": { url: pager.url, retry_on_failure: { initial_interval: "10ms" } },
        "webhook/chat": { url: chat.url },
      },
      service: {
        telemetry: { metrics: { level: "none" } },
        extensions: ["anomaly_store"],
        pipelines: {
          metrics: { receivers: ["otlp"], processors: ["threshold"], exporters: ["debug"] },
          anomalies: { processors: ["episodes"], exporters: ["webhook/pager", "webhook/chat", "anomaly_store"] },
        },
      },
    });
  const path = join(folder, "config.yaml");
  writeFileSync(path, configOf(100));
  const agent = await startWith(t, ["run", "--config", path]);
  const send = async (room: string) => {
    const points = [20, 500].map((value, i) => ({ time: Date.now() - 2000 + i * 1000, value }));
    const { status } = await request(agent.at("otlp", "http"), "/v1/metrics", gauge(room, "temperature", points));
    assert.equal(status, 200);
  };
  const ask = async (path: string): Promise<any> => {
    const { status, body } = await request(agent.at("anomaly_store", "http"), `/api/v1${path}`);
    assert.equal(status, 200, body.toString());
    return JSON.parse(body.toString());
  };
  /** What is on record of the episode of a room, once both exporters are done with it. */
  const recordOf = async (room: string): Promise<any[]> => {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const { items } = await ask(`/episodes?service=${room}`);
      const records = items.length === 0 ? [] : (await ask(`/audit?about=${items[0].id}`)).items;
      if (records.length >= 2) return records.sort((a: any, b: any) => (a.by < b.by ? -1 : 1));
      assert.ok(performance.now() < deadline, `waited in vain for two records of ${room}: ${JSON.stringify(records)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  await send("hall");
  const [refused, taken] = await recordOf("hall");
  assert.deepEqual(
    [taken.by, taken.action, taken.outcome, refused.by, refused.action, refused.outcome],
    ["webhook/pager", "send", "done", "webhook/chat", "send", "failed"],
  );
  assert.match(taken.detail, /^(info|warning|critical): taken at the 2nd try, \d+ m?s$/);
  assert.match(refused.detail, /^(info|warning|critical): given up after 1 try, \d+ m?s: .*400/);
  assert.ok(Math.abs(taken.at - Date.now()) < 60_000);

  writeFileSync(path, configOf(110));
  agent.signal("SIGHUP");
  await eventually("the reload", () => agent.output.stderr.includes("reload 1 is done"));
  await send("kitchen");
  assert.match((await recordOf("kitchen"))[1].detail, /: taken at the 1st try, /);
  assert.equal(await agent.stop(), 0);
});
