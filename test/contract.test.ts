// Every plugin of ours keeps the laws of vedette/testing and is documented; and the laws can be broken.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { assertPlugin, type CheckOptions, checkPlugin, generate } from "vedette/testing";
import { SECTIONS } from "../src/config/id.ts";
import { Registry } from "../src/registry.ts";
import { bad, good } from "./bad_plugins.ts";
import { crossing, drifting, shifting } from "./gauges.ts";

/** The least that a user writes, for plugins without defaults and those that need a place. By section and type. */
const MINIMAL: Readonly<Record<string, CheckOptions["config"]>> = {
  "processors.threshold": { upper: 100 },
  "receivers.otlp": ({ address }) => ({
    protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: address } },
  }),
  "exporters.otlp_http": ({ address }) => ({ endpoint: `http://${address}` }),
  "exporters.otlp_grpc": ({ address }) => ({ endpoint: address, tls: { insecure: true } }),
  "exporters.prometheus": ({ address }) => ({ endpoint: address }),
  "exporters.prometheus_remote_write": ({ address }) => ({ endpoint: `http://${address}/api/v1/write` }),
  "exporters.alertmanager": ({ address }) => ({ endpoint: `http://${address}` }),
  "exporters.webhook": ({ address }) => ({ url: `http://${address}/alerts` }),
  "exporters.slack": ({ address }) => ({ webhook_url: `http://${address}/services/T0/B0/X` }),
  "exporters.pagerduty": ({ address }) => ({ routing_key: "key", endpoint: `http://${address}/v2/enqueue` }),
  "exporters.opsgenie": ({ address }) => ({ api_key: "key", endpoint: `http://${address}` }),
  "exporters.file": ({ folder }) => ({ path: join(folder, "out.jsonl") }),
  "processors.cascade": { first: "ewma", second: "ewma" },
  "exporters.remediate": {
    allow: ["/bin/true"],
    actions: [{ name: "note", condition: "score >= 1", command: ["/bin/true"] }],
  },
  "connectors.routing": { table: [{ condition: "score >= 1", pipelines: ["anomalies/page"] }] },
  "extensions.file_storage": ({ folder }) => ({ directory: folder }),
  "exporters.anomaly_store": { store: "anomaly_store" },
  "processors.feedback": { store: "anomaly_store" },
  "extensions.anomaly_store": ({ folder, address }) => ({ directory: folder, endpoint: address }),
  "extensions.bearertokenauth": { token: "sesame" },
  "extensions.basicauth": { client_auth: { username: "checkout", password: "sesame" } },
  "extensions.health_check": ({ address }) => ({ endpoint: address }),
  "extensions.zpages": ({ address }) => ({ endpoint: address }),
  "extensions.dashboard": ({ address }) => ({ endpoint: address }),
};

/** What detectors find that the generated streams do not plant, or not in time. By section and type. */
const STREAMS: Readonly<Record<string, () => CheckOptions["stream"]>> = {
  "processors.cusum": shifting,
  "processors.page_hinkley": drifting,
  "processors.seasonal": () => generate.metrics({ seed: 1, anomalies: 40, step: 900_000 }),
  "processors.threshold": crossing,
};

const plugins = (await Registry.all()).list();

const byType = Object.fromEntries(plugins.map(({ plugin }) => [plugin.type, plugin]));

for (const { section, plugin } of plugins) {
  test(`${section}.${plugin.type} keeps every law`, async () => {
    const path = `${section}.${plugin.type}`;
    const violations = await checkPlugin(plugin, { config: MINIMAL[path], stream: STREAMS[path]?.(), parts: byType });
    assert.deepEqual(violations, []);
  });

  test(`${section}.${plugin.type} is documented: what it does, an example, when not to use it, its options`, () => {
    const text = readFileSync(new URL(`../plugins/${section}/${plugin.type}/README.md`, import.meta.url), "utf8");
    assert.match(text, new RegExp(`^# ${plugin.type}\n\n\\S`), "a title, and what it does below");
    assert.match(text, /```yaml\n[^`]*/, "an example");
    assert.ok(text.includes(`  ${plugin.type}:`), "an example that names it");
    assert.match(text, /When not to use it|Not for/, "when not to use it");
    assert.match(text, /<!-- options -->\n[\s\S]+\n<!-- \/options -->/, "its options");
  });
}

test("the endpoint of gRPC is also refused when its port is taken", async () => {
  const plugin = plugins.find(({ section, plugin }) => section === "receivers" && plugin.type === "otlp")!.plugin;
  const config: CheckOptions["config"] = ({ address }) => ({ protocols: { grpc: { endpoint: address } } });
  assert.deepEqual(await checkPlugin(plugin, { config }), []);
});

test("the folder of a plugin is the type that users write", () => {
  const folders = SECTIONS.flatMap((section) => {
    const at = new URL(`../plugins/${section}/`, import.meta.url);
    return entries(at).map((type) => `${section}.${type}`);
  });
  assert.deepEqual(plugins.map(({ section, plugin }) => `${section}.${plugin.type}`).sort(), folders.sort());
});

function entries(at: URL): string[] {
  try {
    return readdirSync(at, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

test("a good plugin breaks no law", async () => {
  assert.deepEqual(await checkPlugin(good), []);
  await assertPlugin(good);
});

for (const [what, { plugin, law, seen, config }] of Object.entries(bad)) {
  test(`a plugin that ${what} breaks the law of ${law}, and no other`, async () => {
    const violations = await checkPlugin(plugin, { config });
    assert.deepEqual([...new Set(violations.map((violation) => violation.law))], [law], JSON.stringify(violations));
    assert.match(violations.map((violation) => violation.seen).join("\n"), seen);
    await assert.rejects(assertPlugin(plugin, { config }), { message: new RegExp(`\n  ${law}: `) });
  });
}
