// What the author of a plugin relies on: a module anywhere on the machine, named under `plugins`, is as good as one of ours.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { eventually, folderWith, request, startWith, vedette } from "../agent.ts";
import { gauge } from "../requests.ts";
import { httpSink } from "../sinks.ts";

/** A whole detector; in TypeScript its types are written out and then some. */
const detector = (type: string, typed: boolean) => `
import { defineDetector, ${typed ? "type Verdicts, " : ""}z } from "vedette";

${typed ? "interface Limit { limit: number }\nconst scoreOf = (value: number, { limit }: Limit): number => value / limit;" : "const scoreOf = (value, { limit }) => value / limit;"}

export default defineDetector({
  type: "${type}",
  signal: "metrics",
  stability: "experimental",
  summary: "Flags points in proportion to a limit.",
  finds: { above: "spike", below: "drop" },
  defaults: { warmup: 0 },
  config: z.object({ limit: z.number().positive().default(1).describe("An ordinary value.") }),
  state: { last: "f64" },
  scoreThenLearn({ length, series, value }, { last }, verdicts${typed ? ": Verdicts" : ""}, config) {
    for (let i = 0; i < length; i++) {
      verdicts.score[i] = scoreOf(value[i], config);
      verdicts.expected[i] = last[series[i]];
      last[series[i]] = value[i];
    }
  },
});
`;

const THROWS = `
import { defineProcessor, z } from "vedette";

export default defineProcessor({
  type: "brittle",
  signals: ["metrics"],
  stability: "experimental",
  summary: "Fails on everything.",
  config: z.object({}),
  create: () => ({
    process() {
      throw new RangeError("not my day");
    },
  }),
});
`;

const FAULTY_EXTENSION = `
import { defineExtension, z } from "vedette";

export default defineExtension({
  type: "faulty",
  stability: "experimental",
  summary: "Fails whenever it is told something.",
  config: z.object({}),
  create: () => ({
    ready() {
      throw new Error("not ready to hear");
    },
    stop() {
      throw new Error("not ready to stop");
    },
  }),
});
`;

/** Feeds one request, and that as it stops. */
const LAST_WORD = `
import { defineConnector, z } from "vedette";

export default defineConnector({
  type: "last_word",
  from: ["metrics"],
  to: ["metrics"],
  stability: "experimental",
  summary: "Says its last word.",
  config: z.object({}),
  create: (_config, _host, emit) => ({
    consume(batch) {
      this.kept = batch.bytes.slice();
    },
    async stop() {
      emit.metrics?.(this.kept);
      this.kept = new Uint8Array(0);
    },
  }),
});
`;

/** Does not work once it is stopped. */
const CLOSING = `
import { defineProcessor, z } from "vedette";

export default defineProcessor({
  type: "closing",
  signals: ["metrics"],
  stability: "experimental",
  summary: "Passes everything on until it is stopped.",
  config: z.object({}),
  create: () => ({
    process(batch) {
      if (this.stopped) throw new Error("used after its end");
      return batch;
    },
    async stop() {
      this.stopped = true;
    },
  }),
});
`;

const PIPELINE = (processors: string) => `
receivers:
  otlp:
    protocols:
      http: {endpoint: "127.0.0.1:0"}
exporters:
  debug:
  otlp_http: {endpoint: http://localhost:4318}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [${processors}], exporters: [otlp_http]}
    anomalies: {exporters: [debug]}
`;

const point = gauge("checkout", "load", [{ time: 1_795_000_000_000, value: 1000 }]);

/** Starts the agent in `folder` and sends it one point, far above every limit. */
async function run(t: TestContext, folder: string) {
  const sink = await httpSink(t);
  const set = `exporters.otlp_http.endpoint=http://${sink.endpoint}`;
  const agent = await startWith(t, ["--config", "vedette.yaml", "--set", set], folder);
  assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", point)).status, 200);
  await eventually("the point at the sink", () => sink.received.length === 1);
  assert.equal(await agent.stop(), 0);
  return { agent, sink };
}

