// Tells when who calls what changes: new and missing calls, retry storms, calls repeated many times, new ways through the system.
import { defineFinder, duration, z } from "vedette";
import { Callers } from "./callers.ts";
import { Changes, TYPES } from "./changes.ts";
import { Judge } from "./judge.ts";
import { Reader } from "./reader.ts";
import { load, save } from "./saved.ts";

/** Milliseconds between two judgements. */
const EVERY = 5000;
const MOST_CALLERS = 20_000;
/** Milliseconds without one after which the agent was not there. */
const LAPSE = 300_000;

export default defineFinder({
  type: "trace_structure",
  signals: ["traces"],
  stability: "beta",
  summary: "Tells when calls are new, missing or repeated: retry storms, N+1 queries, new ways through the services.",
  finds: TYPES,
  defaults: { warmup: 100 },
  config: z.object({
    learning: duration()
      .prefault("30m")
      .describe("How long an operation is watched before a change of its calls is told; `warmup` counts its traces."),
    adopt_after: duration()
      .prefault("1h")
      .describe("A change that lasts so long is taken for normal: the anomaly is resolved."),
    sampled: z
      .boolean()
      .default(false)
      .describe(
        "Spans were dropped from within traces: a call counts as missing only where it is missing nearly always, in whole traces. Not needed when whole traces are sampled.",
      ),
  }),
  create({ learning, adopt_after, sampled, warmup, max_series }, host, detection) {
    const callers = new Callers(detection, Math.min(max_series, MOST_CALLERS));
    const about = { warmup, learning, sampled };
    const reader = new Reader(callers, about);
    const judge = new Judge(reader, about);
    const changes = new Changes(detection, judge, adopt_after);
    judge.changes = changes;
    let now = Number.NaN;
    let judged = Number.NaN;
    let full = false;

    return {
      process: (batch) => batch,
      trace(trace) {
        if (Number.isNaN(now)) now = trace.length > 0 ? trace.start[0] : host.now();
        reader.read(trace, now);
      },
      tick(time) {
        now = time;
        const since = now - judged;
        if (since >= 0 && since < EVERY) return;
        if (since > LAPSE) {
          changes.defer(since);
          reader.defer(since);
        }
        judged = now;
        judge.judge(now);
        changes.tick(now);
        if (callers.refused > 0 && !full) {
          full = true;
          host.log.warn(
            "too many operations, or calls between them: new ones are not watched; narrow match, or take ids out of span names",
            {
              operations: callers.byKey.size,
              links: callers.links,
            },
          );
        }
      },
      save: () => save({ callers, reader, changes }, judged),
      load(bytes) {
        judged = load(bytes, { callers, reader, changes });
      },
    };
  },
});
