// Labelled counts of what operations did in intervals: what a detector of intervals is tried on.
import type { Labels, RowsOf } from "../api/index.ts";
import { SeriesTable } from "../series/table.ts";
import { START, seededRandom } from "./fake_host.ts";
import type { Recording } from "./recording.ts";
import { complete, incidents, type Kind, poisson, type StreamOptions, season, serviceName } from "./stream.ts";

const INTERVAL = 10_000;
const USUALLY_FAILS = 0.005;
const FAILS = 0.6;
/** An operation is called far more often than usual, and fails; for some minutes. */
const OUTAGE: readonly Kind[] = [{ longest: 18, factor: (x) => 5 + 5 * x }];

/** Outages are planted, each of at least a minute. */
export function intervals(signal: "logs" | "traces", given: StreamOptions = {}): Recording<any> {
  const options = complete({ anomalies: 20, ...given }, { points: 1500, step: INTERVAL, start: START, rate: 20 });
  const { seed, series: count, points, start, services, rate } = options;
  const random = seededRandom(seed);
  const planned = incidents(random, options, OUTAGE).map((each) =>
    each.map((incident) => ({ ...incident, to: incident.to + 6 })),
  );
  const length = count * points;
  const table = new SeriesTable(count * 2);
  const hash = Int32Array.from({ length: count }, (_, i) => Math.imul(i + 1, 0x9e3779b1));
  const ids = new Uint32Array(count);
  table.assign(hash, hash, count, ids);
  const f64 = () => new Float64Array(length);
  const rows = { length, series: new Uint32Array(length), offset: new Uint32Array(length), time: f64() };
  const counts = { count: f64(), failed: f64(), others: f64(), part: new Uint8Array(length) };
  const planted = new Uint8Array(length);
  for (let point = 0, row = 0; point < points; point++) {
    for (let operation = 0; operation < count; operation++, row++) {
      const time = start + point * INTERVAL;
      const outage = planned[operation].find(({ from, to }) => point >= from && point < to);
      const calls = poisson(random, rate * season(time, operation) * (outage?.factor ?? 1));
      rows.series[row] = ids[operation];
      rows.time[row] = time + INTERVAL;
      counts.count[row] = calls;
      for (let i = 0; i < calls; i++) if (random() < (outage ? FAILS : USUALLY_FAILS)) counts.failed[row]++;
      planted[row] = outage ? 1 : 0;
      for (let other = row - operation; other < row; other++) {
        if ((row - other) % services > 0) continue;
        counts.others[row] += counts.count[other];
        counts.others[other] += calls;
      }
    }
  }
  const labels = (row: number): Labels => ({
    resource: { "service.name": serviceName(rows.series[row] % services), "service.namespace": "shop" },
    scope: { name: "", version: "" },
    name: signal === "traces" ? `GET /${rows.series[row]}` : "ERROR",
    ...(signal === "traces" && { kind: "server" }),
    statistic: "",
    unit: "",
    attributes: {},
    traceId: "",
    spanId: "",
  });
  const item = Uint32Array.from({ length }, (_, row) => row);
  return {
    signal,
    table,
    rows: { ...rows, ...counts } as unknown as RowsOf["traces"],
    series: count,
    item,
    planted,
    labels,
  };
}
