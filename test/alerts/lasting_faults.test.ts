// What people on call see of a fault that lasts, though its detector tells it once: one alert, from its beginning until it is over.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { seededRandom } from "../../src/testing/fake_host.ts";
import { folderWith, vedette } from "../agent.ts";
import { logs } from "../requests.ts";
import { request } from "../spans.ts";
import { oracle, oracleDecode } from "../unit/otlp/otlp_json.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

/** `detectors` with their options, one a line. */
const configOf = (signal: string, detectors: string) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
${detectors}
  episodes: {resolve_after: 5m, repeat_interval: 0}
exporters: {debug: {sampling_initial: 0, sampling_thereafter: 0}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    ${signal}: {receivers: [otlp], processors: [${[...detectors.matchAll(/^ {2}(\w+):/gm)].map(([, id]) => id)}], exporters: [debug]}
    anomalies: {processors: [episodes], exporters: [debug]}
`;

/** Of each episode that a replay tells: its detector, and the minutes from START in which it opened and was resolved. */
async function episodesOf(t: TestContext, config: string, input: string, content: string) {
  const folder = folderWith(t, { "c.yaml": config, [input]: content });
  const args = ["replay", "-c", "c.yaml", "--input", input, "--export", "--quiet"];
  const { code, stdout, stderr } = await vedette(t, args, folder);
  assert.equal(code, 0, stderr);
  const episodes = new Map<string, { what: string; opened: number; resolved: number }>();
  for (const line of stdout.split("\n").filter((line) => line.startsWith("2026"))) {
    const [, detector, id] = /, (\w+), id (\w+-\w+)/.exec(line)!;
    const what = `${detector} ${/GET \/\w+/.exec(line)?.[0] ?? ""}`.trim();
    const minute = (Date.parse(line.slice(0, 24)) - START) / MINUTE;
    const episode = episodes.get(id) ?? { what, opened: minute, resolved: Number.NaN };
    if (line.includes(", resolved")) episode.resolved = minute;
    episodes.set(id, episode);
  }
  return [...episodes.values()].sort((a, b) => (a.what < b.what ? -1 : 1));
}

test("a level that stays beyond its limit, and far from what is usual, for 40 minutes", async (t) => {
  const random = seededRandom(7);
  const points = Array.from({ length: 2160 }, (_, i) => {
    const value = (i >= 2000 && i < 2040 ? 120 : 50) + 2 * random();
    return `${new Date(START + i * MINUTE).toISOString()},${value.toFixed(3)}`;
  });
  const config = configOf("metrics", "  threshold: {upper: 100}\n  auto: {alert_budget: 5/day}");
  assert.deepEqual(await episodesOf(t, config, "host.csv", `timestamp,queue\n${points.join("\n")}\n`), [
    { what: "auto", opened: 2000, resolved: 2044 },
    { what: "threshold", opened: 2000, resolved: 2044 },
  ]);
});

test("failures, slowness and many calls that last for 40 minutes", async (t) => {
  const random = seededRandom(7);
  let id = 0;
  const requests = Array.from({ length: 1440 }, (_, i) => {
    const fault = i >= 1000 && i < 1240;
    const spans = ["GET /fails", "GET /slow", "GET /often", "GET /fine"].flatMap((name) =>
      Array.from({ length: name === "GET /often" && fault ? 40 : 8 }, () => {
        const from = START + 10_000 * (i + random());
        return {
          name,
          kind: 2,
          from,
          to: from + (name === "GET /slow" && fault ? 900 : 30) + 20 * random(),
          failed: name === "GET /fails" && fault && random() < 0.5,
          trace: (++id).toString(16).padStart(32, "0"),
          id: id.toString(16).padStart(16, "0"),
        };
      }),
    );
    return JSON.stringify(oracleDecode(oracle.traces, request(spans)));
  });
  for (const options of ["", "alert_budget: 20/day"]) {
    const detectors = ["span_errors", "span_duration", "span_rate"].map((id) => `  ${id}: {${options}}`);
    const found = await episodesOf(t, configOf("traces", detectors.join("\n")), "traces.jsonl", requests.join("\n"));
    assert.deepEqual(
      found.map(({ what }) => what),
      ["span_duration GET /slow", "span_errors GET /fails", "span_rate GET /often"],
    );
    // from minute 167 to 207; a budget hears of windows that still hold some of it
    for (const { what, opened, resolved } of found) {
      const late = options === "" ? 10 : 20;
      assert.ok(opened < 168 && resolved > 206 && resolved < 207 + late, `${what}: from ${opened} to ${resolved}`);
    }
  }
});

test("a message that comes far more often for 40 minutes, and one that no longer comes", async (t) => {
  const random = seededRandom(7);
  const requests = Array.from({ length: 2160 }, (_, i) => {
    const fault = i >= 1800 && i < 2040;
    const said = [
      ...Array.from({ length: fault ? 20 : 2 }, () => "cannot reach the cache, going on without"),
      ...Array.from({ length: 2 }, () => (fault ? "" : "order was shipped")),
      ...Array.from({ length: 6 }, () => "request was served"),
    ];
    const records = said.flatMap((body) =>
      body === "" || random() < 0.3
        ? []
        : [{ time: START + 10_000 * (i + random()), severity: body.startsWith("order") ? 13 : 9, body }],
    );
    return JSON.stringify(oracleDecode(oracle.logs, logs("shop", records)));
  });
  const config = configOf("logs", "  drain:\n  template_rate:");
  const found = await episodesOf(t, config, "logs.jsonl", requests.join("\n"));
  assert.equal(found.length, 2);
  // from minute 300 to 340
  for (const { opened, resolved } of found) {
    assert.ok(opened < 305 && resolved > 340 && resolved < 348, `from ${opened} to ${resolved}`);
  }
});
