// The storage of queues: what is kept, in which order, and what becomes of files that cannot be used.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import type { Store } from "vedette";
import { fakeHost } from "vedette/testing";
import plugin from "../../plugins/extensions/file_storage/index.ts";
import { folderWith } from "../agent.ts";

type Storage = Awaited<ReturnType<typeof storage>>;

async function storage(t: TestContext, options: { directory?: string; [option: string]: unknown } = {}) {
  const directory = options.directory ?? folderWith(t);
  const host = fakeHost("file_storage");
  const extension = plugin.create(plugin.config.parse({ ...options, directory }), host);
  await extension.start!();
  t.after(() => extension.stop!());
  return { host, directory, extension, open: (name: string) => extension.open!(name), stop: () => extension.stop!() };
}

const bytes = (text: string) => Buffer.from(text);
const contents = (store: Store) => store.entries().map(({ key, note }) => [note, text(store, key)]);
const text = (store: Store, key: number) => {
  const value = store.read(key);
  return value && Buffer.from(value).toString();
};

/** What another agent would find if this one died now. */
async function afterDeath(t: TestContext, { directory }: Storage): Promise<Storage> {
  const copy = folderWith(t);
  fs.cpSync(directory, copy, { recursive: true });
  return storage(t, { directory: copy });
}

const logged = ({ host }: Storage, level: string) =>
  host.logged.filter((entry) => entry.level === level).map(({ message, fields }) => ({ message, ...fields }) as any);

test("records come back in their order, with their notes, after the agent stopped", async (t) => {
  const first = await storage(t);
  const store = await first.open("otlp_http/backup");
  const keys = ["one", "two", "three"].map((value, i) => store.append(bytes(value), `note ${i}`));
  assert.deepEqual(
    [...keys].sort((a, b) => a - b),
    keys,
  );
  store.remove([keys[1]!]);
  await first.stop();
  const again = await (await storage(t, first)).open("otlp_http/backup");
  assert.deepEqual(contents(again), [
    ["note 0", "one"],
    ["note 2", "three"],
  ]);
  assert.deepEqual({ ...again.entries()[0] }, { key: keys[0], size: 3, note: "note 0" });
  again.remove(again.entries().map(({ key }) => key));
  assert.ok(again.append(bytes("four"), "") > keys[2]!, "a key is never given twice");
});

test("whatever is done to it, it holds what a map would hold, and so does what a dead agent leaves behind", async (t) => {
  const value = fc.uint8Array({ maxLength: 20_000 });
  const step = fc.oneof(
    fc.record({ append: value, note: fc.string({ maxLength: 8 }) }),
    fc.record({ remove: fc.array(fc.nat(60), { maxLength: 6 }) }),
    fc.constant("turn" as const),
    fc.constant("flush" as const),
    fc.constant("die" as const),
    fc.constant("reopen" as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, fsync) => {
      let running = await storage(t, { fsync });
      let store = await running.open("q");
      const model = new Map<number, { note: string; value: Uint8Array }>();
      const given: number[] = [];
      for (const step of steps) {
        if (step === "turn") await new Promise(setImmediate);
        else if (step === "flush") await store.flush();
        else if (step === "die" || step === "reopen") {
          if (step === "die") await store.flush();
          else await running.stop();
          running = await (step === "die" ? afterDeath(t, running) : storage(t, { directory: running.directory }));
          store = await running.open("q");
        } else if ("append" in step) {
          const key = store.append(step.append, step.note);
          assert.ok(given.every((earlier) => earlier < key));
          given.push(key);
          model.set(key, { note: step.note, value: step.append });
        } else {
          const keys = step.remove.map((i) => given[i] ?? 1_000_000 + i);
          store.remove(keys);
          for (const key of keys) model.delete(key);
        }
        assert.deepEqual(
          store.entries().map(({ key, note, size }) => [key, note, size]),
          [...model].map(([key, { note, value }]) => [key, note, value.length]),
        );
      }
      for (const key of given) {
        const read = store.read(key);
        assert.deepEqual(read && Buffer.from(read), model.get(key) && Buffer.from(model.get(key)!.value));
      }
      await running.stop();
    }),
    { numRuns: 25 },
  );
});

test("files are for this user alone, whatever the umask says; a missing directory is made as configured", async (t) => {
  const directory = join(folderWith(t), "a", "b");
  const before = process.umask(0);
  t.after(() => process.umask(before));
  const { open } = await storage(t, { directory, directory_permissions: "0710", fsync: true });
  await (await open("logs")).flush();
  const modes = fs.readdirSync(directory).map((name) => [name, fs.statSync(join(directory, name)).mode & 0o777]);
  assert.deepEqual(modes, [
    ["logs.db", 0o600],
    ["logs.db-wal", 0o600],
  ]);
  assert.equal(fs.statSync(directory).mode & 0o777, 0o710);
});

test("a file that others can read is closed to them", async (t) => {
  const first = await storage(t);
  await (await first.open("q")).close();
  fs.chmodSync(join(first.directory, "q.db"), 0o644);
  await first.open("q");
  assert.equal(fs.statSync(join(first.directory, "q.db")).mode & 0o777, 0o600);
});

