// Reloads that overlap, fail or meet a stop: told by components that do what a test says, in an agent without sockets.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { ExportError, type ExportRequest, type Extension, type Host, type Outputs } from "vedette";
import { Agent } from "../../../src/agent/agent.ts";
import { load } from "../../../src/commands/load.ts";
import { Log } from "../../../src/observe/log.ts";
import { OwnMetrics } from "../../../src/observe/meter.ts";
import { eventually, folderWith } from "../../agent.ts";
import { MemoryStore } from "../../memory_store.ts";
import { gauge } from "../../requests.ts";

/** What the components of PARTS ask, each by its type and `tag`: "tap a". */
class Probe {
  /** Calls that wait for what is here, or fail with it: "start tap a". */
  readonly holds = new Map<string, Promise<void>>();
  readonly calls: string[] = [];
  readonly outputs = new Map<string, Outputs>();
  readonly hosts = new Map<string, Host>();
  readonly store = new MemoryStore();
  /** Tags of sinks that are down. */
  readonly down = new Set<string>();

  async call(what: string): Promise<void> {
    this.calls.push(what);
    await this.holds.get(what);
  }

  hold(what: string): () => void {
    const held = Promise.withResolvers<void>();
    this.holds.set(what, held.promise);
    return () => {
      this.holds.delete(what);
      held.resolve();
    };
  }

  fail(what: string): void {
    const failed = Promise.reject(new Error("not today"));
    failed.catch(() => {});
    this.holds.set(what, failed);
  }

  async export(tag: string, { items }: ExportRequest): Promise<void> {
    if (this.calls.includes(`stop sink ${tag}`)) throw new Error(`sink ${tag} is stopped`);
    if (this.down.has(tag)) throw new ExportError("connection refused", { retryable: true });
    for (let i = 0; i < items; i++) this.calls.push(`sent ${tag}`);
  }

  count(what: string): number {
    return this.calls.filter((call) => call === what).length;
  }

  readonly extension: Extension = {
    ...new MemoryStore().extension,
    open: (name) => this.store.extension.open!(name),
  };
}

declare global {
  var probe: Probe;
}

const PARTS = `
import { defineExporter, defineExtension, defineProcessor, defineReceiver, z } from "vedette";
const config = z.object({ tag: z.string().default("a").describe("Told apart by it.") });
const known = { stability: "experimental", summary: "Does what a test says.", config };
const probe = globalThis.probe;
const life = (type, tag, host) => {
  probe.hosts.set(type + " " + tag, host);
  if (tag === "impossible") throw new Error("no such tag");
  return { start: () => probe.call("start " + type + " " + tag), stop: () => probe.call("stop " + type + " " + tag) };
};
export default [
  defineReceiver({ ...known, type: "tap", signals: ["metrics"], create({ tag }, host, outputs) {
    probe.outputs.set(tag, outputs);
    return life("tap", tag, host);
  } }),
  defineProcessor({ ...known, type: "mark", signals: ["metrics"], create: ({ tag }, host) =>
    ({ ...life("mark", tag, host), process: (data) => { probe.calls.push("marked " + tag); return data; } }) }),
  defineExporter({ ...known, type: "sink", signals: ["metrics"], sends: true, create: ({ tag }, host) =>
    ({ ...life("sink", tag, host), export: (data) => probe.export(tag, data) }) }),
  defineExtension({ ...known, type: "shelf", offers: ["storage"], create: ({ tag }, host) =>
    ({ ...life("shelf", tag, host), open: probe.extension.open }) }),
];
`;

interface Parts {
  tap?: string;
  mark?: string;
  sink?: string;
  /** Options of the exporter beside its tag. */
  sending?: string;
  service?: string;
  /** Replaces the id of the exporter. */
  exporter?: string;
}

const text = ({ tap = "a", mark = "a", sink = "a", sending = "", service = "", exporter = "sink" }: Parts) => `
plugins: [./parts.js]
receivers: {tap: {tag: ${tap}}}
processors: {mark: {tag: ${mark}}}
exporters: {${exporter}: {tag: ${sink}, retry_on_failure: {initial_interval: 10ms, max_elapsed_time: 0}${sending}}}
extensions: {shelf: }
service:
  extensions: [shelf]
  ${service}
  pipelines: {metrics: {receivers: [tap], processors: [mark], exporters: [${exporter}]}}
`;

async function begin(t: TestContext, parts: Parts = {}) {
  const probe = new Probe();
  globalThis.probe = probe;
  const folder = folderWith(t, { "parts.js": PARTS, "package.json": '{"type": "module"}' });
  const read = async (next: Parts) => {
    const file = join(folder, "config.yaml");
    writeFileSync(file, text(next));
    const { config, registry, problems } = await load({ config: [file], set: [] });
    if (!config) throw new Error(JSON.stringify(problems));
    return { config, registry };
  };
  const lines: string[] = [];
  const log = new Log({ level: "info", encoding: "console", write: (line) => void lines.push(line) });
  const metrics = new OwnMetrics({ version: "0", log, measurements: () => [] });
  const { config, registry } = await read(parts);
  let meters = 0;
  const agent = new Agent(config, registry, {
    log,
    version: "0",
    now: Date.now,
    meterFor: (...place) => {
      meters++;
      const meter = metrics.meterFor(...place);
      let open = true;
      const close = () => {
        if (open) meters--;
        open = false;
        meter.close();
      };
      return { meter: meter.meter, close };
    },
    measurements: () => [],
  });
  t.after(() => agent.stop());
  return {
    agent,
    probe,
    lines,
    /** Of components that are not closed. */
    meters: () => meters,
    async reload(next: Parts) {
      const { config, registry } = await read(next);
      await agent.reload(config, registry);
    },
    send: async (tag = "a") => probe.outputs.get(tag)!.metrics!(point),
    status: (id: string) => agent.view.components().find((one) => one.id === id)?.status,
  };
}

