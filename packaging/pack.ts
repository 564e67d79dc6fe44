// `npm pack` and `npm publish` run this before ("prepack") and after ("postpack"): the package holds JavaScript, a clone TypeScript.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = new URL("../", import.meta.url);
const MANIFEST = new URL("package.json", ROOT);
/** The clone's package.json while the package's stands in its place. */
const KEPT = new URL(".package.json.clone", ROOT);
const DIST = new URL("dist/", ROOT);
/** A program of its own, for browsers. */
const PAGE = "plugins/extensions/dashboard/page";

type Manifest = Record<string, unknown> & { version: string; exports: Readonly<Record<string, string>> };

/** What is published of a clone's package.json: built files with their types, no runtime and no tools of ours. */
export function published(manifest: Manifest): Manifest {
  const { scripts, devDependencies, optionalDependencies, ...rest } = manifest;
  const built = (source: string) => {
    const path = source.replace(/^\.\/(.*)\.ts$/, "./dist/$1");
    return { types: `${path}.d.ts`, default: `${path}.js` };
  };
  return {
    ...rest,
    bin: { vedette: "dist/src/main.js" },
    exports: {
      ...Object.fromEntries(Object.entries(manifest.exports).map(([name, source]) => [name, built(source)])),
      "./package.json": "./package.json",
    },
  };
}

/** Builds `dist`, and lets package.json be the published one. */
function prepack(): void {
  postpack(); // after a pack that was cut off
  rmSync(DIST, { recursive: true, force: true });
  const tsc = fileURLToPath(new URL("node_modules/typescript/bin/tsc", ROOT));
  const compile = (...options: string[]) => {
    const { status } = spawnSync(process.execPath, [tsc, ...options], { cwd: ROOT, stdio: "inherit" });
    if (status !== 0) throw new Error("tsc found errors; nothing is packed");
  };
  compile("-p", "tsconfig.build.json");
  const built = ["--noEmit", "false", "--outDir", "dist", "--rootDir", ".", "--rewriteRelativeImportExtensions"];
  compile("-p", PAGE, ...built);
  for (const file of readdirSync(new URL(PAGE, ROOT))) {
    if (/\.(html|css|svg)$/.test(file)) cpSync(new URL(`${PAGE}/${file}`, ROOT), new URL(`${PAGE}/${file}`, DIST));
  }
  const manifest = JSON.parse(readFileSync(MANIFEST, "utf8")) as Manifest;
  // nearest to the built files, so without a name: "vedette" must mean the whole package there
  const { version, type } = manifest;
  writeFileSync(new URL("package.json", DIST), `${JSON.stringify({ version, type })}\n`);
  cpSync(new URL("templates/", ROOT), new URL("templates/", DIST), { recursive: true });
  renameSync(MANIFEST, KEPT);
  writeFileSync(MANIFEST, `${JSON.stringify(published(manifest), null, 2)}\n`);
}

function postpack(): void {
  if (existsSync(KEPT)) renameSync(KEPT, MANIFEST);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ({ prepack, postpack })[process.argv[2] as "prepack"]();
