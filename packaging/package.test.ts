// The package as a user gets it: packed, installed into an empty folder, run on plain Node, with plugins from outside it.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import test, { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { hashSync } from "bcryptjs";
import { generate } from "vedette/testing";
import manifest from "../package.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OLDEST = "24.12.0";
const folder = mkdtempSync(join(tmpdir(), "vedette-package-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const app = join(folder, "app");
const plugin = join(app, "tapped");

const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
const env: NodeJS.ProcessEnv = Object.fromEntries(Object.entries(inherited).filter(([key]) => !/^npm_/i.test(key)));
env["npm_config_prefer_offline"] = "true";
env["npm_config_audit"] = env["npm_config_fund"] = env["npm_config_update_notifier"] = "false";

function run(cwd: string, command: string, ...args: string[]): { stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: "utf8", timeout: 300_000 });
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}${stderr}`);
  return { stdout, stderr };
}

/** Puts the oldest Node that we promise first on PATH, where its package is made for this machine. */
function oldestNode(): string {
  const name = `node-${process.platform}-${process.arch}`;
  mkdirSync(join(folder, "runtime"));
  const { status } = spawnSync("npm", ["install", "--prefix", join(folder, "runtime"), `${name}@${OLDEST}`], { env });
  const bin = join(folder, "runtime", "node_modules", name, "bin");
  if (status === 0 && existsSync(join(bin, "node"))) env["PATH"] = `${bin}${delimiter}${env["PATH"]}`;
  return spawnSync("node", ["--version"], { env, encoding: "utf8" }).stdout.trim();
}

let tarball = "";

before(() => {
  // a copy, so that package.json of the clone is left alone
  const copy = join(folder, "clone");
  const left = new Set(["node_modules", ".git", "dist", "state"]);
  cpSync(ROOT, copy, { recursive: true, filter: (path) => path === ROOT || !left.has(basename(path)) });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"), "junction");
  mkdirSync(app);
  run(copy, "npm", "pack", "--silent", "--pack-destination", app);
  tarball = readdirSync(app).find((name) => name.endsWith(".tgz"))!;
  assert.equal(
    readFileSync(join(copy, "package.json"), "utf8"),
    readFileSync(join(ROOT, "package.json"), "utf8"),
    "packing leaves the clone's package.json as it was",
  );
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  const version = oldestNode();
  console.log(
    version === `v${OLDEST}` ? `running on Node ${version}` : `no Node ${OLDEST} for this machine: ${version}`,
  );
  run(app, "npm", "install", `./${tarball}`);
});

test("the package brings no runtime, no tools and no scripts", () => {
  const at = join(app, "node_modules", "vedette");
  const installed = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
  assert.equal(installed.version, manifest.version);
  assert.deepEqual(installed.dependencies, manifest.dependencies);
  for (const key of ["scripts", "devDependencies", "optionalDependencies"])
    assert.equal(installed[key], undefined, key);
  assert.deepEqual(
    readdirSync(join(app, "node_modules")).filter((name) => /^node-(bin|linux|darwin|win)/.test(name)),
    [],
  );
  assert.ok(!existsSync(join(at, "src")), "no TypeScript, which Node would not run there");
  const { stdout } = run(app, "npx", "vedette", "--version");
  assert.equal(stdout, `${manifest.version}\n`);
});

test("validate, components, schema and print-config answer", () => {
  const example = "node_modules/vedette/config.example.yaml";
  assert.equal(run(app, "npx", "vedette", "validate", "-c", example).stdout, "the configuration is valid\n");
  assert.match(run(app, "npx", "vedette", "components").stdout, /^exporters +otlp_http /m);
  const schema = readFileSync(join(app, "node_modules/vedette/docs/config.schema.json"), "utf8");
  assert.deepEqual(JSON.parse(run(app, "npx", "vedette", "schema").stdout), JSON.parse(schema));
  assert.match(run(app, "npx", "vedette", "print-config", "-c", example).stdout, /endpoint: 127\.0\.0\.1:4317/);
});

test("a plugin that create makes passes its test, and is packed and installed like any package", () => {
  run(app, "npx", "vedette", "create", "plugin", "tapped", "--kind", "receiver");
  run(plugin, "npm", "install");
  run(plugin, "npm", "test");
  run(plugin, "npm", "pack", "--silent");
  run(app, "npm", "install", "./tapped/vedette-tapped-0.1.0.tgz");
});

const TYPESCRIPT = `import { defineExtension, z, type ExtensionHost } from "vedette";
export default defineExtension({
  type: "from_ts", stability: "alpha", summary: "Says that it is ready.", config: z.object({}),
  create: (_: object, host: ExtensionHost) => ({ ready: (is: boolean) => host.log.info(\`from_ts \${is}\`) }),
});
`;
const JAVASCRIPT = `import { defineExporter, z } from "vedette";
import { protobufToJson } from "vedette/otlp";
export default defineExporter({
  type: "from_js", stability: "alpha", summary: "Logs what it is given.", sends: false, signals: ["metrics"], config: z.object({}),
  create: (_, host) => ({ async export({ bytes, items }) { host.log.info("from_js", { items, json: protobufToJson("metrics", bytes).length > 2 }); } }),
});
`;
// bcrypt, a thread of its own, and storage, on SQLite: what is most likely to be missing from a build
const CONFIG = `plugins: [./mine.ts, ./mine.js, vedette-tapped]
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } }
  otlp/closed: { protocols: { http: { endpoint: "127.0.0.1:0", auth: { authenticator: basicauth } } } }
  tapped: { endpoint: "127.0.0.1:0" }
processors: { memory_limiter: , batch: , ewma: }
exporters:
  debug:
  from_js:
  otlp_http: { endpoint: "http://127.0.0.1:9", sending_queue: { storage: file_storage } }
extensions:
  from_ts:
  file_storage: { directory: ./queue, create_directory: true }
  basicauth: { htpasswd: { inline: "me:${hashSync("secret", 4)}" } }
  zpages: { endpoint: "127.0.0.1:0" }
  health_check: { endpoint: "127.0.0.1:0" }
  anomaly_store: { directory: ./anomalies }
  dashboard: { endpoint: "127.0.0.1:0" }
service:
  extensions: [from_ts, file_storage, basicauth, zpages, health_check, anomaly_store, dashboard]
  pipelines:
    metrics: { receivers: [otlp, otlp/closed, tapped], processors: [memory_limiter, ewma], exporters: [debug, from_js] }
    logs: { receivers: [otlp], processors: [batch], exporters: [otlp_http] }
`;

test("run takes plugins in TypeScript, in JavaScript and by a package's name, and stops in order", async (t) => {
  const outside = join(app, "config");
  mkdirSync(outside);
  for (const [name, text] of Object.entries({ "mine.ts": TYPESCRIPT, "mine.js": JAVASCRIPT, "vedette.yaml": CONFIG })) {
    writeFileSync(join(outside, name), text);
  }
  // what npx starts, without npx between it and the signal
  const agent = spawn(join(app, "node_modules/.bin/vedette"), ["run", "--config", "config/vedette.yaml"], {
    cwd: app,
    env,
  });
  t.after(() => agent.kill("SIGKILL"));
  const said = listening(agent);
  await said.until(/ is running/);
  assert.match(said.text, /from_ts true/);
  for (const [component, path] of [
    ["otlp", "/v1/metrics"],
    ["otlp/closed", "/v1/metrics"],
    ["tapped", "/"],
  ]) {
    const [, endpoint] = new RegExp(` ${component}: listening .*endpoint="([^"]+)"`).exec(said.text)!;
    const { bytes } = generate.metrics({ points: 10 }).next().value!;
    const headers = { "content-type": "application/x-protobuf", authorization: `Basic ${btoa("me:secret")}` };
    const answer = await fetch(`http://${endpoint}${path}`, { method: "POST", headers, body: Buffer.from(bytes) });
    assert.equal(answer.status, 200, component);
  }
  const [, page] = / dashboard: listening .*endpoint="([^"]+)"/.exec(said.text)!;
  for (const path of ["/", "/page/main.js", "/page/style.css", "/lib/preact.js", "/api/v1/incidents"]) {
    const answer = await fetch(`http://${page}${path}`);
    assert.equal(answer.status, 200, path);
    assert.ok((await answer.text()).length > 10, path);
  }
  await said.until(/(^metrics: .*[\s\S]*){3}/m);
  await said.until(/from_js {2}items=\d+ json=true[\s\S]*from_js {2}items=\d+ json=true/);
  agent.kill("SIGTERM");
  assert.deepEqual(await once(agent, "exit"), [0, null], said.text);
  assert.match(said.text, /from_ts false/);
});

/** What a process says, and a wait for something in it. */
function listening(child: ChildProcess) {
  const said = {
    text: "",
    async until(pattern: RegExp) {
      while (!pattern.test(said.text)) {
        const ended = once(child, "exit").then(([code]) => assert.fail(`it ended with ${code}\n${said.text}`));
        await Promise.race([ended, once(child.stdout!, "data"), once(child.stderr!, "data")]);
      }
    },
  };
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding("utf8").on("data", (text) => (said.text += text));
  return said;
}
