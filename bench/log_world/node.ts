// The machines of a log world: each sends what the instances on it have logged, every five seconds, in one request.
import { encodeAttributes } from "../../src/otlp/encode.ts";
import { Writer } from "../../src/otlp/writer.ts";

/** Milliseconds between two exports of a node. */
export const EXPORT_EVERY = 5000;

/** What waits for an export: LogRecord messages one after the other in the order in which they were written. */
interface Waiting {
  readonly writer: Writer;
  readonly times: number[];
  /** Where each begins. */
  readonly starts: number[];
}

/** One process of a service. */
export class Instance {
  readonly service: string;
  readonly node: Node;
  readonly slot: number;
  version = 1;
  /** Milliseconds since the world began until which it is away. */
  downUntil = 0;
  #resource: Uint8Array;
  /** By the index of the export. */
  readonly #waiting = new Map<number, Waiting>();
  readonly #free: Waiting[] = [];

  constructor(service: string, node: Node, slot: number) {
    this.service = service;
    this.node = node;
    this.slot = slot;
    this.#resource = this.#describe();
    node.instances.push(this);
  }

  deploy(version: number): void {
    this.version = version;
    this.#resource = this.#describe();
  }

  #describe(): Uint8Array {
    const writer = new Writer();
    const opened = writer.open(1);
    writer.append(
      encodeAttributes(1, {
        "service.name": this.service,
        "service.namespace": "shop",
        "service.version": `1.${this.version}.0`,
        "service.instance.id": `${this.service}-${this.version}-${this.slot}`,
        "host.name": this.node.name,
      }),
    );
    writer.close(opened);
    return writer.finish();
  }

  get waits(): boolean {
    return this.#waiting.size > 0;
  }

  /** Where a record of `time`, milliseconds since the world began, is to be written. */
  open(time: number): Writer {
    const index = Math.floor((time - this.node.phase) / EXPORT_EVERY) + 1;
    let waiting = this.#waiting.get(index);
    if (!waiting) {
      waiting = this.#free.pop() ?? { writer: new Writer(4096), times: [], starts: [] };
      this.#waiting.set(index, waiting);
    }
    waiting.times.push(time);
    waiting.starts.push(waiting.writer.length);
    return waiting.writer;
  }

  /** Its ResourceLogs of that export, records in the order of their time; how many they are. */
  write(to: Writer, index: number): number {
    const waiting = this.#waiting.get(index);
    if (!waiting) return 0;
    this.#waiting.delete(index);
    const { writer, times, starts } = waiting;
    const bytes = writer.finish();
    const resource = to.open(1);
    to.append(this.#resource);
    const scope = to.open(2);
    const order = times.map((_, i) => i).sort((a, b) => times[a] - times[b]);
    for (const i of order) to.append(bytes.subarray(starts[i], starts[i + 1] ?? bytes.length));
    to.close(scope);
    to.close(resource);
    writer.length = 0;
    times.length = 0;
    starts.length = 0;
    this.#free.push(waiting);
    return order.length;
  }
}

export class Node {
  readonly name: string;
  /** Milliseconds after a whole period at which it exports. */
  readonly phase: number;
  readonly instances: Instance[] = [];
  readonly #writer = new Writer(65_536);

  constructor(name: string, phase: number) {
    this.name = name;
    this.phase = phase;
  }

  get waits(): boolean {
    return this.instances.some(({ waits }) => waits);
  }

  due(index: number): number {
    return index * EXPORT_EVERY + this.phase;
  }

  /** What is exported then; undefined when there is nothing. */
  take(index: number): { readonly bytes: Uint8Array; readonly records: number } | undefined {
    const writer = this.#writer;
    writer.length = 0;
    let records = 0;
    for (const instance of this.instances) records += instance.write(writer, index);
    return records === 0 ? undefined : { bytes: writer.finish(), records };
  }
}
