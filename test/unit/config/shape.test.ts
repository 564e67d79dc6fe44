// The checked values that the agent is built from, and what no text can make the check do.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { z } from "../../../src/api/index.ts";
import { readDraft } from "../../../src/config/file.ts";
import { SECTIONS } from "../../../src/config/id.ts";
import { ConfigError, formatProblem, nearest, type Problem } from "../../../src/config/problems.ts";
import { checkConfig } from "../../../src/config/shape.ts";
import { environment, known, schemaOf } from "./plugins.ts";

const check = async (config: string[], set: string[] = []) =>
  checkConfig(await readDraft({ config, set }, environment), schemaOf, known);

/** The problems of one processor `x` with this schema and these options. */
async function problemsOf(schema: z.ZodObject, options: string, env: Record<string, string> = {}): Promise<string[]> {
  const rest =
    "receivers: {r: }, exporters: {e: }, service: {pipelines: {metrics: {receivers: [r], processors: [x], exporters: [e]}}}";
  const types = { receivers: ["r"], processors: ["x"], connectors: [], exporters: ["e"], extensions: [] };
  const draft = await readDraft({ config: [`yaml:{${rest}, processors: {x: ${options}}}`], set: [] }, env);
  const { problems } = checkConfig(draft, (_, type) => (type === "x" ? schema : z.object({})), types);
  return problems.map((problem) => formatProblem(problem).replace(/^yaml::1:\d+ /, ""));
}

test("a complete configuration becomes values with defaults, units and types in place", async () => {
  const { config, problems } = await check([
    fileURLToPath(new URL("../../golden/config/complete.yaml", import.meta.url)),
  ]);
  assert.deepEqual(problems, []);
  assert.deepEqual([...config!.receivers.keys()], ["otlp", "otlp/inside"]);
  assert.deepEqual(config!.receivers.get("otlp")!.options, {
    protocols: { grpc: { endpoint: "127.0.0.1:4317", max_recv_msg_size_mib: 4 }, http: { endpoint: "0.0.0.0:4317" } },
  });
  const ewma = config!.processors.get("ewma/latency in ms")!;
  assert.deepEqual(
    [ewma.type, ewma.name, ewma.section, ewma.location.line],
    ["ewma", "latency in ms", "processors", 11],
  );
  assert.equal(ewma.options.warmup, 5_400_000);
  assert.deepEqual(config!.processors.get("ewma")!.options, { alpha: 0.05, warmup: 300_000, match: [] });
  assert.deepEqual(config!.exporters.get("otlp_http/other")!.options, {
    endpoint: "https://example.org",
    headers: { authorization: `Bearer ${environment.TOKEN}`, x: "$5", y: "0123" },
    token: "a".repeat(26),
    compression: "none",
  });
  assert.equal(config!.extensions.get("health_check")!.options.port, 4317);
  const { pipelines, telemetry, ...service } = config!.service;
  assert.equal(telemetry.logs.level, "warn");
  assert.equal(telemetry.logs.encoding, "json");
  assert.deepEqual(service, {
    extensions: ["health_check"],
    state: { interval: 300_000 },
    shutdown_timeout: 3000,
    traces: { idle_timeout: 10_000, max_traces: 20_000, max_spans: 400_000 },
    max_series: 5000,
  });
  assert.deepEqual(
    pipelines.map(({ location, ...pipeline }) => pipeline),
    [
      {
        id: "metrics",
        signal: "metrics",
        receivers: ["otlp", "otlp/inside"],
        processors: ["ewma", "ewma/latency in ms"],
        exporters: ["otlp_http", "count"],
      },
      { id: "logs/counted", signal: "logs", receivers: ["count"], processors: [], exporters: ["otlp_http/other"] },
      { id: "anomalies", signal: "anomalies", receivers: [], processors: ["cooldown"], exporters: ["debug"] },
    ],
  );
});

