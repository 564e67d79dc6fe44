// When a remedy runs, and when it does not: once, seldom, only in earnest, only if somebody agreed.
import assert from "node:assert/strict";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import type { Anomaly } from "vedette";
import remediate from "../../../plugins/exporters/remediate/index.ts";
import { eventually, folderWith } from "../../agent.ts";
import { anomalyOf } from "../../exporting.ts";
import { remedied } from "./remedied.ts";

const HOUR = 3_600_000;

/** Writes a line a run. */
const NOTE = { note: 'echo "$@" >> "$1/ran"' };

const noting =
  (more: object = {}, all: object = {}) =>
  (folder: string) => ({
    actions: [
      {
        name: "note",
        condition: 'severity == "critical"',
        command: [join(folder, "note"), folder, "{{service}}"],
        ...more,
      },
    ],
    ...all,
  });

const of = (service: string, id: string, more: Partial<Anomaly> = {}): Partial<Anomaly> => ({
  id,
  severity: "critical",
  labels: { ...anomalyOf().labels, resource: { "service.name": service } },
  ...more,
});

test("by default nothing runs: what would is told once, with its arguments", async (t) => {
  const { tell, audit, wrote, storage } = await remedied(t, NOTE, noting({}, { dry_run: true }));
  await tell(of("cart", "a"), of("cart", "a", { state: "ongoing" }), of("cart", "b", { severity: "warning" }));
  assert.equal(wrote("ran"), "");
  assert.deepEqual(
    audit.map(({ about, action, outcome, by }) => ({ about, action, outcome, by })),
    [{ about: "a", action: "note", outcome: "dry_run", by: "remediate" }],
  );
  assert.match(audit[0].detail, /^would run \[".*note",".*","cart"\]$/);
  assert.equal(storage.names.length, 0);
  assert.equal(
    remediate.config.parse({ actions: [{ name: "a", condition: "score > 1", webhook: "http://b" }] }).dry_run,
    true,
  );
});

test("an incident has its remedy once, however often it changes, and over a restart", async (t) => {
  const remedy = await remedied(t, NOTE, noting({ cooldown: 0 }));
  await remedy.tell(of("cart", "a"), of("cart", "a", { state: "ongoing" }));
  await remedy.tell(of("cart", "a", { state: "ongoing" }));
  await remedy.restart();
  await remedy.tell(of("cart", "a", { state: "ongoing" }), of("cart", "b", { state: "resolved" }));
  assert.deepEqual(remedy.outcomes, ["note started", "note done"]);
  assert.equal(remedy.wrote("ran"), `${remedy.folder} cart\n`);
  await remedy.tell(of("cart", "c"));
  assert.equal(remedy.wrote("ran").split("\n").length, 3, "another incident has its own");
});

test("what cannot be remembered does not run", async (t) => {
  const remedy = await remedied(t, NOTE, noting());
  remedy.storage.broken.add("append");
  await remedy.tell(of("cart", "a"), of("cart", "a", { state: "ongoing" }));
  assert.deepEqual(remedy.outcomes, ["note refused"]);
  assert.match(remedy.audit[0].detail, /cannot be remembered: append: no space left on device/);
  remedy.storage.broken.clear();
  remedy.storage.broken.add("flush");
  await remedy.tell(of("search", "b"));
  assert.deepEqual(remedy.outcomes, ["note refused", "note refused"]);
  remedy.storage.broken.clear();
  await remedy.tell(of("cart", "a", { state: "ongoing" }));
  assert.deepEqual(remedy.outcomes.slice(2), ["note started", "note done"], "once it can, it does");
});

test("a service has no second run within the cooldown, also over a restart; another service has", async (t) => {
  const remedy = await remedied(t, NOTE, noting({ cooldown: "1h" }));
  await remedy.tell(of("cart", "a"));
  await remedy.restart();
  await remedy.tell(of("cart", "b"), of("search", "c"), of("cart", "b", { state: "ongoing" }));
  assert.deepEqual(remedy.outcomes.slice(2), ["note refused", "note started", "note done"], "a refusal is told once");
  assert.match(remedy.audit[2].detail, /^it ran for cart at .*, within the cooldown of 3600 s$/);
  remedy.host.time += HOUR;
  await remedy.tell(of("cart", "b", { state: "ongoing" }));
  assert.equal(remedy.outcomes.at(-1), "note done", "what lasts has it then");
});