test("detectors in a .ts file, a .js file and a package beside the configuration run like our own", async (t) => {
  const folder = folderWith(t, {
    "typed.ts": detector("typed", true),
    "plain.js": detector("plain", false),
    "package.json": '{"type": "module"}',
    "vedette.yaml": `plugins: [./typed.ts, ./plain.js, acme-detector, "@acme/many"]
processors: {typed: {limit: 2}, plain/second: , packaged: , one_of_two: , two_of_two: }${PIPELINE("typed, plain/second, packaged, one_of_two, two_of_two")}`,
  });
  const install = (name: string, text: string) => {
    const at = join(folder, "node_modules", name);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, "package.json"), JSON.stringify({ name, type: "module", exports: "./index.js" }));
    writeFileSync(join(at, "index.js"), text);
  };
  install("acme-detector", detector("packaged", false));
  const [one, two] = ["one", "two"].map((n) =>
    detector(`${n}_of_two`, false).replace("export default", `const ${n} =`),
  );
  install("@acme/many", `${one}${two.replace(/^(import|const scoreOf).*$/gm, "")}export default [one, two];\n`);

  const { agent } = await run(t, folder);
  const lines = agent.output.stdout.trimEnd().split("\n");
  assert.equal(lines.length, 5, agent.output.stdout);
  for (const id of ["typed", "plain/second", "packaged", "one_of_two", "two_of_two"]) {
    assert.ok(
      lines.some((line) => line.includes(` checkout `) && line.includes(`, ${id}, id `)),
      id,
    );
  }
});

test("a component that cannot be created is named; nothing starts", async (t) => {
  const create = 'create: () => { throw new Error("no such model"); },';
  const broken = `import { defineProcessor, z } from "vedette";
export default defineProcessor({
  type: "broken", signals: ["metrics"], stability: "experimental", summary: "Cannot be made.", config: z.object({}),
  ${create}
});`;
  const misspelt = detector("misspelt", false).replace('"f64"', '"f65"');
  for (const [type, text, why] of [
    ["broken", broken, /broken could not be created: no such model/],
    ["misspelt", misspelt, /misspelt could not be created: state\.last: there is no column type f65/],
  ] as const) {
    const folder = folderWith(t, {
      "plugin.js": text,
      "config.yaml": `plugins: [./plugin.js]
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
processors: { ${type}: }
exporters: { debug: }
service: { pipelines: { metrics: { receivers: [otlp], processors: [${type}], exporters: [debug] } } }
`,
    });
    const { code, stderr } = await vedette(t, ["run", "--config", join(folder, "config.yaml")]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, why);
    assert.doesNotMatch(stderr, / otlp: listening|internal error/);
  }
});

test("a plugin that throws is named in the log, and its batch goes on without it", async (t) => {
  const folder = folderWith(t, {
    "brittle.ts": THROWS,
    "typed.ts": detector("typed", true),
    "vedette.yaml": `plugins: [./brittle.ts, ./typed.ts]
processors: {brittle/one: , typed: {annotate: none}}${PIPELINE("brittle/one, typed")}`,
  });
  const { agent, sink } = await run(t, folder);
  assert.match(agent.output.stderr, /error brittle\/one: a plugin failed on a batch.*RangeError: not my day/);
  assert.equal(agent.output.stdout.trimEnd().split("\n").length, 1, "the next processor has found the point");
  assert.deepEqual(sink.received[0].bytes, point);
});

test("an extension that fails whatever it is told keeps nothing from being delivered", async (t) => {
  const folder = folderWith(t, {
    "faulty.js": FAULTY_EXTENSION,
    "package.json": '{"type": "module"}',
    "vedette.yaml": `plugins: [./faulty.js]
extensions: {faulty: }${PIPELINE("").replace("service:", "service:\n  extensions: [faulty]")}`,
  });
  const { agent } = await run(t, folder);
  assert.match(agent.output.stderr, /error faulty: .*not ready to hear/);
  assert.match(agent.output.stderr, /error faulty: stopping failed.*not ready to stop/);
});

