// An alert as Opsgenie's Alert API takes it.
import { createHash } from "node:crypto";
import { type Anomaly, serviceName } from "vedette";
import { factsOf, shortText } from "vedette/http";
import type { Options } from "./options.ts";

/** What Opsgenie takes of a text, and of all details together. */
const LONGEST = { message: 130, alias: 512, description: 15_000, entity: 512, source: 100, tag: 50, details: 7500 };

/** The alert's id, or what stands for it where Opsgenie would refuse it. */
export const aliasOf = ({ id }: Pick<Anomaly, "id">): string =>
  id !== "" && shortText(id, LONGEST.alias) === id ? id : createHash("sha256").update(id).digest("hex");

export interface OpsgenieAlert {
  readonly message: string;
  readonly description: string;
  readonly [field: string]: unknown;
}

export function alertOf(anomaly: Anomaly, source: string, { priorities, responders, tags }: Options): OpsgenieAlert {
  const { reason, type, severity, detector, labels } = anomaly;
  const entity = shortText(serviceName(labels), LONGEST.entity);
  const own = [severity, type, detector].map((tag) => shortText(tag, LONGEST.tag)).filter((tag) => tag !== "");
  const contributors = anomaly.contributors.slice(0, 10).map((one) => shortText(one, 200));
  const origins = (anomaly.incident?.origins ?? [])
    .slice(0, 3)
    .flatMap(({ service, reasons }) => [
      `${shortText(service, 200)}:`,
      ...reasons.slice(0, 5).map((each) => `- ${shortText(each, 500)}`),
    ]);
  const description = [shortText(reason, 4000), ...origins, ...contributors].join("\n");
  return {
    message: shortText(reason, LONGEST.message) || shortText(type, LONGEST.message) || "anomaly",
    alias: aliasOf(anomaly),
    description: shortText(description, LONGEST.description, true),
    ...(responders.length > 0 && { responders }),
    tags: [...new Set([...tags, ...own])],
    details: detailsOf(anomaly),
    ...(entity !== "" && { entity }),
    source: shortText(source, LONGEST.source),
    priority: priorities[severity],
  };
}

/** As many facts as there is room for. */
function detailsOf(anomaly: Anomaly): Record<string, string> {
  const details: Record<string, string> = {};
  let room = LONGEST.details;
  for (const [name, text] of Object.entries(factsOf(anomaly))) {
    room -= name.length + text.length;
    if (room < 0) break;
    details[name] = text;
  }
  return details;
}
