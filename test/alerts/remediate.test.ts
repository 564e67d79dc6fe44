// What an operator relies on in a running agent: an anomaly gets its remedy once, and a restart does not repeat it; a mistake ends the start.
import assert from "node:assert/strict";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { eventually, folderWith, request, startWith, vedette } from "../agent.ts";
import { BEGINNING, metricsOf } from "../timeline.ts";

const SCRIPT = '#!/bin/sh\necho "$2" >> "$1"\necho restarted\n';

const configuration = (folder: string) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {threshold: {upper: 100, severity: critical}}
exporters:
  debug:
  remediate:
    dry_run: false
    allow: ["${folder}/restart"]
    storage: file_storage
    actions:
      - name: restart
        condition: severity == "critical"
        command: ["${folder}/restart", "${folder}/ran", "{{service}}"]
        cooldown: 0s
extensions: {file_storage: {directory: "${folder}/storage", create_directory: true}}
service:
  telemetry: {metrics: {level: none}}
  extensions: [file_storage]
  pipelines:
    metrics: {receivers: [otlp], processors: [threshold], exporters: [debug]}
    anomalies: {exporters: [remediate, debug]}
`;

test("an anomaly has its remedy once, also when a new process hears of it again", async (t) => {
  const folder = folderWith(t, { restart: SCRIPT });
  chmodSync(join(folder, "restart"), 0o755);
  const config = join(folderWith(t, { "config.yaml": configuration(folder) }), "config.yaml");
  const now = (Date.now() - BEGINNING) / 1000;
  const over = metricsOf({ "service.name": "cart" }, [{ name: "load", value: 900 }], now);
  const later = metricsOf({ "service.name": "cart" }, [{ name: "queue", value: 900 }], now + 1);
  const run = async (points: readonly Uint8Array[], until: (stderr: string) => boolean) => {
    const agent = await startWith(t, ["run", "--config", config]);
    for (const point of points) {
      assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", point)).status, 200);
    }
    await eventually("the remedy", () => until(agent.output.stderr));
    assert.equal(await agent.stop(), 0);
    return agent.output;
  };
  const first = await run([over], (log) => log.includes("remedy restart: done"));
  assert.match(first.stderr, /remedy restart: done .*about="[0-9a-f]{16}-\w+".*exit code 0\\nrestarted/);
  const second = await run([over, later], (log) => log.includes("remedy restart: done"));
  assert.match(second.stdout, /cart load/, "it was told again");
  assert.equal(readFileSync(join(folder, "ran"), "utf8"), "cart\ncart\n", "once each");
});

test("a replay never applies remedies, also with --export", async (t) => {
  const rows = `timestamp,value\n${new Date().toISOString()},900\n`;
  const folder = folderWith(t, { restart: SCRIPT, "a.csv": rows });
  chmodSync(join(folder, "restart"), 0o755);
  const config = join(folderWith(t, { "config.yaml": configuration(folder) }), "config.yaml");
  const { code, stdout, stderr } = await vedette(t, ["replay", "-c", config, "--input", "a.csv", "--export"], folder);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /is 900/, "other exporters do run");
  assert.doesNotMatch(stderr, /remedy/);
});

test("a command that is not there ends the start with its name", async (t) => {
  const folder = folderWith(t);
  const config = join(folderWith(t, { "config.yaml": configuration(folder) }), "config.yaml");
  const { code, stderr } = await vedette(t, ["run", "--config", config]);
  assert.equal(code, 1);
  assert.match(stderr, /remediate could not start: .*restart cannot be run: ENOENT/);
});
