// A vector past the line in words: which metrics of the resource made it so, and the sentence. Off the hot path.
import { type Labels, serviceName } from "../api/index.ts";
import type { Dimension, Joined } from "./join.ts";
import { chances, quantity } from "./sentence.ts";

/** Metrics that are named, and the least of the first one's contribution that the others must have. */
const MOST = 5;
const LEAST = 0.3;

/** What the anomaly is about: the resource and none of its metrics. */
export function labelsOf({ attributes }: Joined): Labels {
  const scope = { name: "", version: "" };
  const names = { name: "metrics", statistic: "", unit: "" };
  return { resource: attributes, scope, ...names, attributes: {}, traceId: "", spanId: "" };
}

/** Indices of the dimensions that matter, most surprising first. `contributions` are those of one vector. */
export function contributing(contributions: Float64Array): number[] {
  const order = [...contributions.keys()].filter((k) => contributions[k] > 0);
  order.sort((a, b) => contributions[b] - contributions[a]);
  return order.filter((k) => contributions[k] >= LEAST * contributions[order[0]]).slice(0, MOST);
}

/** "cpu.utilization", with its attributes where another metric of the resource has that name: "cpu.utilization{cpu=0}". */
export function nameOf(dimension: Dimension, { dimensions }: Joined): string {
  const { name, attributes } = dimension;
  if (attributes.length === 0) return name;
  const alone = !dimensions.some((other) => other !== dimension && other.name === name);
  return alone ? name : `${name}{${attributes.join(",")}}`;
}

/** "checkout: cpu.utilization is 0.9 and queue.depth is 3, an unusual combination (rarer than 1 in 2 million)." */
export function sentence(joined: Joined, values: Float64Array, which: readonly number[], rarity: number): string {
  const parts = which.map((k) => {
    const dimension = joined.dimensions[k];
    const value = Number.isNaN(values[k]) ? "silent" : quantity(values[k], dimension.unit);
    return `${nameOf(dimension, joined)} is ${value}`;
  });
  const service = serviceName(labelsOf(joined));
  const about = service === "" ? "" : `${service}: `;
  if (parts.length === 0) return `${about}its metrics together are unusual${chances(rarity)}.`;
  const last = parts.pop()!;
  if (parts.length === 0) return `${about}${last}, unusual beside its other metrics${chances(rarity)}.`;
  return `${about}${parts.join(", ")} and ${last}, an unusual combination${chances(rarity)}.`;
}
