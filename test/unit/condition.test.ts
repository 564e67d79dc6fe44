// Conditions on anomalies: what users may ask of them, and what is said of what cannot be read.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Anomaly, parseCondition } from "vedette";
import { anomalyOf } from "../exporting.ts";

const holds = (text: string, changes: Partial<Anomaly> = {}) => parseCondition(text).holds(anomalyOf(changes));

test("severities are compared by their rank, not by their letters", () => {
  assert.equal(holds('severity >= "warning"', { severity: "critical" }), true);
  assert.equal(holds('severity >= "warning"', { severity: "info" }), false);
  assert.equal(holds('severity == "critical"', { severity: "critical" }), true);
});

test("what an anomaly is about can be asked for", () => {
  assert.equal(holds('service == "checkout" and type == "spike" and signal == "metrics"'), true);
  assert.equal(holds('resource.attributes["service.name"] == "checkout"'), true);
  assert.equal(holds('attributes["route"] == "/pay" and direction == "above"'), true);
  assert.equal(holds('attributes["anomaly.severity"] == "warning"'), true);
  assert.equal(holds('IsMatch(service, "^check") and not IsMatch(name, "client")'), true);
});

test("episodes and incidents can be asked how long and how wide they are", () => {
  const episode = { start: 0, lastSeen: 400_000, peak: 3, count: 12 };
  assert.equal(holds('duration >= Duration("5m") and count > 10', { episode }), true);
  assert.equal(holds('duration >= Duration("5m")'), false);
  assert.equal(holds("breadth >= 2 or is_incident"), false);
  const incident = { members: [], episodes: 3, origins: [], services: ["a", "b"], traces: [], templates: [] };
  assert.equal(holds("breadth >= 2 and is_incident and episodes == 3", { incident }), true);
});

test("and binds closer than or, and parentheses closer than both", () => {
  assert.equal(holds('type == "spike" or type == "drop" and score > 100'), true);
  assert.equal(holds('(type == "spike" or type == "drop") and score > 100'), false);
  assert.equal(holds('not (type == "drop" or score > 100)'), true);
});

test("what is absent equals nil and nothing else", () => {
  assert.equal(holds('attributes["none"] == nil'), true);
  assert.equal(holds('attributes["none"] != "x"'), true);
  assert.equal(holds('attributes["none"] < "x" or attributes["none"] >= "x"'), false);
  assert.equal(holds('attributes["route"] != nil'), true);
});

test("statements of the Collector's routing table are conditions", () => {
  assert.equal(holds('route() where severity == "warning"'), true);
  assert.equal(holds("route()"), true);
});

const wrong: readonly (readonly [text: string, says: RegExp])[] = [
  ["", /ends too early/],
  ['severity = "critical"', /cannot read "= /],
  ['sevrity == "critical"', /there is no "sevrity"; there are .*severity/],
  ["severity == critical", /there is no "critical"/],
  ["severity == 'critical'", /double quotes/],
  ['severity == "critical" and', /ends too early/],
  ['(severity == "critical"', /ends too early where "\)"/],
  ['IsMatch(service, "(")', /no regular expression/],
  ["IsMatch(service, name)", /in quotes/],
  ['duration > Duration("5 minutes")', /no duration; write Duration\("5m"\)/],
  ["attributes[route] == 1", /stands in quotes/],
  ['type == "a" type == "b"', /"type" stands where "and", "or" or the end is expected/],
  ["(".repeat(100), /nested too deeply/],
];

for (const [text, says] of wrong) {
  test(`what cannot be read is said: ${text.slice(0, 40)}`, () => {
    assert.throws(() => parseCondition(text), says);
  });
}

test("whatever is written is read or refused with an Error, and what is read never throws", () => {
  const word = fc.constantFrom(
    ...[
      "severity",
      "score",
      '"a"',
      "1",
      "==",
      ">",
      "and",
      "or",
      "not",
      "(",
      ")",
      "IsMatch",
      ",",
      "nil",
      "attributes",
      "[",
      "]",
    ],
    'Duration("1s")',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      let read: ReturnType<typeof parseCondition>;
      try {
        read = parseCondition(words.join(" "));
      } catch (error) {
        assert.ok(error instanceof Error && error.message.length > 5);
        return;
      }
      assert.equal(typeof read.holds(anomalyOf()), "boolean");
    }),
  );
});
