// What is kept of incidents across restarts.
import { type Anomaly, anomalyShape, packed, severityShape, timeShape, unpacked, z } from "vedette";
import { savedDeployments } from "./deployments.ts";
import { KINDS } from "./evidence.ts";
import type { ServiceGraph } from "./graph.ts";
import { Incident } from "./incident.ts";
import type { Incidents } from "./incidents.ts";
import { type Suspicions, savedSuspicions } from "./suspicions.ts";

/** Also infinite. */
const any = z.custom<number>((value) => typeof value === "number");

const member = z.object({
  anomaly: anomalyShape,
  worst: anomalyShape,
  place: z.string(),
  kind: z.enum(KINDS),
  start: z.number(),
  heard: z.number(),
  lastSeen: z.number(),
  peak: any,
  count: z.number(),
  over: z.boolean(),
  trace: z.string(),
});
const place = z.object({ first: z.number(), last: z.number(), kinds: z.set(z.enum(KINDS)) });
const told = z.object({
  places: z.number(),
  episodes: z.number(),
  origin: z.string(),
  severity: severityShape,
  at: z.number(),
});

const said = z.object({ place: z.string(), detector: z.string(), kind: z.enum(KINDS), strength: z.number() });

const incident = z.object({
  id: z.string(),
  fingerprint: z.string(),
  since: z.number(),
  began: z.number(),
  heard: z.number(),
  over: timeShape,
  severity: severityShape,
  left: z.number(),
  leftCount: z.number(),
  told: told.optional(),
  places: z.map(z.string(), place),
  traces: z.set(z.string()),
  suspicions: z.map(z.string(), said).default(() => new Map()),
  members: z.map(z.string(), member).refine(({ size }) => size > 0, "has no members"),
});

const shape = z.object({
  waiting: z.array(z.object({ anomaly: anomalyShape, at: z.number() })),
  ready: z.array(anomalyShape),
  edges: z.array(z.tuple([z.string(), z.string()])),
  deployments: savedDeployments,
  suspicions: savedSuspicions.default([]),
  incidents: z.array(incident),
});

export interface Memory {
  readonly incidents: Incidents;
  readonly suspicions: Suspicions;
  readonly graph: ServiceGraph;
}

/** `at` is Unix milliseconds of the agent's clock. */
export interface Arrived {
  readonly anomaly: Anomaly;
  readonly at: number;
}

/** What came and was not looked at yet, and what is to be told. */
export interface Pending {
  readonly waiting: Arrived[];
  readonly ready: Anomaly[];
}

export function saved({ waiting, ready, incidents, suspicions, graph }: Memory & Pending): Uint8Array {
  const open = Array.from(incidents.open, (each) => ({ ...each }));
  const deployments = incidents.deployments.saved();
  return packed({ waiting, ready, edges: graph.learnt, deployments, suspicions: suspicions.saved, incidents: open });
}

/** Throws when it is not what `saved` gave. */
export function restored(bytes: Uint8Array, { incidents, suspicions, graph }: Memory): Pending {
  const state = unpacked(bytes, shape, "correlate");
  for (const [from, to] of state.edges) graph.learn(from, to);
  incidents.deployments.restore(state.deployments);
  suspicions.restore(state.suspicions);
  for (const each of state.incidents) incidents.restore(Object.assign(new Incident(each.since), each));
  return { waiting: state.waiting, ready: state.ready };
}
