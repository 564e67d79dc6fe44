// The usual value at this time of the day or week, and how much it scatters then: a profile in bins, learnt robustly.
import { defineDetector, z } from "vedette";
import { adopts, close, open, pulled, type Series } from "./profile.ts";

const DAY = 86_400_000;
/** Times a bin must have been seen before it is judged by: days of a day's profile, weeks of a week's. */
const ENOUGH = { day: 3, week: 2 } as const;
/** Mean absolute deviation -> standard deviation, for normal noise. */
const NORMAL = 1.2533;
/** Score of the first move of a series that has stood at zero: it has no scale, only the length of its silence. */
const STIRRED = 10;

export default defineDetector({
  type: "seasonal",
  signal: "metrics",
  stability: "beta",
  summary: "Flags points that are unusual for their time of the day or week.",
  finds: { above: "spike", below: "drop" },
  config: z.object({
    period: z
      .enum(["day", "week"])
      .default("day")
      .describe("What repeats: each day is like the others, or each day like that of the week before. In UTC."),
    bins: z
      .int()
      .min(4)
      .max(288)
      .default(48)
      .describe(
        "Parts of a day that are told apart; between their middles it is interpolated. Each takes 14 bytes a series, with `period: week` 98.",
      ),
    min_relative_deviation: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe(
        "The deviation is taken as at least this share of what is usual: steady series are not watched by a hair.",
      ),
  }),
  state: ({ period, bins }) => {
    const all = period === "week" ? 7 * bins : bins;
    return {
      /** Value at the middle of each bin beside `level`, mean absolute deviation there, days it was seen, days it missed in a row. */
      profile: ["f64", all],
      scatter: ["f32", all],
      days: ["u8", all],
      missed: ["u8", all],
      /** What the series has moved by as a whole, and its mean absolute deviation at any time. */
      level: "f64",
      overall: "f64",
      /** Number of the bin that is being learnt, plus one; what it was given: points, those far off, sums of deviations and of their sizes. */
      bin: "f64",
      count: "u32",
      strays: "u32",
      /** Points of the bin before. */
      crowd: "u32",
      sum: "f64",
      size: "f64",
      /** Unix milliseconds of the newest point, and of the first of those far off on one side (0: none are). */
      last: "f64",
      astray: "f64",
    };
  },
  scoreThenLearn({ length, series, time, value }, state, verdicts, { period, bins, min_relative_deviation }) {
    const { profile, scatter, days, level, overall, bin, last, crowd } = state as Series;
    const { score, expected, lower, upper, basis } = verdicts;
    const all = period === "week" ? 7 * bins : bins;
    const width = DAY / bins;
    const enough = ENOUGH[period];
    for (let i = 0; i < length; i++) {
      const v = value[i];
      const t = time[i];
      // beyond 1e30 a deviation may be no finite number of 32 bits any more
      if (!(Math.abs(v) < 1e30 && t >= 0)) continue;
      const s = series[i];
      const now = Math.floor(t / width);
      if (bin[s] === 0 || now < bin[s] - 1 - all) open(state, s, now, t);
      else if (now > bin[s] - 1) {
        close(state, s, s * all + ((bin[s] - 1) % all));
        open(state, s, now, last[s]);
      }
      const within = t / width - now;
      const home = s * all + (now % all);
      const beside = s * all + ((within < 0.5 ? now + all - 1 : now + 1) % all);
      // half a bin from the middle both count alike; the one point of a bin has its own place there
      const share = crowd[s] > 1 && days[home] > 0 && days[beside] > 0 ? Math.abs(within - 0.5) : 0;
      const usual = (1 - share) * profile[home] + share * profile[beside];
      const forecast = level[s] + usual;
      const deviation = v - forecast;
      const distance = deviation < 0 ? -deviation : deviation;
      const floor = min_relative_deviation * Math.abs(forecast);
      const spread = NORMAL * pulled(scatter[home], days[home], overall[s]);
      const unit = spread > floor ? spread : floor;
      if (days[home] >= enough) {
        expected[i] = forecast;
        lower[i] = forecast - 3 * unit;
        upper[i] = forecast + 3 * unit;
        basis[i] = period === "day" ? 1 : 2;
        // one deviation is ordinary, also where the profile fits to a hair at all other times
        score[i] = distance === 0 ? 0 : unit > 0 ? Math.max(1, distance / unit) : STIRRED;
      }
      // what comes late is judged, not learnt
      if (now < bin[s] - 1 || t < last[s]) continue;
      adopts(state, s, home, t, forecast, deviation, unit, enough);
    }
  },
});
