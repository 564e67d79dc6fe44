// Normal telemetry by shape: what an ordinary system's metrics look like while nothing is wrong.
import { gaussian, poisson } from "../../src/testing/stream.ts";

type Random = () => number;

export interface Shape {
  readonly name: string;
  /** A counter is sent as a cumulative sum of whole numbers; its values here are rates a second. */
  readonly form: "gauge" | "counter";
  /** Standard deviation about what was to be expected, in the value's unit: what sizes of faults are told in. */
  readonly spread: number;
  /** False where a drop cannot be told from what is normal: values that are often at the lowest there is. */
  readonly drops: boolean;
  /** A series: its values, asked for in the order of time (Unix milliseconds). */
  series(random: Random, step: number): (time: number) => number;
}

const DAY = 86_400_000;
const daily = (time: number) => 1 + 0.4 * Math.sin((2 * Math.PI * time) / DAY);
/** 1 on Monday to Friday, 0.5 on the weekend; day 0 of Unix time was a Thursday. */
const weekly = (time: number) => ((Math.floor(time / DAY) + 3) % 7 < 5 ? 1 : 0.5);

export const SHAPES: readonly Shape[] = [
  {
    name: "noise around a level",
    form: "gauge",
    spread: 5,
    drops: true,
    series: (random) => () => 100 + 5 * gaussian(random),
  },
  {
    name: "daily season",
    form: "gauge",
    spread: 4,
    drops: true,
    series: (random) => (time) => 100 * daily(time) + 4 * gaussian(random),
  },
  {
    name: "weekly season",
    form: "gauge",
    spread: 4,
    drops: true,
    series: (random) => (time) => 100 * daily(time) * weekly(time) + 4 * gaussian(random),
  },
  {
    name: "counted requests",
    form: "counter",
    spread: 0.6,
    drops: true,
    series: (random, step) => (time) => (1000 * poisson(random, (20 * daily(time) * step) / 1000)) / step,
  },
  {
    name: "bursty latency",
    form: "gauge",
    spread: 0.03,
    drops: false,
    series: (random) => () => {
      const burst = random() < 0.005 ? (1 - random()) ** (-1 / 3) : 1;
      return 0.1 * burst * Math.exp(0.25 * gaussian(random));
    },
  },
  {
    name: "small integers",
    form: "gauge",
    spread: Math.sqrt(3),
    drops: false,
    series: (random) => () => poisson(random, 3),
  },
  {
    name: "sparse errors",
    form: "gauge",
    spread: 1,
    drops: false,
    series: (random) => () => (random() < 0.05 ? 1 + poisson(random, 1) : 0),
  },
  {
    name: "autocorrelated",
    form: "gauge",
    spread: 1 / Math.sqrt(1 - 0.9 ** 2),
    drops: true,
    series: (random) => {
      let off = 0;
      return () => {
        off = 0.9 * off + gaussian(random);
        return 50 + off;
      };
    },
  },
  { name: "constant", form: "gauge", spread: 1, drops: true, series: () => () => 16 },
  {
    name: "sawtooth",
    form: "gauge",
    spread: 3,
    drops: true,
    series: (random) => {
      let used = 40 * random();
      return () => {
        used += 1 + 0.2 * gaussian(random);
        if (used > 40) used = 0;
        return 20 + used + 3 * gaussian(random);
      };
    },
  },
];

export const shapeNamed = (name: string): Shape => {
  const shape = SHAPES.find((each) => each.name === name);
  if (!shape) throw new Error(`there is no shape ${name}`);
  return shape;
};
