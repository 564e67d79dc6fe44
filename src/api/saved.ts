// What a component remembers, as bytes for `save`: a structured clone, and its check when it comes back.
import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import type { Anomaly } from "./anomaly.ts";
import type { AttributeValue, Labels } from "./signals.ts";

/** Keeps what JSON loses: NaN, bigints, bytes, typed arrays, maps. */
export const packed = (state: unknown): Uint8Array => serialize(state);

/** What was `packed`, checked; throws the end of a sentence that begins "its state" when it is not of this shape. */
export function unpacked<Shape extends z.ZodType>(bytes: Uint8Array, shape: Shape, type: string): z.output<Shape> {
  let state: unknown;
  try {
    state = deserialize(bytes);
  } catch {
    throw new Error(`is not what ${type} saves`);
  }
  const { data, error } = shape.safeParse(state);
  if (!error) return data;
  const [{ path, message }] = error.issues;
  const place = path.length === 0 ? "" : ` (${path.join(".")}: ${message})`;
  throw new Error(`is of another version of ${type}, or damaged${place}`);
}

const attribute: z.ZodType<AttributeValue> = z.lazy(() =>
  z.union([
    z.string(),
    z.boolean(),
    z.custom<number>((value) => typeof value === "number"),
    z.bigint(),
    z.null(),
    z.instanceof(Uint8Array),
    z.array(attribute),
    z.record(z.string(), attribute),
  ]),
);
/** Shape of attributes that were packed. */
export const attributesShape = z.record(z.string(), attribute);

/** Shape of labels that were packed. */
export const labelsShape: z.ZodType<Labels> = z.object({
  resource: attributesShape,
  scope: z.object({ name: z.string(), version: z.string() }),
  name: z.string(),
  statistic: z.string(),
  kind: z.string().exactOptional(),
  part: z.string().exactOptional(),
  unit: z.string(),
  attributes: attributesShape,
  traceId: z.string(),
  spanId: z.string(),
  template: z.string().exactOptional(),
  example: z.string().exactOptional(),
});

/** Shape of a time, and of another number that may be NaN. */
export const timeShape = z.union([z.number(), z.nan()]);

/** Any number: NaN and the infinities too. */
const number = z.custom<number>((value) => typeof value === "number", "no number");

export const severityShape = z.enum(["info", "warning", "critical"]);

/** Shape of an anomaly that was packed: a row, an episode or an incident. */
export const anomalyShape: z.ZodType<Anomaly> = z.lazy(() => anomalyFields);

const anomalyFields = z.object({
  id: z.string(),
  fingerprint: z.string(),
  state: z.enum(["open", "ongoing", "resolved"]),
  detector: z.string(),
  signal: z.enum(["metrics", "logs", "traces"]),
  type: z.string(),
  severity: severityShape,
  labels: labelsShape,
  time: number,
  score: number,
  rarity: number,
  observed: number,
  expected: number,
  lower: number,
  upper: number,
  contributors: z.array(z.string()),
  reason: z.string(),
  companions: z.boolean(),
  untilResolved: z.literal(true).exactOptional(),
  episode: z
    .object({ start: number, lastSeen: number, peak: number, count: number, end: number.exactOptional() })
    .exactOptional(),
  incident: z
    .object({
      members: z.array(anomalyShape),
      episodes: number,
      origins: z.array(z.object({ service: z.string(), share: number, reasons: z.array(z.string()) })),
      services: z.array(z.string()),
      traces: z.array(z.string()),
      templates: z.array(z.string()),
    })
    .exactOptional(),
});
