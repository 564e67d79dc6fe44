// What is kept is there after a restart, one file has one owner, a damaged one makes room, and what is too old or too much goes.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import anomalyStore from "../../../plugins/extensions/anomaly_store/index.ts";
import type { ChangedAnomalies } from "../../../src/api/index.ts";
import { eventually, folderWith } from "../../agent.ts";
import { ask, episode, incident, kept, NOW, newHost } from "./kept.ts";

const HOUR = 3_600_000;
const idsOf = async (store: { url: string }, path: string): Promise<string[]> =>
  (await ask(store, path)).json.items.map(({ id }: { id: string }) => id);

test("the latest of each episode and incident is kept, with what joins them, also after a restart", async (t) => {
  const before = await kept(t);
  const slow = episode("checkout", "latency", 0, { peak: 3 });
  const failing = episode("cart", "errors", 1);
  await before.anomalies.keep([incident("a1-x", [slow])]);
  const over = { ...failing, state: "resolved" as const, time: failing.time + 60_000, severity: "critical" as const };
  await before.anomalies.keep([incident("a1-x", [slow, failing])]);
  await before.anomalies.keep([incident("a1-x", [slow, over], { time: over.time, state: "ongoing" })]);
  await before.stop();
  const after = await kept(t, { directory: before.directory });
  const { json } = await ask(after, "/api/v1/incidents/a1-x");
  assert.equal(json.state, "ongoing");
  assert.deepEqual(json.services, ["checkout", "cart"]);
  assert.deepEqual(
    json.members.map(({ id, state, severity, incident }: any) => [id, state, severity, incident]),
    [
      [slow.id, "open", "warning", "a1-x"],
      [failing.id, "resolved", "critical", "a1-x"],
    ],
  );
  assert.deepEqual(await idsOf(after, "/api/v1/episodes"), [failing.id, slow.id]);
});

test("what comes late, as after a retry, does not replace what is newer", async (t) => {
  const store = await kept(t);
  const open = episode("checkout", "latency", 0);
  const over = { ...open, state: "resolved" as const, time: open.time + 60_000 };
  await store.anomalies.keep([over]);
  await store.anomalies.keep([open]);
  assert.equal((await ask(store, `/api/v1/episodes/${open.id}`)).json.state, "resolved");
});

test("an anomaly without an episode is one, whatever numbers it holds", async (t) => {
  const store = await kept(t);
  const { episode: _, ...raw } = episode("checkout", "absence", 0);
  const attributes = { id: 9007199254740993n, small: 7n, bytes: new Uint8Array([1, 2]), text: "x".repeat(9000) };
  const score = Number.POSITIVE_INFINITY;
  await store.anomalies.keep([{ ...raw, score, expected: Number.NaN, labels: { ...raw.labels, attributes } }]);
  const { json } = await ask(store, `/api/v1/episodes/${raw.id}`);
  assert.deepEqual([json.score, json.peak, json.expected, json.count], ["Infinity", "Infinity", null, 1]);
  assert.deepEqual([json.labels.attributes.id, json.labels.attributes.small], ["9007199254740993", 7]);
  assert.equal(json.labels.attributes.text.length, 2051);
});

test("feedback and what it changes outlive a restart, and end in time", async (t) => {
  const host = newHost();
  const before = await kept(t, { expire: "1h" }, host);
  const odd = episode("checkout", "latency", 0, { peak: 3 });
  await before.anomalies.keep([odd]);
  assert.equal(before.anomalies.effects.length, 0);
  const said = await before.anomalies.teach({ about: odd.id, opinion: "bad", note: "backup", by: "test" });
  assert.deepEqual([said.at, said.until], [NOW, NOW + HOUR]);
  const [effect] = before.anomalies.effects;
  assert.deepEqual([effect.match.fingerprint, effect.upTo, effect.feedback], [odd.fingerprint, 4.5, [said.id]]);
  assert.equal(before.anomalies.effects, before.anomalies.effects, "the same array until something changes");
  await before.stop();
  const after = await kept(t, { directory: before.directory, expire: "1h" }, host);
  assert.deepEqual(after.anomalies.effects, [effect]);
  host.time += HOUR;
  assert.deepEqual(after.anomalies.effects, []);
});

test("feedback can be taken back once, and a new word about the same thing replaces the old", async (t) => {
  const { anomalies } = await kept(t);
  const odd = episode("checkout", "latency", 0);
  await anomalies.keep([odd]);
  const bad = await anomalies.teach({ about: odd.id, opinion: "bad", note: "", by: "test" });
  const good = await anomalies.teach({ about: odd.id, opinion: "good", note: "", by: "test" });
  assert.deepEqual(
    anomalies.effects.map(({ feedback }) => feedback),
    [[good.id]],
  );
  assert.equal(await anomalies.takeBack(bad.id), false, "it was replaced");
  assert.equal(await anomalies.takeBack(good.id), true);
  assert.equal(await anomalies.takeBack(good.id), false);
  assert.equal(await anomalies.takeBack("nonsense"), false);
  assert.deepEqual(anomalies.effects, []);
  await assert.rejects(anomalies.teach({ about: "nothing", opinion: "bad", note: "", by: "test" }), {
    message: 'nothing is kept of "nothing"',
  });
});

