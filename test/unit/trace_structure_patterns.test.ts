// What trace_structure knows does not depend on whether traces were read one by one, or counted as one of a pattern.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Trace } from "vedette";
import traceStructure from "../../plugins/processors/trace_structure/index.ts";
import { Findings } from "../../src/pipeline/detection.ts";
import { lineOf } from "../../src/pipeline/line.ts";
import type { DetectorOptions } from "../../src/pipeline/options.ts";
import { optionsOf } from "../../src/registry.ts";
import { BEGINNING } from "../timeline.ts";
import { ask, call, PRODUCER, type SpanTree, span, traceMaker } from "../traces.ts";
import { fakeHostNamed } from "../wired.ts";

const parsed = optionsOf(traceStructure).parse({ learning: "2m", warmup: 20 }) as DetectorOptions & { warmup: number };

function finder() {
  const told: string[] = [];
  const host = fakeHostNamed("trace_structure");
  const findings = new Findings(host, parsed, lineOf(parsed, traceStructure), ({ time, reason }) =>
    told.push(`${time} ${reason}`),
  );
  const part = traceStructure.create(parsed as never, host, findings);
  return {
    told,
    read(trace: Trace, tick: number) {
      part.trace!(trace);
      if (tick === 0) return;
      host.clock = tick;
      part.tick!(tick);
    },
    /** What it saves, and apart from that when callers were seen last, which is known to about the judgement. */
    known() {
      const saved = JSON.parse(Buffer.from(part.save!()).toString());
      const seen: number[] = saved.callers.map((caller: { seen: number }) => caller.seen);
      for (const caller of saved.callers) caller.seen = 0;
      return { saved, seen };
    },
  };
}

/** As if each operation had been forgotten since the last trace: no pattern is known. */
const renumbered = (trace: Trace): Trace => ({ ...trace, operations: trace.operations.map((each) => ({ ...each })) });

/** What a shop's cart may do in one trace: by the bits of a number. */
function cart(number: number): SpanTree {
  const bit = (n: number) => (number >> n) & 1;
  const failed = bit(0) === 1 && bit(1) === 1;
  const stock = (at?: number) =>
    span("cart GET", { kind: 3, took: 20, at, failed: bit(6) === 1 && bit(7) === 1 }, span("inventory GET /stock"));
  const children = [call("cart", "catalog GET /prices", { failed }, ask("catalog", "SELECT prices"))];
  // three times, at once or one after the other
  if (bit(2)) children.push(...[0, 1, 2].map((n) => stock(100 + n * (bit(3) ? 10 : 30))));
  if (bit(4))
    children.push(
      span("cart POST", { kind: 3 }, ...(bit(5) ? [] : [span(bit(9) ? "mail POST /news" : "post POST /news")])),
    );
  if (bit(8)) children.push(span("cart send orders", { kind: PRODUCER }, span("orders take", { kind: 5 })));
  if (bit(8) && bit(9)) children.reverse();
  return span("gateway GET /cart", {}, span("gateway GET", { kind: 3 }, span("cart GET /cart", {}, ...children)));
}

test("traces that are counted as one of a pattern teach what each of them would have", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1023 }), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 0, max: 1023 }), { maxLength: 4 }),
      fc.integer({ min: 1, max: 50 }),
      (usual, later, step) => {
        const [whole, single] = [finder(), finder()];
        const trace = traceMaker();
        for (let i = 0; i < 900; i++) {
          const kinds = i < 600 ? usual : [...usual, ...later];
          const made = trace(cart(kinds[(i * step) % kinds.length]), { time: BEGINNING + i * 1000 });
          const tick = i % 3 === 0 ? BEGINNING + (i + 1) * 1000 : 0;
          whole.read(made, tick);
          single.read(renumbered(made), tick);
        }
        const [a, b] = [whole.known(), single.known()];
        assert.deepEqual(a.saved, b.saved);
        for (const [i, seen] of a.seen.entries())
          assert.ok(Math.abs(seen - b.seen[i]) <= 10_000, `${seen - b.seen[i]}`);
        assert.deepEqual(whole.told, single.told);
      },
    ),
    { numRuns: 20 },
  );
});
