// Tells when configuration files change: by looking, which works for mounted and linked ones as for any other.
import { statSync } from "node:fs";

const EVERY = 1000;

export interface Watch {
  /** The files are about to be read: as they are now, they are known. */
  settle(): void;
  close(): void;
}

/**
 * Calls `changed` once the files differ from what they were and have stood still for a look. A file that is away, as for a moment
 * while an editor writes it, is waited for; names that are no files are left alone.
 */
export function watchFiles(names: readonly string[], changed: () => void): Watch {
  const files = names.filter((name) => stampOf(name) !== undefined);
  let settled = files.map(stampOf).join("\n");
  let last = settled;
  const timer = setInterval(() => {
    const stamps = files.map(stampOf);
    if (stamps.includes(undefined)) return;
    const now = stamps.join("\n");
    const still = now === last;
    last = now;
    if (!still || now === settled) return;
    settled = now;
    changed();
  }, EVERY).unref();
  return {
    settle() {
      settled = files.map(stampOf).join("\n");
    },
    close: () => clearInterval(timer),
  };
}

function stampOf(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat?.isFile() ? `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs}` : undefined;
}