test("no name leaves the directory, and no two names share a file", async (t) => {
  const { open, directory } = await storage(t);
  const names = [
    "a",
    "A",
    "a/b",
    "a~2fb",
    "../a",
    "..",
    "",
    "ü",
    "x".repeat(300),
    `${"x".repeat(299)}y`,
    "a\0b",
    "a.b",
  ];
  for (const name of names) (await open(name)).append(bytes(name), "");
  const files = fs.readdirSync(directory).filter((name) => name.endsWith(".db"));
  assert.equal(files.length, names.length);
  assert.equal(new Set(files.map((name) => name.toLowerCase())).size, names.length);
  assert.ok(files.every((name) => name.length < 240));
});

test("a directory that cannot be used ends the start, and the error says what to do", async (t) => {
  const file = join(folderWith(t, { file: "" }), "file");
  await assert.rejects(storage(t, { directory: file }), /EEXIST.*name one that this user may write/);
  const missing = join(folderWith(t), "missing");
  await assert.rejects(storage(t, { directory: missing, create_directory: false }), /ENOENT.*create_directory: true/);
});

test("a second owner waits for the first, then is told who is in the way", async (t) => {
  const { open, directory } = await storage(t, { timeout: "20ms" });
  const first = await open("q");
  await assert.rejects(
    open("q"),
    /q\.db, is in use by another component of this agent \(waited 20 ms, option timeout\)/,
  );
  const patient = await storage(t, { directory, timeout: "20s" });
  const second = patient.open("q");
  first.append(bytes("kept"), "");
  await first.close();
  assert.deepEqual(contents(await second), [["", "kept"]]);
});

test("beyond max_size it takes no more, and says so, until something is removed", async (t) => {
  const first = await storage(t, { max_size: "10KiB" });
  const store = await first.open("q");
  const keys = Array.from({ length: 9 }, () => store.append(Buffer.alloc(1024), ""));
  assert.throws(() => store.append(Buffer.alloc(1024), ""), /storage of q is full: 9792 of 10240 bytes \(max_size\)/);
  await store.flush();
  store.remove(keys.slice(0, 1));
  store.append(Buffer.alloc(1024), "");
  await store.close();
  const again = await first.open("q");
  assert.equal(again.entries().length, 9, "what was refused did no harm");
  assert.throws(() => again.append(Buffer.alloc(1024), ""), /full/, "what was there before counts");
});

test("a closed store says so, also when it is closed twice", async (t) => {
  const { open } = await storage(t);
  const store = await open("q");
  const key = store.append(bytes("x"), "");
  await Promise.all([store.close(), store.close()]);
  assert.throws(() => store.append(bytes("x"), ""), /closed/);
  assert.throws(() => store.entries(), /closed/);
  store.remove([key]);
  await store.flush();
});

/** Changes the file while nobody has it open. */
function tamper({ directory }: Storage, change: (path: string) => void): void {
  change(join(directory, "q.db"));
}

async function withRecords(t: TestContext, count: number, size = 3000): Promise<Storage> {
  const running = await storage(t);
  const store = await running.open("q");
  for (let i = 0; i < count; i++) store.append(Buffer.alloc(size, i), `${i}`);
  await store.close();
  return running;
}

test("a damaged record reads as nothing; those beside it are whole", async (t) => {
  const running = await withRecords(t, 3);
  tamper(running, (path) => {
    const content = fs.readFileSync(path);
    content[content.indexOf(Buffer.alloc(100, 1)) + 50] = 99;
    fs.writeFileSync(path, content);
  });
  const store = await running.open("q");
  const keys = store.entries().map(({ key }) => key);
  assert.deepEqual(
    keys.map((key) => store.read(key)?.[0]),
    [0, undefined, 2],
  );
  assert.match(logged(running, "error")[0].message, /damaged/);
  store.remove(keys);
  await store.flush();
  assert.deepEqual(store.entries(), []);
});

const foreign: Record<string, { change: (path: string) => void; why: RegExp }> = {
  "no database": { change: (path) => fs.writeFileSync(path, "x".repeat(5000)), why: /not a database/ },
  "another program's": {
    change: (path) => {
      fs.rmSync(path);
      const other = new DatabaseSync(path);
      other.exec("CREATE TABLE records (key INTEGER PRIMARY KEY)");
      other.close();
    },
    why: /another program/,
  },
  "a newer version's": {
    change: (path) => {
      const other = new DatabaseSync(path);
      other.exec("PRAGMA user_version = 7");
      other.close();
    },
    why: /newer version wrote it \(format 7\)/,
  },
};

