// The alertmanager exporter: which alert is which, how long it lasts, and what of it is told again.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Anomaly } from "vedette";
import plugin from "../../plugins/exporters/alertmanager/index.ts";
import { eventually } from "../agent.ts";
import { type AlertSink, alertSink, changeOf, sendingTo } from "../alert_sinks.ts";
import { anomalyOf, fakeHost, patience } from "../exporting.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Posted {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
}

async function exporting(t: TestContext, options: object = {}) {
  const sink = await alertSink(t, () => ({ status: 200 }));
  const host = fakeHost();
  const { exporter } = await sendingTo(t, { plugin }, { endpoint: sink.url, ...options }, {}, host);
  return { sink, host, export: (...changes: Anomaly[]) => exporter.export(changes, patience()) };
}

const posted = (sink: AlertSink, from = 0): Posted[] => sink.taken.slice(from).flatMap(({ body = [] }) => body);
const endOf = ({ endsAt }: Posted): number => Date.parse(endsAt);

test("an open alert lasts for resolve_timeout unless it is told again; a resolved one ended when its episode did", async (t) => {
  const { sink, host, export: send } = await exporting(t, { resolve_timeout: "2h" });
  await send(changeOf("a-1", "open"));
  await send(
    changeOf("a-1", "resolved", {
      episode: { start: host.clock - 60_000, lastSeen: host.clock - 9000, peak: 3, count: 4, end: host.clock - 8000 },
    }),
  );
  const [open, resolved] = posted(sink);
  assert.equal(Date.parse(open.startsAt), host.clock - 60_000);
  assert.equal(endOf(open), host.clock + 2 * HOUR);
  assert.equal(endOf(resolved), host.clock - 8000);
  assert.deepEqual(resolved.labels, open.labels);
});

test("an alert of another severity is another alert: the one before ends with it", async (t) => {
  const { sink, host, export: send } = await exporting(t);
  await send(changeOf("a-1", "open"));
  await send(changeOf("a-1", "ongoing", { severity: "critical" }));
  await send(changeOf("a-1", "resolved", { severity: "info" }));
  const [, before, graver, end] = posted(sink);
  assert.deepEqual([before.labels.severity, endOf(before)], ["warning", host.clock]);
  assert.deepEqual([graver.labels.severity, endOf(graver)], ["critical", host.clock + 5 * HOUR]);
  assert.equal(end.labels.severity, "critical", "what ends is what was open");
});

test("an incident keeps its labels while its origin moves", async (t) => {
  const { sink, export: send } = await exporting(t);
  const of = (state: Anomaly["state"], service: string) => {
    const labels = { ...anomalyOf().labels, resource: { "service.name": service } };
    const incident = { members: [], episodes: 2, origins: [], services: [service], traces: [], templates: [] };
    return changeOf("i-1", state, { type: "incident", labels, incident });
  };
  await send(of("open", "checkout"));
  await send(of("ongoing", "payments"));
  await send(of("resolved", "payments"));
  assert.deepEqual([...new Set(posted(sink).map(({ labels }) => labels.service))], ["checkout"]);
  assert.deepEqual(posted(sink)[0].labels.alertname, "AnomalyIncident");
});

test("anomalies that are no episodes end by themselves, and an older one does not end a newer", async (t) => {
  const { sink, host, export: send } = await exporting(t);
  const of = (id: string, state: Anomaly["state"] = "open") => anomalyOf({ id, state });
  await send(of("x-1"), of("x-2"));
  assert.deepEqual(posted(sink).map(endOf), [host.clock + 5 * MINUTE, host.clock + 5 * MINUTE]);
  await send(of("x-1", "resolved"));
  assert.equal(sink.taken.length, 1, "x-2 has the same labels, and goes on");
  await send(of("x-2", "resolved"));
  assert.equal(endOf(posted(sink)[2]), host.clock);
});

test("open alerts are told again, those that ended for a quarter of an hour", async (t) => {
  const { sink, host, export: send } = await exporting(t, { resend_delay: "20ms" });
  await send(changeOf("a-1", "open"), changeOf("b-1", "open"));
  await send(changeOf("b-1", "resolved"));
  host.clock += HOUR / 2;
  const told = async () => {
    const from = sink.taken.length;
    await eventually("the next round but one", () => sink.taken.length >= from + 2);
    return posted(sink, from + 1).slice(-2);
  };
  const [again] = await told();
  assert.equal(again.annotations.id, "a-1");
  assert.equal(endOf(again), host.clock + 5 * HOUR);
  assert.ok(!(await told()).some(({ annotations }) => annotations.id === "b-1"));
  sink.mood = () => ({ status: 503 });
  await eventually("a warning", () => host.logged.length > 0);
  assert.match(host.logged[0].message, /cannot be sent again/);
});

test("an alert whose severity changed long ago ends as what it was", async (t) => {
  const { sink, host, export: send } = await exporting(t, { resend_delay: "20ms" });
  await send(changeOf("a-1", "open"));
  await send(changeOf("a-1", "ongoing", { severity: "critical" }));
  host.clock += 20 * MINUTE;
  const from = sink.taken.length;
  await eventually("two rounds", () => sink.taken.length >= from + 2);
  await send(changeOf("a-1", "resolved", { severity: "info" }));
  const ends = posted(sink, from).filter((alert) => endOf(alert) <= host.clock);
  assert.equal(ends.at(-1)!.labels.severity, "critical");
});

test("severity, event_labels and generator_url are the Collector's", async (t) => {
  const { sink, export: send } = await exporting(t, {
    severity: "debug",
    severity_attribute: "route",
    event_labels: ["service.name", "not.there", "type"],
    generator_url: "opentelemetry-collector",
    api_version: "v2",
  });
  await send(changeOf("a-1", "open"));
  const { labels } = anomalyOf();
  await send(changeOf("b-1", "open", { labels: { ...labels, attributes: {} } }));
  const [named, other] = posted(sink);
  assert.equal(named.labels.severity, "/pay");
  assert.equal(other.labels.severity, "debug");
  assert.equal(named.labels.service_name, "checkout");
  assert.equal(named.labels.type, "spike", "ours count");
  assert.ok(!("not_there" in named.labels));
  assert.ok(!("generatorURL" in named), "Alertmanager refuses what is no URL");
});

test("a path of the endpoint stays before the API's", async (t) => {
  const sink = await alertSink(t, () => ({ status: 200 }));
  for (const path of ["", "/", "/am/", "/am"]) {
    const { exporter } = await sendingTo(t, { plugin }, { endpoint: sink.url + path });
    await exporter.export([changeOf("a-1", "open")], patience());
  }
  const base = "/api/v2/alerts";
  assert.deepEqual(
    sink.taken.map(({ path }) => path),
    [base, base, `/am${base}`, `/am${base}`],
  );
});
