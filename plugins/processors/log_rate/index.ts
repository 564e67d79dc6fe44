// Records per service and severity and interval of event time, against the running mean of earlier intervals.
import { defineDetector, duration, z } from "vedette";

/** Intervals learnt before a count is judged. */
const ENOUGH = 10;
/** A count below this is never judged before its interval ends, and a judged one again only when it has grown by GROWTH. */
const SMALLEST_BURST = 10;
const GROWTH = 4;
/** Deviations from which a burst is judged before its interval ends: as many as are rare even for a series never seen. */
const EARLY = 12;
/** Counts have lighter tails than is believed of scores at first; this power makes one of what it says of deviations. */
const SHARPNESS = 1.6;
/** Records this many intervals older than the newest mean that the sender's clock was set back. */
const SET_BACK = 10;
/** Severity numbers from which a series that begins is taken to have been silent before, as errors are. */
const ERROR = 17;
const CLIP = 5;

export default defineDetector({
  type: "log_rate",
  signal: "logs",
  stability: "beta",
  summary: "Flags intervals with far more, or far fewer, log records of a service and severity than usual.",
  finds: { above: "throughput", below: "throughput" },
  defaults: { warmup: 0, detection_direction: "above_expected" },
  measure: ({ interval }, labels) => ({ name: `number of ${labels.name} records in ${interval / 1000} s`, unit: "" }),
  config: z.object({
    interval: duration()
      .refine((length) => length > 0, "must be longer than 0")
      .prefault("1m")
      .describe("Length of an interval of event time."),
    alpha: z.number().gt(0).lt(1).default(0.05).describe("Weight of the newest interval: 0.05 remembers about 20."),
  }),
  state: {
    /** Number of the open interval plus one, its count, and the count at which it was last judged. */
    open: "f64",
    count: "f64",
    judged: "f64",
    /** Intervals closed; mean and variance of their counts. */
    closed: "f64",
    mean: "f64",
    variance: "f64",
    /** Number of the first interval of all series, plus one. */
    began: ["f64", 1, "shared"],
  },
  scoreThenLearn({ length, series, age, time, severity }, state, verdicts, { interval, alpha }) {
    const { open, count, judged, closed, mean, variance, began } = state;
    const { score, observed, expected, lower, upper } = verdicts;
    for (let i = 0; i < length; i++) {
      if (!(time[i] >= 0 && time[i] < 1e15)) continue;
      const s = series[i];
      const now = Math.floor(time[i] / interval) + 1;
      if (began[0] === 0 || now < began[0] - SET_BACK) began[0] = now;
      if (age[i] === 0 || open[s] === 0) {
        open[s] = now;
        // errors that nobody had seen yet were not there: as many empty intervals as the agent has been watching
        closed[s] = severity[i] >= ERROR ? Math.max(0, now - began[0]) : 0;
      }
      let c = count[s];
      if (now > open[s]) {
        if (judged[s] === 0 && closed[s] >= ENOUGH) judge(i, c, deviation(c, mean[s], variance[s]));
        learn(s, c);
        skip(s, now - open[s] - 1);
        open[s] = now;
        judged[s] = 0;
        c = 0;
      } else if (now < open[s] - SET_BACK) {
        open[s] = now;
        judged[s] = 0;
        c = 0;
      }
      count[s] = ++c;
      if (closed[s] >= ENOUGH && c >= SMALLEST_BURST && c >= judged[s] * GROWTH && c > mean[s]) {
        const z = deviation(c, mean[s], variance[s]);
        if (z >= EARLY) {
          judge(i, c, z);
          judged[s] = c;
        }
      }
    }

    function judge(i: number, c: number, z: number): void {
      const s = series[i];
      const unit = spread(mean[s], variance[s]);
      score[i] = (2 / 3) * z ** SHARPNESS;
      observed[i] = c;
      expected[i] = mean[s];
      lower[i] = Math.max(0, mean[s] - 3 * unit);
      upper[i] = mean[s] + 3 * unit;
    }

    function learn(s: number, c: number): void {
      const n = closed[s];
      const weight = n + 1 < 1 / alpha ? 1 / (n + 1) : alpha;
      const limit = CLIP * spread(mean[s], variance[s]);
      const difference = n === 0 ? c : n > 1 ? Math.max(-limit, Math.min(limit, c - mean[s])) : c - mean[s];
      mean[s] += weight * difference;
      if (n > 0) variance[s] = (1 - weight) * (variance[s] + weight * difference * difference);
      closed[s] = n + 1;
    }

    /** Learns `empty` intervals without a record at once. */
    function skip(s: number, empty: number): void {
      if (empty <= 0) return;
      const keep = (1 - alpha) ** empty;
      variance[s] = keep * (variance[s] + (1 - keep) * mean[s] * mean[s]);
      mean[s] *= keep;
      closed[s] += empty;
    }
  },
});

/** A count varies at least as a Poisson one does; a quarter keeps the first record of a silent series from being everything. */
function spread(mean: number, variance: number): number {
  return Math.sqrt(Math.max(variance, mean + 0.25));
}

function deviation(count: number, mean: number, variance: number): number {
  return Math.abs(count - mean) / spread(mean, variance);
}
