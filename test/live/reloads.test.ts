// Reloads while senders go on: nothing is refused, nothing is lost, and no call meets a connection that is handed over.
import assert from "node:assert/strict";
import test from "node:test";
import { eventually } from "../agent.ts";
import { config, overGrpc, overHttp, START, sender, startFile } from "../reloading.ts";
import { httpSink } from "../sinks.ts";

test("under load, reloads of every kind refuse nothing and lose nothing", async (t) => {
  const [first, second] = [await httpSink(t), await httpSink(t)];
  const { agent, reload, said } = await startFile(t, config({ sink: first.endpoint }));
  const senders = [sender(overHttp(t, agent), 0), sender(overGrpc(t, agent), 1_000_000)];
  const moved = async (what: string) => {
    const before = senders.map(({ acknowledged }) => acknowledged.length);
    await eventually(`requests after ${what}`, () =>
      senders.every((one, i) => one.acknowledged.length > before[i] + 5),
    );
  };
  const steps: [what: string, text: string][] = [
    ["nothing", config({ sink: first.endpoint })],
    ["a detector's option", config({ sink: first.endpoint, processors: "ewma: {threshold: 6}" })],
    ["another sink", config({ sink: second.endpoint })],
    ["another queue", config({ sink: second.endpoint, exporter: ", sending_queue: {queue_size: 500}" })],
    ["the receiver's limits", config({ sink: second.endpoint, receiver: ", max_request_body_size: 1MiB" })],
    ["all at once", config({ sink: first.endpoint, processors: "ewma: {alpha: 0.1}", receiver: ", idle_timeout: 5s" })],
  ];
  for (const [what, text] of steps) {
    await moved(`before ${what}`);
    await reload(text);
    await moved(what);
  }
  for (const one of senders) await one.stop();
  assert.equal(said(/vedette: reload \d+ is done/), steps.length, agent.output.stderr);
  assert.equal(await agent.stop(), 0);
  const arrived = new Map<number, number>();
  for (const { json } of [...first.received, ...second.received]) {
    const { timeUnixNano } = json.resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0];
    const i = (Number(BigInt(timeUnixNano) / 1_000_000n) - START) / 1000;
    arrived.set(i, (arrived.get(i) ?? 0) + 1);
  }
  for (const { acknowledged, refused } of senders) {
    assert.deepEqual(refused, []);
    assert.deepEqual(
      acknowledged.filter((i) => arrived.get(i) !== 1),
      [],
      "each acknowledged point arrives once",
    );
  }
  assert.doesNotMatch(agent.output.stderr, /data dropped/);
});

test("no call is refused for being on its way while its connection is handed over", async (t) => {
  const sink = await httpSink(t);
  const text = (mib: number) =>
    config({ sink: sink.endpoint }).replace('"127.0.0.1:0"}', `"127.0.0.1:0", max_recv_msg_size_mib: ${mib}}`);
  const { agent, reload } = await startFile(t, text(4));
  const send = overGrpc(t, agent);
  const senders = [0, 1, 2].map((i) => sender(send, i * 1_000_000));
  for (let i = 1; i <= 20; i++) {
    await reload(text(4 + (i % 3)));
    // grpc-js tries a call again by itself once: one that met two hand-overs would be its own refusal
    const before = senders.map(({ acknowledged }) => acknowledged.length);
    await eventually("calls after the reload", () =>
      senders.every(({ acknowledged, refused }, j) => refused.length > 0 || acknowledged.length > before[j] + 1),
    );
  }
  for (const one of senders) await one.stop();
  assert.deepEqual(
    senders.flatMap(({ refused }) => refused),
    [],
  );
});
