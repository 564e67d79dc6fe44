// Counts of events in intervals of 10 s with nothing wrong in them: steady, daily, wandering, uneven, in bursts.
import { seededRandom } from "../src/testing/fake_host.ts";
import { poisson } from "../src/testing/stream.ts";
import { normal } from "../test/rarity.ts";

const DAY = 86_400;
const HOUR = 3600;

/** What each kind is called in a report. */
export const KINDS = {
  steady: "Poisson",
  daily: "daily course of 1 : 4, half on weekends",
  office: "office hours, 3 % at night, a tenth on weekends",
  wandering: "slow noise of 20 % over 15 minutes",
  both: "daily course and slow noise",
  uneven: "every interval for itself, 30 %",
  triples: "in bursts of three on average",
  hourly: "all at once, every hour",
} as const;

export type Kind = keyof typeof KINDS;

const step = (x: number) => 1 / (1 + Math.exp(-x));
const isWeekend = (day: number) => ((day + 4) % 7) % 6 === 0;

/** The count of the interval that ends at `time` (seconds), in order; `factor` is what the rate is multiplied with. `mean` is per interval. */
export function traffic(kind: Kind, mean: number, seed: number): (time: number, factor?: number) => number {
  const random = seededRandom(seed);
  const phase = random() * DAY;
  const begins = random() * HOUR;
  const keep = Math.exp(-10 / 900);
  let noise = 0;
  return (time, factor = 1) => {
    let rate = mean * factor;
    if (kind === "hourly") {
      return Math.floor((time - begins) / HOUR) > Math.floor((time - 10 - begins) / HOUR)
        ? poisson(random, rate * (HOUR / 10))
        : 0;
    }
    if (kind === "daily" || kind === "both")
      rate *= Math.exp(0.7 * Math.sin((2 * Math.PI * (time + phase)) / DAY)) * week(time);
    if (kind === "office") rate *= 0.03 + 0.97 * officeHours(time);
    if (kind === "wandering" || kind === "both") {
      noise = noise * keep + Math.sqrt(1 - keep * keep) * normal(random);
      rate *= Math.exp(0.2 * noise - 0.02);
    }
    if (kind === "uneven") rate *= Math.exp(0.3 * normal(random) - 0.045);
    if (kind !== "triples") return poisson(random, rate);
    // of very many the sum is all but normal; the mean square of the size of a burst is 15
    if (rate > 300) return Math.max(0, Math.round(rate + Math.sqrt(5 * rate) * normal(random)));
    let count = 0;
    for (let bursts = poisson(random, rate / 3); bursts > 0; bursts--) {
      count++;
      while (random() < 2 / 3) count++;
    }
    return count;
  };
}

/** 1, or a half from Saturday to Sunday, with two hours between. */
function week(time: number): number {
  const seconds = (time + 3 * DAY) % (7 * DAY);
  const since = (day: number) => step((seconds - day * DAY) / (1.2 * HOUR));
  return 1 - 0.5 * (since(5) + (1 - since(0)) - since(7));
}

function officeHours(time: number): number {
  const hour = (time % DAY) / HOUR;
  return (isWeekend(Math.floor(time / DAY)) ? 0.1 : 1) * step((hour - 8.5) * 3) * step((18 - hour) * 2);
}
