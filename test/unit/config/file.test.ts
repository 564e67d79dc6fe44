// Where a configuration comes from: files, inline text, variables, --set; how they merge and what may be in them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { readDraft } from "../../../src/config/file.ts";
import { formatProblem } from "../../../src/config/problems.ts";
import type { Tree } from "../../../src/config/tree.ts";

const folder = mkdtempSync(join(tmpdir(), "vedette-config-"));
test.after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

function plain(tree: Tree): unknown {
  if (tree.kind === "leaf") return tree.value;
  if (tree.kind === "list") return tree.items.map(plain);
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plain(value)]));
}

async function read(config: string[], set: string[] = [], env: Record<string, string> = {}) {
  const draft = await readDraft({ config, set }, env);
  return { ...draft, value: plain(draft.root) as any, said: draft.problems.map(formatProblem) };
}

test("later sources win: maps merge deeply, lists and scalars are replaced, a null clears", async () => {
  const first = file("first.yaml", "receivers: {otlp: {a: 1, list: [1, 2], b: {c: 1}}}\nexporters: {debug: {x: 1}}\n");
  const second = file(
    "second.yaml",
    "receivers: {otlp: {a: 2, list: [3], b: {d: 2}}, file: {}}\nexporters: {debug:}\n",
  );
  const { value, said } = await read([first, second], ["receivers.otlp.b.c=9"]);
  assert.deepEqual(said, []);
  assert.deepEqual(value, {
    receivers: { otlp: { a: 2, list: [3], b: { c: 9, d: 2 } }, file: {} },
    exporters: { debug: null },
  });
});

test("inline text, a variable and file: are sources, and a key a::b stands for two maps", async () => {
  const third = file("third.yaml", "service: {max_series: 3}");
  const env = { CONFIG: "service: {shutdown_timeout: 3s}" };
  const config = [
    "yaml:receivers::otlp::protocols: {grpc: }",
    "yaml:receivers::otlp: {x: 1}",
    "env:CONFIG",
    `file:${third}`,
  ];
  const { value, said } = await read(config, [], env);
  assert.deepEqual(said, []);
  assert.deepEqual(value, {
    receivers: { otlp: { protocols: { grpc: null }, x: 1 } },
    service: { shutdown_timeout: "3s", max_series: 3 },
  });
});

test("--set takes a path with dots or ::, and any YAML value", async () => {
  const { value, said } = await read(
    [],
    ["processors.ewma.alpha=0.5", "receivers::otlp/v1.2::name=a=b", "service.extensions=[a, b]", "exporters.debug="],
  );
  assert.deepEqual(said, []);
  assert.deepEqual(value, {
    processors: { ewma: { alpha: 0.5 } },
    receivers: { "otlp/v1.2": { name: "a=b" } },
    service: { extensions: ["a", "b"] },
    exporters: { debug: null },
  });
});

test("a variable alone has YAML's type, in a text it is text, and never becomes structure", async () => {
  const env = {
    PORT: "4317",
    ON: "true",
    MAP: "{a: 1}",
    BLOCK: "x\n- y: z",
    HASH: "#1",
    TAG: "!!int 5",
    EMPTY: "",
    D: `\${PORT}`,
  };
  const text = `yaml:{port: "\${env:PORT}", text: ":\${PORT}", on: "\${ON}", map: "\${MAP}", block: "\${BLOCK}",
    hash: "\${HASH}", tag: "\${TAG}", empty: "\${EMPTY}", again: "\${D}", fallback: "\${env:NO:-7}",
    nested: "\${env:NO:-\${env:NO2:-x\${PORT}}}", none: "\${NO:-}", dollars: "$$\${PORT} $\${PORT} ^a$ $1"}`;
  const { value, said } = await read([text], [], env);
  assert.deepEqual(said, []);
  assert.deepEqual(value, {
    port: 4317,
    text: ":4317",
    on: true,
    map: "{a: 1}",
    block: "x\n- y: z",
    hash: "#1",
    tag: "!!int 5",
    empty: null,
    again: `\${PORT}`,
    fallback: 7,
    nested: "x4317",
    none: null,
    dollars: `$4317 \${PORT} ^a$ $1`,
  });
});