test("the service's defaults hold where nothing is written, and a warning does not stop the agent", async () => {
  const text =
    "{receivers: {otlp: {protocols: }}, exporters: {debug: , debug/b: }, service: {pipelines: {logs: {receivers: [otlp], exporters: [debug]}}}}";
  const { config, problems } = await check([`yaml:${text}`]);
  assert.deepEqual(
    problems.map(({ code, severity }) => [code, severity]),
    [["unused-component", "warning"]],
  );
  assert.equal(config!.service.shutdown_timeout, 10_000);
  assert.equal(config!.service.max_series, 1_000_000);
  assert.equal(config!.service.telemetry.logs.level, "info");
  assert.equal(config!.service.telemetry.metrics.level, "normal");
});

test("a setting on the command line is blamed on --set, at the value's column", async () => {
  const { problems } = await check(
    [fileURLToPath(new URL("../../golden/config/complete.yaml", import.meta.url))],
    ["processors.ewma.alpha=7", "processors.ewma.alhpa=0.1"],
  );
  assert.deepEqual(problems.map(formatProblem), [
    '--set:1:1 unknown-option processors.ewma.alhpa: no such option. Did you mean "alpha"?',
    "--set:1:23 invalid-value processors.ewma.alpha: 7 does not fit: expected a number less than 1",
  ]);
});

test("digits from the environment are text where text is wanted, and a number where a number is", async () => {
  const schema = z.object({ text: z.string(), number: z.number(), either: z.union([z.string(), z.boolean()]) });
  const options = `{text: "\${D}", number: "\${D}", either: "\${D}"}`;
  assert.deepEqual(await problemsOf(schema, options, { D: "0123" }), []);
  assert.deepEqual(await problemsOf(z.object({ text: z.string() }), `{text: "\${E}"}`, { E: "" }), []);
});

test("a secret stands in no message, not even in one that a plugin writes", async () => {
  const text = (value: string) => `mine: ${value}`;
  const schema = z.object({
    key: z
      .string()
      .meta({ secret: true })
      .optional()
      .refine((v) => !v, { error: ({ input }) => text(String(input)) }),
    nested: z
      .object({ list: z.array(z.int()) })
      .optional()
      .meta({ secret: true }),
    env: z
      .string()
      .optional()
      .refine((v) => !v, { error: ({ input }) => text(String(input)) }),
    whole: z.object({}).optional(),
  });
  const said = await problemsOf(schema, `{key: hunter, nested: {list: [hunter1]}, env: "a-\${S}", whole: "\${S}"}`, {
    S: "hunter2",
  });
  assert.deepEqual(said, [
    "invalid-value processors.x.key: (redacted) does not fit: mine: (redacted)",
    "wrong-type processors.x.nested.list[0]: (redacted) does not fit: expected a number",
    "invalid-value processors.x.env: (redacted) does not fit: mine: (redacted)",
    "wrong-type processors.x.whole: (redacted) does not fit: expected a map",
  ]);
});

test("a secret that stands where a map or list with secrets belongs is in no message either", async () => {
  const text = z.string().meta({ secret: true });
  const schema = z.object({
    headers: z.record(z.string(), text).default({}),
    tokens: z.array(text).optional(),
    login: z.object({ user: z.string().optional(), inner: z.object({ password: text }).optional() }).optional(),
    names: z.array(z.string()).default([]),
  });
  const problems = await problemsOf(
    schema,
    '{headers: "authorization=s3cret", tokens: s3cret, login: "me:s3cret", names: plain}',
  );
  assert.equal(problems.length, 4);
  assert.doesNotMatch(problems.join("\n"), /s3cret/);
  assert.match(problems[3], /"plain" does not fit/);
});

test("what stands before the @ of a URL is in no message, however the URL is miswritten", async () => {
  const schema = z.object({ url: z.string().refine(() => false, { error: "not a URL" }) });
  for (const url of [
    "http://me:s3/cret@host",
    "http://me:s3'cret@host",
    "http://me:s3 cret@host",
    "http:me:s3cret@host",
    "me:s3cret@host:4317",
    "http://me:s3#cret@host",
  ]) {
    assert.doesNotMatch((await problemsOf(schema, `{url: "${url}"}`)).join(), /cret/, url);
  }
  for (const url of ["http://host:4318/a@b", "http://[::1]:4318/a@b", "a@b", "http://host/?to=a@b"]) {
    assert.ok((await problemsOf(schema, `{url: "${url}"}`)).join().includes(url), url);
  }
});