test("feedback on an incident is about its episodes", async (t) => {
  const { anomalies } = await kept(t);
  const members = [episode("checkout", "latency", 0), episode("cart", "errors", 1)];
  await anomalies.keep([incident("a1-x", members)]);
  await anomalies.teach({ about: "a1-x", opinion: "expected", note: "", by: "test", until: NOW + HOUR });
  const taught = anomalies.effects.map(({ match }) => match.fingerprint);
  assert.deepEqual(taught.sort(), members.map(({ fingerprint }) => fingerprint).sort());
});

test("two stores on one file are refused in words, a reload of the same one is not", async (t) => {
  const first = await kept(t);
  const second = Object.assign(newHost(), { id: "anomaly_store/2" });
  await assert.rejects(kept(t, { directory: first.directory }, second), {
    message: `cannot keep anomalies in ${first.directory}: anomaly_store of this agent is using it; give the option directory a folder that this user may write and no other agent uses`,
  });
  const reloaded = await kept(t, { directory: first.directory, retention: "7d" });
  await first.stop();
  await reloaded.anomalies.keep([episode("checkout", "latency", 0)]);
  assert.equal((await idsOf(reloaded, "/api/v1/episodes")).length, 1);
});

test("a file that is no database is set aside with a message, and a new one begun", async (t) => {
  const directory = folderWith(t, { "anomalies.db": "this is not a database, whatever its name says ".repeat(100) });
  const host = newHost();
  const store = await kept(t, { directory }, host);
  const { message, fields } = host.logged.find(({ level }) => level === "error")!;
  assert.match(message, /cannot be used and was set aside/);
  const { set_aside } = fields as { set_aside: string };
  assert.match(readFileSync(set_aside, "utf8"), /^this is not a database/);
  await store.anomalies.keep([episode("checkout", "latency", 0)]);
  assert.equal((await idsOf(store, "/api/v1/episodes")).length, 1);
});

test("a file of another format is set aside, and its message says whose it is", async (t) => {
  for (const [version, whose] of [
    [1, "an older"],
    [99, "a newer"],
  ] as const) {
    const before = await kept(t);
    await before.stop();
    const file = new DatabaseSync(join(before.directory, "anomalies.db"));
    file.exec(`PRAGMA user_version = ${version}`);
    file.close();
    const host = newHost();
    const store = await kept(t, { directory: before.directory }, host);
    const logged = JSON.stringify(host.logged.find(({ level }) => level === "error"));
    assert.match(logged, new RegExp(`${whose} version wrote it`));
    await store.anomalies.keep([episode("checkout", "latency", 0)]);
    assert.equal((await idsOf(store, "/api/v1/episodes")).length, 1);
  }
});

test("of a damaged file what can be read is taken over, feedback first of all", async (t) => {
  const before = await kept(t);
  const all = Array.from({ length: 500 }, (_, i) => episode("checkout", `metric ${i}`, i));
  await before.anomalies.keep(all);
  await before.anomalies.teach({ about: all[0].id, opinion: "bad", note: "", by: "test" });
  await before.stop();
  const path = join(before.directory, "anomalies.db");
  const bytes = readFileSync(path);
  bytes.fill(0xa5, bytes.length / 2, bytes.length / 2 + 20_000);
  writeFileSync(path, bytes);
  const host = newHost();
  const after = await kept(t, { directory: before.directory }, host);
  const { fields } = host.logged.find(({ level }) => level === "error")!;
  assert.ok((fields as { rows_saved: number }).rows_saved > 50, JSON.stringify(fields));
  assert.equal(after.anomalies.effects.length, 1);
  assert.equal(readdirSync(before.directory).filter((name) => /set-aside-[^.]*$/.test(name)).length, 1);
});

test("what was not seen for longer than the retention goes, also feedback that ended", async (t) => {
  const host = newHost();
  const before = await kept(t, { retention: "1d", expire: "1h" }, host);
  const [old, young] = [episode("checkout", "latency", 0), episode("cart", "errors", 60 * 24)];
  await before.anomalies.keep([old, young]);
  await before.anomalies.teach({ about: old.id, opinion: "bad", note: "", by: "test" });
  await before.stop();
  host.time += 24 * HOUR + 2 * HOUR;
  const after = await kept(t, { directory: before.directory, retention: "1d" }, host);
  while ((await idsOf(after, "/api/v1/episodes")).length > 1) await new Promise(setImmediate);
  assert.deepEqual(await idsOf(after, "/api/v1/episodes"), [young.id]);
  assert.deepEqual(await idsOf(after, "/api/v1/feedback"), []);
});