for (const [what, { change, why }] of Object.entries(foreign)) {
  test(`a file that is ${what} is set aside untouched, and the agent goes on with a new one`, async (t) => {
    const running = await withRecords(t, 1);
    tamper(running, change);
    const before = fs.readFileSync(join(running.directory, "q.db"));
    const store = await running.open("q");
    assert.deepEqual(store.entries(), []);
    store.append(bytes("new"), "");
    await store.flush();
    const [{ message, why: said, set_aside }] = logged(running, "error");
    assert.match(message, /set aside/);
    assert.match(said, why);
    assert.deepEqual(fs.readFileSync(set_aside), before);
  });
}

test("only the last three files that were set aside are kept", async (t) => {
  const running = await withRecords(t, 1);
  for (let i = 0; i < 5; i++) {
    running.host.time += 1000;
    tamper(running, (path) => fs.writeFileSync(path, `broken ${i} `.repeat(500)));
    await (await running.open("q")).close();
  }
  const kept = fs.readdirSync(running.directory).filter((name) => name.includes("set-aside"));
  assert.deepEqual(
    kept.map((name) => fs.readFileSync(join(running.directory, name), "utf8").slice(0, 8)),
    ["broken 2", "broken 3", "broken 4"],
  );
});

test("of a file that is damaged inside, what can be read is saved, and its keys stay", async (t) => {
  const running = await withRecords(t, 400);
  tamper(running, (path) => {
    const file = fs.openSync(path, "r+");
    fs.writeSync(file, Buffer.alloc(4096 * 5, 0xee), 0, 4096 * 5, 4096 * 60);
    fs.closeSync(file);
  });
  const store = await running.open("q");
  const [{ message, why, records_saved }] = logged(running, "error");
  assert.match(message, /set aside/);
  assert.equal(why, "it is damaged");
  assert.ok(records_saved > 350 && records_saved < 400, `${records_saved}`);
  const entries = store.entries();
  assert.equal(entries.length, records_saved);
  for (const { key, note } of entries) assert.deepEqual(store.read(key), new Uint8Array(3000).fill(Number(note)));
  assert.equal(store.append(bytes("x"), ""), 401);
});

test("damage that shows while records are removed is repaired on the way: nothing whole is lost, nothing removed returns", async (t) => {
  const running = await withRecords(t, 40, 30_000);
  const store = await running.open("q");
  const keys = store.entries().map(({ key }) => key);
  tamper(running, (path) => {
    const content = fs.readFileSync(path);
    // the pages of a long value are chained by the first four bytes of each
    const page = Math.floor(content.indexOf(Buffer.alloc(4000, 39)) / 4096);
    fs.writeSync(fs.openSync(path, "r+"), Buffer.alloc(4, 0xee), 0, 4, page * 4096);
  });
  store.remove([keys[0]!, keys[39]!]);
  await assert.rejects(async () => {
    store.append(bytes("refused"), "");
    await store.flush();
  }, /cannot store in .*q\.db/);
  assert.deepEqual(
    store.entries().map(({ key }) => key),
    keys.slice(1, -1),
  );
  await new Promise(setImmediate);
  const key = store.append(bytes("taken"), "");
  await store.flush();
  assert.equal(text(store, key), "taken");
  assert.ok(key > keys[39]!, "a key is never given twice");
  assert.deepEqual(
    running.host.reported.map(({ status }) => status),
    ["recoverable_error", "ok"],
  );
});

test("space of removed records is given back where compaction asks for it", async (t) => {
  const size = () => fs.statSync(join(running.directory, "q.db")).size;
  const running = await withRecords(t, 400);
  const full = size();
  await (await running.open("q")).close();
  let store = await running.open("q");
  store.remove(store.entries().map(({ key }) => key));
  await store.close();
  assert.equal(size(), full, "it is reused, not given back, by default");
  const other = await storage(t, { directory: running.directory, compaction: { on_start: true } });
  store = await other.open("q");
  while (size() > full / 10) await new Promise(setImmediate);
  store.append(bytes("and goes on"), "");
  await store.flush();
});

test("on_rebound gives space back once what was a lot has become little", async (t) => {
  const compaction = {
    on_rebound: true,
    rebound_needed_threshold_mib: 1,
    rebound_trigger_threshold_mib: 1,
    check_interval: "1ms",
  };
  const { open, directory } = await storage(t, { compaction });
  const store = await open("q");
  const size = () => fs.statSync(join(directory, "q.db")).size;
  const keys = Array.from({ length: 200 }, () => store.append(Buffer.alloc(20_000), ""));
  await store.flush();
  while (size() < 2_000_000) await new Promise((resolve) => setTimeout(resolve, 1));
  store.remove(keys);
  while (size() > 1_000_000) await new Promise((resolve) => setTimeout(resolve, 1));
});

test("a hundred thousand entries are listed without their values", async (t) => {
  const { open } = await storage(t);
  const store = await open("q");
  const value = Buffer.alloc(640, 1);
  for (let i = 0; i < 100_000; i++) store.append(value, "metrics");
  await store.flush();
  const before = process.memoryUsage().external + process.memoryUsage().arrayBuffers;
  assert.equal(store.entries().length, 100_000);
  assert.ok(process.memoryUsage().external + process.memoryUsage().arrayBuffers - before < 8 * 1024 ** 2);
});