const point = gauge("checkout", "load", [{ time: 1_795_000_000_000, value: 1 }]);

test("while a receiver of a reload takes its time to start, requests go on as before it", async (t) => {
  const { agent, probe, reload, send } = await begin(t);
  await agent.start();
  const go = probe.hold("start tap b");
  const reloading = reload({ tap: "b", mark: "b" });
  await eventually("the new receiver's start", () => probe.calls.includes("start tap b"));
  assert.equal(await send("a"), true);
  assert.equal(await send("b"), true, "what it takes before it has started as well");
  assert.equal(probe.count("marked a"), 2);
  go();
  await reloading;
  assert.equal(await send("b"), true);
  assert.equal(probe.count("marked b"), 1);
});

test("a reload while an older receiver is still leaving decides where requests go, also once that has left", async (t) => {
  const { agent, probe, reload, send, status } = await begin(t);
  await agent.start();
  const leave = probe.hold("stop tap a");
  await reload({ tap: "b", mark: "b", sink: "b" });
  await reload({ tap: "b", mark: "c", sink: "c" });
  leave();
  await eventually("the end of the first components", () => probe.calls.includes("stop mark a"));
  await new Promise(setImmediate);
  assert.equal(await send("b"), true);
  assert.deepEqual([probe.count("marked a"), probe.count("marked b"), probe.count("marked c")], [0, 0, 1]);
  await eventually("the point at the newest sink", () => probe.count("sent c") === 1);
  assert.equal(status("sink"), "ok");
});

test("a component that a reload takes away and the next one brings back keeps its status", async (t) => {
  const { agent, probe, reload, status } = await begin(t);
  await agent.start();
  const leave = probe.hold("stop tap a");
  await reload({ tap: "b", exporter: "sink/other" });
  assert.equal(status("sink"), undefined);
  await reload({ tap: "b" });
  leave();
  await eventually("the end of what went", () => probe.calls.includes("stop sink a"));
  await new Promise(setImmediate);
  assert.equal(status("sink"), "ok");
  assert.equal(status("sink/other"), undefined);
});

test("an exporter that fails is told as failing after a reload changed it, too", async (t) => {
  const { agent, probe, reload, send, status } = await begin(t);
  await agent.start();
  for (const tag of ["a", "b"]) probe.down.add(tag);
  assert.equal(await send(), true);
  await eventually("the failure", () => status("sink") === "recoverable_error");
  await reload({ sink: "b" });
  await eventually("the failure again", () => status("sink") === "recoverable_error");
  probe.down.clear();
  await eventually("the point", () => probe.count("sent b") === 1);
  assert.equal(status("sink"), "ok");
});

test("a stop gives up what a removed exporter could not deliver within shutdown_timeout, even while a receiver is leaving", async (t) => {
  const { agent, probe, lines, reload, send } = await begin(t, { service: "shutdown_timeout: 50ms" });
  await agent.start();
  probe.down.add("a");
  assert.equal(await send(), true);
  const leave = probe.hold("stop tap a");
  await reload({ tap: "b", exporter: "sink/other", service: "shutdown_timeout: 50ms" });
  const stopped = agent.stop();
  await eventually("the end of the other receiver", () => probe.calls.includes("stop tap b"));
  await new Promise(setImmediate);
  leave();
  await stopped;
  assert.match(lines.join(""), /sink: data dropped.*the agent stopped before it could be sent/);
});

test("a stop does not wait for a component of a reload, or of the start, that never starts", async (t) => {
  const first = await begin(t);
  await first.agent.start();
  first.probe.hold("start tap b");
  const reloading = first.reload({ tap: "b" });
  await eventually("the new receiver's start", () => first.probe.calls.includes("start tap b"));
  await Promise.all([assert.rejects(reloading, /tap could not start: the agent is stopping/), first.agent.stop()]);
  assert.ok(first.probe.calls.includes("stop sink a"));

  const second = await begin(t);
  second.probe.hold("start tap a");
  const starting = second.agent.start();
  await eventually("the receiver's start", () => second.probe.calls.includes("start tap a"));
  await Promise.all([assert.rejects(starting, /tap could not start: the agent is stopping/), second.agent.stop()]);
  assert.ok(second.probe.calls.includes("stop sink a"));
});

test("a reload that fails gives back the storage that it opened, so that the next one can have it", async (t) => {
  const { agent, probe, reload, send } = await begin(t);
  await agent.start();
  probe.fail("start tap b");
  const sending = ", sending_queue: {storage: shelf}";
  await assert.rejects(reload({ tap: "b", sink: "b", sending }), /tap could not start: not today/);
  assert.equal(probe.store.closed, 1);
  await reload({ sink: "c", sending });
  assert.equal(await send(), true);
  await eventually("the point", () => probe.count("sent c") === 1);
});

test("reloads leave nothing behind: neither those that succeed nor those that fail half way", async (t) => {
  const { agent, probe, meters, reload } = await begin(t);
  await agent.start();
  const before = meters();
  probe.fail("start tap bad");
  for (let i = 0; i < 20; i++) {
    await reload({ tap: `t${i}`, mark: `m${i}`, sink: `s${i}` });
    await assert.rejects(reload({ sink: "b", tap: "impossible" }), /tap could not be created: no such tag/);
    await assert.rejects(reload({ mark: "b", tap: "bad" }), /not today/);
  }
  await eventually("the end of all that went", () => meters() === before);
  assert.equal(agent.view.components().length, 4);
});
