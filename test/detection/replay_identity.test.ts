// Replayed telemetry is judged as received telemetry is: the same recording, over OTLP/HTTP and from files, bit for bit.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { Agent } from "../../src/agent/agent.ts";
import type { Batch, Telemetry } from "../../src/api/index.ts";
import { Log } from "../../src/observe/log.ts";
import { OwnMetrics } from "../../src/observe/meter.ts";
import { protobufToJson } from "../../src/otlp/to_json.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import type { Judgement } from "../../src/pipeline/tap.ts";
import { type Loaded, loadSources, type ReplayedRow, replay } from "../../src/replay/replay.ts";
import { logs } from "../../src/testing/log_stream.ts";
import { metrics } from "../../src/testing/metric_stream.ts";
import { spans } from "../../src/testing/span_stream.ts";
import { folderWith, request } from "../agent.ts";
import { gauge } from "../requests.ts";

const CONFIG = `yaml:
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors:
  ewma: {threshold: 2, warmup: 20}
  auto: {threshold: 2}
  span_duration: {threshold: 2, warmup: 20}
  log_rate: {threshold: 2, warmup: 20}
exporters: {debug: {sampling_initial: 0, sampling_thereafter: 0}}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma, auto], exporters: [debug]}
    traces: {receivers: [otlp], processors: [span_duration], exporters: [debug]}
    logs: {receivers: [otlp], processors: [log_rate], exporters: [debug]}
`;

const SECOND = 1000;

interface Sent {
  readonly signal: Telemetry;
  readonly bytes: Uint8Array;
}

type Verdict = Pick<ReplayedRow, "score" | "expected" | "lower" | "upper" | "detector" | "type">;

const verdictOf = ({ score, expected, lower, upper, detector, type }: Verdict): Verdict => {
  return { score, expected, lower, upper, detector, type };
};

/** When the last event of a request was; -Infinity where it has none. */
function timeOf({ signal, bytes }: Sent): number {
  const intake = new Intake(signal, 1, 1000);
  intake.read(bytes);
  return Math.max(...intake.scan.time.subarray(0, intake.scan.length));
}

/**
 * What a running agent says of each point, record or span that it judges, in their order; of several the highest score. Its clock
 * stands at what is sent, as when it was recorded: when something came matters for what is put together.
 */
async function received(t: TestContext, { config, registry }: Loaded, requests: readonly Sent[]): Promise<Verdict[]> {
  const lines: string[] = [];
  const log = new Log({ level: "info", encoding: "console", write: (line) => void lines.push(line) });
  const own = new OwnMetrics({ version: "0", log, measurements: () => [] });
  let byOffset = new Map<number, Verdict>();
  let clock = Number.NaN;
  const agent = new Agent(config, registry, {
    log,
    version: "0",
    now: () => clock,
    replays: true,
    meterFor: (...place) => own.meterFor(...place),
    measurements: () => [],
    tap: {
      judged(batch: Batch<Telemetry>, { detector, count, source, score, verdicts, typeOf }: Judgement) {
        for (let i = 0; i < count; i++) {
          const offset = batch.rows.offset[source[i]];
          const before = byOffset.get(offset);
          if (Number.isNaN(score[i]) || (before && before.score >= score[i])) continue;
          const [expected, lower, upper] = [verdicts.expected[i], verdicts.lower[i], verdicts.upper[i]];
          const type = score[i] >= 1 ? typeOf(i) : "";
          byOffset.set(offset, { score: score[i], expected, lower, upper, detector, type });
        }
      },
      found() {},
    },
  });
  t.after(() => agent.stop());
  await agent.start();
  const [, endpoint] = /protocol="http" endpoint="([^"]+)"/.exec(lines.join(""))!;
  const all: Verdict[] = [];
  for (const { signal, bytes } of requests) {
    byOffset = new Map();
    const time = timeOf({ signal, bytes });
    for (; clock + SECOND < time; clock += SECOND) agent.tick(clock + SECOND);
    if (time > -Infinity && !(clock >= time)) clock = time;
    assert.equal((await request(endpoint, `/v1/${signal}`, bytes)).status, 200);
    all.push(...[...byOffset].sort(([a], [b]) => a - b).map(([, verdict]) => verdict));
  }
  await agent.stop();
  return all;
}

/** The same of a replay. */
async function replayed(config: Loaded, input: string): Promise<Verdict[]> {
  const rows: Verdict[] = [];
  await replay({ config, inputs: [input], onRow: (row) => row.detector !== "" && rows.push(verdictOf(row)) });
  return rows;
}

/** Names the first that differs: a difference of all would take minutes to print. */
function assertSame(actual: readonly Verdict[], expected: readonly Verdict[]): void {
  for (const [i, verdict] of expected.entries()) assert.deepEqual(actual[i], verdict, `verdict ${i}`);
  assert.equal(actual.length, expected.length);
}

const STREAMS: Readonly<Record<Telemetry, () => Iterable<{ readonly bytes: Uint8Array }>>> = {
  metrics: () => metrics(),
  logs: () => logs(),
  traces: () => spans(),
};

for (const signal of ["metrics", "logs", "traces"] as const) {
  test(`${signal} are judged the same, received and replayed`, async (t) => {
    const config = await loadSources([CONFIG]);
    const stream = [...STREAMS[signal]()].slice(0, 2000).map(({ bytes }) => bytes);
    // one after the other is one request in protobuf
    const size = Math.ceil(stream.length / 60);
    const requests = Array.from({ length: 60 }, (_, i) => {
      return { signal, bytes: Buffer.concat(stream.slice(i * size, (i + 1) * size)) };
    });
    const expected = await received(t, config, requests);
    assert.ok(expected.some(({ score }) => score >= 1) && expected.some(({ score }) => score < 1));
    const folder = folderWith(t);
    const lines = requests.map(({ bytes }) => `${protobufToJson(signal, bytes)}\n`).join("");
    writeFileSync(join(folder, "recording.jsonl.gz"), gzipSync(lines));
    assertSame(await replayed(config, folder), expected);
  });
}

test("points of several series in CSV files are judged as if they had come one by one", async (t) => {
  const config = await loadSources([CONFIG]);
  const folder = folderWith(t);
  const START = Date.UTC(2026, 0, 1);
  const requests: { signal: "metrics"; time: number; bytes: Uint8Array }[] = [];
  for (const [s, name] of ["a", "b", "c"].entries()) {
    const points = Array.from({ length: 400 }, (_, i) => {
      const value = i === 250 + s ? 900 : Math.round(1000 * Math.sin(i * 1.7 + s) ** 3) / 100;
      return { time: START + (i * 3 + s) * 1000, value };
    });
    writeFileSync(join(folder, `${name}.csv`), points.map(({ time, value }) => `${time},${value}\n`).join(""));
    for (const point of points)
      requests.push({ signal: "metrics", time: point.time, bytes: gauge("x", name, [point]) });
  }
  requests.sort((one, other) => one.time - other.time);
  const expected = await received(t, config, requests);
  assert.ok(expected.filter(({ score }) => score >= 1).length >= 3);
  assertSame(await replayed(config, folder), expected);
});
