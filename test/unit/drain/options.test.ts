// What the options do: names and meanings of the Collector's drain processor, and a few of our own.
import assert from "node:assert/strict";
import { test } from "node:test";
import drain from "../../../plugins/processors/drain/index.ts";
import type { AttributeValue } from "../../../src/api/index.ts";
import { oracle } from "../../exporting.ts";
import { Drains } from "./drained.ts";

/** Attributes of each record that goes on. */
function attributesOf(drains: Drains, ...bodies: AttributeValue[]): Record<string, unknown>[] {
  const { resourceLogs } = oracle.logs.request.decode(drains.send(bodies)).toJSON();
  return resourceLogs[0].scopeLogs[0].logRecords.map(({ attributes = [] }: { attributes?: any[] }) =>
    Object.fromEntries(
      attributes.map(({ key, value }) => [
        key,
        value.stringValue ?? value.arrayValue?.values?.map((each: any) => each.stringValue) ?? [],
      ]),
    ),
  );
}

const LINE = "user alice logged in from 10.0.0.1";
const TEMPLATE = "user <*> logged in from <*>";

test("the template is an attribute of the record, which keeps those that it has", () => {
  const [attributes] = attributesOf(new Drains(), LINE);
  assert.equal(attributes["log.record.template"], TEMPLATE);
});

test("a template that a record bears already stays as it is", () => {
  const before = new Drains();
  const bytes = before.send([LINE]);
  const after = new Drains();
  after.mine("user alice logged out");
  assert.deepEqual([...after.forward(bytes)], [...bytes]);
  assert.equal(after.templates?.text(2), TEMPLATE);
  assert.notDeepEqual([...new Drains({ template_attribute: "other" }).forward(bytes)], [...bytes]);
});

test("template_attribute names it, annotate: none writes none", () => {
  assert.deepEqual(attributesOf(new Drains({ template_attribute: "t" }), LINE), [{ t: TEMPLATE }]);
  assert.deepEqual(attributesOf(new Drains({ annotate: "none" }), LINE), [{}]);
});

test("a template that has become more general is written as it is now", () => {
  const drains = new Drains();
  const lines = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"].map(
    (word) => `the ${word} is out of its cage`,
  );
  const texts = lines.map((line) => attributesOf(drains, line)[0]["log.record.template"]);
  assert.equal(texts[0], "the ant is out of its cage");
  assert.equal(texts.at(-1), "the <*> is out of its cage");
  assert.deepEqual(attributesOf(drains, lines[0])[0]["log.record.template"], "the <*> is out of its cage");
  assert.equal(drains.mine("the owl is out of its cage", "the 1st is out of its cage")[0].parameters[0], "owl");
});

test("emit_wildcards lists what stands in the places of parameters, extract_parameters does under its older name", () => {
  const [attributes] = attributesOf(new Drains({ emit_wildcards: true, extract_parameters: true }), LINE);
  assert.deepEqual(attributes["log.record.template.wildcards"], ["alice", "10.0.0.1"]);
  assert.deepEqual(attributes["log.record.template.params"], ["alice", "10.0.0.1"]);
});

test("nothing is written before warmup_min_clusters templates are known", () => {
  const drains = new Drains({ warmup_min_clusters: 2 });
  const templates = attributesOf(drains, "one a", "one a", "two b", "one a").map((all) => all["log.record.template"]);
  assert.deepEqual(templates, [undefined, undefined, "two b", "one a"]);
});

test("body_field says which value of a map is mined; other bodies are mined as they are", () => {
  const drains = new Drains({ body_field: "event" });
  assert.deepEqual(drains.texts({ event: LINE, msg: "other", n: 1n }, { msg: "a 1" }, "b 2"), [
    TEMPLATE,
    "a <*>",
    "b <*>",
  ]);
});

test("seed_templates and seed_logs are known before the first record, whatever stands in their places", () => {
  const seeds = { seed_templates: ["job <*> of <*> done", "  "], seed_logs: ["disk sda1 is full"] };
  const drains = new Drains(seeds);
  const [word, number, log] = drains.mine("job cleanup of yesterday done", "job 5 of 7 done", "disk sdb2 is full");
  assert.deepEqual([word.text, number.text], ["job <*> of <*> done", "job <*> of <*> done"]);
  assert.equal(word.number, number.number);
  assert.equal(log.text, "disk <*> is full");
  assert.ok(drains.mine("something else").every(({ number }) => number > Math.max(word.number, log.number)));
});

test("extra_delimiters divide words", () => {
  assert.deepEqual(new Drains({ extra_delimiters: ["#"] }).texts("queue#7 drained"), ["queue#<*> drained"]);
  assert.deepEqual(new Drains().texts("queue#7 drained"), ["<*> drained"]);
});

test("merge_threshold keeps lines apart of which less is the same", () => {
  const lines = Array.from({ length: 20 }, (_, i) => `task ${"abcdefghijklmnopqrst"[i].repeat(3)}`);
  const distinct = (merge_threshold: number) =>
    new Set(
      new Drains({ merge_threshold })
        .mine(...lines, ...lines)
        .slice(20)
        .map(({ id }) => id),
    ).size;
  assert.equal(distinct(0.4), 1);
  assert.equal(distinct(0.6), 20);
});

test("max_clusters bounds what is known: those not seen for longest are forgotten", () => {
  const drains = new Drains({ max_clusters: 4 });
  const [first] = drains.mine("alpha one", "beta two", "gamma three", "delta four", "epsilon five");
  const [again] = drains.mine("alpha one");
  assert.equal(again.id, first.id);
  assert.notEqual(again.number, first.number);
});

test("what has no effect here is said to have none", () => {
  const options = {
    tree_depth: 5,
    max_children: 50,
    storage: "file_storage",
    save_interval: "1m",
    warmup_mode: "passthrough",
  };
  const { host } = new Drains(options);
  assert.deepEqual(
    host.logged.map(({ level, message }) => `${level}: ${message.split(":")[0]}`),
    [
      "warn: tree_depth has no effect",
      "warn: max_node_children has no effect",
      "warn: storage has no effect",
      "warn: save_interval has no effect",
    ],
  );
  assert.deepEqual(new Drains().host.logged, []);
});

for (const [options, reason] of [
  [{ tree_depth: 2 }, /at least 3 levels/],
  [{ merge_threshold: 1.5 }, /merge_threshold/],
  [{ warmup_mode: "buffer" }, /never held back/],
  [{ save_interval: "1m" }, /set service\.state\.interval/],
  [{ extra_delimiters: ["x"] }, /ASCII punctuation/],
] as const) {
  test(`${JSON.stringify(options)} is refused`, () => {
    const { error } = drain.config.safeParse(options);
    assert.match(`${error?.issues[0].path.join(".")} ${error?.issues[0].message}`, reason);
  });
}

test("hide_parameters is told to those that make anomalies", () => {
  const hidden = (options: object) => {
    const drains = new Drains(options);
    drains.mine(LINE);
    return drains.templates?.hidden;
  };
  assert.deepEqual([hidden({}), hidden({ hide_parameters: true })], [false, true]);
});