test("options are strict at every level, through every wrapper and in every kind of union", async () => {
  const inner = z.object({ known: z.boolean().default(true) });
  const schema = z.object({
    wrapped: inner.nullable().optional().readonly(),
    listed: z.array(inner).default([]),
    keyed: z.record(z.string(), inner).default({}),
    either: z.union([z.string(), inner]).optional(),
    kind: z
      .discriminatedUnion("is", [
        z.object({ is: z.literal("a"), x: z.number() }),
        z.object({ is: z.literal("b"), y: z.number() }),
      ])
      .optional(),
    both: z.intersection(inner, z.object({ more: z.number() })).optional(),
    piped: inner.transform((value) => value).optional(),
    open: z.looseObject({ known: z.boolean() }).optional(),
    any: z.any(),
    recursive: z
      .object({
        get children() {
          return z.array(inner).optional();
        },
      })
      .optional(),
  });
  const bad = "{unknwn: 1}";
  const options = `{wrapped: ${bad}, listed: [${bad}], keyed: {k: ${bad}}, either: ${bad}, kind: {is: b, x: 1, y: 1},
    both: {more: 1, unknwn: 1}, piped: ${bad}, open: {known: true, other: 1}, any: ${bad}, recursive: {children: [${bad}]}}`;
  const said = await problemsOf(schema, options.replaceAll("\n", ""));
  assert.deepEqual(
    said.map((line) => line.split(":")[0]),
    ["wrapped", "listed[0]", "keyed.k", "either", "kind", "both", "piped", "recursive.children[0]"].map(
      (path) => `unknown-option processors.x.${path}.${path === "kind" ? "x" : "unknwn"}`,
    ),
  );
});

test("the branch of a union that was meant is the one that is explained", async () => {
  const schema = z.object({ to: z.union([z.string(), z.object({ host: z.string(), port: z.int() })]) });
  assert.deepEqual(await problemsOf(schema, "{to: 3}"), [
    "wrong-type processors.x.to: 3 does not fit: expected text or a map",
  ]);
  assert.deepEqual(await problemsOf(schema, "{to: {host: a, port: b}}"), [
    'wrong-type processors.x.to.port: "b" does not fit: expected a number',
  ]);
  assert.deepEqual(await problemsOf(schema, "{to: {host: a}}"), [
    "missing-option processors.x.to.port: this option is required: expected a number",
  ]);
});

test("keys that JavaScript knows are only keys, and a check that throws is a problem of its option", async () => {
  const schema = z.object({ a: z.number().optional(), map: z.record(z.string(), z.any()).default({}) });
  assert.deepEqual(await problemsOf(schema, "{__proto__: {a: 1}, toString: 1, map: {constructor: {}, __proto__: 1}}"), [
    "unknown-option processors.x.__proto__: no such option. There are: a, map.",
    "unknown-option processors.x.toString: no such option. There are: a, map.",
  ]);
  const throwing = z.object({
    a: z.number().refine(() => {
      throw new Error("no luck");
    }),
  });
  assert.deepEqual(await problemsOf(throwing, "{a: 1}"), ["invalid-value processors.x: its check failed: no luck"]);
});

test("the nearest spelling is a typing mistake away, or nothing", () => {
  const words = ["alpha", "max_series", "warmup", "otlp"];
  assert.equal(nearest("alhpa", words), "alpha");
  assert.equal(nearest("maxSeries", words), "max_series");
  assert.equal(nearest("MAX-SERIES", words), "max_series");
  assert.equal(nearest("otpl", words), "otlp");
  assert.equal(nearest("beta", words), undefined);
  assert.equal(nearest("x".repeat(1e6), words), undefined);
});

