// A real Prometheus: what it is written, or scrapes, of anomalies can be asked for, by one rule for every detector.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import { type Anomaly, ExportError } from "vedette";
import prometheus from "../../plugins/exporters/prometheus/index.ts";
import remoteWrite from "../../plugins/exporters/prometheus_remote_write/index.ts";
import { request } from "../agent.ts";
import { anomalyOf, fakeHost, patience } from "../exporting.ts";
import { answer, startPrometheus, withoutPrometheus } from "../prometheus.ts";

const skip = withoutPrometheus;

/** One now, that lasts. */
function episode(changes: Partial<Anomaly> = {}): Anomaly {
  const time = Date.now();
  return anomalyOf({ time, episode: { start: time, lastSeen: time, peak: 2.4, count: 1 }, ...changes });
}

/** What a metrics rule would alert on. */
const RULE = "anomaly_score >= 1";

async function nothing(address: string, query: string): Promise<void> {
  for (let left = 200; left > 0; left--) {
    const { body } = await request(address, `/api/v1/query?query=${encodeURIComponent(query)}`);
    if (JSON.parse(body.toString()).data.result.length === 0) return;
    await after(50);
  }
  throw new Error(`${query} goes on`);
}

async function writer(t: TestContext, endpoint: string, options: object = {}) {
  const host = Object.assign(fakeHost(), { now: () => Date.now() });
  const exporter = remoteWrite.create(remoteWrite.config.parse({ endpoint, ...options }), host);
  await exporter.start!();
  t.after(() => exporter.stop!());
  return { exporter, host };
}

test("written scores are queried back, again while they last, and end when they are resolved", { skip }, async (t) => {
  const address = await startPrometheus(t);
  const { exporter } = await writer(t, `http://${address}/api/v1/write`, { resend_interval: "1s" });
  const anomaly = episode();
  await exporter.export(
    [anomaly, episode({ fingerprint: "b", detector: "span_errors", signal: "traces" })],
    patience(),
  );
  const found = await answer(address, RULE);
  assert.deepEqual(found.map(({ metric }) => metric["anomaly_detector"]).sort(), ["ewma", "span_errors"]);
  assert.equal(Number(found[0].value[1]), 2.4);
  await answer(address, 'count_over_time(anomaly_score{anomaly_detector="ewma"}[1m]) >= 3');
  await exporter.export([{ ...anomaly, state: "resolved" }], patience());
  await nothing(address, 'anomaly_score{anomaly_detector="ewma"}');
});

test("changes of one series that come quickly, late or twice are all taken", { skip }, async (t) => {
  const address = await startPrometheus(t);
  const { exporter } = await writer(t, `http://${address}/api/v1/write`);
  const time = Date.now();
  for (const at of [time, time, time - 60_000, time - 86_400_000, time + 3_600_000]) {
    await exporter.export([episode({ time: at, score: 3 })], patience());
  }
  const [found] = await answer(address, "count_over_time(anomaly_score[1m]) >= 5");
  assert.equal(Number(found.value[1]), 5);
});

test("a Prometheus that takes no remote write says what to do", { skip }, async (t) => {
  const address = await startPrometheus(t);
  const { exporter } = await writer(t, `http://${address}/api/v1/writ`);
  await assert.rejects(exporter.export([episode()], patience()), (error) => {
    return error instanceof ExportError && !error.retryable && /--web.enable-remote-write-receiver/.test(error.message);
  });
});

test("Prometheus scrapes what is open", { skip }, async (t) => {
  const host = fakeHost();
  const exporter = prometheus.create(prometheus.config.parse({ endpoint: "127.0.0.1:0" }), host);
  await exporter.start!();
  t.after(() => exporter.stop!());
  const target = (host.logged[0].fields as { endpoint: string }).endpoint;
  const address = await startPrometheus(t, target);
  await exporter.export([episode()], patience());
  const [found] = await answer(address, RULE);
  assert.equal(found.metric["exported_job"], "checkout");
  await exporter.export([episode({ state: "resolved" })], patience());
  await nothing(address, RULE);
});