test("what cannot be read is a problem with the source's name, and nothing else is concluded", async () => {
  const missing = join(folder, "missing.yaml");
  const binary = file("binary.yaml", new Uint8Array([0x61, 0xff, 0xfe]));
  const large = file("large.yaml", "#".repeat(2 ** 20 + 1));
  const { said, complete } = await read(
    [missing, folder, binary, large, "env:NO", "https://example.org/c.yaml"],
    ["no value", "a..b=1", "a={"],
  );
  assert.equal(complete, false);
  assert.deepEqual(said, [
    `${missing}:1:1 unreadable-file: cannot be read: there is no such file`,
    `${folder}:1:1 unreadable-file: cannot be read: it is a folder`,
    `${binary}:1:1 unreadable-file: cannot be read: it is not UTF-8 text`,
    `${large}:1:1 unreadable-file: cannot be read: it is larger than 1048576 bytes`,
    'env:NO:1:1 missing-variable: the environment variable "NO" is not set',
    'https://example.org/c.yaml:1:1 unknown-source: cannot read from "https:"; use a path, file:PATH, yaml:TEXT or env:NAME',
    '--set:1:1 invalid-setting: write it as in --set "processors.ewma.alpha=0.1"',
    '--set:1:1 invalid-key: "a..b" is no path of keys: it has an empty part, or more than 64 parts',
    "--set:1:4 yaml-syntax: Flow map must end with a }",
  ]);
});

test("anchors are shared and merge keys fill in what is not written", async () => {
  const { value, said } = await read([
    "yaml:{a: &a {x: 1, y: {z: 2}}, b: {<<: *a, x: 3}, c: {<<: [{x: 4}, *a]}, d: *a, e: {'<<': 1}}",
  ]);
  assert.deepEqual(said, []);
  assert.deepEqual(value, {
    a: { x: 1, y: { z: 2 } },
    b: { x: 3, y: { z: 2 } },
    c: { x: 4, y: { z: 2 } },
    d: { x: 1, y: { z: 2 } },
    e: { "<<": 1 },
  });
});

test("aliases cannot be a bomb, and neither size nor depth is without bound", async () => {
  const bomb = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join("\n");
  const chain = Array.from({ length: 90 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`).join("\n");
  const codes = async (text: string) => {
    const { problems } = await readDraft({ config: [`yaml:${text}`], set: [] }, { LONG: "x".repeat(1 << 17) });
    return [...new Set(problems.map(({ code }) => code))];
  };
  assert.deepEqual(await codes(`a0: &a0 [x, x]\n${bomb}`), ["too-large"]);
  assert.deepEqual(await codes(`a0: &a0 [x]\n${chain}`), ["too-deep"]);
  assert.deepEqual(await codes(`a: ${"[".repeat(80)}${"]".repeat(80)}`), ["too-deep"]);
  assert.deepEqual(await codes(`${"a::".repeat(200)}a: 1`), ["invalid-key"]);
  assert.deepEqual(await codes(`a: [${"x,".repeat(100_001)}]`), ["too-large"]);
  assert.deepEqual(await codes(`a: "${`\${LONG}`.repeat(20)}"`), ["too-large"]);
  assert.deepEqual(await codes(`a: "${`\${N:-`.repeat(50)}${"}".repeat(50)}"`), ["invalid-variable"]);
  assert.deepEqual(await codes("a: &a [*a]"), ["unknown-alias"]);
});

test("the registry learns what to import, and from which folder", async () => {
  const path = file(
    "uses.yaml",
    "plugins: [./mine.ts, 3, other]\nprocessors: {ewma: , 'ewma / b': {}, No: {}}\nexporters: text\n",
  );
  const { plugins, uses } = await read([path]);
  assert.deepEqual(plugins, [
    { specifier: "./mine.ts", from: folder, secret: false, location: { file: path, line: 1, column: 11 } },
    { specifier: "other", from: folder, secret: false, location: { file: path, line: 1, column: 25 } },
  ]);
  assert.deepEqual(
    uses.map(({ section, type, id, location }) => [section, type, id, location.column]),
    [
      ["processors", "ewma", "ewma", 14],
      ["processors", "ewma", "ewma/b", 22],
    ],
  );
});
