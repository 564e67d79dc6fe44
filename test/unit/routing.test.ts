// Routes of anomalies: who hears of what, from its beginning to its end.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Anomaly } from "vedette";
import routing from "../../plugins/connectors/routing/index.ts";
import { damaged } from "../damaged.ts";
import { anomalyOf, fakeHost } from "../exporting.ts";

/** A router, and "pipeline: id state, id state" of each list that it has fed. */
function router(options: object) {
  const fed: string[] = [];
  const anomalies = (list: readonly Anomaly[], pipelines?: readonly string[]) => {
    fed.push(`${pipelines}: ${list.map(({ id, state }) => `${id} ${state}`).join(", ")}`);
  };
  const part = routing.create(routing.config.parse(options), fakeHost(), { anomalies });
  return {
    part,
    fed,
    tell(...changes: Partial<Anomaly>[]) {
      fed.length = 0;
      part.consume(changes.map(anomalyOf));
      return [...fed];
    },
  };
}

const byCondition = (...conditions: string[]) => ({
  table: conditions.map((condition, i) => ({ condition, pipelines: [`${i + 1}`] })),
});

const bySeverity = {
  table: [{ condition: 'severity == "critical"', pipelines: ["page", "chat"] }],
  default_pipelines: ["keep"],
};

test("the first route that fits takes an anomaly, and the defaults take what none does; a list is fed as one", () => {
  const { tell } = router({ ...byCondition("score > 3", "score > 2"), default_pipelines: ["keep"] });
  const scores = [4, 3, 2, 5].map((score) => ({ id: `${score}`, score }));
  assert.deepEqual(tell(...scores), ["1: 4 open, 5 open", "2: 3 open", "keep: 2 open"]);
  assert.deepEqual(router(byCondition("score > 3")).tell({ score: 1 }), [], "nowhere to go");
});

test("a route that copies lets an anomaly go on to the routes below and to the defaults", () => {
  const { tell } = router({
    table: [
      { statement: 'route() where severity == "critical"', action: "copy", pipelines: ["page"] },
      { statement: "route()", pipelines: ["keep", "page"] },
    ],
    default_pipelines: ["never"],
  });
  assert.deepEqual(tell({ id: "a", severity: "critical" }), ["page: a open", "keep: a open"]);
});

test("attributes are the anomaly's, or the resource's in its context", () => {
  const labels = { ...anomalyOf().labels, resource: { env: "prod" }, attributes: { env: "attributes[0]" } };
  const route = (context: string, condition: string) =>
    router({ table: [{ context, condition, pipelines: ["there"] }] }).tell({ labels }).length > 0;
  assert.ok(route("resource", 'attributes["env"] == "prod"'));
  assert.ok(!route("log", 'attributes["env"] == "prod"'));
  assert.ok(route("log", 'attributes["env"] == "attributes[0]" and resource.attributes["env"] == "prod"'));
  assert.ok(route("resource", 'resource.attributes["env"] == "prod" and "attributes[0]" != attributes ["env"]'));
});

test("who was told of an incident hears on of it until its end, whatever becomes of it", () => {
  const { tell } = router(bySeverity);
  assert.deepEqual(tell({ id: "a", severity: "critical" }), ["page: a open", "chat: a open"]);
  assert.deepEqual(tell({ id: "a", severity: "info", state: "ongoing" }), [
    "page: a ongoing",
    "chat: a ongoing",
    "keep: a open",
  ]);
  assert.deepEqual(tell({ id: "a", severity: "info", state: "resolved" }), [
    "page: a resolved",
    "chat: a resolved",
    "keep: a resolved",
  ]);
  assert.deepEqual(tell({ id: "b", severity: "warning" }), ["keep: b open"]);
  assert.deepEqual(tell({ id: "b", severity: "critical", state: "resolved" }), ["keep: b resolved"]);
});

test("who is told later is told from the beginning", () => {
  const { tell } = router(bySeverity);
  tell({ id: "a", severity: "warning" });
  const change = { id: "a", severity: "critical", state: "ongoing" } as const;
  assert.deepEqual(tell(change), ["keep: a ongoing", "page: a open", "chat: a open"]);
  assert.deepEqual(tell(change), ["keep: a ongoing", "page: a ongoing", "chat: a ongoing"]);
});

test("who was told is known after a restart; without it the end of what nobody knows takes the routes that fit", () => {
  const first = router(bySeverity);
  first.tell({ id: "a", severity: "critical" });
  const change = { id: "a", severity: "info", state: "resolved" } as const;
  const second = router(bySeverity);
  second.part.load!(first.part.save!());
  assert.deepEqual(second.tell(change), ["page: a resolved", "chat: a resolved"]);
  assert.deepEqual(router(bySeverity).tell(change), ["keep: a resolved"]);
});

test("what is remembered is bounded: the one that changed longest ago is forgotten", () => {
  const { tell, part } = router({ ...bySeverity, max_open: 2 });
  for (const id of ["a", "b", "a", "c"]) tell({ id, severity: "critical" });
  const end = (id: string) => tell({ id, severity: "info", state: "resolved" });
  assert.deepEqual(end("b"), ["keep: b resolved"]);
  assert.deepEqual(end("a"), ["page: a resolved", "chat: a resolved"]);
  tell({ id: "d", severity: "critical" }, { id: "e", severity: "critical" });
  const smaller = router({ ...bySeverity, max_open: 1 });
  smaller.part.load!(part.save!());
  assert.deepEqual(smaller.tell({ id: "d", state: "resolved" }, { id: "e", state: "resolved" }), [
    "keep: d resolved",
    "page: e resolved",
    "chat: e resolved",
  ]);
});

test("each pipeline hears a whole story of each incident: opened first, resolved last, and nothing twice", () => {
  const change = fc.record({
    id: fc.constantFrom("a", "b", "c"),
    severity: fc.constantFrom("info" as const, "warning" as const, "critical" as const),
  });
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), (lists) => {
      const { tell } = router(bySeverity);
      const open = new Set<string>();
      const told = new Map<string, string>();
      const take = (changes: Partial<Anomaly>[]) => {
        for (const line of tell(...changes)) {
          const [pipeline, list] = line.split(": ");
          for (const one of list.split(", ")) {
            const [id, state] = one.split(" ");
            const key = `${pipeline} ${id}`;
            const before = told.get(key) ?? "resolved";
            assert.equal(state === "open", before === "resolved", `${key} ${before} -> ${state}`);
            told.set(key, state);
          }
        }
      };
      for (const list of lists) {
        take(
          list.map((each) => {
            const state = open.has(each.id) ? "ongoing" : "open";
            open.add(each.id);
            return { ...each, state } as const;
          }),
        );
      }
      take([...open].map((id) => ({ id, state: "resolved" }) as const));
      for (const [key, state] of told) assert.equal(state, "resolved", key);
    }),
  );
});

test("a state that is damaged is refused, or does no harm", () => {
  const { part, tell } = router(bySeverity);
  tell({ id: "a", severity: "critical" }, { id: "b" });
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (place, value) => {
      const fresh = router(bySeverity);
      try {
        fresh.part.load!(damaged(part.save!(), place, value));
      } catch (error) {
        assert.match((error as Error).message, /^is (of another version of|not what) routing/);
      }
      fresh.tell({ id: "a", state: "ongoing" }, { id: "b", state: "resolved" });
    }),
  );
});
