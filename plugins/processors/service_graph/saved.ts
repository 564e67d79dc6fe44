// What service_graph remembers, as JSON.
import { z } from "vedette";
import type { Edge, Edges } from "./edges.ts";
import { FIRST } from "./gaps.ts";
import type { Incidents } from "./incidents.ts";
import type { Names } from "./names.ts";
import { WIDTH } from "./tallies.ts";

const VERSION = 2;
const number = z.number();
const end = z.tuple([z.string(), z.string(), z.boolean()]);

const edge = z.object({
  /** Indexes of its ends. */
  from: z.int(),
  to: z.int(),
  tally: z.array(number).length(WIDTH),
  /** born, surprise, slowFor. */
  own: z.array(number).length(3),
  example: z.tuple([z.string(), z.string()]),
  anomaly: z.string(),
  /** mean, deviation, learnt, buckets, between, worst. */
  gaps: z.array(number).length(6),
  early: z.array(number).max(FIRST - 1),
  ring: z.array(number),
});

const incident = z.object({
  key: z.string(),
  end: z.int(),
  edges: z.array(z.int()),
  about: z.string(),
  since: number,
  heard: number,
  calm: number,
  said: z.string(),
  id: z.string(),
});

const state = z.object({
  version: z.literal(VERSION),
  now: number.nullable(),
  ends: z.array(end),
  edges: z.array(edge),
  incidents: z.array(incident),
  names: z.array(z.object({ namespace: z.string(), name: z.string(), since: number, seen: number })),
});

export interface Memory {
  readonly edges: Edges;
  readonly incidents: Incidents;
  readonly names: Names;
}

export function save({ edges, incidents, names }: Memory): Uint8Array {
  const all = [...edges.all];
  const ends = [
    ...new Set([...all.flatMap(({ from, to }) => [from, to]), ...[...incidents.open.values()].map(({ end }) => end)]),
  ];
  const indexOf = new Map(ends.map((end, i) => [end, i]));
  const numberOf = new Map(all.map((edge, i) => [edge, i]));
  const saved: z.input<typeof state> = {
    version: VERSION,
    now: Number.isFinite(edges.now) ? edges.now : null,
    ends: ends.map(({ namespace, service, reports }) => [namespace, service, reports]),
    edges: all.map((edge) => {
      const { row, born, surprise, slowFor, traceId, spanId, anomaly, gaps } = edge;
      return {
        from: indexOf.get(edge.from)!,
        to: indexOf.get(edge.to)!,
        tally: edges.tallies.save(row),
        own: [born, surprise, slowFor],
        example: [traceId, spanId],
        anomaly,
        gaps: [gaps.mean, gaps.deviation, gaps.learnt, gaps.buckets, gaps.between, gaps.worst],
        early: gaps.early,
        ring: gaps.learnt > 0 ? [...gaps.ring] : [],
      };
    }),
    incidents: [...incidents.open].map(([key, { end, edges, ...rest }]) => {
      return { ...rest, key, end: indexOf.get(end)!, edges: [...edges].map((edge) => numberOf.get(edge)!) };
    }),
    names: [...names.told.values()],
  };
  return Buffer.from(JSON.stringify(saved));
}

/** Into what has seen nothing yet. Throws when the bytes are not of `save`. */
export function load(bytes: Uint8Array, { edges, incidents, names }: Memory): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new Error("is not what service_graph saves");
  }
  const { data } = state.safeParse(parsed);
  if (!data) throw new Error("is of another version of service_graph, or damaged");
  if (data.now !== null) edges.at(data.now);
  const ends = data.ends.map(([namespace, service, reports]) => edges.restored(namespace, service, reports));
  const all = data.edges.map((saved): Edge | undefined => {
    const [from, to] = [ends[saved.from], ends[saved.to]];
    const edge = from && to && edges.edgeOf(from, to);
    if (!edge) return undefined;
    edges.tallies.load(edge.row, saved.tally);
    [edge.born, edge.surprise, edge.slowFor] = saved.own;
    [edge.traceId, edge.spanId] = saved.example;
    edge.anomaly = saved.anomaly;
    const { gaps } = edge;
    [gaps.mean, gaps.deviation, gaps.learnt, gaps.buckets, gaps.between, gaps.worst] = saved.gaps;
    gaps.early.push(...saved.early);
    gaps.ring.set(saved.ring.slice(0, gaps.ring.length));
    return edge;
  });
  for (const { key, end, edges: numbers, ...rest } of data.incidents) {
    const own = numbers.flatMap((i) => all[i] ?? []);
    if (ends[end]) incidents.open.set(key, { ...rest, end: ends[end], edges: new Set(own) });
  }
  for (const told of data.names) names.told.set(`${told.namespace}\n${told.name}`, told);
}
