// The documentation is true: generated parts are current, every YAML block loads, the plugin of plugins/README.md runs.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test, { after } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { generated } from "../docs/generate.ts";
import { readDraft } from "../src/config/file.ts";
import { formatProblem, isError } from "../src/config/problems.ts";
import { checkConfig } from "../src/config/shape.ts";
import { Registry } from "../src/registry.ts";
import { wiringProblems } from "../src/wiring.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...["src", "plugins", "docs", "test", "bench"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".md"))
      .map((path) => join(folder, path)),
  ),
];

test("option tables and the table of components are those of the code; npm run docs writes them", async () => {
  const stale = (await generated()).filter(({ current, wanted }) => current !== wanted);
  assert.deepEqual(
    stale.map(({ path }) => path),
    [],
  );
});

test("docs/generate.ts --check succeeds where everything is current", () => {
  const { status, stderr } = run(join(root, "docs/generate.ts"), "--check");
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
});

/** What its headings are called in links. */
function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

test("every link of every page leads to a file of the repository, and to a heading that is there", () => {
  const links = pages.flatMap((page) => {
    const text = read(page).replaceAll(/^```[\s\S]*?^```$/gm, "");
    const relative = /\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g;
    return [...text.matchAll(relative)].map(([link, path, anchor]) => ({
      place: `${page}: ${link}`,
      target: path === "" ? page : join(dirname(page), path),
      anchor,
    }));
  });
  assert.ok(links.length > 100);
  const broken = links.filter(({ target, anchor }) => {
    if (!existsSync(join(root, target))) return true;
    return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).includes(anchor);
  });
  assert.deepEqual(
    broken.map(({ place }) => place),
    [],
  );
});

interface Block {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

function blocksOf(page: string): Block[] {
  const text = read(page);
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split("\n").length + 1,
    language: match[1],
    text: match[2],
  }));
}

const PARTS = ["receivers", "processors", "connectors", "exporters", "extensions", "service"];

/** What a whole configuration needs; a fragment is laid over the example that comes with the agent, as a user would. */
const NEEDED = ["receivers", "exporters", "service"];
const EXAMPLE = join(root, "config.example.yaml");
/** A fragment that lists extensions lists its own alone: then nothing of the example may need another one. */
const WITHOUT_STORE = "yaml:{service: {pipelines: {anomalies: {processors: [episodes], exporters: [debug]}}}}";

async function problemsOf(text: string, whole: boolean): Promise<string[]> {
  const names = [...text.matchAll(/\$\{env:(\w+)\}/g)].map((match) => [match[1], "12345678"]);
  const config = [...(whole ? [] : [EXAMPLE, WITHOUT_STORE]), `yaml:${text}`];
  const draft = await readDraft({ config, set: [] }, Object.fromEntries(names));
  const registry = await Registry.load(draft);
  const checked = checkConfig(draft, registry.schemaOf, registry.known);
  const problems = [...registry.problems, ...checked.problems.filter(isError)];
  if (checked.config) problems.push(...wiringProblems(checked.config, registry));
  return problems.map(formatProblem);
}

const configurations = pages
  .flatMap(blocksOf)
  .filter(({ language }) => language === "yaml")
  .map((block) => ({ ...block, keys: Object.keys(parse(block.text) ?? {}) }))
  .filter(({ keys }) => keys.some((key) => PARTS.includes(key)) && !keys.includes("plugins"));

const schema = new Ajv2020({ strict: false }).compile(JSON.parse(read("docs/config.schema.json")));

for (const { page, line, text, keys } of configurations) {
  test(`the configuration in ${page}, line ${line}, is valid`, async () => {
    assert.deepEqual(
      await problemsOf(
        text,
        NEEDED.every((key) => keys.includes(key)),
      ),
      [],
    );
    assert.ok(schema(parse(text, { merge: true })), `an editor would object: ${JSON.stringify(schema.errors)}`);
  });
}

test("every plugin's README was looked at", () => {
  const seen = new Set(configurations.map(({ page }) => page));
  const readmes = pages.filter((page) => /^plugins.\w+.\w+.README\.md$/.test(page));
  assert.ok(readmes.length > 0);
  assert.deepEqual(
    readmes.filter((page) => !seen.has(page)),
    [],
  );
});

test("a wrong option in a block would be found", async () => {
  const [problem] = await problemsOf("processors:\n  ewma:\n    alhpa: 0.1\n", false);
  assert.match(problem, /unknown-option processors\.ewma\.alhpa/);
  const [wrong] = await problemsOf("service:\n  pipelines:\n    logs:\n      processors: [auto]\n", false);
  assert.match(wrong, /wrong-signal/);
});

const folder = mkdtempSync(join(tmpdir(), "vedette-docs-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with vedette installed, and in it what plugins/README.md names in front of each block. */
await mkdir(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules", "vedette"), "junction");
const guide = read("plugins/README.md");
for (const [, name, text] of guide.matchAll(/`([\w.]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)) {
  writeFileSync(join(folder, name), text);
}

/** Ends with the test, whatever it does: as a process of its own. */
function run(...args: string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8", timeout: 60_000 });
}

test("the plugin in plugins/README.md passes its own test", () => {
  const { status, stdout, stderr } = run("--test", "--test-reporter=tap", "double_rate.test.ts");
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^ok 1 - double_rate keeps every law$/m);
  assert.match(stdout, /^# pass 1$/m);
});

test("the configuration in plugins/README.md loads that plugin", () => {
  const { status, stdout, stderr } = run(join(root, "src/main.ts"), "validate", "--config", "config.yaml");
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "the configuration is valid\n", stderr: "" });
});

test("a plugin takes about 25 lines and its test about 10, as promised", () => {
  const lines = (name: string) => readFileSync(join(folder, name), "utf8").trim().split("\n").length;
  assert.ok(lines("double_rate.ts") <= 27, `${lines("double_rate.ts")}`);
  assert.ok(lines("double_rate.test.ts") <= 10, `${lines("double_rate.test.ts")}`);
});
