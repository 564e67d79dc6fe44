// Kills an agent with persistent queues again and again: what it acknowledged arrives, and what it remembers loads.
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, watch } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fakeHost } from "vedette/testing";
import storage from "../../plugins/extensions/file_storage/index.ts";
import { eventually, folderWith, launch, type Running } from "../agent.ts";
import { CountingSink, ITEMS, Senders } from "./world.ts";

const KILLS = Number(process.env["VEDETTE_KILLS"] ?? 5);
const SEED = Number(process.env["VEDETTE_SEED"] ?? randomInt(2 ** 31));
const CONSUMERS = 4;
/** Most items of a batch of log records. */
const BATCH = 50;
/**
 * Most items that one kill makes come again: each consumer of a queue has one request under way, and may have delivered one
 * in the very turn of the event loop whose transaction the kill cut off.
 */
const PER_KILL = 2 * CONSUMERS * (ITEMS + BATCH);

/** Metrics as they came, through a detector; logs in batches. */
const config = (folder: string, sink: string) => `
receivers:
  otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } }
processors:
  ewma: {}
  log_rate: {}
exporters:
  otlp_http/metrics: &exporter
    endpoint: http://${sink}
    compression: none
    retry_on_failure: { initial_interval: 20ms, max_interval: 100ms, max_elapsed_time: 0 }
    sending_queue: { storage: file_storage, num_consumers: ${CONSUMERS}, queue_size: 1000000 }
  otlp_http/logs:
    <<: *exporter
    sending_queue:
      storage: file_storage
      num_consumers: ${CONSUMERS}
      queue_size: 1000000
      batch: { flush_timeout: 10ms, min_size: ${BATCH / 2}, max_size: ${BATCH} }
extensions:
  file_storage: { directory: ${join(folder, "queues")}, timeout: 5s }
service:
  extensions: [file_storage]
  telemetry: { metrics: { level: none } }
  state: { directory: ${join(folder, "state")}, interval: 1s }
  pipelines:
    metrics: { receivers: [otlp], processors: [ewma], exporters: [otlp_http/metrics] }
    logs: { receivers: [otlp], processors: [log_rate], exporters: [otlp_http/logs] }
`;

/** What no life may say. */
const TROUBLE = /set aside|data dropped|cannot store|is damaged|internal error/;

test(`every acknowledged item survives ${KILLS} kills, seed ${SEED}`, {
  timeout: 60_000 + KILLS * 10_000,
}, async (t) => {
  const { random } = fakeHost(`kills ${SEED}`);
  const folder = folderWith(t);
  const state = join(folder, "state");
  mkdirSync(state, { mode: 0o700 });
  const sink = await CountingSink.start(t);
  const file = join(folderWith(t, { "config.yaml": config(folder, sink.endpoint) }), "config.yaml");
  const senders = new Senders();
  const end = new AbortController();
  t.after(() => end.abort());
  const living = [
    sink.live(fakeHost(`sink ${SEED}`).random, end.signal),
    senders.live(fakeHost(`senders ${SEED}`).random, end.signal),
  ];
  const began = performance.now();
  let rescued = 0;

  /** Runs the agent until `use` has done with it, and looks at what it said. */
  async function life(use: (agent: Running, running: Promise<void>) => Promise<void>): Promise<void> {
    const cleanUps: (() => unknown)[] = [];
    const agent = launch({ after: (cleanUp) => cleanUps.push(cleanUp) }, ["run", "--config", file]);
    let over = false;
    const running = eventually("the agent to run", () => over || agent.output.stderr.includes(" is running")).then(
      () => {
        if (!over) senders.endpoint = agent.at("otlp", "http");
      },
    );
    running.catch(() => {});
    try {
      await use(agent, running);
    } finally {
      over = true;
      senders.endpoint = undefined;
      for (const cleanUp of cleanUps) await cleanUp();
    }
    assert.doesNotMatch(agent.output.stderr, TROUBLE);
  }

  /** Settles at a moment to kill at. */
  async function moment(running: Promise<void>): Promise<void> {
    const kind = random();
    if (kind < 0.2) return pause(random() * 600); // while it reads what the one before left
    await running;
    if (kind < 0.8) return pause(random() ** 2 * 1600);
    const writing = watch(state);
    await once(writing, "change", { signal: AbortSignal.timeout(20_000) }); // while it saves state
    writing.close();
    await pause(random() * 5);
  }

  for (let kill = 0; kill < KILLS; kill++) {
    await life(async (agent, running) => {
      await moment(running);
      agent.signal("SIGKILL");
      await agent.exited.catch(() => {});
      rescued += senders.acknowledged.filter((number) => !sink.has(number)).length;
    });
  }

  end.abort();
  await Promise.all(living);
  const snapshots = readdirSync(state).filter((name) => name.endsWith(".snapshot"));
  await life(async (agent, running) => {
    await running;
    let missing: readonly number[] = senders.acknowledged;
    const arrived = () => {
      missing = missing.filter((number) => !sink.has(number));
      return missing.length === 0;
    };
    await eventually("every acknowledged item", arrived).catch(() => {});
    assert.deepEqual(missing.slice(0, 10), [], `${missing.length} acknowledged items never arrived`);
    assert.equal(await agent.stop(), 0);
  });

  const { acknowledged, refused } = senders;
  const { duplicates } = sink;
  const bound = KILLS * PER_KILL;
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  t.diagnostic(
    `${KILLS} kills in ${seconds} s, seed ${SEED}: ${acknowledged.length} items acknowledged, all arrived; ` +
      `${duplicates} came again, at most ${bound} may; ${rescued} waited on disk, summed over the kills; ${refused} refused`,
  );
  assert.ok(duplicates <= bound, `${duplicates} duplicates, at most ${bound}`);
  if (KILLS >= 50) {
    assert.ok(rescued > 0, "kills found something to lose");
    assert.equal(snapshots.length, 2, "both detectors saved their state before a kill");
  }
  assert.deepEqual(await leftBehind(join(folder, "queues")), []);
});

/** What queues still hold on disk. */
async function leftBehind(directory: string): Promise<unknown[]> {
  const extension = storage.create(storage.config.parse({ directory }), fakeHost());
  await extension.start!();
  try {
    const stores = await Promise.all(
      ["exporter otlp_http/metrics", "exporter otlp_http/logs"].map((name) => extension.open!(name)),
    );
    return stores.flatMap((store) => store.entries());
  } finally {
    await extension.stop!();
  }
}
