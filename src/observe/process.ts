// What the process uses of the machine, as the runtime counts it.
import { getHeapStatistics } from "node:v8";
import type { Measurement } from "../api/index.ts";
import { measure } from "./instruments.ts";

/** CPU time, memory and uptime at this moment. */
export function processMeasurements(): Measurement[] {
  const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  // not in every Node that we run on
  const { total_allocated_bytes: allocated } = getHeapStatistics() as { total_allocated_bytes?: number };
  return [
    measure("otelcol_process_uptime", process.uptime()),
    measure("otelcol_process_cpu_seconds", (user + system) / 1e6),
    measure("otelcol_process_memory_rss", rss),
    measure("otelcol_process_runtime_heap_alloc_bytes", heapUsed),
    measure("otelcol_process_runtime_total_sys_memory_bytes", heapTotal + external),
    ...(allocated === undefined ? [] : [measure("otelcol_process_runtime_total_alloc_bytes", allocated)]),
  ];
}