test("there are so many runs in an hour, of an action and of all", async (t) => {
  const two = (folder: string) => {
    const command = [join(folder, "note"), folder];
    const action = { condition: "score > 1", command, max_per_hour: 2 };
    return {
      actions: [
        { ...action, name: "first" },
        { ...action, name: "second" },
      ],
      max_per_hour: 3,
    };
  };
  const remedy = await remedied(t, NOTE, two);
  await remedy.tell(of("a", "1"), of("b", "2"), of("c", "3"));
  const details = remedy.audit.filter(({ outcome }) => outcome === "refused").map(({ detail }) => detail);
  assert.deepEqual(details, [
    "actions ran 3 times within the hour; max_per_hour allows no more",
    "it ran 2 times within the hour; max_per_hour of the action allows no more",
    "actions ran 3 times within the hour; max_per_hour allows no more",
  ]);
});

test("what is told late has no remedy any more", async (t) => {
  const remedy = await remedied(t, NOTE, noting({}, { max_age: "15m" }));
  await remedy.tell(of("cart", "a", { time: remedy.host.time - HOUR }), of("cart", "b"));
  assert.deepEqual(remedy.outcomes, ["note refused", "note started", "note done"]);
  assert.equal(remedy.audit[0].detail, "it is 3600 s old; max_age allows no more than 900");
});

const ASKING = noting({ approval: "required" });
const asking =
  (more: object = {}) =>
  (folder: string) => ({
    ...ASKING(folder),
    approvals_directory: join(folder, "approvals"),
    ...more,
  });

test("with approval it waits, and runs as it was asked for once somebody agreed", async (t) => {
  const remedy = await remedied(t, NOTE, asking());
  await remedy.tell(of("cart", "a-1"), of("cart", "a-1", { state: "ongoing" }));
  assert.deepEqual(remedy.outcomes, ["note waiting"]);
  const path = join(remedy.folder, "approvals", "note-a-1");
  const request = JSON.parse(readFileSync(`${path}.json`, "utf8"));
  assert.match(request.asks, /^to run \[".*note",".*","cart"\]$/);
  assert.equal(request.for.service, "cart");
  writeFileSync(`${path}.approved`, "");
  await eventually("the run", () => remedy.outcomes.at(-1) === "note done");
  assert.deepEqual(remedy.outcomes, ["note waiting", "note approved", "note started", "note done"]);
  assert.match(remedy.audit[1].detail, /^by the user of id \d+$/);
  assert.deepEqual(readdirSync(join(remedy.folder, "approvals")), []);
});

test("what is denied, not answered in time, or over before does not run; an old approval is none", async (t) => {
  const remedy = await remedied(t, NOTE, asking({ approval_timeout: "30m" }));
  const at = (name: string) => join(remedy.folder, "approvals", name);
  writeFileSync(at("note-a.approved"), "of an incident before");
  await remedy.tell(of("w", "a"), of("x", "b"), of("y", "c"), of("z", "../../d"));
  assert.ok(!existsSync(at("note-a.approved")));
  assert.equal(readdirSync(at("")).filter((name) => name.endsWith(".json")).length, 4, "no id leaves the directory");
  await remedy.tell(of("x", "b", { state: "resolved" }));
  writeFileSync(at("note-c.denied"), "");
  writeFileSync(at("note-c.approved"), "");
  await eventually("the denial", () => remedy.outcomes.includes("note denied"));
  remedy.host.time += HOUR;
  await eventually("the end", () => remedy.outcomes.filter((outcome) => outcome === "note expired").length === 2);
  await remedy.tell(of("w", "a", { state: "ongoing" }), of("y", "c", { state: "ongoing" }));
  const after = remedy.outcomes.filter((outcome) => outcome !== "note waiting");
  assert.deepEqual(after, ["note withdrawn", "note denied", "note expired", "note expired"]);
  assert.equal(remedy.wrote("ran"), "");
  assert.deepEqual(readdirSync(at("")), []);
});

test("what waits for approval when the agent is started anew runs once somebody agrees, and what was denied is not asked for again", async (t) => {
  const remedy = await remedied(t, NOTE, asking());
  const at = (name: string) => join(remedy.folder, "approvals", name);
  await remedy.tell(of("cart", "a"), of("mail", "b"));
  writeFileSync(at("note-b.denied"), "");
  await eventually("the denial", () => remedy.outcomes.includes("note denied"));
  await remedy.restart({ keeps: true });
  await remedy.tell(of("cart", "a", { state: "ongoing" }), of("mail", "b", { state: "ongoing" }));
  writeFileSync(at("note-a.approved"), "");
  await eventually("the run", () => remedy.outcomes.at(-1) === "note done");
  assert.deepEqual(remedy.outcomes.slice(2), ["note denied", "note approved", "note started", "note done"]);
  assert.match(remedy.wrote("ran"), /^\S+ cart\n$/);
  assert.equal(remedy.storage.records.size, 1, "the run is remembered");
  await remedy.restart({ keeps: true });
  await remedy.tell(of("cart", "a", { state: "ongoing" }));
  assert.equal(remedy.outcomes.at(-1), "note done");
});

