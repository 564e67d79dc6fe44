// Learns who calls whom, how often, how well and how fast, and tells when calls are slow on their way between two services.
import { defineFinder, duration, type Trace, z } from "vedette";
import { Calls } from "./calls.ts";
import { Edges, MOST_EDGES } from "./edges.ts";
import { BUCKET, BUCKETS } from "./gaps.ts";
import { Incidents } from "./incidents.ts";
import { Names } from "./names.ts";
import { Peers } from "./peers.ts";
import { load, save } from "./saved.ts";

/** How many times as long as usual the way takes at least, for it to be told. */
const LEAST_RATIO = 1.5;
/** Milliseconds by which the clock may go back without being followed there. */
const SET_BACK = 600_000;

export default defineFinder({
  type: "service_graph",
  signals: ["traces"],
  stability: "beta",
  summary: "Learns who calls whom, and tells when calls are slow on their way between services.",
  finds: ["latency", "high_cardinality"],
  config: z.object({
    min_increase: duration()
      .prefault("300us")
      .describe("Calls that take less than so much longer on their way are not told."),
    adopt_after: duration()
      .prefault("1h")
      .describe("Slow ways that last so long are taken for normal: the anomaly is resolved."),
  }),
  create({ min_increase, adopt_after, warmup, max_series }, host, detection) {
    const most = Math.min(max_series, MOST_EDGES);
    let full = false;
    const edges = new Edges(most, () => {
      if (!full)
        host.log.warn("too many edges of the service graph: new ones are not followed; narrow match", { most });
      full = true;
    });
    const peers = new Peers();
    const names = new Names(detection);
    const calls = new Calls(
      edges,
      peers,
      (labels) => detection.allows(labels),
      (operation) => names.met(operation),
    );
    const least = { ratio: LEAST_RATIO, increase: min_increase };
    const incidents = new Incidents(edges, { warmup, least, adopt_after }, detection);
    const memory = { edges, incidents, names };

    /** Closes the buckets that are over. The clock may stand still or jump: what lies between is empty. */
    function advance(now: number): void {
      const bucket = Math.floor(now / BUCKET);
      for (let i = 0; i <= BUCKETS && edges.bucket < bucket; i++) {
        incidents.judge();
        edges.roll();
      }
      edges.at(now);
    }

    return {
      process(batch) {
        peers.read(batch);
        return batch;
      },
      trace(trace: Trace) {
        if (Number.isNaN(edges.now)) {
          const latest = trace.start.subarray(0, trace.length).reduce((a, b) => Math.max(a, b), 0);
          edges.at(latest);
        }
        calls.read(trace);
      },
      tick(now) {
        if (Number.isNaN(edges.now)) edges.at(now);
        else if (now > edges.now) advance(now);
        else if (now < edges.now - SET_BACK) edges.at(now);
        names.look(now);
      },
      forget: (_, series) => peers.forget(series),
      calls: () => edges.list(),
      save: () => save(memory),
      load: (bytes) => load(bytes, memory),
    };
  },
});
