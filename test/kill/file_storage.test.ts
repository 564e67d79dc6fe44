// The storage of queues between processes: killed in the middle of its work, held by another, on a disk that takes no more.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";
import { fakeHost } from "vedette/testing";
import plugin from "../../plugins/extensions/file_storage/index.ts";
import { eventually, folderWith } from "../agent.ts";

/** A process that runs `work` with an open store `store`, and says things line by line. */
function keeper(t: TestContext, options: object, work: string): { child: ChildProcess; lines: string[] } {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import plugin from ${at("../../plugins/extensions/file_storage/index.ts")};
    import { fakeHost } from ${at("../../src/testing/index.ts")};
    const host = fakeHost();
    const extension = plugin.create(plugin.config.parse(${JSON.stringify(options)}), host);
    await extension.start();
    const store = await extension.open("q");
    const say = (line) => process.stdout.write(line + "\\n");
    ${work}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] });
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => lines.push(line));
  t.after(() => child.kill("SIGKILL"));
  return { child, lines };
}

async function storage(t: TestContext, options: object) {
  const host = fakeHost();
  const extension = plugin.create(plugin.config.parse(options), host);
  await extension.start!();
  t.after(() => extension.stop!());
  return { host, open: () => extension.open!("q") };
}

for (const fsync of [false, true]) {
  test(`every record that was flushed is there after SIGKILL, fsync: ${fsync}`, async (t) => {
    const directory = folderWith(t);
    const flushed = new Set<number>();
    for (let life = 1; life <= 5; life++) {
      const { child, lines } = keeper(
        t,
        { directory, fsync },
        `for (;;) {
          const keys = [1, 2, 3].map(() => store.append(Buffer.alloc(Math.random() * 20_000, 7), "note"));
          await store.flush();
          say(keys.join());
        }`,
      );
      await eventually("records", () => lines.length >= 20 * life);
      child.kill("SIGKILL");
      await once(child, "close");
      for (const key of lines.flatMap((line) => line.split(",").map(Number))) flushed.add(key);
      const { host, open } = await storage(t, { directory });
      const store = await open();
      const kept = new Set(store.entries().map(({ key }) => key));
      for (const key of flushed) assert.ok(kept.has(key) && store.read(key)!.every((byte) => byte === 7), `${key}`);
      assert.deepEqual(
        host.logged.filter(({ level }) => level === "error"),
        [],
      );
      await store.close();
    }
  });
}

test("two processes cannot have it at once; the death of one lets the other in", async (t) => {
  const directory = folderWith(t);
  const { child, lines } = keeper(
    t,
    { directory },
    `store.append(Buffer.from("x"), ""); await store.flush(); say("open"); setInterval(() => {}, 1000)`,
  );
  await eventually("the other process", () => lines.includes("open"));
  const impatient = await storage(t, { directory, timeout: "20ms" });
  await assert.rejects(impatient.open(), /q\.db, is in use by another process.*directory of its own/);
  const patient = await storage(t, { directory, timeout: "20s" });
  const waiting = patient.open();
  child.kill("SIGKILL");
  assert.equal((await waiting).entries().length, 1);
});

test("a disk that takes no more is an error for each flush, and once it does again, all is well", {
  skip: spawnSync("prlimit", ["--version"]).error && "needs prlimit (apt-get install util-linux)",
}, async (t) => {
  const directory = folderWith(t);
  const { child, lines } = keeper(
    t,
    { directory, max_size: "1MB" },
    `
    const append = async (records) => {
      for (let i = 0; i < records; i++) store.append(Buffer.alloc(20_000), "");
      await store.flush();
    };
    const kept = () => store.entries().map(({ key }) => key);
    await append(3);
    process.stdin.once("data", async () => {
      const refused = [];
      for (const records of [30, 30, 30]) {
        await append(records).catch((error) => refused.push(error.message));
        await new Promise(setImmediate);
      }
      store.remove([1]);
      await store.flush().catch(() => {});
      say(JSON.stringify({ refused, kept: kept() }));
      process.stdin.once("data", async () => {
        while (host.reported.at(-1).status !== "ok") await new Promise((resolve) => setTimeout(resolve, 5));
        await append(30);
        say(JSON.stringify({ kept: kept() }));
        process.exit();
      });
    });
    say("open");`,
  );
  const limit = (bytes: string) => spawnSync("prlimit", ["--pid", `${child.pid}`, `--fsize=${bytes}:unlimited`]);
  await eventually("the other process", () => lines.includes("open"));
  assert.equal(limit("200000").status, 0);
  child.stdin!.write("go on\n");
  await eventually("errors", () => lines.length >= 2);
  assert.ok(statSync(join(directory, "q.db-wal")).size <= 200_000);
  const full = JSON.parse(lines[1]!);
  assert.equal(full.refused.length, 3);
  for (const message of full.refused) assert.match(message, /cannot store in .*q\.db/);
  assert.deepEqual(full.kept, [2, 3]);
  limit("unlimited");
  child.stdin!.write("go on\n");
  await once(child, "close");
  const after = JSON.parse(lines[2]!);
  assert.equal(after.kept.length, 32, "what was refused takes no room");
  assert.deepEqual(after.kept.slice(0, 2), [2, 3], "what was removed while nothing could be written stays removed");
  const store = await (await storage(t, { directory })).open();
  assert.deepEqual(
    store.entries().map(({ key }) => key),
    after.kept,
  );
});
