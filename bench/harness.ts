// Runs cases in turns and takes medians: CPU nanoseconds and allocated bytes per item.
import { getHeapStatistics } from "node:v8";

export interface Case {
  readonly name: string;
  /** Items that one `run` handles. */
  readonly items: number;
  run(): void;
}

export interface Figure {
  readonly name: string;
  /** CPU nanoseconds per item, user and system, all threads of the process. */
  readonly cpu: number;
  /** Bytes allocated per item. */
  readonly allocated: number;
}

function allocatedBytes(): number {
  return (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** Rounds that warm up and are not counted: code is compiled, tables have grown, series are no longer young. */
const WARM_UP = 4;

/** Each round runs every case for about `slice` milliseconds of CPU, by what it took the round before. */
export function measure(cases: readonly Case[], { rounds = 9, slice = 120 } = {}): Figure[] {
  const runs = cases.map(() => 1);
  const cpu: number[][] = cases.map(() => []);
  const allocated: number[][] = cases.map(() => []);
  for (let round = 0; round < rounds + WARM_UP; round++) {
    cases.forEach((each, i) => {
      const bytes = allocatedBytes();
      const began = process.cpuUsage();
      for (let n = 0; n < runs[i]; n++) each.run();
      const { user, system } = process.cpuUsage(began);
      const spent = user + system;
      const items = runs[i] * each.items;
      if (round >= WARM_UP) {
        cpu[i].push((spent * 1000) / items);
        allocated[i].push((allocatedBytes() - bytes) / items);
      }
      runs[i] = Math.max(1, Math.round((runs[i] * slice * 1000) / Math.max(spent, 50)));
    });
  }
  return cases.map(({ name }, i) => ({ name, cpu: median(cpu[i]), allocated: median(allocated[i]) }));
}