test("what waited and is too old, taken back, or not what the configuration says any more does not run after a restart", async (t) => {
  const remedy = await remedied(t, NOTE, asking());
  const at = (name: string) => join(remedy.folder, "approvals", name);
  const endsAs = async (outcome: string, how: { options?: object; after?: number } = {}) => {
    await remedy.tell(of("cart", outcome, { time: remedy.host.time }));
    remedy.host.time += how.after ?? 0;
    writeFileSync(at(`note-${outcome}.approved`), "");
    await remedy.restart({ keeps: true, ...how });
    await eventually(outcome, () => remedy.outcomes.at(-1) === `note ${outcome}`);
    assert.deepEqual(readdirSync(at("")), []);
  };
  await endsAs("expired", { after: HOUR });
  const [action] = ASKING(remedy.folder).actions;
  await endsAs("withdrawn", { options: { actions: [{ ...action, command: [...action.command, "--force"] }] } });
  await remedy.restart();
  await endsAs("withdrawn", { options: { actions: [{ ...action, approval: "none" }] } });
  await remedy.restart();
  await endsAs("withdrawn", { options: { dry_run: true } });
  await remedy.restart();
  await remedy.tell(of("cart", "gone", { time: remedy.host.time }));
  await remedy.restart({ keeps: true });
  rmSync(at("note-gone.json"));
  writeFileSync(at("note-gone.approved"), "");
  await eventually("a word", () =>
    remedy.host.logged.some(({ message }) => /request for approval is gone/.test(message)),
  );
  assert.equal(remedy.wrote("ran"), "");
  assert.throws(() => remedy.part.load!(new Uint8Array(2)), /is not what remediate saves/);
});

test("where everyone could approve, or change what is run, it does not start", async (t) => {
  const open = await remedied(t, NOTE, asking());
  chmodSync(join(open.folder, "approvals"), 0o777);
  await assert.rejects(open.restart(), /everyone may write to it; chmod o-w it$/);
  chmodSync(join(open.folder, "approvals"), 0o700);
  chmodSync(join(open.folder, "note"), 0o757);
  await assert.rejects(open.restart(), /note must not be run: everyone may change it; chmod o-w it$/);
  chmodSync(join(open.folder, "note"), 0o644);
  await assert.rejects(open.restart(), /note cannot be run: EACCES/);
});

const command = ["/usr/local/bin/restart"];
const action = { name: "restart", condition: 'severity == "critical"', command };
for (const [what, options, message] of [
  ["a command that is not allowed", { actions: [action] }, /actions\.0\.command\.0: it is not in allow/],
  [
    "a shell",
    { allow: ["/bin/bash"], actions: [{ ...action, command: ["/bin/bash"] }] },
    /allow\.0: it would interpret/,
  ],
  [
    "a relative path",
    { allow: ["restart"], actions: [{ ...action, webhook: "http://a" }] },
    /allow\.0: not an absolute path/,
  ],
  ["neither command nor webhook", { actions: [{ ...action, command: undefined }] }, /actions\.0: an action has either/],
  ["nowhere to remember", { dry_run: false, allow: command, actions: [action] }, /storage: without dry_run it must be/],
  [
    "nowhere to approve",
    { allow: command, actions: [{ ...action, approval: "required" }] },
    /approval: there is no place/,
  ],
  ["two of one name", { allow: command, actions: [action, action] }, /actions\.1\.name: another action has this name/],
  [
    "a placeholder that names nothing",
    { allow: command, actions: [{ ...action, command: [...command, "{{sevrice}}"] }] },
    /actions\.0\.command\.1: \{\{sevrice\}\} names nothing; there are id, .*service/,
  ],
  ["a placeholder for a command", { actions: [{ ...action, command: ["{{service}}"] }] }, /it is not in allow/],
] as const) {
  test(`${what} is an error of the configuration`, () => {
    const { error } = remediate.config.safeParse(options);
    assert.match(String(error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`)), message);
  });
}

test("a file for approvals in place of a directory, and no storage, are told", async (t) => {
  const folder = folderWith(t, { approvals: "" });
  await assert.rejects(
    remedied(t, NOTE, asking({ approvals_directory: join(folder, "approvals") })),
    /EEXIST.*; name a directory/,
  );
});
