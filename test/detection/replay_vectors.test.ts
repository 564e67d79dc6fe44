// `vedette replay` joins what files hold as a running agent joins what it receives: a resource a file, columns as metrics.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { folderWith, vedette } from "../agent.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTES = 900;
/** One minute at the height of the load has the processor idle. */
const ODD = 800;
const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {half_space_trees: }
exporters: {debug: }
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [half_space_trees], exporters: [debug]}
`;

/** Values of a minute, which one load drives. */
function values(minute: number, odd = false): Record<"cpu" | "queue" | "requests", number> {
  const load = 1 + 0.6 * Math.cos((minute - ODD) / 7) + 0.1 * Math.sin(minute * 1.3);
  const noise = (k: number) => 1 + 0.03 * Math.sin(minute * (2.1 + k));
  return { cpu: 0.4 * (odd ? 2 - load : load) * noise(1), queue: 30 * load * noise(2), requests: 80 * load * noise(3) };
}

const minutes = Array.from({ length: MINUTES }, (_, minute) => minute);

function wide(odd: number): string {
  const lines = minutes.map((minute) => {
    const { cpu, queue, requests } = values(minute, minute === odd);
    return `${new Date(START + minute * 60_000).toISOString()},${cpu},${queue},${requests}\n`;
  });
  return `timestamp,cpu,queue,requests\n${lines.join("")}`;
}

/** A request a line, of one minute. */
function otlp(service: string, odd: number): string {
  const lines = minutes.map((minute) => {
    const timeUnixNano = `${START + minute * 60_000}000000`;
    const metrics = Object.entries(values(minute, minute === odd)).map(([name, asDouble]) => ({
      name,
      gauge: { dataPoints: [{ timeUnixNano, asDouble }] },
    }));
    const resource = { attributes: [{ key: "service.name", value: { stringValue: service } }] };
    return `${JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] })}\n`;
  });
  return lines.join("");
}

for (const [kind, files] of [
  ["wide CSV", { "cart.csv": wide(-1), "checkout.csv": wide(ODD) }],
  ["OTLP JSON", { "cart.jsonl": otlp("cart", -1), "checkout.jsonl": otlp("checkout", ODD) }],
] as const) {
  test(`${kind}: a combination that was never there is found in the file that has it`, async (t) => {
    const folder = folderWith(t, { "c.yaml": CONFIG });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const inputs = Object.keys(files).flatMap((name) => ["--input", name]);
    const args = ["replay", "--config", "c.yaml", ...inputs, "--anomalies", "found.jsonl", "--scores", "scores"];
    const { code, stderr } = await vedette(t, args, folder);
    assert.equal(code, 0, stderr);
    const found = readFileSync(join(folder, "found.jsonl"), "utf8").trimEnd().split("\n");
    const [only, ...more] = found.map((line) => JSON.parse(line));
    assert.deepEqual(more, []);
    assert.equal(only.time, START + ODD * 60_000);
    assert.equal(only.contributors[0].replace(/^.*[./]/, ""), "cpu");
    assert.match(JSON.stringify(only.labels.resource), /checkout/);
  });
}
