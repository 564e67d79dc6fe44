// Who may import whom, where files may lie, and how each begins: held as data, checked on every source file.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { posix } from "node:path";
import test from "node:test";
import manifest from "../package.json" with { type: "json" };

interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/**
 * What the files of a folder may import beside its own files: folders of ours, "node:", packages. The first prefix that fits
 * counts; a folder that is not listed may not be there.
 */
const MAY_IMPORT: readonly (readonly [prefix: string, imports: readonly string[]])[] = [
  ["src/api/", ["zod", "@opentelemetry/api", "node:"]],
  ["src/counts/", ["src/api/", "node:"]],
  ["src/http/", ["src/api/", "node:"]],
  ["src/otlp/", ["src/api/", "node:", "package.json"]],
  ["src/series/", ["src/api/", "src/otlp/columns.ts", "node:"]],
  ["src/observe/", ["src/api/", "node:", "@opentelemetry/"]],
  ["src/config/", ["src/api/", "src/observe/options.ts", "node:", "zod", "yaml"]],
  ["src/traces/", ["src/api/", "src/otlp/", "src/series/", "node:"]],
  ["src/pipeline/", ["src/api/", "src/otlp/", "src/series/", "src/traces/", "node:"]],
  ["src/history/", ["src/api/", "src/otlp/", "src/pipeline/", "src/traces/"]],
  ["src/replay/", ["src/", "!src/testing/", "!src/commands/", "!src/backtest/", "@opentelemetry/api", "node:"]],
  ["src/rehearsal/", ["src/", "!src/testing/", "!src/commands/", "!src/backtest/", "node:"]],
  ["src/backtest/", ["src/api/", "src/replay/", "node:"]],
  ["src/demo/", ["src/", "!src/testing/", "!src/commands/", "@opentelemetry/", "node:"]],
  ["src/commands/", ["src/", "!src/testing/", "yaml", "node:", "package.json"]],
  ["src/testing/", ["src/", "@opentelemetry/api", "node:"]],
  ["src/", ["src/", "!src/testing/", "@opentelemetry/api", "node:", "package.json"]],
  [
    "plugins/extensions/dashboard/page/",
    ["preact", "preact/hooks", "uplot", "plugins/extensions/dashboard/contract.ts"],
  ],
  [
    "plugins/",
    ["vedette", "vedette/counts", "vedette/http", "vedette/otlp", "node:", ...Object.keys(manifest.dependencies)],
  ],
  ["templates/", ["vedette", "vedette/counts", "vedette/http", "vedette/otlp", "vedette/testing", "node:"]],
  ["packaging/", ["*"]],
  ["test/", ["*"]],
  ["bench/", ["*"]],
  ["docs/", ["*"]],
];

/** Folders between the root and a file. */
const DEEPEST: Readonly<Record<string, number>> = { src: 2, plugins: 3, "plugins/extensions/dashboard/page": 4 };
const NAMELESS_FOLDERS = /^(utils?|common|helpers?|types|shared|misc)$/;
const NAMELESS_FILES = /^base[_A-Z]|(_manager|_impl|_utils?|_helpers?)\.ts$/;

/** Modules named in static imports, re-exports and dynamic imports of a literal. */
function importsOf(text: string): string[] {
  const fixed = /^(?:import\s(?:[\w*{}\s,$]+?\sfrom\s)?|import\s*|export\s[\w*{}\s,$]+?\sfrom\s)["']([^"']+)["']/gm;
  const dynamic = /\bimport\(\s*["']([^"']+)["']\s*[,)]/g;
  return [...text.matchAll(fixed), ...text.matchAll(dynamic)].map((match) => match[1]);
}

/** The folder that a file calls its own: a plugin's, or one of src. */
function homeOf(path: string): string {
  return `${path
    .split("/")
    .slice(0, path.startsWith("plugins/") ? 3 : 2)
    .join("/")}/`;
}

function mayImport(path: string, specifier: string): boolean {
  const allowed = MAY_IMPORT.find(([prefix]) => path.startsWith(prefix))?.[1] ?? [];
  if (allowed.includes("*")) return true;
  if (builtinModules.includes(specifier) && !specifier.startsWith("node:")) return false;
  const target = specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
  if (specifier.startsWith(".") && target.startsWith(homeOf(path))) return true;
  const fits = (rule: string) => (/[/:]$/.test(rule) ? target.startsWith(rule) : target === rule);
  if (allowed.some((rule) => rule.startsWith("!") && fits(rule.slice(1)))) return false;
  return allowed.some(fits);
}

