// An alert as the JSON that receivers are sent: every field of the anomaly, nothing endless.
import type { Anomaly, Attributes } from "vedette";
import { shortText } from "vedette/http";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Characters of one text, and of the attributes of a resource or a row together. */
interface Limits {
  readonly text: number;
  readonly attributes: number;
}

const OF_THE_ALERT: Limits = { text: 4096, attributes: 16_384 };
const OF_A_MEMBER: Limits = { text: 500, attributes: 2048 };
const MOST_MEMBERS = 50;
const MOST_ORIGINS = 20;
const MOST_REASONS = 20;
/** Of a list, and of a map. */
const MOST = 100;
const DEEPEST = 5;

/**
 * NaN is null, the infinities are "Infinity" and "-Infinity"; an integer of OTLP is a number, or text past 2^53; bytes are base64. What
 * is longer or deeper than a receiver would read is cut.
 */
export const alertOf = (anomaly: Anomaly): JsonObject => ({ version: 1, ...fieldsOf(anomaly, OF_THE_ALERT) });

/** A member that is an incident itself loses its own members. */
function fieldsOf({ labels, incident, ...own }: Anomaly, limits: Limits): JsonObject {
  const { resource, attributes, ...names } = labels;
  const fields = {
    ...objectOf(own, limits.text),
    labels: {
      ...objectOf(names, limits.text),
      resource: attributesOf(resource, limits),
      attributes: attributesOf(attributes, limits),
    },
  };
  if (!incident || limits === OF_A_MEMBER) return fields;
  const { members, origins, ...rest } = incident;
  return {
    ...fields,
    incident: {
      ...objectOf(rest, OF_A_MEMBER.text),
      members: members.slice(0, MOST_MEMBERS).map((member) => fieldsOf(member, OF_A_MEMBER)),
      origins: origins
        .slice(0, MOST_ORIGINS)
        .map(({ reasons, ...origin }) =>
          objectOf({ ...origin, reasons: reasons.slice(0, MOST_REASONS) }, OF_A_MEMBER.text),
        ),
    },
  };
}

/** As many as there is room for. */
function attributesOf(attributes: Attributes, { text, attributes: most }: Limits): JsonObject {
  const kept: [string, Json][] = [];
  let room = most;
  for (const [key, value] of Object.entries(attributes).slice(0, MOST)) {
    const entry: [string, Json] = [shortText(key, text), jsonOf(value, text, 1)];
    room -= JSON.stringify(entry).length;
    if (room < 0) break;
    kept.push(entry);
  }
  return Object.fromEntries(kept);
}

function objectOf(value: object, text: number, depth = 0): JsonObject {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    entries.slice(0, MOST).map(([key, each]) => [shortText(key, text), jsonOf(each, text, depth + 1)]),
  );
}

function jsonOf(value: unknown, text: number, depth: number): Json {
  switch (typeof value) {
    case "string":
      return shortText(value, text, true);
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      return Number.isNaN(value) ? null : String(value);
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : shortText(String(value), text);
    case "object":
      if (value === null || depth > DEEPEST) return null;
      if (value instanceof Uint8Array) return Buffer.from(value.subarray(0, text / 2)).toString("base64");
      if (Array.isArray(value)) return value.slice(0, MOST).map((each) => jsonOf(each, text, depth + 1));
      return objectOf(value, text, depth);
    default:
      return null;
  }
}
