// What episodes remembers, as it is kept over a restart.
import { anomalyShape, severityShape, z } from "vedette";

const time = z.number();

const course = z.object({
  id: z.string(),
  fingerprint: z.string(),
  start: time,
  lastSeen: time,
  // may be infinite
  peak: z.custom<number>((value) => typeof value === "number", "no number"),
  count: z.number(),
  state: z.enum(["untold", "open", "over"]),
  from: time,
  rows: z.number(),
  worst: anomalyShape,
  severity: severityShape,
  score: z.custom<number>((value) => typeof value === "number", "no number"),
  heard: time,
  told: time,
  over: time,
  gap: z.number().nonnegative(),
});

/** The one seen longest ago first; and what is still to be told. */
export const savedShape = z.object({ episodes: z.array(course), told: z.array(anomalyShape), begun: time });

export type Saved = z.output<typeof savedShape>;
