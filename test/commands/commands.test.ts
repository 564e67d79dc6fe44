// The command line beside `run`: help, the configuration as it takes effect, its schema.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { eventually, folderWith, request, startAgent, vedette } from "../agent.ts";
import { gauge } from "../requests.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const EXAMPLE = join(root, "config.example.yaml");
const COMMANDS = [
  "run",
  "validate",
  "print-config",
  "components",
  "schema",
  "replay",
  "backtest",
  "feedback",
  "demo",
  "create",
];

test("every command says what it takes, in two ways of asking", async (t) => {
  const all = await vedette(t, ["--help"]);
  for (const command of COMMANDS) {
    assert.match(all.stdout, new RegExp(`^ {2}${command} +\\w`, "m"));
    const [asked, helped] = await Promise.all([vedette(t, [command, "--help"]), vedette(t, ["help", command])]);
    assert.equal(asked.code, 0);
    assert.match(asked.stdout, new RegExp(`^usage: vedette ${command} `));
    assert.equal(helped.stdout, asked.stdout);
  }
});

test("a command or option that there is not ends with 2, and the nearest is named", async (t) => {
  const cases: [string[], RegExp][] = [
    [["valdiate", "-c", EXAMPLE], /^there is no command "valdiate"\. Did you mean "validate"\?$/m],
    [["print_config"], /Did you mean "print-config"\?/],
    [["components", "--config", EXAMPLE], /^components takes no --config$/m],
    [["print-config", "-c", EXAMPLE, "--format", "text"], /^--format is yaml or json, not "text"$/m],
    [["create", "plugin", "x"], /^--kind is missing; there are: detector, /m],
    [["create", "plugin", "Ünix", "--kind", "exporter"], /^"Ünix" cannot be a type/m],
    [["create", "plugin", "../up", "--kind", "exporter"], /^"\.\.\/up" cannot be a type/m],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await vedette(t, args);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: "" }, args.join(" "));
    assert.match(stderr, message);
  }
});

const SECRETS = `plugins: ["./\${env:SECRET_WORD}.ts"]
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:\${env:SECRET_PORT}"}}}}
exporters:
  otlp_http:
    endpoint: http://user:s3cret@localhost:4318
    headers: {authorization: Bearer s3cret, "x-\u00e4": s3cret}
  debug: {verbosity: "\${env:SECRET_WORD}"}
service: {pipelines: {metrics: {receivers: [otlp], exporters: [otlp_http, debug, "\${env:SECRET_WORD}"]}}}
`;

test("no message about a configuration shows a secret", async (t) => {
  process.env["SECRET_PORT"] = "s3cret";
  process.env["SECRET_WORD"] = "s3cret";
  t.after(() => {
    delete process.env["SECRET_PORT"];
    delete process.env["SECRET_WORD"];
  });
  const folder = folderWith(t, { "c.yaml": SECRETS });
  for (const args of [["run"], ["validate"], ["validate", "--format", "json"], ["print-config"]]) {
    const { code, stdout, stderr } = await vedette(t, [...args, "-c", "c.yaml"], folder);
    assert.equal(code, 1);
    assert.match(stdout + stderr, /\(redacted\)/);
    assert.doesNotMatch(stdout + stderr, /s3cret/, args.join(" "));
  }
});

test("nothing that a running agent says shows a secret, not even when sending fails", async (t) => {
  const agent = await startAgent(
    t,
    `receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
exporters:
  otlp_http:
    endpoint: http://user:s3cret@127.0.0.1:1
    headers: {authorization: Bearer s3cret}
    retry_on_failure: {enabled: false}
service:
  telemetry: {logs: {level: debug}, metrics: {level: none}}
  pipelines: {metrics: {receivers: [otlp], exporters: [otlp_http]}}
`,
  );
  await request(agent.at("otlp", "http"), "/v1/metrics", gauge("shop", "load", [{ time: Date.now(), value: 1 }]));
  await eventually("the failure to be told", () => / (error|warn) +otlp_http: /.test(agent.output.stderr));
  assert.equal(await agent.stop(), 0);
  assert.doesNotMatch(agent.output.stdout + agent.output.stderr, /s3cret/);
});

test("print-config writes what takes effect, and reads its own output", async (t) => {
  const folder = folderWith(t, {
    "base.yaml": readFileSync(EXAMPLE, "utf8"),
    "more.yaml": "exporters: {otlp_http: {endpoint: http://me:s3cret@localhost:1, headers: {api-key: s3cret}}}\n",
  });
  const sources = ["-c", "base.yaml", "-c", "more.yaml", "--set", "service.pipelines.metrics.exporters=[otlp_http]"];
  const first = await vedette(t, ["print-config", ...sources], folder);
  assert.equal(first.code, 0, first.stderr);
  const config = parse(first.stdout);
  assert.equal(config.exporters.otlp_http.timeout, "5s");
  assert.equal(config.exporters.otlp_http.endpoint, "http://(redacted)@localhost:1");
  assert.deepEqual(config.exporters.otlp_http.headers, { "api-key": "(redacted)" });
  assert.deepEqual(config.service.pipelines.metrics.exporters, ["otlp_http"]);
  assert.deepEqual(Object.keys(config), ["receivers", "processors", "exporters", "extensions", "service"]);
  const again = await vedette(t, ["print-config", "-c", `yaml:${first.stdout}`]);
  assert.deepEqual([again.code, again.stdout], [0, first.stdout]);
  const json = await vedette(t, ["print-config", ...sources, "--format", "json"], folder);
  assert.deepEqual(JSON.parse(json.stdout), config);
});

