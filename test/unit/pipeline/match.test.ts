// Which series a detector watches: globs over names, services and attributes.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Labels } from "../../../src/api/index.ts";
import { globs, matching, seriesName } from "../../../src/pipeline/match.ts";
import { matchOption } from "../../../src/pipeline/options.ts";

function labels(changes: Partial<Labels> = {}): Labels {
  return {
    resource: { "service.name": "checkout", "host.name": "a1" },
    scope: { name: "", version: "" },
    name: "http.server.duration",
    statistic: "p99",
    unit: "s",
    attributes: { "http.route": "/pay", "http.status": 200n },
    traceId: "",
    spanId: "",
    ...changes,
  };
}

const allowed = (match: object, of = labels()) => matching(matchOption.parse(match))?.(of) ?? true;

test("a glob fits what the regular expression of the same meaning fits", () => {
  const letter = fc.constantFrom("a", "b", ".", "*", "?", "\n", "é", "/", "[", "\\");
  const pattern = fc.string({ unit: letter, maxLength: 10 });
  const text = fc.string({ unit: letter, maxLength: 14 });
  const expression = (glob: string) =>
    new RegExp(
      `^${[...glob].map((c) => (c === "*" ? ".*" : c === "?" ? "." : c.replace(/[.[\]\\/]/g, "\\$&"))).join("")}$`,
      "s",
    );
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1, maxLength: 3 }), text, (patterns, of) => {
      const expected = patterns.some((glob) => expression(glob).test(of));
      assert.equal(globs(patterns)(of), expected);
    }),
    { numRuns: 3000 },
  );
});

test("a text made from the pattern fits it", () => {
  const piece = fc.constantFrom(["*", ""], ["*", "xyz"], ["*", "ab"], ["?", "q"], ["a", "a"], ["b", "b"], [".", "."]);
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      assert.ok(globs([pieces.map(([glob]) => glob).join("")])(pieces.map(([, text]) => text).join("")));
    }),
  );
});

test("no pattern takes exponential time", () => {
  assert.equal(globs([`${"*a".repeat(50)}*b`])("a".repeat(5000)), false);
});

test("an empty list of globs fits nothing, and no match option lets everything through", () => {
  assert.equal(globs([])(""), false);
  assert.equal(matching(matchOption.parse({})), undefined);
});

test("a metric is named with or without its statistic", () => {
  for (const metric of [
    "http.server.duration",
    "http.server.duration.p99",
    "http.*",
    "*.p99",
    "http.server.duration.p*",
  ])
    assert.ok(allowed({ include: { metric: [metric] } }), metric);
  for (const metric of ["http.server.duration.p95", "http.server", "*.mean"])
    assert.ok(!allowed({ include: { metric: [metric] } }), metric);
});

test("a metric without a statistic has no dot after its name", () => {
  const plain = labels({ statistic: "" });
  assert.ok(!allowed({ include: { metric: ["http.server.duration.*"] } }, plain));
  assert.ok(!allowed({ include: { metric: ["*."] } }, plain));
  assert.equal(seriesName(plain), "http.server.duration");
  assert.equal(seriesName(labels({ statistic: "rate" })), "http.server.duration");
  assert.equal(seriesName(labels()), "http.server.duration.p99");
});

test("everything named must fit; of each list one glob is enough", () => {
  const include = { metric: ["http.*"], service: ["cart", "check*"], attribute: { "http.route": ["/p?y"] } };
  assert.ok(allowed({ include }));
  assert.ok(!allowed({ include: { ...include, service: ["cart"] } }));
  assert.ok(!allowed({ include: { ...include, attribute: { "http.route": ["/cart"] } } }));
});

test("attributes are those of the row, then of the resource, of any type; an absent one fits nothing", () => {
  assert.ok(allowed({ include: { attribute: { "host.name": ["a?"] } } }));
  assert.ok(allowed({ include: { attribute: { "http.status": ["2??"] } } }));
  assert.ok(!allowed({ include: { attribute: { region: ["*"] } } }));
  assert.ok(allowed({ exclude: { attribute: { region: ["*"] } } }));
});

test("exclude wins over include, and a service that is not named is the empty text", () => {
  assert.ok(!allowed({ include: { metric: ["http.*"] }, exclude: { metric: ["*.p99"] } }));
  assert.ok(allowed({ exclude: { metric: ["*.p95"] } }));
  const nameless = labels({ resource: {} });
  assert.ok(!allowed({ include: { service: ["check*"] } }, nameless));
  assert.ok(allowed({ include: { service: [""] } }, nameless));
});

test("spans and severities are matched by name", () => {
  assert.ok(allowed({ include: { span: ["POST *"] } }, labels({ name: "POST /pay", statistic: "" })));
  assert.ok(allowed({ include: { severity: ["ERROR", "FATAL"] } }, labels({ name: "ERROR", statistic: "" })));
  assert.ok(!allowed({ include: { severity: ["ERROR"] } }, labels({ name: "WARN", statistic: "" })));
});
