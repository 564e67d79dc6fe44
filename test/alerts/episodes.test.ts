// What a person sees of an incident in recorded metrics: that it opened, that it lasts, that it is over; each once, with one id.
import assert from "node:assert/strict";
import test from "node:test";
import { folderWith, vedette } from "../agent.ts";

const START = Date.UTC(2026, 0, 1);
const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
  threshold: {upper: 100}
  absence:
  episodes:
  severity: {raise_after: 5m, rules: [{condition: 'type == "absence"', severity: warning}]}
  filter: {error_mode: ignore, anomalies: ['severity == "info"', 'name == "disk"']}
exporters: {debug: {sampling_initial: 0, sampling_thereafter: 0}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [threshold, absence], exporters: [debug]}
    anomalies: {processors: [episodes, severity, filter], exporters: [debug]}
`;

/** A point a minute for 15 hours: every other one beyond 100 from 10:00 to 10:12, and none from 13:20 to 14:20. */
function points(): string {
  const minutes = Array.from({ length: 900 }, (_, i) => i).filter((i) => i < 800 || i >= 860);
  const value = (i: number) => (i >= 600 && i <= 612 && i % 2 === 0 ? 120 : 50);
  const lines = minutes.map((i) => `${new Date(START + i * 60_000).toISOString()},${value(i)},${value(i)}`);
  return `timestamp,queue,disk\n${lines.join("\n")}\n`;
}

test("an incident in recorded metrics opens, is raised since it lasts, and is resolved; a silence ends with the words of its detector", async (t) => {
  const folder = folderWith(t, { "c.yaml": CONFIG, "host.csv": points() });
  const args = ["replay", "-c", "c.yaml", "--input", "host.csv", "--export", "--quiet"];
  const { code, stdout, stderr } = await vedette(t, args, folder);
  assert.equal(code, 0, stderr);
  const lines = stdout.split("\n").filter((line) => line.startsWith("2026"));
  const ids = lines.map((line) => /id (\w+-\w+)/.exec(line)![1]);
  const names = new Map([...new Set(ids)].map((id, i) => [id, "AB"[i]]));
  assert.deepEqual(
    lines.map((line) => line.replace(/(?<=id )\w+-\w+/, (id) => names.get(id)!)),
    [
      "2026-01-01T10:00:00.000Z WARNING  above_limit  host queue is 120, above its limit of 100.  [score 1.3, rarity NaN, threshold, id A]",
      "2026-01-01T10:06:00.000Z CRITICAL above_limit  host queue is 120, above its limit of 100. Raised to critical: it has lasted for 6 min.  [score 1.3, rarity NaN, threshold, id A, ongoing]",
      "2026-01-01T10:18:00.000Z CRITICAL above_limit  host queue is 120, above its limit of 100. Resolved: it lasted 12 min, 7 anomalies.  [score 1.3, rarity NaN, threshold, id A, resolved after 12 min]",
      "2026-01-01T13:22:10.975Z WARNING  absence      No metrics from anyone for 3 min; they usually come every 60 s.  [score 4.0, rarity 20.0, absence, id B]",
      "2026-01-01T14:20:00.000Z WARNING  absence      Metrics come in again after 61 min.  [score 4.0, rarity 20.0, absence, id B, resolved after 58 min]",
    ],
  );
});
