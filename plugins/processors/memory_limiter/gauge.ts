// How much memory the process uses, and how to make it use less.
import v8 from "node:v8";
import vm from "node:vm";

/** What the gauge reads of the process; tests put another in its place. */
export interface Process {
  memory(): { readonly rss: number; readonly heapTotal: number; readonly heapUsed: number; readonly external: number };
  /** Collects all garbage, at once. */
  collect(): void;
}

type Collect = (options?: { type: "minor" }) => void;
let collect: Collect | undefined;

export const thisProcess: Process = {
  memory: process.memoryUsage,
  collect() {
    if (!collect) {
      v8.setFlagsFromString("--expose-gc");
      collect = vm.runInNewContext("gc") as Collect;
    }
    collect();
    // buffers found to be garbage are counted as gone by the next collection only; the smallest will do
    collect({ type: "minor" });
  },
};

/** Bytes. */
export interface Reading {
  readonly used: number;
  readonly resident: number;
}

/**
 * Neither figure that Node offers will do alone. The resident size is what the kernel kills for, but once the process was
 * large it stays so: the allocator keeps freed memory for the next buffers. What heap and buffers use falls with each
 * collection, but leaves out whatever else grows. So what is used is heap and buffers and a rest: the least rest that was ever
 * seen, or the rest there is at the moment that the process is larger than ever before and so cannot live on what it has free.
 * One gauge for each process.
 */
export class Gauge {
  readonly #process: Process;
  #leastRest = Number.POSITIVE_INFINITY;
  /** What the last reading took for the rest. */
  #rest = 0;
  #largest = 0;

  constructor(source: Process) {
    this.#process = source;
  }

  read(): Reading {
    const { rss, heapTotal, external } = this.#process.memory();
    const rest = Math.max(0, rss - heapTotal - external);
    this.#leastRest = Math.min(this.#leastRest, rest);
    this.#rest = rss > this.#largest ? rest : this.#leastRest;
    this.#largest = Math.max(this.#largest, rss);
    return this.#reading();
  }

  /** What was read last, less all garbage. */
  collected(): Reading {
    this.#process.collect();
    return this.#reading();
  }

  #reading(): Reading {
    const { rss, heapUsed, external } = this.#process.memory();
    return { used: this.#rest + heapUsed + external, resident: rss };
  }
}
