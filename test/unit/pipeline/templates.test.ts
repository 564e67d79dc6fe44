// Templates of log records: handed on from who mines them to who judges them, and told with what is found.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { AttributeValue, Batch, Labels, Processor } from "../../../src/api/index.ts";
import { encodeAttributes } from "../../../src/otlp/encode.ts";
import { Intake } from "../../../src/pipeline/intake.ts";
import { TelemetryPipeline } from "../../../src/pipeline/pipeline.ts";
import { WordMiner } from "../../../src/testing/index.ts";
import { fakeHost } from "../../exporting.ts";
import { type LogRecord, logRequest } from "../../logs.ts";
import { stage } from "../../wired.ts";

type Logs = Batch<"logs">;
const TIME = 1_700_000_000_000;

/** Runs the records through the processors of one pipeline. */
function run(records: readonly Partial<LogRecord>[], ...processors: Processor<"logs">[]) {
  const host = fakeHost();
  const stages = processors.map((part) => stage(part, host));
  const pipeline = new TelemetryPipeline("logs", "logs", { processors: stages, connectors: [], queues: [] });
  const intake = new Intake("logs", 1, 1000);
  const bytes = logRequest(records.map((record) => ({ body: "", time: TIME, ...record })));
  intake.read(bytes);
  const request = pipeline.run(bytes, TIME, intake.scan, intake.rows(TIME));
  // a processor that throws is logged, and its batch goes on
  assert.deepEqual(host.logged, []);
  return request;
}

/** A processor that only looks. */
const looking = (look: (batch: Logs) => void): Processor<"logs"> => ({
  process(batch) {
    look(batch);
    return batch;
  },
});

const bodies = (...texts: AttributeValue[]) => texts.map((body) => ({ body }));

test("labels carry template and text once a processor before has mined them", () => {
  const seen: Labels[] = [];
  const look = looking((batch) => seen.push(batch.labels(0)));
  run(bodies("user 7 logged in"), look, new WordMiner(), look);
  assert.deepEqual(
    seen.map(({ template, example }) => ({ template, example })),
    [
      { template: undefined, example: undefined },
      { template: "user <*> logged in", example: "user 7 logged in" },
    ],
  );
});

test("where parameters are hidden there is no example", () => {
  const look = looking((batch) => {
    const { template, example } = batch.labels(0);
    assert.deepEqual([template, example], ["password is <*>", undefined]);
  });
  run(bodies("password is 1234"), new WordMiner(true), look);
});

test("parameters are where they stand in the request", () => {
  const look = looking(({ mined, bytes, rows }) => {
    const texts = Array.from({ length: rows.length }, (_, row) => {
      const values: string[] = [];
      for (let k = mined!.firstParameter[row]; k < mined!.endParameter[row]; k++) {
        values.push(Buffer.from(bytes.subarray(mined!.parameterStart[k], mined!.parameterEnd[k])).toString());
      }
      return values;
    });
    assert.deepEqual(texts, [["7", "12ms"], [], ["8"]]);
    assert.equal(mined!.templates.parameterName(mined!.template[0], 1), "took");
  });
  run(bodies("order 7 took=12ms", "started", "order 8"), new WordMiner(), look);
});

test("rows that are dropped take their templates with them", () => {
  const drop: Processor<"logs"> = {
    process(batch) {
      batch.drop(0);
      batch.drop(2);
      return batch;
    },
  };
  const seen: unknown[] = [];
  const look = looking((batch) => {
    for (let row = 0; row < batch.rows.length; row++) {
      const { templates, template, firstParameter } = batch.mined!;
      seen.push([templates.text(template[row]), firstParameter[row], batch.labels(row).example]);
    }
  });
  run(bodies("a 1", "b 2", "c 3", "d 4"), new WordMiner(), drop, look);
  assert.deepEqual(seen, [
    ["b <*>", 1, "b 2"],
    ["d <*>", 3, "d 4"],
  ]);
});

test("templates of one request are not those of the next", () => {
  const miner = new WordMiner();
  let mines = true;
  const once: Processor<"logs"> = { process: (batch) => (mines ? miner.process(batch) : batch) };
  const pipeline = new TelemetryPipeline("logs", "logs", {
    processors: [stage(once), stage(looking((batch) => assert.equal(batch.mined !== undefined, mines)))],
    connectors: [],
    queues: [],
  });
  const intake = new Intake("logs", 1, 1000);
  for (mines of [true, false]) {
    const bytes = logRequest([{ body: "a 1", time: TIME }]);
    intake.read(bytes);
    pipeline.run(bytes, TIME, intake.scan, intake.rows(TIME));
  }
});

test("a body of any kind has an example that a person can read", () => {
  const of = [
    ["hello", "hello"],
    [{ msg: "hi", n: 3n }, '{"msg":"hi","n":"3"}'],
    [["a", 1.5], '["a",1.5]'],
    [true, "true"],
    [null, ""],
    [Uint8Array.of(1, 255), '"01ff"'],
    ["x".repeat(3000), "x".repeat(512)],
  ] as const;
  const mine: Processor<"logs"> = {
    process(batch) {
      const one = new Uint32Array(batch.rows.length).fill(1);
      const none = new Uint32Array(batch.rows.length);
      const templates = { text: () => "t", id: () => "0".repeat(16), parameterName: () => undefined, hidden: false };
      const empty = { firstParameter: none, endParameter: none, parameterStart: none, parameterEnd: none };
      batch.mine({ templates, template: one, statement: one, numbering: { largest: 1 }, ...empty });
      return batch;
    },
  };
  const look = looking((batch) => {
    assert.deepEqual(
      of.map((_, row) => batch.labels(row).example),
      of.map(([, example]) => example),
    );
    assert.deepEqual([...batch.rows.bodyKind.subarray(0, of.length)], [1, 6, 5, 2, 0, 7, 1]);
  });
  run(bodies(...of.map(([body]) => body as AttributeValue)), mine, look);
});

test("fields that were encoded before are added to the record", () => {
  const content = encodeAttributes(6, { "log.record.template": "a <*>" });
  const add = looking((batch) => batch.extend(0, content));
  const seen: unknown[] = [];
  const { bytes } = run(bodies("a 1"), add)!;
  const intake = new Intake("logs", 1, 1000);
  intake.read(bytes);
  const pipeline = new TelemetryPipeline("logs", "logs", {
    processors: [stage(looking((batch) => seen.push({ ...batch.labels(0).attributes })))],
    connectors: [],
    queues: [],
  });
  pipeline.run(bytes, TIME, intake.scan, intake.rows(TIME));
  assert.deepEqual(seen, [{ "log.record.template": "a <*>" }]);
});
