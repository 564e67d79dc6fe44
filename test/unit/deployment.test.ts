// News of deployments: versions that a service never had, and events of tools that deploy.
import assert from "node:assert/strict";
import test from "node:test";
import deployment from "../../plugins/processors/deployment/index.ts";
import { BEGINNING, metricsOf, recordsOf, timeline } from "../timeline.ts";
import { oracleEncode } from "./otlp/otlp_json.ts";

const MINUTE = 60;
const of = (service: string, version: string, instance = "a") => ({
  "service.namespace": "shop",
  "service.name": service,
  "service.version": version,
  "service.instance.id": instance,
});

function running(options: object = {}) {
  const line = timeline(deployment, options);
  const report = (resource: Record<string, string>) => line.send(metricsOf(resource, [{ name: "load" }], line.now));
  return { line, report };
}

test("a version that a service never had is told once, by whichever instance it comes", () => {
  const { line, report } = running();
  report(of("checkout", "1.4"));
  report(of("cart", "7"));
  line.now = 20 * MINUTE;
  report(of("checkout", "1.4", "b"));
  report(of("checkout", "1.5", "c"));
  report(of("checkout", "1.5", "d"));
  report(of("checkout", "1.4", "e"));
  report({ "service.name": "nothing" });
  assert.deepEqual(line.told, ["20:00 deployment open: shop/checkout runs version 1.5; it was 1.4 before"]);
  const [{ severity, score, labels }] = line.anomalies;
  assert.deepEqual({ severity, score }, { severity: "info", score: 1 });
  assert.deepEqual({ ...labels.resource }, { "service.namespace": "shop", "service.name": "checkout" });
});

test("versions beside which a service came up are no news", () => {
  const { line, report } = running();
  report(of("checkout", "1.4"));
  line.now = 9 * MINUTE;
  report(of("checkout", "1.5"));
  line.now = 30 * MINUTE;
  report(of("checkout", "1.5", "b"));
  assert.deepEqual(line.told, []);
});

test("versions are known after a restart", () => {
  const { line, report } = running();
  report(of("checkout", "1.4"));
  line.restart(HOUR);
  report(of("checkout", "1.4"));
  report(of("checkout", "1.5"));
  assert.equal(line.told.length, 1);
  assert.equal(line.errors, 0);
});

const HOUR = 60 * MINUTE;

test("what match leaves out is not told", () => {
  const { line, report } = running({ match: { exclude: { service: ["checkout"] } } });
  report(of("checkout", "1.4"));
  line.now = HOUR;
  report(of("checkout", "1.5"));
  assert.deepEqual(line.told, []);
});

test("a log event of that name tells it, of the service that it names or that sent it", () => {
  const line = timeline(deployment, { event_names: ["deployment", "release"] }, { signal: "logs" });
  const tool = { "service.name": "argo", "deployment.environment.name": "prod" };
  line.send(
    recordsOf(tool, [
      { name: 9, time: 1, attributes: { "event.name": "release", "service.name": "cart", "service.version": "2" } },
      { name: 9, time: 2, attributes: { "event.name": "rollout", about: "a deployment" } },
      { name: 9, time: 3, attributes: { "event.name": "deployment" } },
    ]),
  );
  const time = `${BigInt(BEGINNING + 4000)}000000`;
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "web" } }] };
  const records = ["deployment", "deployments"].map((eventName) => ({ timeUnixNano: time, eventName }));
  const logs = { resourceLogs: [{ resource, scopeLogs: [{ logRecords: records }] }] };
  line.send(Uint8Array.from(oracleEncode("logs", logs)));
  assert.deepEqual(line.told, [
    "0:01 deployment open: cart was deployed: version 2",
    "0:03 deployment open: argo was deployed",
    "0:04 deployment open: web was deployed",
  ]);
  assert.deepEqual({ ...line.anomalies[0].labels.resource }, { "service.name": "cart" });
});
