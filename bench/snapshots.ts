// What keeping the memory of a detector costs: saving it, the longest pause meanwhile, and going on from it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Telemetry } from "../src/api/index.ts";
import { Intake } from "../src/pipeline/intake.ts";
import { sizeOf } from "../src/series/snapshot.ts";
import { StateStore } from "../src/series/store.ts";
import { fakeHost } from "../src/testing/index.ts";
import { median } from "./harness.ts";
import { metricRequests } from "./payloads.ts";
import { detectorOf, fed } from "./stages.ts";

export interface Snapshots {
  readonly series: number;
  /** Milliseconds of CPU that one snapshot takes: copied, checked and written. */
  readonly saving: number;
  /** Longest delay of the event loop meanwhile, in milliseconds. */
  readonly pause: number;
  readonly bytes: number;
  /** Milliseconds of CPU: reading the file, and reading it and going on from it. */
  readonly reading: number;
  readonly restoring: number;
}

/** CPU milliseconds of a call, and what it gave. */
async function timed<T>(call: () => T | Promise<T>): Promise<{ cpu: number; result: T }> {
  const began = process.cpuUsage();
  const result = await call();
  const { user, system } = process.cpuUsage(began);
  return { cpu: (user + system) / 1000, result };
}

async function repeated<T>(rounds: number, call: () => T | Promise<T>): Promise<{ cpu: number; result: T }> {
  await call();
  const runs: { cpu: number; result: T }[] = [];
  for (let round = 0; round < rounds; round++) runs.push(await timed(call));
  return { cpu: median(runs.map(({ cpu }) => cpu)), result: runs[0].result };
}

export async function snapshots({ smoke }: { smoke: boolean }): Promise<Snapshots> {
  const series = smoke ? 1000 : 100_000;
  const rounds = smoke ? 1 : 9;
  const directory = await mkdtemp(join(tmpdir(), "vedette-bench-"));
  const store = await StateStore.open(directory, fakeHost().log);
  try {
    const detector = fed(metricRequests(series, 1000));
    await store.save("bench", detector.live());
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const { cpu: saving } = await repeated(rounds, () => store.save("bench", detector.live()));
    delay.disable();
    const { cpu: reading } = await repeated(rounds, () => store.restore("bench", { restore: () => {} }));
    const fresh = () => detectorOf("metrics", new Intake<Telemetry>("metrics", 1, 1_000_000));
    const { cpu: restoring, result: restored } = await repeated(rounds, () => store.restore("bench", fresh()));
    if (!restored) throw new Error("what was saved could not be restored");
    return { series, saving, pause: delay.max / 1e6, bytes: sizeOf(detector.live()), reading, restoring };
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}
