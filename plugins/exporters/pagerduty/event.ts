// An alert as an event of PagerDuty's Events API v2.
import { createHash } from "node:crypto";
import { type Anomaly, serviceName } from "vedette";
import { beganAt, factsOf, rfc3339, shortText } from "vedette/http";
import type { Options } from "./options.ts";

/** What PagerDuty takes of a text. */
const LONGEST = { summary: 1024, dedup_key: 255, text: 255 };

export interface PagerDutyEvent {
  readonly routing_key: string;
  readonly event_action: "trigger" | "acknowledge" | "resolve";
  readonly dedup_key: string;
  readonly [field: string]: unknown;
}

/** The alert's id, or what stands for it where PagerDuty would cut it. */
export const dedupKey = ({ id }: Pick<Anomaly, "id">): string =>
  id !== "" && shortText(id, LONGEST.dedup_key) === id ? id : createHash("sha256").update(id).digest("hex");

/** `told`: PagerDuty knows of it, as it is. */
export function eventOf(anomaly: Anomaly, options: Options, told: boolean): PagerDutyEvent {
  const { state, labels } = anomaly;
  const { routing_key, severities, client, client_url, links, ongoing_action } = options;
  const key = { routing_key, dedup_key: dedupKey(anomaly) };
  if (state === "resolved") return { ...key, event_action: "resolve" };
  if (told && ongoing_action === "acknowledge") return { ...key, event_action: "acknowledge" };
  const service = shortText(serviceName(labels), LONGEST.text);
  const host = labels.resource["host.name"];
  const source = service || (typeof host === "string" && shortText(host, LONGEST.text)) || "vedette";
  return {
    ...key,
    event_action: "trigger",
    client,
    ...(client_url !== undefined && { client_url }),
    ...(links.length > 0 && { links }),
    payload: {
      summary: shortText(anomaly.reason, LONGEST.summary) || anomaly.type,
      source,
      severity: severities[anomaly.severity],
      timestamp: rfc3339(beganAt(anomaly)),
      ...(labels.name !== "" && { component: shortText(labels.name, LONGEST.text) }),
      ...(service !== "" && { group: service }),
      class: shortText(anomaly.type, LONGEST.text),
      custom_details: factsOf(anomaly),
    },
  };
}
