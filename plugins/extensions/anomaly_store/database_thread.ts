// The thread that owns the file: what is asked of it is done in order, one thing at a time.
import { parentPort, workerData } from "node:worker_threads";
import { setAside } from "vedette";
import type { Answered, Aside, Asked } from "./database.ts";
import { Keeper, Refused } from "./keeper.ts";
import { explained, isBusy, isDamage, openFile, salvage, UnusableFile } from "./sqlite_file.ts";

const { path } = workerData as { path: string };
let keeper: Keeper | undefined;

/** Begins a new file with what can be read of the one that is there, which cannot be used. */
function replace(why: string, now: number): Aside {
  const aside = setAside(path, now);
  const sql = openFile(path);
  keeper = new Keeper(sql);
  return { why, path: aside, saved: salvage(aside, sql) };
}

function open(now: number): Aside | undefined {
  try {
    keeper = new Keeper(openFile(path));
    return undefined;
  } catch (error) {
    if (!(error instanceof UnusableFile)) throw error;
    return replace(error.message, now);
  }
}

function perform({ name, args, now }: Asked): Pick<Answered, "value" | "aside"> {
  if (name === "open") return { aside: open(now) };
  if (name === "close") {
    keeper?.close();
    keeper = undefined;
    return {};
  }
  const ask = () => (keeper![name] as (...args: readonly unknown[]) => unknown)(...args);
  try {
    return { value: ask() };
  } catch (error) {
    if (!isDamage(error)) throw error;
    keeper?.close();
    const aside = replace("it is damaged", now);
    return { value: ask(), aside };
  }
}

parentPort!.on("message", (asked: Asked) => {
  let answered: Omit<Answered, "id">;
  try {
    answered = perform(asked);
  } catch (error) {
    const kind = error instanceof Refused ? "refused" : isBusy(error) ? "busy" : "failed";
    answered = { error: { message: explained(error), kind } };
  }
  parentPort!.postMessage({ ...answered, id: asked.id } satisfies Answered);
});
