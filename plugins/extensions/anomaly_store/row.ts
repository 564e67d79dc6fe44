// An episode or incident as it is kept: what can be asked for in columns, the rest as the JSON that the API answers with.
import { type Anomaly, effectSubjectOf, type Incident } from "vedette";

/** A row of the table `kept`. Times in Unix milliseconds. */
export interface Row {
  readonly id: string;
  readonly is_incident: 0 | 1;
  /** Id of the incident that it is part of. */
  readonly incident: string | null;
  readonly fingerprint: string;
  readonly state: string;
  readonly severity: string;
  readonly signal: string;
  readonly type: string;
  readonly detector: string;
  readonly service: string;
  readonly name: string;
  readonly direction: string;
  readonly peak: number;
  /** The largest so far; null where there is none. */
  readonly deviation: number | null;
  readonly bands: number | null;
  /** Whether its score is that of a fixed limit. */
  readonly fixed: 0 | 1;
  readonly start: number;
  readonly last_seen: number;
  readonly changed: number;
  readonly body: string;
}

/** Characters of a text and entries of a list that are kept; and of what is longer than LONGEST_BODY all the same, without its labels. */
const USUAL = { text: 2048, list: 200 };
const SHORT = { text: 256, list: 20 };
const LONGEST_BODY = 64 * 1024;

export function rowOf(anomaly: Anomaly, incident: string | null = null): Row {
  const { id, state, severity, signal, time } = anomaly;
  const at = whole(time);
  const episode = anomaly.episode ?? { start: at, lastSeen: at, peak: anomaly.score, count: 1 };
  const { start, lastSeen, peak, end } = episode;
  const { deviation, bands, ...subject } = effectSubjectOf(anomaly);
  return {
    id: id.slice(0, USUAL.text),
    is_incident: anomaly.incident ? 1 : 0,
    incident,
    state,
    severity,
    signal,
    ...subject,
    peak: Number.isNaN(peak) ? 0 : peak,
    deviation: Number.isNaN(deviation) ? null : deviation,
    bands: Number.isNaN(bands) ? null : bands,
    fixed: Number.isNaN(anomaly.rarity) ? 1 : 0,
    start: whole(start),
    last_seen: whole(lastSeen),
    changed: Math.max(at, whole(lastSeen), whole(end ?? 0)),
    body: bodyOf(anomaly, subject, episode),
  };
}

const whole = (time: number) => (Number.isFinite(time) ? Math.trunc(Math.min(Math.max(time, 0), 8.64e15)) : 0);

function bodyOf(
  anomaly: Anomaly,
  subject: object,
  { start, lastSeen, peak, count, end }: NonNullable<Anomaly["episode"]>,
) {
  const { labels, incident } = anomaly;
  const { traceId, spanId, ...own } = labels;
  const told = {
    id: anomaly.id,
    ...subject,
    state: anomaly.state,
    severity: anomaly.severity,
    signal: anomaly.signal,
    start,
    last_seen: lastSeen,
    end: end ?? null,
    peak,
    count,
    score: anomaly.score,
    rarity: anomaly.rarity,
    observed: anomaly.observed,
    expected: anomaly.expected,
    lower: anomaly.lower,
    upper: anomaly.upper,
    unit: labels.unit,
    reason: anomaly.reason,
    contributors: anomaly.contributors,
    ...(incident && joined(incident)),
  };
  const whole = jsonOf({ ...told, labels: { ...own, trace_id: traceId, span_id: spanId } }, USUAL);
  return whole.length <= LONGEST_BODY ? whole : jsonOf(told, SHORT);
}

const joined = ({ episodes, origins, services, traces, templates }: Incident) => ({
  episodes,
  origins,
  services,
  traces,
  templates,
});

/** NaN is null, the infinities are text; an integer of OTLP is a number, or text past 2^53; bytes are base64. What is too long is cut. */
function jsonOf(value: object, most: typeof USUAL): string {
  return JSON.stringify(value, function (key, value) {
    const own = (this as Record<string, unknown>)[key];
    if (own instanceof Uint8Array) return Buffer.from(own.subarray(0, most.text)).toString("base64");
    if (typeof value === "string" && value.length > most.text) return `${value.slice(0, most.text)}...`;
    if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : `${value}`;
    if (typeof value === "number" && !Number.isFinite(value)) return Number.isNaN(value) ? null : `${value}`;
    if (Array.isArray(value) && value.length > most.list) return value.slice(0, most.list);
    return value;
  });
}
