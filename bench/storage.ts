// What `fsync` of file_storage costs: `node bench/storage.ts [DIRECTORY]`, on the disk that the agent is to use.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fakeHost } from "vedette/testing";
import plugin from "../plugins/extensions/file_storage/index.ts";

const SECONDS = 3;
/** Senders that each wait for their record to be durable before the next. */
const SENDERS = 32;
/** Records kept before the oldest is removed, as by a sink that keeps up. */
const BACKLOG = 100;

async function measure(directory: string, fsync: boolean, size: number): Promise<void> {
  const extension = plugin.create(plugin.config.parse({ directory, fsync }), fakeHost());
  await extension.start!();
  const store = await extension.open!(`${fsync} ${size}`);
  const value = Buffer.alloc(size, 1);
  const kept: number[] = [];
  let records = 0;
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const until = performance.now() + SECONDS * 1000;
  const sender = async () => {
    while (performance.now() < until) {
      kept.push(store.append(value, "metrics"));
      if (kept.length > BACKLOG) store.remove([kept.shift()!]);
      await store.flush();
      records++;
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  delay.disable();
  await extension.stop!();
  const second = Math.round(records / SECONDS);
  const [p99, worst] = [delay.percentile(99), delay.max].map((ns) => (ns / 1e6).toFixed(1));
  const megabytes = Math.round((second * size) / 1e6);
  console.log(`| ${fsync} | ${size / 1000} kB | ${second} | ${megabytes} MB | ${p99} ms | ${worst} ms |`);
}

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), "vedette-bench-"));
console.log("| `fsync` | record | records a second | a second | event loop, p99 | worst |\n|---|---|---|---|---|---|");
try {
  for (const fsync of [false, true]) for (const size of [1_000, 30_000]) await measure(directory, fsync, size);
} finally {
  rmSync(directory, { recursive: true });
}