test("validate --format json tells each problem with its place, severity and code", async (t) => {
  const folder = folderWith(t, { "c.yaml": "processors:\n  emwa:\nservice:\n  pipelines:\n" });
  const { code, stdout } = await vedette(t, ["validate", "-c", "c.yaml", "--format", "json"], folder);
  assert.equal(code, 1);
  const { valid, problems } = JSON.parse(stdout);
  assert.equal(valid, false);
  assert.deepEqual(problems[0], {
    file: "c.yaml",
    line: 2,
    column: 3,
    severity: "error",
    code: "unknown-component",
    path: "processors.emwa",
    message: 'there is no processor of type "emwa". Did you mean "ewma"?',
  });
});

const PLUGIN = `import { defineProcessor, z } from "vedette";
export default defineProcessor({
  type: "mine", signals: ["anomalies"], stability: "alpha", summary: "Is mine.",
  config: z.object({ most: z.number().max(5).default(1).describe("Most.") }),
  create: () => ({ process: (data) => data }),
});
`;

test("the schema knows every component and third-party plugins, and refuses mistakes", async (t) => {
  const folder = folderWith(t, {
    "mine.js": PLUGIN,
    "package.json": '{"type":"module"}',
    "c.yaml": "plugins: [./mine.js]\n",
  });
  const [plain, withMine] = await Promise.all([vedette(t, ["schema"]), vedette(t, ["schema", "-c", "c.yaml"], folder)]);
  assert.equal(plain.stdout, readFileSync(join(root, "docs/config.schema.json"), "utf8"));
  const accepts = (schema: string) => new Ajv2020({ strict: false, allErrors: true }).compile(JSON.parse(schema));
  const [ours, theirs] = [accepts(plain.stdout), accepts(withMine.stdout)];
  assert.ok(ours(parse(readFileSync(EXAMPLE, "utf8"))), JSON.stringify(ours.errors));
  const right = [
    "exporters: {otlp: {endpoint: a:1, tls: {insecure: true}}, otlphttp/x: {endpoint: http://a}}",
    `exporters: {debug: {sampling_initial: "\${env:N}", verbosity: "\${env:V:-basic}"}}`,
    "service: {pipelines: {metrics/2: , anomalies: {exporters: [debug]}}}",
  ];
  for (const text of right) assert.ok(ours(parse(text)), `${text} ${JSON.stringify(ours.errors)}`);
  const wrong = [
    "receiver: {}",
    "processors: {emwa: }",
    "processors: {ewma: {alhpa: 0.1}}",
    "processors: {ewma: {alpha: 2}}",
    "processors: {ewma: {alpha: much}}",
    "exporters: {debug: {verbosity: loud}}",
    "exporters: {otlp_grpc: {endpoint: a:1, sending_queue: {size: 1}}}",
    "service: {pipelines: {metric: {exporters: [debug]}}}",
    "service: {pipelines: {metrics: {exporter: [debug]}}}",
    "plugins: ./x.ts",
  ];
  for (const text of wrong) assert.ok(!ours(parse(text)), text);
  assert.ok(!ours(parse("processors: {mine: }")));
  assert.ok(theirs(parse("processors: {mine: {most: 2}}")));
  assert.ok(!theirs(parse("processors: {mine: {most: 6}}")));
});

test("a plugin's failure is told once, in words that help, and not again as an unknown type", async (t) => {
  const folder = folderWith(t, {
    "bare.js": PLUGIN,
    "package.json": '{"type":"module"}',
    "c.yaml": "plugins:\n  - bare.js\n  - vedette-nowhere\nprocessors:\n  mine:\n  emwa:\n",
  });
  const { stderr } = await vedette(t, ["validate", "-c", "c.yaml"], folder);
  assert.match(
    stderr,
    /^c\.yaml:2:5 plugin-failed plugins: "bare\.js" is a file, not a package: write "\.\/bare\.js"$/m,
  );
  assert.match(stderr, /^c\.yaml:3:5 plugin-failed plugins: "vedette-nowhere" is not installed: run "npm install /m);
  assert.doesNotMatch(stderr, /of type "mine"/);
  assert.match(stderr, /of type "emwa"\. Did you mean "ewma"/);
});

test("every option of ours that is named like a secret is one", () => {
  const open: string[] = [];
  const visit = (json: any, path: string, hidden: boolean) => {
    if (typeof json !== "object" || json === null) return;
    const secret = hidden || json.secret === true;
    const name = path.split(".").at(-1)!;
    if (/^(.*_)?(token|password|secret|passphrase|inline|key_pem)$/.test(name) && !secret) open.push(path);
    if (path.endsWith("headers.*") && !secret) open.push(path);
    for (const [key, value] of Object.entries(json.properties ?? {})) visit(value, `${path}.${key}`, secret);
    for (const [key, value] of Object.entries(json.patternProperties ?? {})) visit(value, `${path}.${key}`, secret);
    visit(json.additionalProperties, `${path}.*`, secret);
    visit(json.items, `${path}[]`, secret);
    for (const variant of [...(json.anyOf ?? []), ...(json.oneOf ?? []), ...(json.allOf ?? [])])
      visit(variant, path, secret);
  };
  visit(JSON.parse(readFileSync(join(root, "docs/config.schema.json"), "utf8")), "", false);
  assert.deepEqual([...new Set(open)], []);
});
