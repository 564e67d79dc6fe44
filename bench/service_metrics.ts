// Metrics that services of a generated world would report of themselves, worked out of their spans as these pass.
import type { Batch, Spans } from "../src/api/index.ts";
import { gauge } from "../test/requests.ts";

/** Milliseconds from one export to the next. */
export const EXPORT_EVERY = 15_000;
/** OTLP span kinds. */
const SERVER = 2;
const CLIENT = 3;

/** What came of a service since the last export. Milliseconds. */
class Service {
  readonly durations: number[] = [];
  failed = 0;
  busy = 0;
}

/** Durations are whole ones, as servers see them: a service is slow in them, and fails, when what it calls is and does. */
export class ServiceMetrics {
  readonly #services = new Map<string, Service>();
  /** By series of spans. */
  readonly #names: string[] = [];

  /** Rows source[0, count) of a batch of spans. */
  take(batch: Batch, source: Uint32Array, count: number): void {
    const rows = batch.rows as Spans;
    for (let k = 0; k < count; k++) {
      const i = source[k];
      const series = rows.series[i];
      this.#names[series] ??= String(batch.labels(i).resource["service.name"]);
      const name = this.#names[series];
      const service = this.#services.get(name) ?? new Service();
      this.#services.set(name, service);
      if (rows.kind[i] !== CLIENT && rows.self[i] > 0) service.busy += rows.self[i];
      if (rows.kind[i] !== SERVER) continue;
      service.durations.push(rows.duration[i]);
      service.failed += rows.failed[i];
    }
  }

  /** What is exported at `now`, Unix milliseconds: an ExportMetricsServiceRequest. */
  export(now: number): Buffer {
    const requests: Buffer[] = [];
    for (const [name, { durations, failed, busy }] of this.#services) {
      const point = (metric: string, value: number) => requests.push(gauge(name, metric, [{ time: now, value }]));
      point("process.cpu.utilization", busy / EXPORT_EVERY);
      if (durations.length === 0) continue;
      durations.sort((a, b) => a - b);
      point("http.server.request.duration", durations[Math.floor(0.95 * (durations.length - 1))]);
      point("http.server.errors", failed / durations.length);
    }
    this.#services.clear();
    return Buffer.concat(requests);
  }
}
