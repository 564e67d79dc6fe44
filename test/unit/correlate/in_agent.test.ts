// correlate in an agent: who calls whom is learnt from traces in one pipeline, and used for anomalies of metrics in another.
import assert from "node:assert/strict";
import test from "node:test";
import { type Anomaly, defineFinder } from "vedette";
import newTemplate from "../../../plugins/processors/new_template/index.ts";
import { Log } from "../../../src/observe/log.ts";
import { Player } from "../../../src/replay/player.ts";
import { loadSources } from "../../../src/replay/replay.ts";
import { gauge, logs } from "../../requests.ts";
import { request } from "../../spans.ts";

const START = Date.UTC(2026, 10, 2, 12);
const CLIENT = 3;
const SERVER = 2;

const CONFIG = {
  receivers: { otlp: { protocols: { http: {} } } },
  processors: { service_graph: {}, threshold: { upper: 100 }, correlate: {} },
  exporters: { debug: {} },
  service: {
    pipelines: {
      traces: { receivers: ["otlp"], processors: ["service_graph"], exporters: ["debug"] },
      metrics: { receivers: ["otlp"], processors: ["threshold"], exporters: ["debug"] },
      anomalies: { processors: ["correlate"], exporters: ["debug"] },
    },
  },
};

/** Is surprised by each batch of logs, a little. */
const uneasy = defineFinder({
  ...newTemplate,
  create: (_, __, detection) => ({
    process(batch) {
      const [type, signal] = ["new_template", "logs"] as const;
      detection.find({ type, signal, labels: batch.labels(0), time: batch.receivedAt, rarity: 4 });
      return batch;
    },
  }),
});

/** checkout calls payments. */
function call(i: number): Uint8Array {
  const trace = (i + 1).toString(16).padStart(32, "0");
  const [from, to] = [START + 1000 * i, START + 1000 * i + 40];
  return request([
    { trace, id: "00000000000000a1", name: "POST /charge", kind: CLIENT, service: "checkout", from, to },
    {
      trace,
      id: "00000000000000b1",
      parent: "00000000000000a1",
      name: "POST /charge",
      kind: SERVER,
      service: "payments",
      from: from + 5,
      to: to - 5,
    },
  ]);
}

test("anomalies of metrics are one incident where traces say that one service calls the other", async () => {
  const { config, registry } = await loadSources([`yaml:${JSON.stringify(CONFIG)}`]);
  const told: Anomaly[] = [];
  const player = new Player({
    config,
    plugins: registry,
    log: new Log({ ...config.service.telemetry.logs, level: "error" }),
    tap: { judged() {}, found() {} },
    exports: false,
    start: START,
    onAnomaly: (anomaly) => told.push(anomaly),
  });
  await player.start();
  for (let i = 0; i < 60; i++) await player.feed("traces", call(i), START + 1000 * i, START + 1000 * i);
  const at = START + 60_000;
  for (const service of ["checkout", "payments", "mailer"]) {
    await player.feed("metrics", gauge(service, "http.server.request.duration", [{ time: at, value: 400 }]), at, at);
  }
  await player.stop();
  const incidents = told.map(({ type, incident }) => [type, incident!.services, incident!.origins[0].service]);
  assert.deepEqual(incidents.sort(), [
    ["incident", ["checkout", "payments"], "payments"],
    ["incident", ["mailer"], "mailer"],
  ]);
});

test("what surprises a finder of logs less than its line asks for is heard, and tells where an incident of metrics may have begun", async () => {
  const config = structuredClone(CONFIG) as any;
  Object.assign(config.processors, { drain: {}, new_template: {} });
  config.service.pipelines.logs = {
    receivers: ["otlp"],
    processors: ["drain", "new_template"],
    exporters: ["debug"],
  };
  const { config: checked, registry } = await loadSources([`yaml:${JSON.stringify(config)}`]);
  const told: Anomaly[] = [];
  const player = new Player({
    config: checked,
    plugins: {
      get: (section, type) => (type === "new_template" ? { ...uneasy, kind: "finder" } : registry.get(section, type)),
    },
    log: new Log({ ...checked.service.telemetry.logs, level: "error" }),
    tap: { judged() {}, found() {} },
    exports: false,
    start: START,
    onAnomaly: (anomaly) => told.push(anomaly),
  });
  await player.start();
  for (let i = 0; i < 60; i++) await player.feed("traces", call(i), START + 1000 * i, START + 1000 * i);
  const at = START + 60_000;
  await player.feed("logs", logs("payments", [{ time: at, severity: 9, body: "well" }]), at, at);
  assert.equal(told.length, 0);
  const metric = gauge("checkout", "http.server.request.duration", [{ time: at, value: 400 }]);
  await player.feed("metrics", metric, at, at);
  await player.stop();
  const [{ incident }] = told;
  assert.deepEqual(incident!.services, ["checkout"]);
  assert.deepEqual(
    incident!.origins.map(({ service }) => service),
    ["checkout", "payments"],
  );
});
