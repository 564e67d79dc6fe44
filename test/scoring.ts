// A metric detector's function alone: values of one series in, its verdicts and its state out.
import type { JudgedRows, Verdicts } from "../src/api/index.ts";
import { SeriesState } from "../src/series/state.ts";
import type { AnyDetector } from "./wired.ts";

export const BEGIN = 28_333_334 * 60_000;

export interface Scored extends Verdicts {
  readonly state: Record<string, Float64Array>;
}

/** Values `step` milliseconds apart, from `begin` on; a `state` that was returned before goes on. */
export function scored(
  plugin: AnyDetector,
  options: object,
  values: readonly number[],
  { step = 60_000, begin = BEGIN, state }: { step?: number; begin?: number; state?: object } = {},
): Scored {
  const config = plugin.config.parse(options);
  const kept = new SeriesState(typeof plugin.state === "function" ? plugin.state(config) : plugin.state);
  kept.grow(1);
  const columns = (state ?? kept.columns) as Scored["state"];
  const length = values.length;
  const numbers = () => new Float64Array(length).fill(Number.NaN);
  const verdicts = {
    score: numbers(),
    observed: numbers(),
    expected: numbers(),
    lower: numbers(),
    upper: numbers(),
    finding: new Uint8Array(length),
    basis: new Uint8Array(length),
    since: numbers(),
    rows: numbers(),
    lasts: new Uint8Array(length),
  };
  const time = Float64Array.from({ length }, (_, i) => begin + i * step);
  const age = Uint32Array.from({ length }, (_, i) => (state ? i + 1 : i));
  const zeros = new Uint32Array(length);
  const rows = { length, series: zeros, offset: zeros, age, time, value: Float64Array.from(values) };
  plugin.scoreThenLearn(rows as JudgedRows<"metrics">, columns, verdicts, config);
  return { ...verdicts, state: columns };
}
