// Components that fail in a pipeline: passed over, counted, taken out when they go on failing; one that mends itself stays.
import assert from "node:assert/strict";
import test from "node:test";
import type { Anomaly, Processor } from "vedette";
import { fakeHost } from "vedette/testing";
import { AnomalyPipeline, TelemetryPipeline } from "../../../src/pipeline/pipeline.ts";
import { Stage } from "../../../src/pipeline/stage.ts";

const NOTHING = { queues: [], connectors: [] };
const found = [{ fingerprint: "a" }, { fingerprint: "b" }] as unknown as Anomaly[];

/** A pipeline of one processor before one that notes what reaches it. */
function pipelineOf(process: (data: readonly Anomaly[]) => unknown) {
  const host = fakeHost("odd");
  const odd = new Stage<Processor<"anomalies">>({ process: process as never }, host);
  const reached: (readonly Anomaly[])[] = [];
  const notes = new Stage<Processor<"anomalies">>(
    {
      process(data) {
        reached.push(data);
        return data;
      },
    },
    fakeHost(),
  );
  const pipeline = new AnomalyPipeline("anomalies", { processors: [odd, notes], ...NOTHING }, host.log);
  return { pipeline, odd, reached, host };
}

const RUBBISH: Record<string, () => unknown> = {
  "a number": () => 7,
  null: () => null,
  "a list of something else": () => [1, 2],
  "a promise": async () => found,
  "a promise that fails": () => Promise.reject(new Error("late")),
  "an error": () => {
    throw new Error("now");
  },
};

for (const [what, process] of Object.entries(RUBBISH)) {
  test(`${what} from a processor: the anomalies go on without it, and after ten times it is out`, () => {
    const { pipeline, odd, reached, host } = pipelineOf(process);
    for (let i = 0; i < 12; i++) pipeline.run(found);
    assert.deepEqual(reached, Array(12).fill(found));
    assert.equal(odd.counts.errors, 10, "it is not called any more");
    assert.ok(odd.out);
    assert.equal(host.reported.at(-1)?.status, "permanent_error");
    assert.match(host.reported.at(-1)?.reason ?? "", /taken out of the pipeline after repeated faults/);
  });
}

test("faults far apart are forgiven, and the operator is told when it is well again", () => {
  let calls = 0;
  const { pipeline, odd, host } = pipelineOf((data) => {
    if (calls++ % 20 === 0) throw new Error("now and then");
    return data;
  });
  for (let i = 0; i < 1000; i++) pipeline.run(found);
  assert.equal(odd.out, false);
  assert.equal(odd.counts.errors, 50);
  assert.deepEqual(
    host.reported.slice(0, 4).map(({ status }) => status),
    ["recoverable_error", "ok", "recoverable_error", "ok"],
  );
  assert.equal(odd.counts.incoming, 2000);
  assert.equal(odd.counts.outgoing, 2000);
});

test("one that drops is counted as dropping; what is left may be nothing", () => {
  const { pipeline, odd, reached } = pipelineOf(() => undefined);
  pipeline.run(found);
  assert.deepEqual(reached, []);
  assert.deepEqual({ ...odd.counts, seconds: 0 }, { incoming: 2, outgoing: 0, seconds: 0, errors: 0 });
});

test("a request is let in when every processor lets it in; one that fails to say is passed over", () => {
  const answers = { first: true, second: true };
  const gate = (admit: () => unknown) => new Stage({ process: (data: never) => data, admit } as never, fakeHost());
  const throws = gate(() => {
    throw new Error("unsure");
  });
  const processors = [gate(() => answers.first), throws, gate(() => answers.second)] as Stage<Processor<"metrics">>[];
  const pipeline = new TelemetryPipeline("metrics", "metrics", { processors, ...NOTHING });
  assert.equal(pipeline.admits(), true);
  answers.second = false;
  assert.equal(pipeline.admits(), false);
  for (let i = 0; i < 20; i++) pipeline.admits();
  assert.ok(throws.out);
});
