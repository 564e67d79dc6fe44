// Configurations as a Collector's user writes them load unchanged, and run; what we do not have is named.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import test, { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { load } from "../../src/commands/load.ts";
import { effectiveConfig } from "../../src/config/effective.ts";
import { formatProblem, isError } from "../../src/config/problems.ts";
import { folderWith, type Running, request, type Scope, startWith } from "../agent.ts";
import { authority, withoutOpenssl } from "../certificates.ts";
import { expectedProblems } from "../expected_problems.ts";
import { gauge } from "../requests.ts";

const home = fileURLToPath(new URL("../golden/collector/", import.meta.url));
const files = readdirSync(home).filter((name) => name.endsWith(".yaml"));

const environment = {
  INGEST_TOKEN: "a-token",
  BASIC_AUTH_USERNAME: "somebody",
  BASIC_AUTH_PASSWORD: "a-password",
  VENDOR_A_KEY: "a-key",
  VENDOR_B_KEY: "another-key",
  MY_POD_IP: "127.0.0.1",
};
Object.assign(process.env, environment);

test("there are as many configurations as promised, each saying what it is", () => {
  assert.ok(files.length >= 18, `${files.length}`);
  for (const name of files) assert.match(readFileSync(join(home, name), "utf8"), /^# [A-Z].*\.\n/, name);
});

const schema = new Ajv2020({ strict: false, allErrors: true }).compile(
  JSON.parse(readFileSync(new URL("../../docs/config.schema.json", import.meta.url), "utf8")),
);

for (const name of files) {
  test(`${name} is valid for an editor too`, () => {
    const text = readFileSync(join(home, name), "utf8");
    assert.ok(schema(parse(text, { merge: true })), JSON.stringify(schema.errors));
  });

  test(`${name} is valid, and so is what print-config makes of it`, async () => {
    const { config, draft, registry, problems } = await load({ config: [join(home, name)], set: [] });
    assert.ok(config, problems.map(formatProblem).join("\n"));
    const effective = effectiveConfig(draft, registry.schemaOf);
    const text = JSON.stringify(effective);
    for (const [key, value] of Object.entries(environment)) {
      if (key !== "MY_POD_IP") assert.ok(!text.includes(value), `${key} is shown`);
    }
    // "(redacted)" need not be what the option wants
    if (text.includes("(redacted)")) return;
    const again = await load({ config: [`yaml:${text}`], set: [] });
    assert.deepEqual(again.problems.filter(isError).map(formatProblem), []);
    assert.deepEqual(effectiveConfig(again.draft, again.registry.schemaOf), effective);
  });
}

/** A folder with everything that the configurations name. */
function surroundings(scope: Scope): { folder: string; ca_file: string } {
  const folder = folderWith(scope);
  mkdirSync(join(folder, "secrets"));
  writeFileSync(join(folder, "secrets", "token"), "a-token\n");
  // "somebody" with the SHA-1 of "secret"
  writeFileSync(join(folder, "secrets", ".htpasswd"), "somebody:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n");
  mkdirSync(join(folder, "storage", "queue"), { recursive: true });
  const certificates = authority(folder, "certs");
  for (const who of ["server", "client"]) certificates.issue(who);
  return { folder, ca_file: certificates.ca_file };
}

/** `--set` for every address to listen on, so that each is a free port of the loopback interface. */
function onFreePorts(config: any): string[] {
  const settings: string[] = ["service::telemetry::logs::level=info"];
  for (const [id, receiver] of Object.entries<any>(config.receivers)) {
    for (const protocol of Object.keys(receiver.protocols)) {
      settings.push(`receivers::${id}::protocols::${protocol}::endpoint=127.0.0.1:0`);
    }
  }
  for (const id of Object.keys(config.extensions ?? {})) {
    if (/^(health_check|zpages)/.test(id)) settings.push(`extensions::${id}::endpoint=127.0.0.1:0`);
  }
  const readers = config.service.telemetry?.metrics?.readers ?? [{ pull: { exporter: { prometheus: {} } } }];
  for (const { pull } of readers) if (pull) pull.exporter.prometheus = { host: "127.0.0.1", port: 0 };
  settings.push(`service::telemetry::metrics::readers=${JSON.stringify(readers)}`);
  return settings.flatMap((setting) => ["--set", setting]);
}

const started = async (scope: Scope, name: string, folder: string): Promise<Running> =>
  startWith(
    scope,
    ["run", "-c", join(home, name), ...onFreePorts(parse(readFileSync(join(home, name), "utf8"), { merge: true }))],
    folder,
  );

describe("as a process", { concurrency: 2, skip: withoutOpenssl }, () => {
  for (const name of files) {
    test(`${name} runs, and stops in order`, async (t) => {
      const { folder } = surroundings(t);
      const agent = await started(t, name, folder);
      assert.equal(await agent.stop(), 0, agent.output.stderr);
    });
  }

  test("what quick_start receives is printed, what file_exporter receives is in its file", async (t) => {
    const { folder } = surroundings(t);
    const printing = await started(t, "quick_start.yaml", folder);
    const filing = await started(t, "file_exporter.yaml", folder);
    const points = gauge(
      "checkout",
      "queue.length",
      [1, 2, 3].map((value) => ({ time: Date.now() + value, value })),
    );
    for (const agent of [printing, filing]) {
      const { status } = await request(agent.at("otlp", "http"), "/v1/metrics", points);
      assert.equal(status, 200);
    }
    assert.deepEqual([await printing.stop(), await filing.stop()], [0, 0]);
    assert.match(printing.output.stdout, /^metrics: 3 data points$/m);
    assert.match(readFileSync(join(folder, "foo.rotated.json"), "utf8"), /^\{"resourceMetrics":/);
  });

  test("health_check answers over TLS where it is told to", async (t) => {
    const { folder, ca_file } = surroundings(t);
    const agent = await started(t, "health_check.yaml", folder);
    const options = { ca: readFileSync(ca_file), agent: false as const };
    const { port } = new URL(`tcp://${agent.at("health_check/tls", "http")}`);
    const status = new Promise((resolve, reject) => {
      https
        .get(`https://localhost:${port}/`, options, (response) => resolve(response.resume().statusCode))
        .on("error", reject);
    });
    assert.equal(await status, 200);
    assert.equal((await request(agent.at("health_check", "http"), "/health/status")).body.toString(), "I am good");
    assert.equal(await agent.stop(), 0);
  });
});

const mistakes = new URL("../golden/collector_mistakes/", import.meta.url);

for (const name of readdirSync(mistakes)) {
  test(`what ${name} asks for that there is not is named with its place, and what there is`, async () => {
    const path = fileURLToPath(new URL(name, mistakes));
    const { config, problems } = await load({ config: [path], set: [] });
    assert.equal(config, undefined);
    const found = problems.map((problem) => formatProblem(problem).slice(path.length + 1));
    assert.deepEqual(found, expectedProblems(readFileSync(path, "utf8")));
  });
}
