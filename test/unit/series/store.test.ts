// A state directory gives back what was saved last, whole; what it cannot use it sets aside and says so; it has one owner.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { column, type Kept, type LiveSnapshot, type Snapshot } from "../../../src/series/snapshot.ts";
import { keyOf, StateStore } from "../../../src/series/store.ts";
import { fakeHost } from "../../../src/testing/index.ts";

const KEY = keyOf("metrics", "ewma/latency");

const holding = (value: number, signal?: "metrics"): Snapshot => ({
  type: "ewma",
  stateVersion: 1,
  takenAt: 0,
  ...(signal && { signal }),
  columns: [column("state.mean", "f64", Float64Array.of(value))],
});
const valueIn = (snapshot: Snapshot | undefined) =>
  snapshot && new Float64Array(Uint8Array.from(snapshot.columns[0].bytes).buffer)[0];

/** What a component is given that goes on from the snapshot under the key; undefined when there is none that can be used. */
async function loaded(store: StateStore, key: string): Promise<Snapshot | undefined> {
  let given: Snapshot | undefined;
  const restore = ({ columns, ...rest }: Snapshot) => {
    given = {
      ...rest,
      columns: columns.map(({ name, type, width, shared, bytes }) => ({ name, type, width, shared, bytes })),
    };
  };
  await store.restore(key, { restore });
  return given;
}

async function directoryFor(t: TestContext) {
  const parent = await mkdtemp(join(tmpdir(), "vedette-state-"));
  const directory = join(parent, "state", "agent");
  const { log, logged } = fakeHost();
  const clock = { now: Date.now() };
  const open = async () => {
    const store = await StateStore.open(directory, log, () => clock.now);
    t.after(() => store.close());
    return store;
  };
  const snapshots = async () => (await readdir(directory)).filter((file) => file.endsWith(".snapshot"));
  return { directory, open, logged, clock, snapshots };
}

test("what was saved is there after a restart, under the same hash seeds, for its owner alone to read", async (t) => {
  const { directory, open, snapshots } = await directoryFor(t);
  const store = await open();
  const seeds = (["metrics", "logs", "traces"] as const).map((signal) => store.seed(signal));
  assert.equal(new Set(seeds).size, 3);
  await store.save(KEY, holding(1, "metrics"));
  await store.save(KEY, holding(2, "metrics"));
  await store.close();
  const next = await open();
  assert.equal(valueIn(await loaded(next, KEY)), 2);
  assert.equal(await loaded(next, keyOf("metrics", "ewma")), undefined);
  assert.deepEqual(
    (["metrics", "logs", "traces"] as const).map((signal) => next.seed(signal)),
    seeds,
  );
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  for (const file of await readdir(directory))
    assert.equal((await stat(join(directory, file))).mode & 0o777, 0o600, file);
  assert.equal((await snapshots()).length, 1);
});

test("components whose names are alike to a file system, or very long, or forged, have files of their own", async (t) => {
  const { open, snapshots } = await directoryFor(t);
  const store = await open();
  const long = "x".repeat(300);
  const keys = [
    keyOf("metrics", "ewma/a"),
    keyOf("metrics", "ewma/A"),
    keyOf("metrics/ewma", "a"),
    keyOf("metrics/../..", "ewma/é"),
    keyOf("metrics/x: ewma/y", "drain"),
    keyOf("metrics/x", "ewma/y: drain"),
    keyOf(`metrics/${long}a`, "ewma"),
    keyOf(`metrics/${long}b`, "ewma"),
  ];
  for (const [i, key] of keys.entries()) await store.save(key, holding(i));
  for (const [i, key] of keys.entries()) assert.equal(valueIn(await loaded(store, key)), i, key);
  const files = (await snapshots()).map((file) => file.toLowerCase());
  assert.equal(new Set(files).size, keys.length);
});

