// A small text file of settings that is read again whenever it changes, such as tokens and passwords.
import { readFile, stat } from "node:fs/promises";
import type { Host } from "./component.ts";
import { unreadable } from "./file_failure.ts";

const EVERY = 1000;
const LARGEST = 1024 ** 2;

/**
 * Reads the file and hands its text to `take`; so again within about a second of each change, until `close`. Rejects when it
 * cannot be read now, or when `take` throws, whose message holds no secret. Later that is logged and reported, and what was
 * taken before stays. `option` names the file in messages: "htpasswd.file". Keeps no process alive.
 */
export async function watchFile(
  path: string,
  option: string,
  host: Pick<Host, "log" | "report">,
  take: (text: string) => void,
): Promise<{ close(): void }> {
  let seen = "";
  let trouble = "";
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  /** Whether there was something new, which `take` took. */
  async function look(): Promise<boolean> {
    const { text, stamp } = await read(path, seen).catch((error: NodeJS.ErrnoException) => {
      seen = "";
      throw new Error(`${option} (${path}) cannot be read: ${unreadable(error)}`, { cause: error });
    });
    if (text === undefined || closed) return false;
    seen = stamp;
    try {
      take(text);
    } catch (error) {
      throw new Error(`${option} (${path}): ${(error as Error).message}`, { cause: error });
    }
    return true;
  }

  async function again(): Promise<void> {
    try {
      if (await look()) {
        host.log.info("a changed file was read again", { option, path });
        if (trouble !== "") host.report("ok");
        trouble = "";
      }
    } catch (error) {
      const { message } = error as Error;
      if (!closed && message !== trouble) {
        trouble = message;
        host.log.error("a changed file cannot be used; what was read before stays in use", { error: message });
        host.report("recoverable_error", message);
      }
    }
    next();
  }

  function next(): void {
    if (!closed) timer = setTimeout(() => void again(), EVERY).unref();
  }

  await look();
  next();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

/** The text unless the file is as it was at `seen`. What changes after the look at it is read the next time. */
async function read(path: string, seen: string): Promise<{ text?: string; stamp: string }> {
  const about = await stat(path, { bigint: true });
  const stamp = `${about.dev} ${about.ino} ${about.size} ${about.mtimeNs} ${about.ctimeNs}`;
  if (stamp === seen) return { stamp };
  if (!about.isFile()) throw new Error("it is not a file; correct the path");
  if (about.size > LARGEST) throw new Error(`it has more than ${LARGEST} bytes; correct the path`);
  return { text: await readFile(path, "utf8"), stamp };
}
