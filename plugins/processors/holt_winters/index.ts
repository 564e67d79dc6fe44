// Level, trend and season by triple exponential smoothing (Holt 1957, Winters 1960), learnt robustly (Gelper, Fried & Croux 2010).
import { defineDetector, duration, z } from "vedette";
import { complete, positionOf, shareOf } from "./season.ts";

/** A miss teaches level, trend and season as at most this many deviations (Huber's psi), more while the scatter is young. */
const CLIP = 2;
const YOUNG_CLIP = 5;
const YOUNG = 20;
/** The scatter's weight of the newest miss, and the biweight rho that bounds what it learns, consistent for normal noise. */
const SCATTER = 0.1;
const RHO = 2.52;
/** Score of the first move of a series that has stood at zero: it has no scale, only the length of its silence. */
const STIRRED = 10;
/** Steps of silence over which the trend is drawn out at most. */
const FARTHEST = 10;
/** Weight of the newest miss in the lasting mean square, and what that learns of one miss at most, in mean squares. */
const LASTING = 0.0025;
const LASTING_CLIP = 1000;
/** The variance is never taken as less than this share of the lasting one: what moves seldom is not news each time. */
const LASTING_SHARE = 0.25;
const DAY = 86_400_000;
const WEEK = 7 * DAY;

export default defineDetector({
  type: "holt_winters",
  signal: "metrics",
  stability: "beta",
  summary: "Flags points far from what level, trend and season of their series forecast.",
  finds: { above: "spike", below: "drop" },
  config: z.object({
    alpha: z.number().gt(0).lt(1).default(0.1).describe("Weight of the newest point in the level."),
    beta: z.number().min(0).lt(1).default(0.01).describe("Weight of the newest change of the level in the trend."),
    gamma: z.number().min(0).lt(1).default(0.3).describe("Weight of the newest season in the pattern of seasons."),
    season: duration()
      .refine((length) => length > 0, "must be longer than 0")
      .prefault("1d")
      .describe("Length of a season, counted from midnight UTC; one of weeks from Thursday."),
    bins: z
      .int()
      .min(2)
      .max(2016)
      .default(48)
      .describe("Parts of a season that are remembered; between their middles it is interpolated."),
    min_relative_deviation: z
      .number()
      .nonnegative()
      .default(0.01)
      .describe(
        "The deviation is taken as at least this share of the forecast: steady series are not watched by a hair.",
      ),
  }),
  state: ({ bins }) => ({
    seen: "u32",
    level: "f64",
    /** Change of the level in a step. */
    trend: "f64",
    variance: "f64",
    lasting: "f64",
    /** Unix milliseconds of the newest point, usual milliseconds between two, and milliseconds watched up to one season. */
    last: "f64",
    step: "f64",
    watched: "f64",
    /** 1 once `pattern` holds a season around zero; before, it gathers means of values, `weight` how many. */
    known: "u8",
    pattern: ["f64", bins],
    weight: ["f32", bins],
  }),
  scoreThenLearn({ length, series, time, value }, state, verdicts, config) {
    const { seen, level, trend, variance, lasting, last, step, watched, known, pattern, weight } = state;
    const { score, expected, lower, upper, basis } = verdicts;
    const { alpha, beta, gamma, season, bins, min_relative_deviation } = config;
    const grounds = season === DAY ? 1 : season === WEEK ? 2 : 0;
    for (let i = 0; i < length; i++) {
      const v = value[i];
      const t = time[i];
      // beyond 1e150 a square is no finite number any more
      if (!(Math.abs(v) < 1e150 && t >= 0)) continue;
      const s = series[i];
      const n = seen[s];
      if (n < 0xffffffff) seen[s] = n + 1;
      if (n === 0) {
        level[s] = v;
        last[s] = t;
      }
      const passed = t - last[s];
      let steps = passed > 0 ? 1 : 0;
      if (passed > 0) {
        if (step[s] > 0) steps = passed / step[s] < FARTHEST ? passed / step[s] : FARTHEST;
        const usual = step[s] > 0 && n > YOUNG && passed > 4 * step[s] ? 4 * step[s] : passed;
        step[s] += (n < YOUNG ? 1 / n : 1 / YOUNG) * (usual - step[s]);
        last[s] = t;
      } else if (passed < -season) last[s] = t;

      const position = positionOf(t, season, bins);
      const share = shareOf(position);
      const left = s * bins + (Math.floor(position) % bins);
      const right = s * bins + ((Math.floor(position) + 1) % bins);
      const base = level[s] + steps * trend[s];
      const forecast = known[s] === 1 ? base + (1 - share) * pattern[left] + share * pattern[right] : base;
      const miss = v - forecast;
      const distance = miss < 0 ? -miss : miss;
      const floor = min_relative_deviation * Math.abs(forecast);
      const least = LASTING_SHARE * lasting[s];
      const spread = Math.sqrt(variance[s] > least ? variance[s] : least);
      const unit = spread > floor ? spread : floor;
      expected[i] = forecast;
      lower[i] = forecast - 3 * unit;
      upper[i] = forecast + 3 * unit;
      score[i] = distance === 0 ? 0 : unit > 0 ? distance / unit : STIRRED;
      if (known[s] === 1) basis[i] = grounds;

      const limit = (n < YOUNG ? YOUNG_CLIP : CLIP) * unit;
      const learnt = n > 1 && limit > 0 && distance > limit ? (miss < 0 ? -limit : limit) : miss;
      const a = n + 1 < 1 / alpha ? 1 / (n + 1) : alpha;
      level[s] = base + a * learnt;
      if (steps > 0) trend[s] += (a * beta * learnt) / (steps > 1 ? steps : 1);
      if (n < YOUNG) variance[s] += (learnt * learnt - variance[s]) / (n + 1);
      else {
        const ratio = unit > 0 ? distance / (CLIP * unit) : 1;
        const rho = ratio < 1 ? RHO * (1 - (1 - ratio * ratio) ** 3) : RHO;
        variance[s] += SCATTER * ((unit > 0 ? rho * unit * unit : miss * miss) - variance[s]);
      }
      const most = LASTING_CLIP * lasting[s];
      const square = miss * miss;
      const slow = (n + 1) * LASTING < 1 ? 1 / (n + 1) : LASTING;
      lasting[s] += slow * ((most > 0 && square > most ? most : square) - lasting[s]);
      if (known[s] === 1) {
        const rate = (step[s] * bins) / season;
        const taught = ((1 - a) * gamma * (rate < 1 ? rate : 1) * learnt) / ((1 - share) ** 2 + share ** 2);
        pattern[left] += (1 - share) * taught;
        pattern[right] += share * taught;
        continue;
      }
      if (watched[s] < season) {
        gather(left, 1 - share, forecast + learnt);
        gather(right, share, forecast + learnt);
      }
      if (passed > 0) watched[s] += passed < season / 4 ? passed : season / 4;
      // two bins later, since those in which it began hold values of both ends
      if (watched[s] < season * (1 + 2 / bins)) continue;
      complete(pattern, weight, s * bins, bins, position, level[s]);
      level[s] -= (1 - share) * pattern[left] + share * pattern[right];
      known[s] = 1;
    }

    function gather(at: number, share: number, v: number): void {
      if (share === 0) return;
      weight[at] += share;
      pattern[at] += (share / weight[at]) * (v - pattern[at]);
    }
  },
});