test("a file that is damaged, newer, of another component or of another hash seed is set aside, and that is said once", async (t) => {
  const { directory, open, logged, snapshots, clock } = await directoryFor(t);
  const store = await open();
  await store.save(KEY, holding(1, "metrics"));
  const file = join(directory, (await snapshots())[0]);
  const good = await readFile(file);
  const changed = (at: number) => {
    const bytes = Buffer.from(good);
    bytes[at] ^= 1;
    return bytes;
  };
  const other = await directoryFor(t);
  const stranger = await other.open();
  await stranger.save(KEY, holding(1, "metrics"));
  const foreignSeed = await readFile(join(other.directory, (await other.snapshots())[0]));
  await stranger.save("somebody else", holding(1));
  const foreignKey = await readFile(
    join(other.directory, (await other.snapshots()).find((name) => /some/.test(name))!),
  );
  for (const [bytes, reason] of [
    [changed(good.length - 9), /checksum/],
    [changed(8), /another version of the agent/],
    [good.subarray(0, 30), /checksum/],
    [Buffer.alloc(0), /cut short/],
    [foreignSeed, /metrics by another hash seed/],
    [foreignKey, /belongs to somebody else/],
  ] as const) {
    clock.now++;
    await writeFile(file, bytes);
    logged.length = 0;
    assert.equal(await loaded(store, KEY), undefined);
    assert.equal(await loaded(store, KEY), undefined);
    assert.equal(logged.length, 1);
    const { level, message, fields } = logged[0] as { level: string; message: string; fields: any };
    assert.deepEqual([level, fields.component], ["warn", KEY]);
    assert.match(message, /learns anew/);
    assert.match(fields.reason, reason);
    assert.deepEqual(await readFile(join(directory, fields.kept_as)), Buffer.from(bytes));
  }
  await writeFile(file, good);
  assert.equal(valueIn(await loaded(store, KEY)), 1);
});

test("what the component itself refuses is set aside with its reason", async (t) => {
  const { open, logged, snapshots } = await directoryFor(t);
  const store = await open();
  let learnt: number | undefined;
  const kept: Kept = {
    takeSnapshot: () => holding(7),
    restore: (snapshot) => {
      learnt = valueIn(snapshot);
    },
  };
  await store.saveAll([[KEY, kept]]);
  assert.equal(await store.restore(KEY, kept), true);
  assert.equal(learnt, 7);
  const refusing: Kept = {
    ...kept,
    restore: () => {
      throw new Error("has version 1, this ewma has version 2");
    },
  };
  assert.equal(await store.restore(KEY, refusing), false);
  assert.match((logged[0].fields as any).reason, /has version 1, this ewma has version 2/);
  assert.deepEqual(await snapshots(), []);
  assert.equal(await store.restore(KEY, kept), false);
});

test("of the files set aside only the latest ten are kept", async (t) => {
  const { directory, open, clock } = await directoryFor(t);
  const store = await open();
  for (let i = 0; i < 15; i++) {
    clock.now++;
    await store.save(KEY, holding(i));
    const [file] = (await readdir(directory)).filter((name) => name.endsWith(".snapshot"));
    await writeFile(join(directory, file), "x");
    await loaded(store, KEY);
  }
  const aside = (await readdir(directory)).filter((name) => name.includes(".refused-"));
  assert.equal(aside.length, 10);
  assert.ok(aside.every((name) => Number(name.split("-").at(-1)) > clock.now - 10));
});

test("lost hash seeds are made anew, and nothing is restored under the wrong ones", async (t) => {
  const { directory, open, logged } = await directoryFor(t);
  const store = await open();
  const seed = store.seed("metrics");
  await store.save(KEY, holding(1, "metrics"));
  await store.close();
  await writeFile(join(directory, "seeds.json"), '{"metrics": "none"}');
  const next = await open();
  assert.notEqual(next.seed("metrics"), seed);
  assert.equal(await loaded(next, KEY), undefined);
  assert.equal(logged.length, 2);
});

test("what was being written when the agent died is no state, and is cleared away", async (t) => {
  const { directory, open, snapshots, logged } = await directoryFor(t);
  const store = await open();
  await store.save(KEY, holding(1));
  await store.close();
  const [file] = await snapshots();
  await copyFile(join(directory, file), join(directory, `${file}.tmp`));
  const next = await open();
  assert.equal(valueIn(await loaded(next, KEY)), 1);
  assert.ok(!(await readdir(directory)).some((name) => name.endsWith(".tmp")));
  assert.equal(logged.length, 0);
});

