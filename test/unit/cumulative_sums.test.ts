// cusum and page_hinkley against the definition: the largest sum of deviations of any run that ends here.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import cusum from "../../plugins/processors/cusum/index.ts";
import pageHinkley from "../../plugins/processors/page_hinkley/index.ts";
import { normal } from "../gauges.ts";
import { type Scored, scored } from "../scoring.ts";
import type { AnyDetector } from "../wired.ts";

const CLIP = 3;

/** Rows at which a run of points up to it first sums up to `limit`; after each the sums begin anew, `settling` points later. */
function alarms(values: readonly number[], verdicts: Scored, slack: number, limit: number, settling: number): number[] {
  const found: number[] = [];
  let begin = settling;
  for (let i = begin; i < values.length; i++) {
    let [up, down, mostUp, mostDown] = [0, 0, 0, 0];
    for (let k = i; k >= begin; k--) {
      const unit = (verdicts.upper[k] - verdicts.expected[k]) / 3;
      const z = Math.max(-CLIP, Math.min(CLIP, (values[k] - verdicts.expected[k]) / unit));
      up += z - slack;
      down += -z - slack;
      mostUp = Math.max(mostUp, up);
      mostDown = Math.max(mostDown, down);
    }
    if (Math.max(mostUp, mostDown) < limit) continue;
    found.push(i);
    begin = i + 1 + settling;
    i = begin - 1;
  }
  return found;
}

const told = ({ observed }: Scored) => [...observed.keys()].filter((i) => !Number.isNaN(observed[i]));

/** Noise whose level shifts, by some deviations, after some points. */
const shifts = fc.array(
  fc.record({ length: fc.integer({ min: 1, max: 150 }), level: fc.integer({ min: -20, max: 20 }) }),
  { minLength: 1, maxLength: 6 },
);

function check(plugin: AnyDetector, options: object, slack: number, limit: number, settling: number): void {
  let seen = 0;
  fc.assert(
    fc.property(shifts, fc.integer({ min: 1, max: 1000 }), (parts, seed) => {
      const random = normal(seed);
      const values = parts.flatMap(({ length, level }) => Array.from({ length }, () => 100 + level + 2 * random()));
      const verdicts = scored(plugin, options, values);
      const expected = alarms(values, verdicts, slack, limit, settling);
      assert.deepEqual(told(verdicts), expected);
      seen += expected.length;
    }),
    { numRuns: 60 },
  );
  assert.ok(seen > 10);
}

test("cusum tells a shift where the cumulative sum first comes to its limit", () => {
  check(cusum, {}, 0.5, 12, 30);
  check(cusum, { drift: 0.25, limit: 5 }, 0.25, 5, 30);
});

test("page_hinkley tells a drift where the sum has first risen so far from its lowest", () => {
  check(pageHinkley, { lambda: 20, min_instances: 20 }, 0.1, 20, 20);
});

for (const plugin of [cusum, pageHinkley]) {
  test(`${plugin.type} says which way it went, and by most of the way how far`, () => {
    const random = normal();
    for (const shift of [40, -40]) {
      const values = Array.from({ length: 700 }, (_, i) => 500 + (i < 600 ? 0 : shift) + 5 * random());
      const { observed, expected } = scored(plugin, {}, values);
      const at = observed.findIndex((value, i) => i >= 600 && !Number.isNaN(value));
      const share = (observed[at] - 500) / shift;
      assert.ok(share > 0.25 && share < 1.2, `${observed[at]}`);
      assert.ok(Math.abs(expected[at] - 500) < 5, `${expected[at]}`);
    }
  });
}
