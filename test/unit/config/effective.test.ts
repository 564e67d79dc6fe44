// What print-config writes: everything that takes effect, in a form that loads again, and no secret.
import assert from "node:assert/strict";
import test from "node:test";
import { parse, stringify } from "yaml";
import { byteSize, duration, z } from "../../../src/api/index.ts";
import { effectiveConfig } from "../../../src/config/effective.ts";
import { readDraft } from "../../../src/config/file.ts";
import type { Section } from "../../../src/config/id.ts";
import { checkConfig } from "../../../src/config/shape.ts";

const backend = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("file"), path: z.string().default("out.json") }),
  z.object({ kind: z.literal("http"), url: z.string(), password: z.string().meta({ secret: true }).optional() }),
]);

const component = z.object({
  endpoint: z.string().default("127.0.0.1:4317"),
  timeout: duration().prefault("5s"),
  limit: byteSize().prefault("64MiB"),
  token: z.string().meta({ secret: true }).optional(),
  headers: z.record(z.string(), z.string().meta({ secret: true })).default({}),
  credentials: z
    .object({ user: z.string(), keys: z.array(z.string()) })
    .meta({ secret: true })
    .optional(),
  hosts: z.array(z.string()).default([]),
  labels: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  queue: z.object({ enabled: z.boolean().default(true), size: z.int().default(1000) }).prefault({}),
  rotation: z.object({ size: byteSize().prefault("100MiB") }).optional(),
  rules: z.array(z.object({ name: z.string(), weight: z.number().default(1) })).default([]),
  backends: z.array(backend).default([]),
  nothing: z.string().nullable().default(null),
});

const known = { receivers: ["x"], processors: [], connectors: [], exporters: ["x", "y"], extensions: [] };
const schemaOf = (_: Section, type: string) => (type === "x" ? component : z.object({}));
const REST = "service: {pipelines: {metrics: {receivers: [x], exporters: [x, y]}}}\n";

async function effective(texts: string | string[], env: Record<string, string> = {}) {
  const config = [texts].flat().map((text) => `yaml:${text}`);
  const draft = await readDraft({ config, set: [] }, env);
  const { config: checked, problems } = checkConfig(draft, schemaOf, known);
  assert.ok(checked, JSON.stringify(problems));
  return { shown: effectiveConfig(draft, schemaOf) as any, checked };
}

const WRITTEN = `
exporters:
  y:
  x:
    limit: 1.5 GB
    timeout: 1m30s
    hosts: [b, 10_000, "0123", "true", "$$HOME", "$\${env:X}"]
    labels: {a: 1, b: "1", c: 10_000, d: "10_000"}
    rotation:
    rules: [{name: one}, {weight: 2, name: "two: three"}]
    backends: [{kind: file}, {kind: http, url: "http://a"}]
    queue: {size: 5}
receivers: {x: , x/named: {endpoint: "\${env:PLACE:-localhost:1}"}}
${REST}`;

test("files are merged, variables replaced and defaults filled in, in the order of the documentation", async () => {
  const { shown } = await effective([WRITTEN, "exporters: {x: {queue: {enabled: false}}}"]);
  assert.deepEqual(Object.keys(shown), ["receivers", "exporters", "service"]);
  const { x } = shown.exporters;
  assert.deepEqual(Object.keys(x).slice(0, 3), ["endpoint", "timeout", "limit"]);
  assert.deepEqual(
    [x.timeout, x.limit, x.queue, x.rotation, x.rules],
    [
      "1m30s",
      "1.5 GB",
      { enabled: false, size: 5 },
      { size: "100MiB" },
      [
        { name: "one", weight: 1 },
        { name: "two: three", weight: 2 },
      ],
    ],
  );
  assert.deepEqual(x.backends, [
    { kind: "file", path: "out.json" },
    { kind: "http", url: "http://a" },
  ]);
  assert.equal(shown.receivers["x/named"].endpoint, "localhost:1");
  assert.deepEqual(shown.receivers.x.timeout, "5s");
  assert.equal(shown.receivers.x.rotation, undefined);
  assert.deepEqual(shown.service.pipelines.metrics.processors, []);
});

for (const [form, write] of [
  ["YAML", (value: unknown) => stringify(value, { lineWidth: 0, version: "1.1" })],
  ["JSON", (value: unknown) => JSON.stringify(value)],
] as const) {
  test(`what is written as ${form} reads again to the same configuration, and is written the same`, async () => {
    const first = await effective(WRITTEN);
    const again = await effective(write(first.shown));
    assert.deepEqual(again.shown, first.shown);
    const options = ({ checked }: typeof first) => [
      ...[checked.receivers, checked.exporters].flatMap((all) =>
        [...all.values()].map(({ id, options }) => [id, options]),
      ),
      { ...checked.service, pipelines: checked.service.pipelines.map(({ location, ...pipeline }) => pipeline) },
    ];
    assert.deepEqual(options(again), options(first));
    assert.deepEqual(parse(write(first.shown)), first.shown);
  });
}

test("no secret is shown, wherever it stands", async () => {
  const { shown } = await effective(
    `receivers: {x: {endpoint: "me:s3cret@host:1"}}
exporters:
  y:
  x:
    endpoint: "\${env:SECRET}:4317"
    token: s3cret
    headers: {authorization: Basic s3cret, x-key: "$$s3cret"}
    credentials: {user: s3cret-user, keys: [s3cret-a, s3cret-b]}
    hosts: ["http://me:s3cret@host/path?x=1", "https://s3cret@host", "see http://u:p-s3cret@a and http://v:s3cret@b", "\${SECRET}", "http:u:s3cret@h", "http://u:it's3cret@h", "http://u:my s3cret@h"]
    labels: {plain: seen, taken: "\${env:SECRET}", number: "\${env:NUMBER}", "nested": "\${env:NONE:-\${env:SECRET}}"}
    backends: [{kind: http, url: "http://a", password: s3cret}]
    queue: {size: "\${env:NUMBER}"}
${REST}`,
    { SECRET: "s3cret-from-outside", NUMBER: "987654" },
  );
  const text = JSON.stringify(shown);
  assert.doesNotMatch(text, /s3cret|987654/);
  const { x } = shown.exporters;
  assert.deepEqual(x.headers, { authorization: "(redacted)", "x-key": "(redacted)" });
  assert.deepEqual(x.credentials, { user: "(redacted)", keys: ["(redacted)", "(redacted)"] });
  assert.equal(x.hosts[0], "http://(redacted)@host/path?x=1");
  assert.deepEqual(x.labels, { plain: "seen", taken: "(redacted)", number: "(redacted)", nested: "(redacted)" });
  assert.equal(x.backends[0].password, "(redacted)");
  assert.equal(x.queue.size, "(redacted)");
});
