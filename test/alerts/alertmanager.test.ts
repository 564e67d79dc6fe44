// A real Alertmanager is told of alerts: they fire, are grouped and notified, change their severity, and resolve.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as after } from "node:timers/promises";
import type { Anomaly } from "vedette";
import alertmanager from "../../plugins/exporters/alertmanager/index.ts";
import { eventually, folderWith, request } from "../agent.ts";
import { alertSink, changeOf, sendingTo } from "../alert_sinks.ts";
import { anomalyOf, fakeHost, patience } from "../exporting.ts";

const HINT = "no prometheus-alertmanager on PATH; apt-get install -y --no-install-recommends prometheus-alertmanager";
const found = spawnSync("prometheus-alertmanager", ["--version"]).status === 0;
const skip = found ? false : HINT;

interface Started {
  /** "127.0.0.1:40123". */
  readonly address: string;
  stop(): Promise<void>;
}

/** An Alertmanager that groups by service and tells `webhook` within a moment; on a free port, or on that of one before. */
async function start(t: TestContext, webhook: string, port = "0"): Promise<Started> {
  const folder = folderWith(t, {
    "am.yml": [
      "route: { receiver: hook, group_by: [service], group_wait: 100ms, group_interval: 200ms, repeat_interval: 1h }",
      `receivers: [{ name: hook, webhook_configs: [{ url: "${webhook}", send_resolved: true }] }]`,
    ].join("\n"),
  });
  const options = [
    `--config.file=${join(folder, "am.yml")}`,
    `--storage.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`,
    "--cluster.listen-address=",
    "--log.level=debug",
  ];
  const child = spawn("prometheus-alertmanager", options, { stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(child, "close");
  const stop = async () => {
    child.kill("SIGKILL");
    await closed;
  };
  t.after(stop);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const address = () => /Listening on" address=(\S+)/.exec(said)?.[1];
  await eventually("Alertmanager to listen", () => address() !== undefined || child.exitCode !== null);
  const at = address();
  if (at === undefined) throw new Error(`Alertmanager ended\n${said}`);
  return { address: at, stop };
}

interface Fired {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

/** The alerts that are active, asked until `holds`. */
async function active(address: string, holds: (alerts: readonly Fired[]) => boolean): Promise<readonly Fired[]> {
  let alerts: readonly Fired[] = [];
  for (let left = 200; left > 0; left--) {
    const { status, body } = await request(address, "/api/v2/alerts");
    alerts = status === 200 ? JSON.parse(body.toString()) : [];
    if (status === 200 && holds(alerts)) return alerts;
    await after(50);
  }
  throw new Error(`in vain: ${JSON.stringify(alerts, null, 1)}`);
}

/** A service's alert that begins a minute ago, by the clock of this machine. */
function alertOf(service: string, id: string, state: Anomaly["state"], more: Partial<Anomaly> = {}): Anomaly {
  const { labels } = anomalyOf();
  const now = Date.now();
  const episode = { start: now - 60_000, lastSeen: now - 5000, peak: 3, count: 4 };
  const over = state === "resolved" ? { ...episode, end: now - 1000 } : episode;
  const own = { ...labels, resource: { "service.name": service } };
  return changeOf(id, state, { labels: own, time: now, episode: over, ...more });
}

const realHost = () => Object.assign(fakeHost(), { now: Date.now });

test("alerts fire, are grouped and notified, change their severity, and resolve", { skip }, async (t) => {
  const hook = await alertSink(t, () => ({ status: 200 }));
  const { address } = await start(t, hook.url);
  const options = { endpoint: `http://${address}`, generator_url: "https://dashboard.example.com" };
  const { exporter } = await sendingTo(t, { plugin: alertmanager }, options, {}, realHost());

  const both = [
    alertOf("checkout", "a-1", "open"),
    alertOf("checkout", "b-1", "open"),
    alertOf("search", "c-1", "open"),
  ];
  await exporter.export(both, patience());
  const fired = await active(address, ({ length }) => length === 3);
  const one = fired.find(({ annotations }) => annotations.id === "a-1")!;
  assert.deepEqual(one.labels, {
    alertname: "AnomalySpike",
    type: "spike",
    detector: "ewma",
    signal: "metrics",
    service: "checkout",
    name: "http.server.duration",
    fingerprint: "a-10000000000000",
    severity: "warning",
  });
  assert.equal(one.annotations.summary, anomalyOf().reason);
  assert.equal(one.generatorURL, "https://dashboard.example.com");
  await eventually("a notification of each group", () => new Set(hook.taken.map(groupOf)).size === 2);
  const group = hook.taken.find((request) => groupOf(request) === "checkout")!;
  assert.equal(group.body.alerts.length, 2);

  await exporter.export([alertOf("checkout", "a-1", "ongoing", { severity: "critical" })], patience());
  const graver = await active(address, (alerts) => alerts.some(({ labels }) => labels.severity === "critical"));
  assert.deepEqual(
    graver.filter(({ annotations }) => annotations.id === "a-1").map(({ labels }) => labels.severity),
    ["critical"],
  );

  const ends = (["a-1", "b-1"] as const).map((id) => alertOf("checkout", id, "resolved"));
  await exporter.export(ends, patience());
  await active(address, (alerts) => alerts.every(({ labels }) => labels.service === "search"));
  await eventually("the end of the group", () =>
    hook.taken.some((request) => groupOf(request) === "checkout" && request.body.status === "resolved"),
  );
});

test("an Alertmanager that begins anew has the open alerts back", { skip }, async (t) => {
  const hook = await alertSink(t, () => ({ status: 200 }));
  const first = await start(t, hook.url);
  const options = { endpoint: `http://${first.address}`, resend_delay: "200ms" };
  const { exporter } = await sendingTo(t, { plugin: alertmanager }, options, {}, realHost());
  await exporter.export([alertOf("checkout", "a-1", "open"), alertOf("checkout", "b-1", "open")], patience());
  await exporter.export([alertOf("checkout", "b-1", "resolved")], patience());
  await first.stop();
  const second = await start(t, hook.url, first.address.split(":")[1]);
  const [back] = await active(second.address, ({ length }) => length > 0);
  assert.equal(back.annotations.id, "a-1");
  await exporter.export([alertOf("checkout", "a-1", "resolved")], patience());
  await active(second.address, ({ length }) => length === 0);
});

test("a new agent goes on with the alerts that an earlier one opened", { skip }, async (t) => {
  const hook = await alertSink(t, () => ({ status: 200 }));
  const { address } = await start(t, hook.url);
  const agent = () => sendingTo(t, { plugin: alertmanager }, { endpoint: `http://${address}` }, {}, realHost());
  const first = await agent();
  await first.exporter.export([alertOf("checkout", "a-1", "open"), alertOf("search", "b-1", "open")], patience());
  await active(address, ({ length }) => length === 2);
  const second = await agent();
  // by now it is worse, and another service is blamed
  const changes = [
    alertOf("payments", "a-1", "ongoing", { severity: "critical" }),
    alertOf("payments", "b-1", "resolved"),
  ];
  await second.exporter.export(changes, patience());
  const [left, ...others] = await active(address, ({ length }) => length === 1);
  assert.deepEqual([left.labels.service, left.labels.severity, others.length], ["checkout", "critical", 0]);
});

test("alerts that Alertmanager does not take, for their labels or annotations, are never made", { skip }, async (t) => {
  const hook = await alertSink(t, () => ({ status: 200 }));
  const { address } = await start(t, hook.url);
  const options = {
    endpoint: `http://${address}`,
    event_labels: ["1st.attribute-of all", "", "route"].filter(Boolean),
  };
  const { exporter, host } = await sendingTo(t, { plugin: alertmanager }, options, {}, realHost());
  const strange = alertOf("", "x-1", "open", {
    type: "\u0000",
    reason: "\ud800",
    severity: "critical",
    labels: {
      ...anomalyOf().labels,
      resource: {},
      name: "",
      attributes: { "1st.attribute-of all": "\udfff", route: 7n },
    },
  });
  await exporter.export([strange, alertOf("checkout", "a-1", "open")], patience());
  const alerts = await active(address, ({ length }) => length === 2);
  assert.equal(alerts.find(({ annotations }) => annotations.id === "x-1")!.labels.route, "7");
  assert.deepEqual(host.logged, []);
});

const groupOf = ({ body }: { readonly body: any }): string => body.groupLabels.service;
