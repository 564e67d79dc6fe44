// Labelled streams of gauges, for detectors of what the generated streams do not plant: shifts, drifts, crossed limits.
import type { LabelledRequest } from "vedette/testing";
import { oracle } from "./exporting.ts";

const BEGIN = 28_333_334 * 60_000;

/** A value, and whether it is planted. */
export type Sample = readonly [value: number, planted: boolean];

/** `series` gauges of `points` values each, `step` milliseconds apart from the begin of a minute; one request an interval. */
export function* gauges(
  { series, points, step }: { series: number; points: number; step: number },
  sample: (series: number, point: number, noise: number) => Sample,
): Generator<LabelledRequest<"metrics">> {
  const random = normal();
  for (let point = 0; point < points; point++) {
    const samples = Array.from({ length: series }, (_, s) => sample(s, point, random()));
    const metrics = samples.map(([asDouble], s) => ({
      name: `gauge.${s}`,
      gauge: { dataPoints: [{ timeUnixNano: `${BEGIN + point * step}000000`, asDouble }] },
    }));
    const bytes = oracle.metrics.request.encode({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }).finish();
    yield {
      signal: "metrics",
      bytes,
      items: series,
      planted: Uint8Array.from(samples, ([, planted]) => Number(planted)),
    };
  }
}

/** Normal numbers, always the same: splitmix32 and Box & Muller. */
export function normal(seed = 1): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x9e3779b9) | 0;
    let x = state ^ (state >>> 16);
    x = Math.imul(x, 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Levels that shift every 50 minutes, told within two minutes or not at all. */
export const shifting = () =>
  gauges({ series: 6, points: 3000, step: 5000 }, (s, point, noise) => {
    const since = point - 12 * s;
    const shifts = Math.max(0, Math.floor(since / 600));
    return [100 + 30 * (shifts % 2) + 5 * noise, shifts > 0 && since % 600 < 12];
  });

/** Slopes of two minutes to another level, every 20 minutes; the begin of one betrays nothing. */
export const drifting = () =>
  gauges({ series: 6, points: 12_000, step: 500 }, (s, point, noise) => {
    const since = point - 120 * s;
    const within = since % 2400;
    const moved = since < 2400 ? 0 : Math.floor(since / 2400) - 1 + Math.min(1, within / 240);
    return [100 + 20 * moved + 5 * noise, since >= 2400 && within < 240];
  });

/** Values around 50 that are 120 at times, for one point. */
export const crossing = () =>
  gauges({ series: 6, points: 500, step: 60_000 }, (s, point, noise) => {
    const beyond = point % 50 === 5 * s + 20;
    return [beyond ? 120 : 50 + 5 * noise, beyond];
  });
