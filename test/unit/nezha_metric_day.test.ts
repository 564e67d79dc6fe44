// The benchmark's reader of the metrics of a Nezha day: a gauge a column, once a minute, in the order of arrival.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { hasMetrics, readMetricDay } from "../../bench/nezha_metric_day.ts";
import { ordinary } from "../../bench/payloads.ts";

const HEAD = "Time,TimeStamp,PodName,CpuUsage(m),PodSuccessRate(%)\n";
const NOON = Date.UTC(2023, 0, 29, 12);
const POD = "ts-auth-service-7f8d7d756d-k7b9j";

test("each minute of a pod is a point of each of its columns; what is no number, and the front, is left out", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vedette-nezha-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.equal(hasMetrics(folder), false);
  mkdirSync(join(folder, "faults", "metric"), { recursive: true });
  const write = (file: string, rows: readonly string[]) =>
    writeFileSync(join(folder, "faults", "metric", file), gzipSync(`${HEAD}${rows.join("\n")}\n`));
  const row = (pod: string, after: number, cpu: string) => `x,${NOON / 1000 + after},${pod},${cpu},1`;
  write("auth_metric.csv.gz", [row(POD, 60, "7.5"), row(POD, 0, "NaN"), "cut,off"]);
  write("front_service.csv.gz", [row("Frontend", 0, "3")]);
  writeFileSync(join(folder, "faults", "2023-01-29-fault_list.json"), "{}");
  const day = readMetricDay(folder);
  assert.deepEqual(day.services, ["ts-auth-service"]);
  const seen = day.requests.flatMap(({ at, bytes }) =>
    ordinary.metrics.decode(bytes).resourceMetrics.flatMap(({ resource, scopeMetrics }: any) =>
      scopeMetrics[0].metrics.map(({ name, gauge }: any) => {
        return [at - NOON, resource.attributes[0].value.stringValue, name, gauge.dataPoints[0].asDouble];
      }),
    ),
  );
  assert.deepEqual(seen, [
    [1000, "ts-auth-service", "PodSuccessRate(%)", 1],
    [61_000, "ts-auth-service", "CpuUsage(m)", 7.5],
    [61_000, "ts-auth-service", "PodSuccessRate(%)", 1],
  ]);
});