/** One line each, by file. */
function violationsOf(sources: readonly Source[]): string[] {
  const violations: string[] = [];
  for (const { path, text } of sources) {
    const report = (what: string) => violations.push(`${path}: ${what}`);
    const folders = path.split("/").slice(0, -1);
    const deepest = DEEPEST[folders.join("/")] ?? DEEPEST[folders[0]];
    if (!MAY_IMPORT.some(([prefix]) => path.startsWith(prefix))) report("this folder is not in the table");
    if (folders.length > deepest) report(`lies deeper than ${deepest} folders`);
    const nameless = folders.find((folder) => NAMELESS_FOLDERS.test(folder));
    if (nameless) report(`the folder ${nameless} is not about anything`);
    if (NAMELESS_FILES.test(posix.basename(path))) report("the file is not named for what it is about");
    if (!/^(#!.*\n)?\/[/*] ?\S/.test(text)) report("line 1 does not say what the file is for");
    for (const specifier of importsOf(text)) {
      if (!mayImport(path, specifier)) report(`may not import ${specifier}`);
    }
  }
  return violations;
}

function sources(): Source[] {
  const root = new URL("../", import.meta.url);
  return ["src", "plugins", "templates", "packaging", "test", "bench", "docs"].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
      .map((path) => ({ path, text: readFileSync(new URL(path, root), "utf8") })),
  );
}

test("every file imports only what its folder may, lies where it should and begins by saying what it is for", () => {
  assert.deepEqual(violationsOf(sources()), []);
});

test("the check reads the whole repository", () => {
  const paths = sources().map(({ path }) => path);
  for (const known of [
    "src/main.ts",
    "src/api/index.ts",
    "plugins/processors/ewma/index.ts",
    "test/architecture.test.ts",
  ]) {
    assert.ok(paths.includes(known), known);
  }
});

const planted: readonly (readonly [path: string, text: string, violation: string])[] = [
  ["src/api/a.ts", 'import { parse } from "yaml";', "may not import yaml"],
  ["src/api/a.ts", 'import type { Wire } from "../otlp/wire.ts";', "may not import ../otlp/wire.ts"],
  ["src/otlp/a.ts", 'export * from "../series/table.ts";', "may not import ../series/table.ts"],
  ["src/pipeline/a.ts", 'import {\n  a,\n  type B,\n} from "../config/file.ts";', "may not import ../config/file.ts"],
  ["src/config/a.ts", 'const late = await import("../agent.ts");', "may not import ../agent.ts"],
  ["src/config/a.ts", 'import fs from "fs";', "may not import fs"],
  ["src/agent.ts", 'import { fakeHost } from "./testing/index.ts";', "may not import ./testing/index.ts"],
  [
    "src/registry.ts",
    'import e from "../plugins/processors/ewma/index.ts";',
    "may not import ../plugins/processors/ewma/index.ts",
  ],
  ["plugins/processors/a/index.ts", 'import "../b/index.ts";', "may not import ../b/index.ts"],
  ["plugins/processors/a/index.ts", 'import x from "../../../src/agent.ts";', "may not import ../../../src/agent.ts"],
  ["plugins/processors/a/index.ts", 'import { fakeHost } from "vedette/testing";', "may not import vedette/testing"],
  ["plugins/processors/a/index.ts", 'import lodash from "lodash";', "may not import lodash"],
  ["plugins/processors/a/b/c.ts", "", "lies deeper than 3 folders"],
  ["src/otlp/deep/a.ts", "", "lies deeper than 2 folders"],
  ["src/utils/a.ts", "", "the folder utils is not about anything"],
  ["src/otlp/base_scan.ts", "", "the file is not named for what it is about"],
  ["other/a.ts", "", "this folder is not in the table"],
];

for (const [path, text, violation] of planted) {
  test(`a planted violation is caught: ${path} ${violation}`, () => {
    assert.ok(violationsOf([{ path, text: `// About.\n${text}\n` }]).includes(`${path}: ${violation}`));
  });
}

test("a file without a first comment is caught, and a shebang may come before it", () => {
  const first = (text: string) => violationsOf([{ path: "src/main.ts", text }]);
  assert.deepEqual(first('import "node:fs";\n// Late.\n'), ["src/main.ts: line 1 does not say what the file is for"]);
  assert.deepEqual(first("#!/usr/bin/env node\n// The command line.\n"), []);
});

test("what is allowed is not reported", () => {
  const allowed: Source[] = [
    {
      path: "src/pipeline/a.ts",
      text: '// A.\nimport { z } from "../api/index.ts";\nimport "node:fs";\nexport const x = "../agent.ts";\n',
    },
    {
      path: "plugins/exporters/a/b.ts",
      text: '// A.\nimport { z } from "vedette";\nimport { c } from "./c.ts";\nimport "zod";\n',
    },
    { path: "src/testing/a.ts", text: '// A.\nimport { Agent } from "../agent.ts";\n' },
  ];
  assert.deepEqual(violationsOf(allowed), []);
});
