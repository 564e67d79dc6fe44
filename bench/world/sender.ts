// One instance of a service: its spans wait for its next export, every five seconds at a phase of its own.
import { encodeAttributes } from "../../src/otlp/encode.ts";
import { Wire, Writer } from "../../src/otlp/writer.ts";

/** Milliseconds between two exports of an SDK's batch span processor. */
export const EXPORT_EVERY = 5000;

interface Batch {
  readonly writer: Writer;
  resource: number;
  scope: number;
  spans: number;
}

export class Sender {
  readonly service: string;
  /** Milliseconds after a whole period at which it exports. */
  readonly phase: number;
  /** Milliseconds that its clock is ahead. */
  readonly skew: number;
  readonly #slot: number;
  readonly #batches = new Map<number, Batch>();
  readonly #free: Batch[] = [];
  #resource: Uint8Array;

  constructor(service: string, slot: number, phase: number, skew: number) {
    this.service = service;
    this.#slot = slot;
    this.phase = phase;
    this.skew = skew;
    this.#resource = this.#describe(1);
  }

  /** A new instance takes its place. */
  deploy(version: number): void {
    this.#resource = this.#describe(version);
  }

  #describe(version: number): Uint8Array {
    const writer = new Writer();
    const opened = writer.open(1);
    writer.append(
      encodeAttributes(1, {
        "service.name": this.service,
        "service.namespace": "shop",
        "service.version": `1.${version}.0`,
        "service.instance.id": `${this.service}-${version}-${this.#slot}`,
        "host.name": `node-${this.#slot}`,
        "telemetry.sdk.language": "nodejs",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": "2.1.0",
      }),
    );
    writer.close(opened);
    return writer.finish();
  }

  /** Where a span that ends at `end` is to be written: milliseconds of true time since the world began. */
  open(end: number): Writer {
    const index = Math.floor((end - this.phase) / EXPORT_EVERY) + 1;
    let batch = this.#batches.get(index);
    if (!batch) {
      batch = this.#free.pop() ?? { writer: new Writer(16_384), resource: 0, scope: 0, spans: 0 };
      const { writer } = batch;
      batch.resource = writer.open(1);
      writer.append(this.#resource);
      batch.scope = writer.open(2);
      writer.append(SCOPE);
      this.#batches.set(index, batch);
    }
    batch.spans++;
    return batch.writer;
  }

  /** When the export of this index is due. */
  due(index: number): number {
    return index * EXPORT_EVERY + this.phase;
  }

  /** What is exported then; undefined when there is nothing. */
  take(index: number): { readonly bytes: Uint8Array; readonly spans: number } | undefined {
    const batch = this.#batches.get(index);
    if (!batch) return undefined;
    this.#batches.delete(index);
    const { writer, spans } = batch;
    writer.close(batch.scope);
    writer.close(batch.resource);
    const bytes = writer.finish();
    writer.length = 0;
    batch.spans = 0;
    this.#free.push(batch);
    return { bytes, spans };
  }

  /** Whether anything waits. */
  get waits(): boolean {
    return this.#batches.size > 0;
  }
}

const SCOPE = (() => {
  const writer = new Writer();
  const opened = writer.open(1);
  writer.field(1, Wire.bytes).string("shop.instrumentation").field(2, Wire.bytes).string("1.0.0");
  writer.close(opened);
  return writer.finish();
})();
