// Log events of some names, found without decoding records that do not hold one of them.
import type { Attributes, Batch, Labels } from "vedette";

/** The event_name of a log record: field 12, length-delimited. */
const EVENT_NAME = (12 << 3) | 2;

export interface DeploymentEvent {
  readonly row: number;
  readonly labels: Labels;
  /** Where the record names another service than its resource's, as a tool that deploys does. */
  readonly service: Attributes;
  /** "" where it names none. */
  readonly version: string;
}

export class EventSearch {
  readonly #names: ReadonlySet<string>;
  readonly #texts: readonly Buffer[];
  readonly #fields: readonly Buffer[];

  /** Names of at most 127 bytes: the rest is not found. */
  constructor(names: readonly string[]) {
    this.#names = new Set(names);
    this.#texts = names.map((name) => Buffer.from(name));
    this.#fields = this.#texts.map((text) => Buffer.from([EVENT_NAME, text.length, ...text]));
  }

  *in(batch: Batch<"logs">): Generator<DeploymentEvent> {
    const { offset, length } = batch.rows;
    const bytes = Buffer.from(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.length);
    if (!this.#texts.some((text) => bytes.includes(text))) return;
    for (let row = 0; row < length; row++) {
      const record = messageAt(bytes, offset[row]);
      if (!this.#texts.some((text) => record.includes(text))) continue;
      const labels = batch.labels(row);
      const { attributes } = labels;
      const named = attributes["event.name"];
      const isEvent = this.#fields.some((field) => record.includes(field));
      if (!isEvent && !(typeof named === "string" && this.#names.has(named))) continue;
      const service = Object.fromEntries(
        ["service.name", "service.namespace"].flatMap((key) =>
          attributes[key] === undefined ? [] : [[key, attributes[key]]],
        ),
      );
      const version = attributes["service.version"] ?? labels.resource["service.version"] ?? "";
      yield { row, labels, service, version: String(version) };
    }
  }
}

/** The message whose length prefix stands there. */
function messageAt(bytes: Buffer, offset: number): Buffer {
  let length = 0;
  let at = offset;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[at++];
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return bytes.subarray(at, at + length);
}
