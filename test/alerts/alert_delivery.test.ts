// An agent whose alert services are all out of order is killed; the next one tells each of them, once they are back.
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, folderWith, request, startAgent } from "../agent.ts";
import { type AlertSink, alertSink, KINDS } from "../alert_sinks.ts";
import { gauge } from "../requests.ts";

const ROOMS = ["hall", "kitchen", "attic"];

test("what was found before the agent was killed is told after it, to every service that is back", async (t) => {
  const storage = folderWith(t);
  const sinks: AlertSink[] = [];
  for (const { usual } of KINDS) sinks.push(await alertSink(t, usual));
  for (const sink of sinks) sink.mood = () => ({ status: 503 });
  const exporters = Object.fromEntries(
    KINDS.map(({ plugin, options }, i) => [
      `${plugin.type}/${i}`,
      {
        ...options(sinks[i].url),
        retry_on_failure: { initial_interval: "20ms", max_interval: "100ms" },
        sending_queue: { storage: "file_storage" },
      },
    ]),
  );
  const config = JSON.stringify({
    extensions: { file_storage: { directory: storage } },
    receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
    processors: { threshold: { upper: 100 } },
    exporters: { debug: {}, ...exporters },
    service: {
      telemetry: { metrics: { level: "none" } },
      extensions: ["file_storage"],
      pipelines: {
        metrics: { receivers: ["otlp"], processors: ["threshold"], exporters: ["debug"] },
        anomalies: { exporters: Object.keys(exporters) },
      },
    },
  });

  const first = await startAgent(t, config);
  const now = Date.now();
  for (const [i, room] of ROOMS.entries()) {
    const points = [5, 4, 3, 2, 1].map((ago) => ({ time: now - ago * 1000 + i, value: ago > 2 ? 20 : 500 }));
    await request(first.at("otlp", "http"), "/v1/metrics", gauge(room, "temperature", points));
  }
  await eventually("attempts of each", () => sinks.every(({ arrived }) => arrived.length >= 5));
  first.signal("SIGKILL");
  await first.exited.catch(() => {});

  for (const sink of sinks) sink.mood = undefined;
  const second = await startAgent(t, config);
  for (const [i, { name, changesOf }] of KINDS.entries()) {
    const ids = () => [...new Set(sinks[i].taken.flatMap(changesOf).map(({ id }) => id))];
    await eventually(`three alerts for ${name}`, () => ids().length === ROOMS.length);
    assert.ok(
      sinks[i].taken.flatMap(changesOf).every(({ state }) => state === "firing"),
      name,
    );
    assert.equal(sinks[i].taken.length, new Set(sinks[i].taken.map(({ text }) => text)).size, `${name}: none twice`);
  }
  assert.equal(await second.stop(), 0);
});
