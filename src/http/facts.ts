// What people are told of an alert beside its sentence: short texts by name, for fields of messages.
import { type Anomaly, serviceName } from "../api/index.ts";
import { shortText } from "./text.ts";

/** Of one text. */
const LONGEST = 500;
/** Of a list. */
const MOST = 5;

/** When the alert began, in Unix milliseconds. */
export const beganAt = ({ episode, time }: Anomaly): number => episode?.start ?? time;

/** When the alert ended, in Unix milliseconds; undefined while it goes on. */
export const endedAt = ({ state, episode, time }: Anomaly): number | undefined =>
  state === "resolved" ? (episode?.end ?? episode?.lastSeen ?? time) : undefined;

/** RFC 3339, of a time that a detector may have been sent wrongly: the nearest that can be written. */
export function rfc3339(time: number): string {
  const LATEST = Date.UTC(9999, 11, 31);
  return new Date(Number.isNaN(time) ? 0 : Math.min(Math.max(time, 0), LATEST)).toISOString();
}

/** "5.2" of a number, with its unit; "" where there is none. */
function quantity(value: number, unit: string): string {
  if (Number.isNaN(value)) return "";
  const digits = Number.isFinite(value) ? String(Number(value.toPrecision(4))) : String(value);
  return unit === "" || unit === "1" ? digits : `${digits} ${unit}`;
}

const listed = (texts: readonly string[]): string =>
  texts.slice(0, MOST).join(", ") + (texts.length > MOST ? ` and ${texts.length - MOST} more` : "");

/** Texts by name, none of them empty, the most telling first. */
export function factsOf(anomaly: Anomaly): Record<string, string> {
  const { labels, episode, incident } = anomaly;
  const { unit } = labels;
  const [origin] = incident?.origins ?? [];
  const traces = incident?.traces ?? (labels.traceId === "" ? [] : [labels.traceId]);
  const templates = incident?.templates ?? (labels.template === undefined ? [] : [labels.template]);
  const facts = {
    service: serviceName(labels),
    severity: anomaly.severity,
    type: anomaly.type,
    name: labels.statistic === "" ? labels.name : `${labels.name}.${labels.statistic}`,
    observed: incident ? "" : quantity(anomaly.observed, unit),
    expected: incident ? "" : quantity(anomaly.expected, unit),
    origin: origin ? `${origin.service} (${Math.round(origin.share * 100)} %)` : "",
    services: listed(incident?.services ?? []),
    episodes: incident ? String(incident.episodes) : "",
    score: quantity(episode?.peak ?? anomaly.score, ""),
    anomalies: episode ? String(episode.count) : "",
    began: rfc3339(beganAt(anomaly)),
    ended: anomaly.state === "resolved" ? rfc3339(endedAt(anomaly) as number) : "",
    detector: anomaly.detector,
    traces: listed(traces),
    templates: listed(templates),
    id: anomaly.id,
    fingerprint: anomaly.fingerprint,
  };
  const short = Object.entries(facts).map(([name, text]) => [name, shortText(text.slice(0, 2 * LONGEST), LONGEST)]);
  return Object.fromEntries(short.filter(([, text]) => text !== ""));
}
