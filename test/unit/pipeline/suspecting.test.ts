// What surprises a detector below its line: heard by processors that want to, and by nobody else.
import assert from "node:assert/strict";
import test from "node:test";
import type { Batch, Finding, Labels, Suspicion } from "../../../src/api/index.ts";
import { Suspecting } from "../../../src/pipeline/suspecting.ts";
import type { Judgement, Tap } from "../../../src/pipeline/tap.ts";

const LABELS = { name: "GET /", resource: { "service.name": "shop" }, attributes: {} } as unknown as Labels;

/** Rows of these rarities, of which those from 5 on are past the line; three times as much was observed as expected. */
function judgement(rarities: readonly number[]): Judgement {
  const rarity = Float64Array.from(rarities);
  const expected = rarity.map(() => 1);
  return {
    detector: "span_duration",
    by: { signal: "traces", warmup: 0, judged: () => 100 },
    count: rarity.length,
    source: new Uint32Array(rarity.length),
    series: new Uint32Array(rarity.length),
    time: rarity.map((_, i) => i),
    score: rarity.map((each) => each / 5),
    rarity,
    verdicts: { expected } as never,
    typeOf: () => "latency",
    observed: () => 3,
    labels: () => LABELS,
  };
}

function heard(next?: Tap, hears = true) {
  const all: Suspicion[] = [];
  return { all, tap: new Suspecting("log_mix", { hears, suspect: (each) => void all.push(each) }, next) };
}
const batch = {} as Batch<"traces">;

test("a row is heard where it is rarer than one in a thousand, and not past the line", () => {
  const { all, tap } = heard();
  tap.judged(batch, judgement([0, 2, 4.8, Number.NaN, 5, 30]));
  assert.equal(all.length, 1);
  const [{ strength, ...said }] = all;
  assert.ok(Math.abs(strength - ((2 / 3) * 4.8 - 3)) < 1e-9);
  assert.deepEqual(said, {
    ...{ detector: "span_duration", signal: "traces", type: "latency", labels: LABELS },
    ...{ time: 2, observed: 3, expected: 1 },
  });
});

test("a finding is heard by its rarity and how much more it is than expected", () => {
  const { all, tap } = heard();
  const finding: Finding = { type: "log_mix", signal: "logs", labels: LABELS, time: 7, rarity: 4 };
  tap.missed(finding);
  tap.missed({ ...finding, observed: 2, expected: 1 });
  tap.missed({ ...finding, rarity: 0.5 });
  assert.deepEqual(
    all.map(({ detector, strength }) => [detector, strength]),
    [
      ["log_mix", 4],
      ["log_mix", 2],
    ],
  );
});

test("where nobody listens nothing is looked at, and whoever else wants verdicts has them", () => {
  const seen: Judgement[] = [];
  const next = { wanted: true, judged: (_: unknown, each: Judgement) => void seen.push(each) };
  const { all, tap } = heard(next, false);
  assert.equal(tap.wanted, true);
  tap.judged(batch, judgement([4.8]));
  tap.missed({ type: "log_mix", signal: "logs", labels: LABELS, time: 7, rarity: 4 });
  assert.deepEqual([all.length, seen.length], [0, 1]);
  next.wanted = false;
  assert.equal(tap.wanted, false);
  assert.equal(heard(undefined, false).tap.wanted, false);
  const other = heard(next);
  other.tap.judged(batch, judgement([4.8]));
  assert.deepEqual([other.all.length, seen.length], [1, 1]);
});
