// What a row of a metric or a span has: its attributes with their types, and of a metric its unit.
import type { Batch, Labels } from "vedette";
import { ATTRIBUTE_FIELD, decodeAttributes } from "vedette/otlp";
import type { Content } from "./fields.ts";

const LONGEST_NAME = 200;

/** A field that no attribute can be called. */
export const UNIT = "\0unit";

export function contentOf(batch: Batch, row: number): Content {
  const fields = new Map<string, string>();
  const labels = batch.signal === "metrics" ? batch.labels(row) : undefined;
  const attributes = labels?.attributes ?? attributesOf(batch, row);
  for (const key of Object.keys(attributes)) {
    // our own marks are no part of it
    if (!key.startsWith("anomaly.")) fields.set(key.slice(0, LONGEST_NAME), typeOf(attributes[key]));
  }
  if (labels) {
    const { unit, statistic } = labels;
    // a rate and a value may have other units by nature
    fields.set(UNIT, statistic === "rate" && unit.endsWith("/s") ? unit.slice(0, -2) : unit);
  }
  return { fields, wholeBody: true };
}

/** Those of a span alone: its labels would take a look at everything that came with it. */
function attributesOf({ bytes, rows }: Batch, row: number): Labels["attributes"] {
  let at = rows.offset[row];
  let length = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = bytes[at++];
    length += (byte & 127) * unit;
    if (byte < 128) break;
  }
  return decodeAttributes(bytes, at, at + length, ATTRIBUTE_FIELD.traces);
}

/** Whole and other numbers are one: which of them is sent is often up to the value. */
function typeOf(value: Labels["attributes"][string]): string {
  if (value === null) return "nothing";
  if (typeof value === "bigint" || typeof value === "number") return "a number";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "true or false";
  if (value instanceof Uint8Array) return "bytes";
  return Array.isArray(value) ? "a list" : "a map";
}

/** Of a metric: what a service's shape takes for its type. */
export const measured = ({ statistic }: Labels) => (statistic === "" ? "a gauge" : "a sum or a histogram");