test("saves that are asked for at once are written one after the other, and the file is whole at any time", async (t) => {
  const { directory, open, snapshots } = await directoryFor(t);
  const store = await open();
  const large = (value: number): Snapshot => ({
    ...holding(value),
    columns: [column("state.mean", "f64", new Float64Array(300_000).fill(value))],
  });
  await store.save(KEY, large(0));
  let done = false;
  const saves = Promise.all(Array.from({ length: 10 }, (_, i) => store.save(KEY, large(i + 1)))).then(() => {
    done = true;
  });
  let reads = 0;
  while (!done) {
    assert.notEqual(await loaded(store, KEY), undefined);
    assert.ok((await readdir(directory)).filter((name) => name.endsWith(".tmp")).length <= 1);
    reads++;
  }
  await saves;
  assert.ok(reads > 0);
  assert.equal(valueIn(await loaded(store, KEY)), 10);
  assert.equal((await snapshots()).length, 1);
});

test("a component that cannot be saved is named, and the others are saved", async (t) => {
  const { open, logged } = await directoryFor(t);
  const store = await open();
  const kept = (take: () => Snapshot): Kept => ({ takeSnapshot: take, restore: () => {} });
  await store.saveAll([
    [
      "broken",
      kept(() => {
        throw new Error("save went wrong");
      }),
    ],
    [KEY, kept(() => holding(3))],
  ]);
  assert.equal(valueIn(await loaded(store, KEY)), 3);
  assert.deepEqual(logged[0].fields, { component: "broken", error: "save went wrong" });
});

test("the state of a component that is no longer configured is kept for thirty days", async (t) => {
  const { directory, open, snapshots, clock } = await directoryFor(t);
  const store = await open();
  await store.save("gone", holding(1));
  await store.save("here", holding(2));
  const here: Kept = { takeSnapshot: () => holding(2), restore: () => {} };
  const day = 86_400_000;
  const age = async (days: number) => {
    for (const file of await snapshots()) {
      await utimes(join(directory, file), new Date(), new Date(clock.now - days * day));
    }
  };
  await age(29);
  await store.saveAll([["here", here]]);
  assert.equal((await snapshots()).length, 2);
  await age(31);
  await store.saveAll([["here", here]]);
  assert.equal(await loaded(store, "gone"), undefined);
  assert.equal(valueIn(await loaded(store, "here")), 2);
});

test("a second agent is told that the directory is in use, until the first has let go of it", async (t) => {
  const { directory, open } = await directoryFor(t);
  const store = await open();
  for (let i = 0; i < 2; i++) {
    await assert.rejects(open(), (error: Error) => {
      assert.match(error.message, /another agent is using it; give service\.state\.directory/);
      assert.ok(error.message.includes(directory));
      return true;
    });
  }
  await store.close();
  await store.close();
  await open();
});

test("the lock of an agent that was killed is gone with it", async (t) => {
  const { directory, open } = await directoryFor(t);
  const module = new URL("../../../src/series/store.ts", import.meta.url).href;
  const script = `
    import { StateStore } from ${JSON.stringify(module)};
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    await StateStore.open(${JSON.stringify(directory)}, log);
    process.stdout.write("open");
    setInterval(() => {}, 1000);
  `;
  const other = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => other.kill("SIGKILL"));
  await once(other.stdout, "data");
  await assert.rejects(open(), /another agent is using it/);
  other.kill("SIGKILL");
  await once(other, "exit");
  await open();
});

test("a directory that cannot be one is named with the reason and the remedy", async (t) => {
  const { directory, open } = await directoryFor(t);
  await mkdir(join(directory, ".."), { recursive: true });
  await writeFile(directory, "in the way");
  await assert.rejects(open(), /the state directory .* cannot be used: .*EEXIST.*; give service\.state\.directory/);
  await rename(directory, `${directory}.old`);
  await open();
});

test("a component that ends while it is saved leaves what was saved of it before, and says nothing", async (t) => {
  const { open, logged } = await directoryFor(t);
  const store = await open();
  await store.save(KEY, holding(1));
  let rows = 0;
  const live: LiveSnapshot = {
    ...holding(2),
    rows: 4,
    columns: [
      { name: "state.mean", type: "f64", width: 200_000, shared: false, read: () => new Float64Array(200_000) },
    ],
    ended: () => ++rows > 2,
  };
  assert.ok(await store.saveAll([[KEY, { takeSnapshot: () => holding(3), live: () => live, restore: () => {} }]]));
  assert.equal(valueIn(await loaded(store, KEY)), 1);
  assert.deepEqual(logged, []);
});
