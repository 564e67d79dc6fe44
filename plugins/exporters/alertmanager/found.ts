// What Alertmanager has of an alert that began before this process: by which labels it knows it.
import { type Anomaly, z } from "vedette";
import type { LabelSet } from "./alert.ts";

/** Of GET /api/v2/alerts what is used. */
const gettable = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    startsAt: z.string(),
  }),
);

export interface Found {
  readonly labels: LabelSet;
  readonly annotations: LabelSet;
  /** Unix milliseconds. */
  readonly startsAt: number;
}

/** The query for `foundIn`, as a part of a URL. */
export const searchOf = ({ fingerprint }: Pick<Anomaly, "fingerprint">): string =>
  `?filter=${encodeURIComponent(`fingerprint=${JSON.stringify(fingerprint)}`)}`;

/** Of what answered the query the alert of this id; undefined when it is not there. */
export function foundIn(body: Uint8Array, id: string): Found | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(body).toString());
  } catch {
    return undefined;
  }
  const found = gettable.safeParse(answer).data?.find(({ annotations }) => annotations["id"] === id);
  const startsAt = Date.parse(found?.startsAt ?? "");
  return found && !Number.isNaN(startsAt) ? { ...found, startsAt } : undefined;
}