test("a ConfigError reads as its problems, one a line", () => {
  const problem: Problem = {
    file: "c.yaml",
    line: 14,
    column: 7,
    code: "unknown-option",
    path: "a.b",
    message: "no such option.",
  };
  const error = new ConfigError([problem, { ...problem, path: "", severity: "warning" }]);
  assert.equal(
    error.message,
    "c.yaml:14:7 unknown-option a.b: no such option.\nc.yaml:14:7 warning unknown-option: no such option.",
  );
});

const words = fc.constantFrom(
  ...[
    ...SECTIONS,
    "service",
    "pipelines",
    "plugins",
    "otlp",
    "ewma",
    "debug",
    "count",
    "metrics",
    "anomalies",
    "alpha",
  ],
  ...[
    "match",
    "protocols",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    ": ",
    ":",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<: *a",
  ],
  ...[
    "::",
    "/",
    `\${TOKEN}`,
    `\${env:NO}`,
    "${",
    "$$",
    '"',
    "'",
    "|",
    ">",
    "# ",
    "\t",
    "!!str ",
    "!x ",
    "? ",
    "---\n",
    "...",
    "null",
  ],
  ...[
    "~",
    "1e999",
    "-1",
    "0x1F",
    ".nan",
    "true",
    "__proto__",
    "\u0000",
    "\ud800",
    "\u2028",
    "\r\n",
    "\ufeff",
    "%YAML 1.2\n",
  ],
);

/** Every problem points into the text, and every answer is a configuration or an error. */
async function sane(source: string, text: string): Promise<void> {
  const { config, problems } = await check([source]);
  assert.notEqual(
    config !== undefined,
    problems.some(({ severity }) => severity !== "warning"),
  );
  const lines = text.split("\n");
  for (const { line, column, code, message } of problems) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/);
    assert.ok(message.length > 0 && !message.includes(environment.TOKEN));
    assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
    assert.ok(column >= 1 && column <= lines[line - 1].length + 1, `column ${column} of line ${line}`);
  }
}

test("any text is a configuration or a list of problems that point into it", async () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(words, { maxLength: 60 }).map((parts) => parts.join("")),
  );
  await fc.assert(
    fc.asyncProperty(text, (text) => sane(`yaml:${text}`, text)),
    { numRuns: 2000 },
  );
});

test("any value under any key is a configuration or a list of problems", async () => {
  const leaf = fc.constantFrom<unknown>(
    ...[
      "otlp",
      "ewma",
      "debug",
      "count",
      `\${TOKEN}`,
      "5m",
      "text",
      "",
      null,
      true,
      0,
      -1.5,
      1e300,
      [],
      {},
      [null],
      { a: [] },
    ],
  );
  const id = fc.constantFrom("otlp", "ewma", "debug", "count", "cooldown", "otlp/b", "metrics", "alpha", "protocols");
  const few = { maxKeys: 4 };
  const body = fc.dictionary(id, fc.oneof(leaf, fc.dictionary(id, leaf, few), fc.array(leaf, { maxLength: 3 })), few);
  const list = fc.array(id, { maxLength: 3 });
  const pipelines = fc.dictionary(
    id,
    fc.dictionary(fc.constantFrom("receivers", "processors", "exporters"), list),
    few,
  );
  const service = fc.record(
    { pipelines: fc.oneof(pipelines, leaf), extensions: fc.oneof(list, leaf) },
    { requiredKeys: [] },
  );
  const config = fc.dictionary(fc.constantFrom(...SECTIONS, "service", "plugins"), fc.oneof(body, service));
  await fc.assert(
    fc.asyncProperty(config, (config) => sane(`yaml:${JSON.stringify(config)}`, JSON.stringify(config))),
    { numRuns: 500 },
  );
});

test("any bytes in a file are a configuration or a list of problems", async () => {
  const folder = mkdtempSync(join(tmpdir(), "vedette-bytes-"));
  try {
    const path = join(folder, "c.yaml");
    const bytes = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(bytes, (bytes) => {
        writeFileSync(path, bytes);
        return sane(path, new TextDecoder().decode(bytes));
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