test("what a connector feeds as it stops is processed and delivered", async (t) => {
  const folder = folderWith(t, {
    "last_word.js": LAST_WORD,
    "closing.js": CLOSING,
    "package.json": '{"type": "module"}',
    "vedette.yaml": `plugins: [./last_word.js, ./closing.js]
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}
processors: {closing: }
connectors: {last_word: }
exporters:
  otlp_http: {endpoint: http://localhost:4318}
service:
  pipelines:
    metrics/in: {receivers: [otlp], exporters: [last_word, otlp_http]}
    metrics/out: {receivers: [last_word], processors: [closing], exporters: [otlp_http]}
`,
  });
  const { agent, sink } = await run(t, folder);
  assert.equal(sink.received.length, 2);
  assert.doesNotMatch(agent.output.stderr, /used after its end/);
});

test("plugins that cannot be loaded, or are none, are told with the place where they are named", async (t) => {
  const folder = folderWith(t, {
    "nothing.js": "export const answer = 42;\n",
    "syntax.js": "export default {{\n",
    "ours.ts": detector("ewma", true),
    "package.json": '{"type": "module"}',
    "vedette.yaml": `plugins:
  - ./nothing.js
  - ./syntax.js
  - ./missing.ts
  - acme-unknown
  - ./ours.ts
  - file://elsewhere/plugin.ts
${PIPELINE("ewma")}processors: {ewma: }\n`,
  });
  const { code, stderr } = await vedette(t, ["validate", "--config", "vedette.yaml"], folder);
  assert.equal(code, 1);
  const lines = stderr.split("\n").filter((line) => line.includes("plugin-failed"));
  const expected = [
    [/:2:5 .*nothing\.js/, /define function/],
    [/:3:5 .*syntax\.js/, /cannot be loaded/],
    [/:4:5 .*missing\.ts/, /there is no file/],
    [/:5:5 .*acme-unknown/, /is not installed: run "npm install acme-unknown"/],
    [/:6:5 .*ours\.ts/, /there is a processor ewma already/],
    [/:7:5 .*elsewhere/, /cannot be loaded/],
  ];
  assert.equal(lines.length, expected.length, stderr);
  for (const [i, patterns] of expected.entries()) for (const pattern of patterns) assert.match(lines[i], pattern);
});

test("what a plugin's timers and promises throw is told with where it came from, and the agent goes on", async (t) => {
  const folder = folderWith(t, {
    "leaky.js": `import { defineProcessor, z } from "vedette";
export default defineProcessor({
  type: "leaky", signals: ["metrics"], stability: "experimental", summary: "Leaks timers.", config: z.object({}),
  create() {
    setInterval(() => {}, 1000);
    setTimeout(() => { throw new RangeError("a timer of mine"); }, 1);
    setTimeout(() => Promise.reject(new RangeError("a promise of mine")), 1);
    return { process: (batch) => batch };
  },
});`,
    "package.json": '{"type": "module"}',
    "vedette.yaml": `plugins: [./leaky.js]
processors: {leaky: }${PIPELINE("leaky")}`,
  });
  const sink = await httpSink(t);
  const set = `exporters.otlp_http.endpoint=http://${sink.endpoint}`;
  const agent = await startWith(t, ["--config", "vedette.yaml", "--set", set], folder);
  await eventually("the timer's error", () => agent.output.stderr.includes("a timer of mine"));
  assert.match(agent.output.stderr, /error vedette: an error that nobody caught.*leaky\.js/);
  assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", point)).status, 200);
  assert.equal(await agent.stop(), 0, "a forgotten timer keeps no stopped agent alive");
  assert.equal(sink.received.length, 1);
});
