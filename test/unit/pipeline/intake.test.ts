// What a request is to the rest of the agent: rows of known series, whatever the bytes look like, at a bounded cost.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { labelsOf } from "../../../src/otlp/labels.ts";
import { Intake } from "../../../src/pipeline/intake.ts";
import { encode } from "../../otlp_requests.ts";

const text = ([key, stringValue]: readonly string[]) => ({ key, value: { stringValue } });

test("a series keeps its row however its attributes are shuffled, until it is the least recently seen and another takes it", () => {
  const place = fc.record({
    host: fc.constantFrom("a", "b"),
    scope: fc.constantFrom("s", "t"),
    name: fc.constantFrom("m", "n"),
  });
  const point = fc.tuple(fc.constantFrom("1", "2", "3"), fc.constantFrom("x", "y"), fc.boolean());
  const requests = fc.array(fc.array(fc.tuple(place, fc.array(point, { maxLength: 6 })), { maxLength: 4 }), {
    maxLength: 15,
  });
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 12 }), fc.integer(), (all, limit, seed) => {
      const intake = new Intake("metrics", seed, limit);
      /** What names a series -> its row, in order of last sight. */
      const rows = new Map<string, number>();
      for (const request of all) {
        const bytes = encode("metrics", {
          resourceMetrics: request.map(([{ host, scope, name }, points]) => ({
            resource: { attributes: [text(["host", host])] },
            scopeMetrics: [
              {
                scope: { name: scope },
                metrics: [
                  {
                    name,
                    gauge: {
                      dataPoints: points.map(([a, b, swapped]) => ({
                        asDouble: 1,
                        attributes: (swapped
                          ? [
                              ["b", b],
                              ["a", a],
                            ]
                          : [
                              ["a", a],
                              ["b", b],
                            ]
                        ).map(text),
                      })),
                    },
                  },
                ],
              },
            ],
          })),
        });
        intake.read(bytes);
        const named = Array.from({ length: intake.scan.length }, (_, row) => {
          const { resource, scope, name, attributes } = labelsOf("metrics", bytes, intake.scan, row);
          return [resource.host, scope.name, name, attributes.a, attributes.b].join();
        });
        const expected: number[] = [];
        const seen = new Set<string>();
        for (const name of named) {
          let row = rows.get(name);
          if (row === undefined) {
            const [oldest] = rows.keys();
            if (rows.size === limit && seen.has(oldest)) continue;
            row = rows.size === limit ? (rows.get(oldest) as number) : rows.size;
            if (rows.size === limit) rows.delete(oldest);
          }
          rows.delete(name);
          rows.set(name, row);
          seen.add(name);
          expected.push(row);
        }
        const { series, length } = intake.rows();
        assert.deepEqual([...series.subarray(0, length)], expected);
      }
    }),
    { numRuns: 300 },
  );
});

test("the columns that a request of a million points needed are let go of", () => {
  const intake = new Intake("metrics", 1, 100);
  const points = { name: "m", gauge: { dataPoints: Array.from({ length: 1_000_000 }, () => ({ asDouble: 1 })) } };
  intake.read(encode("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics: [points] }] }] }));
  assert.equal(intake.rows().length, 1_000_000);
  assert.ok(intake.scan.room > 1_000_000);
  points.gauge.dataPoints = [{ asDouble: 1 }];
  intake.read(encode("metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics: [points] }] }] }));
  assert.deepEqual([...intake.rows().series], [0, ...Array(1023).fill(0)]);
  assert.ok(intake.scan.room < 10_000);
});
