// SQLite for components that keep a file: the module, and what becomes of a file that cannot be used.
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Files set aside that are kept of each path; older ones are deleted. */
const KEPT_ASIDE = 3;
const PARTS = ["", "-wal", "-journal", "-shm"];

/** The module, loaded when first needed. Node 24 warns that it is experimental, which users of an agent cannot act on. */
export function sqlite(): typeof import("node:sqlite") {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: any[]) => {
    if (!String(warning).includes("SQLite is an experimental feature")) emitWarning.call(process, warning, ...rest);
  };
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** Renames a closed database to "PATH.set-aside-TIME" of the Unix milliseconds `now`, its log with it, and returns the new path. */
export function setAside(path: string, now: number): string {
  const prefix = `${basename(path)}.set-aside-`;
  const stamp = new Date(now).toISOString().replace(/[:.]/g, "-");
  let aside = join(dirname(path), prefix + stamp);
  for (let i = 2; existsSync(aside); i++) aside = join(dirname(path), `${prefix}${stamp}-${i}`);
  for (const part of PARTS) if (existsSync(path + part)) renameSync(path + part, aside + part);
  const old = readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix) && !PARTS.some((part) => part !== "" && name.endsWith(part)))
    .sort()
    .slice(0, -KEPT_ASIDE);
  for (const name of old) for (const part of PARTS) rmSync(join(dirname(path), name + part), { force: true });
  return aside;
}
