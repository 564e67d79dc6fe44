// What is compared, a line a task: what comes in, how, and what is done with it; and what we aim at.
import type { Task } from "./contestants.ts";
import type { Traffic } from "./traffic.ts";

export interface Case extends Task, Traffic {
  readonly name: string;
  /** How many times cheaper a row is to be than for the Collector. */
  readonly aim?: readonly [must: number, goal: number];
  /** Whether the way through the agent is timed as well, at half load, and CPU at a fixed rate. */
  readonly ways?: true;
  /** Seconds of load before what is measured: models have learnt, code is compiled. */
  readonly warm: number;
}

const METRICS = { signal: "metrics", rows: 1000, series: 100_000, encoding: "identity", warm: 1.5 } as const;
const SPANS = { signal: "traces", rows: 1000, series: 0, encoding: "identity", warm: 1.5 } as const;
const LOGS = { signal: "logs", rows: 1000, series: 0, encoding: "identity", warm: 1.5 } as const;
const PASS = { work: "pass-through" } as const;
const COUNT = { work: "span metrics" } as const;
const DETECT = { work: "detection" } as const;
const HTTP = { protocol: "http" } as const;
const GRPC = { protocol: "grpc" } as const;

/** Names are told apart by their words: `--only` takes part of one. */
export const CASES: readonly Case[] = [
  { name: "metrics, HTTP", ...METRICS, ...HTTP, ...PASS, aim: [2, 4], ways: true },
  { name: "metrics, gRPC", ...METRICS, ...GRPC, ...PASS, aim: [1.5, 3], ways: true },
  { name: "metrics, HTTP, 8,000 a request", ...METRICS, ...HTTP, ...PASS, rows: 8000, series: 96_000, aim: [2, 4] },
  { name: "metrics, HTTP, 100 a request", ...METRICS, ...HTTP, ...PASS, rows: 100, series: 10_000 },
  { name: "metrics, gRPC, 100 a request", ...METRICS, ...GRPC, ...PASS, rows: 100, series: 10_000 },
  { name: "metrics, HTTP, plain in, gzip out", ...METRICS, ...HTTP, ...PASS, out: "gzip" },
  { name: "metrics, gRPC, plain in, gzip out", ...METRICS, ...GRPC, ...PASS, out: "gzip" },
  { name: "metrics, HTTP, gzip", ...METRICS, ...HTTP, ...PASS, encoding: "gzip", aim: [1, 3] },
  { name: "metrics, HTTP, zstd", ...METRICS, ...HTTP, ...PASS, encoding: "zstd", aim: [1, 3] },
  { name: "metrics, gRPC, gzip", ...METRICS, ...GRPC, ...PASS, encoding: "gzip", aim: [1, 3] },
  {
    name: "metrics, HTTP, detection, 10k series",
    ...METRICS,
    ...HTTP,
    ...DETECT,
    series: 10_000,
    aim: [5, 10],
    warm: 6,
  },
  { name: "metrics, HTTP, detection, 100k series", ...METRICS, ...HTTP, ...DETECT, aim: [5, 10], ways: true, warm: 8 },
  { name: "metrics, gRPC, detection, 100k series", ...METRICS, ...GRPC, ...DETECT, aim: [5, 10], warm: 8 },
  {
    name: "metrics, HTTP, detection, 1M series",
    ...METRICS,
    ...HTTP,
    ...DETECT,
    series: 1_000_000,
    aim: [5, 10],
    warm: 15,
  },
  { name: "spans, HTTP", ...SPANS, ...HTTP, ...PASS, aim: [2, 3] },
  { name: "spans, gRPC", ...SPANS, ...GRPC, ...PASS, aim: [2, 3] },
  { name: "spans, HTTP, gzip", ...SPANS, ...HTTP, ...PASS, encoding: "gzip", aim: [1, 3] },
  { name: "spans, HTTP, span metrics", ...SPANS, ...HTTP, ...COUNT },
  { name: "spans, HTTP, detection", ...SPANS, ...HTTP, ...DETECT, aim: [3, 10], ways: true, warm: 8 },
  { name: "logs, HTTP", ...LOGS, ...HTTP, ...PASS, aim: [2, 3] },
  { name: "logs, gRPC", ...LOGS, ...GRPC, ...PASS, aim: [2, 3] },
  { name: "logs, HTTP, gzip", ...LOGS, ...HTTP, ...PASS, encoding: "gzip", aim: [1, 3] },
  { name: "logs, HTTP, detection", ...LOGS, ...HTTP, ...DETECT, aim: [3, 10], ways: true, warm: 8 },
];
