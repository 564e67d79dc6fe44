// What a remedy is told of the anomaly: JSON on its standard input or in its request, and variables.
import type { Anomaly } from "vedette";
import { shortText } from "vedette/http";
import { valuesOf } from "./placeholders.ts";

/** Of a variable, in characters. */
const LONGEST = 4096;

/** One line of JSON. Numbers that are none are null, bytes base64, integers beyond what JSON numbers hold text. */
export function jsonOf(action: string, anomaly: Anomaly): string {
  const { time, rarity, observed, expected, lower, upper, episode, incident, labels } = anomaly;
  const { members: _, ...joined } = incident ?? { members: [] };
  const { resource, attributes, unit, statistic, template, traceId } = labels;
  const told = {
    action,
    ...valuesOf(anomaly),
    ...{ score: anomaly.score, time, rarity, observed, expected, lower, upper, unit, statistic, resource, attributes },
    ...(template !== undefined && { template }),
    ...(traceId !== "" && { trace_id: traceId }),
    ...(episode && { episode }),
    ...(incident && { incident: joined }),
  };
  return JSON.stringify(told, (_key, value: unknown) => {
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    return value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
  });
}

/** Variables of a command: what it needs of the agent's own, those that the user named, and VEDETTE_* about the anomaly. */
export function environmentOf(action: string, anomaly: Anomaly, names: readonly string[]): Record<string, string> {
  const own = ["PATH", "LANG", "TZ", ...names].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const told = Object.entries({ action, ...valuesOf(anomaly) }).map(
    ([name, value]) => [`VEDETTE_${name.toUpperCase()}`, shortText(value, LONGEST)] as const,
  );
  return Object.fromEntries([...own, ...told]);
}
