// What remediate keeps over a restart: attempts that wait for approval, and how others ended.
import { type Anomaly, anomalyShape, unpacked, z } from "vedette";

/** An attempt that waits for approval. */
export interface Asked {
  /** Name of the action. */
  readonly action: string;
  readonly anomaly: Anomaly;
  /** Unix milliseconds. */
  readonly since: number;
  /** What was asked for, in the words of the request. */
  readonly asks: string;
}

const shape = z.object({
  waiting: z.array(z.object({ action: z.string(), anomaly: anomalyShape, since: z.number(), asks: z.string() })),
  ended: z.map(z.string(), z.enum(["refused", "for good"])),
});

/** Throws when it is not what was saved. */
export const askedOf = (saved: Uint8Array): { waiting: Asked[]; ended: Map<string, "refused" | "for good"> } =>
  unpacked(saved, shape, "remediate");
