// The services and what each of them sends: a shape for every metric, operation and severity, and one of its metrics.
import type { Batch, Labels } from "vedette";
import { ATTRIBUTE_FIELD, decodeAttributes } from "vedette/otlp";
import { recordOf, signatureOf } from "./record.ts";
import { Shape, type Suspect } from "./shape.ts";

/** Milliseconds of event time in which a metric of a service is there or not. */
export const WINDOW = 120_000;
/** Decades that a row may count for, and rows in a row that end a doubt; of a service a row is a window. */
const OF_ROWS = { weight: 0.5, calm: 10 };
const OF_WINDOWS = { weight: 2, calm: 2 };
/** Rows and windows on which a shape is known. */
const ENOUGH_ROWS = 100;
const ENOUGH_WINDOWS = 30;
export const LONGEST_NAME = 200;
/** Milliseconds by which a sender's clock may be set back. */
const SET_BACK = 600_000;
/** Records that differ in what they have, of one kind. */
const MOST_CONTENTS = 32;

/** One metric, operation or severity of a service; or the service itself, whose rows are windows of time and whose fields are metrics. */
export class Kind {
  readonly service: Service;
  /** "GET /cart", and the span's kind; "ERROR", and of records whose templates are mined the id of theirs. */
  readonly name: string;
  readonly detail: string;
  /** That template. */
  readonly template: string;
  readonly shape: Shape;
  rows = 0;
  /** Unix milliseconds of event time: when it began, and the row that was looked at last. */
  began = Number.NaN;
  last = Number.NaN;
  /** Rows since the one looked at last; and how many more to let pass once its time has come. */
  passed = 0;
  skip = 0;
  /** Series of it that are known; a kind without any may be forgotten. */
  series = 0;

  /** The window of its service in which it was seen last. */
  window = Number.NaN;

  /** By signature of a record, what such have: that of most was met before. */
  #contents: Map<number, ReadonlyMap<string, string>> | undefined;

  constructor(service: Service, name: string, detail: string, template = "", { weight, calm } = OF_ROWS) {
    this.service = service;
    this.name = name;
    this.detail = detail;
    this.template = template;
    this.shape = new Shape(weight, calm);
  }

  get isService(): boolean {
    return this.service.all === this;
  }

  /** Whether a row of event time `time` is to be looked at: one in `interval` milliseconds, which of them is left to chance. */
  samples(time: number, interval: number, chance: () => number): boolean {
    this.passed++;
    const since = time - this.last;
    if (since < interval && since > -SET_BACK) return false;
    if (this.skip-- > 0) return false;
    this.skip = Math.floor(chance() * Math.min(this.passed, 1000));
    this.passed = 0;
    this.last = time;
    return true;
  }

  /** What a row of it has, by name: types of attributes, and of a metric its unit. */
  contentOf(batch: Batch, row: number): ReadonlyMap<string, string> {
    if (batch.signal !== "logs") return contentOf(batch, row);
    const records = batch as Batch<"logs">;
    const signature = signatureOf(records, row);
    this.#contents ??= new Map();
    let content = this.#contents.get(signature);
    if (!content) {
      content = recordOf(records, row);
      if (this.#contents.size >= MOST_CONTENTS) this.#contents.clear();
      this.#contents.set(signature, content);
    }
    return content;
  }

  /** Learns one row of event time `time`. */
  observe(row: ReadonlyMap<string, string>, time: number, learning: number, suspect: Suspect): void {
    if (!(time >= this.began - SET_BACK)) this.began = time;
    this.rows++;
    this.shape.observe(row, this.#settled(time, learning), suspect);
  }

  /** Whether what it has not shown yet would be new. */
  #settled(time: number, learning: number): boolean {
    const enough = this.isService ? ENOUGH_WINDOWS : ENOUGH_ROWS;
    return this.rows >= enough && time - this.began >= learning;
  }
}

/** Of a kind in its service, by its name and detail. */
export const keyOf = (name: string, detail: string | undefined, isTemplate: boolean): string =>
  JSON.stringify(isTemplate ? [detail] : [name, detail ?? null]);

export class Service {
  /** Attributes that name it, by key. */
  readonly resource: Labels["resource"];
  readonly kinds = new Map<string, Kind>();
  readonly all: Kind;
  /** The window that is running, and the metrics seen in it, with what they are. */
  window = Number.NaN;
  readonly seen = new Map<string, string>();

  constructor(resource: Labels["resource"]) {
    this.resource = resource;
    this.all = new Kind(this, "", "", "", OF_WINDOWS);
  }

  /** Empty when it has none. */
  get name(): string {
    const { "service.name": name, "service.namespace": namespace } = this.resource;
    if (name === undefined) return "";
    return namespace === undefined ? String(name) : `${namespace}/${name}`;
  }

  /** " of checkout". */
  get of(): string {
    return this.name === "" ? "" : ` of ${this.name}`;
  }

  /** How a sentence about all of it begins. */
  get whole(): string {
    return this.name === "" ? "What is sent" : `What ${this.name} sends`;
  }
}

function contentOf(batch: Batch, row: number): Map<string, string> {
  const content = new Map<string, string>();
  const labels = batch.signal === "metrics" ? batch.labels(row) : undefined;
  const attributes = labels?.attributes ?? attributesOf(batch, row);
  for (const key of Object.keys(attributes)) {
    // our own marks are no part of it
    if (!key.startsWith("anomaly.")) content.set(key.slice(0, LONGEST_NAME), typeOf(attributes[key]));
  }
  if (!labels) return content;
  const { unit, statistic } = labels;
  // a rate and a value may have other units by nature
  content.set(UNIT, statistic === "rate" && unit.endsWith("/s") ? unit.slice(0, -2) : unit);
  return content;
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

/** A field that no attribute can be called. */
export const UNIT = "\0unit";

function typeOf(value: Labels["attributes"][string]): string {
  if (value === null) return "nothing";
  if (typeof value === "bigint") return "a whole number";
  if (typeof value === "number") return "a number";
  if (typeof value === "string") return "text";
  if (typeof value === "boolean") return "true or false";
  if (value instanceof Uint8Array) return "bytes";
  return Array.isArray(value) ? "a list" : "a map";
}

/** Of a metric: what a service's shape takes for its type. */
export const measured = ({ statistic }: Labels) => (statistic === "" ? "a gauge" : "a sum or a histogram");