test("a file that is full makes room, those seen longest ago go first, and it shrinks", async (t) => {
  const before = await kept(t);
  const attributes = { text: "x".repeat(2000) };
  const all = Array.from({ length: 2000 }, (_, i) => {
    const one = episode("checkout", `metric ${i}`, i);
    return { ...one, labels: { ...one.labels, attributes } };
  });
  await before.anomalies.keep(all);
  await before.stop();
  const path = join(before.directory, "anomalies.db");
  assert.ok(statSync(path).size > 4e6);
  const after = await kept(t, { directory: before.directory, max_size: "1MiB" });
  let size = Number.POSITIVE_INFINITY;
  await eventually("the file to shrink", () => {
    size = statSync(path).size;
    return size <= 1.2 * 1024 ** 2;
  }).catch(() => {});
  const left = await idsOf(after, "/api/v1/episodes?limit=500");
  assert.ok(left.length > 50 && left.length < 500, `${left.length} of ${all.length} in ${size} bytes`);
  assert.deepEqual(
    left,
    all
      .slice(-left.length)
      .reverse()
      .map(({ id }) => id),
  );
  await after.stop();
  assert.ok(statSync(path).size <= 1.2 * 1024 ** 2, `${statSync(path).size}`);
});

test("without an endpoint it listens nowhere, and answers who was checked by another", async (t) => {
  const host = newHost();
  const store = anomalyStore.create(anomalyStore.config.parse({ directory: folderWith(t) }), host);
  await store.start!();
  t.after(() => store.stop!());
  assert.equal(
    host.logged.find(({ message }) => message === "listening"),
    undefined,
  );
  const anomalies = store.anomalies!;
  let by: string | undefined = "somebody";
  const server = createServer((request, response) => void anomalies.answer(request, response, by));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const at = { url: `http://127.0.0.1:${(server.address() as { port: number }).port}` };
  const odd = episode("checkout", "latency", 0);
  await anomalies.keep([odd]);
  const { json } = await ask(at, "/api/v1/feedback", { body: { about: odd.id, opinion: "bad" } });
  assert.equal(json.feedback.by, "somebody");
  assert.equal((await ask(at, `/api/v1/feedback/${json.feedback.id}`, { method: "DELETE" })).status, 204);
  const { items } = (await ask(at, "/api/v1/audit")).json;
  assert.deepEqual(
    items.map(({ by }: any) => by),
    ["somebody", "somebody"],
  );
  by = undefined;
  assert.equal((await ask(at, "/api/v1/episodes")).status, 401);
});

test("who watches is told what was kept and of what something was said, until it watches no more", async (t) => {
  const { anomalies } = await kept(t);
  const told: ChangedAnomalies[] = [];
  const end = anomalies.watch((changed) => told.push(changed));
  const [first, second] = [episode("cart", "latency", 0), episode("cart", "errors", 1)];
  await anomalies.keep([incident("00000000000000aa-x", [first, second])]);
  const { id } = await anomalies.teach({ about: first.id, opinion: "bad", note: "", by: "test" });
  await anomalies.takeBack(id);
  end();
  await anomalies.keep([episode("cart", "load", 2)]);
  assert.deepEqual(told, [
    { incidents: ["00000000000000aa-x"], episodes: [first.id, second.id] },
    { incidents: [first.id], episodes: [first.id] },
    { incidents: [first.id], episodes: [first.id] },
  ]);
});

test("what was told is counted by day, by opinion and by detector; an incident and its episodes are one", async (t) => {
  const { anomalies } = await kept(t);
  const DAY = 86_400_000;
  const day = Math.floor(NOW / DAY);
  const [a, b] = [episode("cart", "a", 0), episode("cart", "b", 1, { detector: "ewma/2" })];
  const alone = episode("shop", "c", 24 * 60, { state: "resolved", severity: "critical" });
  await anomalies.keep([incident("00000000000000aa-x", [a, b], { state: "open", severity: "warning" }), alone]);
  await anomalies.teach({ about: "00000000000000aa-x", opinion: "expected", note: "", by: "test", until: NOW + 1000 });
  await anomalies.teach({ about: "00000000000000aa-x", opinion: "bad", note: "", by: "test" });
  const { open, days, detectors } = await anomalies.tally(NOW - DAY, NOW + 2 * DAY, 0);
  assert.deepEqual(open, { critical: 0, warning: 1, info: 0 });
  assert.deepEqual(
    days.map(({ day, opinion, told }) => [day, opinion, told]),
    [
      [day, "bad", 1],
      [day + 1, null, 1],
    ],
  );
  assert.deepEqual(
    detectors.map(({ id, told, bad }) => [id, told, bad]),
    [
      [a.detector, 2, 1],
      ["ewma/2", 1, 1],
    ],
  );
  const shifted = await anomalies.tally(NOW - DAY, NOW + DAY, 12 * 3_600_000);
  assert.deepEqual(shifted.days[0].day, day + 1, "noon in UTC is midnight there");
  assert.deepEqual(
    (await anomalies.episodes(a.fingerprint, NOW - DAY, NOW + DAY)).map((each) => ({ ...each })),
    [{ id: a.id, start: NOW, end: null, severity: a.severity, incident: "00000000000000aa-x" }],
  );
  assert.deepEqual(await anomalies.episodes(a.fingerprint, NOW + DAY, NOW + 2 * DAY), []);
});
