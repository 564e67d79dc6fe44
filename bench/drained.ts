// drain alone, on requests whose columns were scanned before: what it says of lines, and the CPU that it takes.
import drain from "../plugins/processors/drain/index.ts";
import type { AttributeValue, Batch, LogRecords, Mined } from "../src/api/index.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";
import { Intake } from "../src/pipeline/intake.ts";
import { fakeHost } from "../src/testing/fake_host.ts";
import { logRequest } from "../test/logs.ts";

const TIME = Date.UTC(2026, 0, 5);

/** A request of log records, scanned. */
export interface Scanned {
  readonly bytes: Uint8Array;
  readonly rows: LogRecords;
  /** Bytes of all bodies. */
  readonly size: number;
}

export const requestOf = (bodies: readonly AttributeValue[]): Scanned =>
  scanned(logRequest(bodies.map((body) => ({ body, time: TIME }))));

/** One record whose body is text that may be no UTF-8. */
export function requestOfBytes(body: Uint8Array): Scanned {
  const writer = new Writer(body.length + 64);
  const opened = [writer.open(1), writer.open(2), writer.open(2), writer.open(5)];
  writer.field(1, Wire.bytes).bytes(body);
  for (const each of opened.reverse()) writer.close(each);
  return scanned(writer.finish());
}

function scanned(bytes: Uint8Array): Scanned {
  const intake = new Intake("logs", 1, 1000);
  intake.read(bytes);
  const rows = intake.rows(TIME);
  let size = 0;
  for (let i = 0; i < rows.length; i++) size += rows.bodyEnd[i] - rows.bodyStart[i];
  return { bytes, rows, size };
}

export class Drained {
  readonly part;
  mined!: Mined;

  constructor(options: object = {}) {
    this.part = drain.create(drain.config.parse({ annotate: "none", ...options }), fakeHost("drain"));
  }

  process({ bytes, rows }: Scanned): void {
    const mine = (mined: Mined) => {
      this.mined = mined;
    };
    this.part.process({ bytes, rows, mine, extend() {} } as unknown as Batch<"logs">);
  }

  /** Ids at arrival; each as the template that it is part of may be asked for later. */
  idsOf(request: Scanned): number[] {
    this.process(request);
    return [...this.mined.template.subarray(0, request.rows.length)];
  }

  /** Microseconds of CPU that all these requests take, once. */
  cost(requests: readonly Scanned[]): number {
    const before = process.cpuUsage();
    for (const request of requests) this.process(request);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  }
}
