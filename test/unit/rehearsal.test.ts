// Faults planted into a copy of what came in: clear ones are found, the running agent learns nothing of them, and bounds hold.
import assert from "node:assert/strict";
import test from "node:test";
import type { Anomaly, RehearsalOptions } from "vedette";
import { summary } from "../../plugins/extensions/self_test/index.ts";
import { Log } from "../../src/observe/log.ts";
import { Known } from "../../src/rehearsal/known.ts";
import { Recording } from "../../src/rehearsal/recording.ts";
import { rehearse } from "../../src/rehearsal/rehearse.ts";
import { loadSources } from "../../src/replay/loaded.ts";
import { Player } from "../../src/replay/player.ts";
import { gauge, logs, type SpanOf, traces } from "../requests.ts";

const BEGINNING = Date.UTC(2026, 10, 2);
const SECOND = 1000;
const MINUTE = 60_000;

const CONFIG = `yaml:
receivers: {otlp: {protocols: {http: {}}}}
processors: {ewma: {threshold: 6}, span_duration: , span_errors: , span_rate: , drain: , new_template: {learning: 10m}}
exporters: {debug: {}}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma], exporters: [debug]}
    traces: {receivers: [otlp], processors: [span_duration, span_errors, span_rate], exporters: [debug]}
    logs: {receivers: [otlp], processors: [drain, new_template], exporters: [debug]}
`;

const OPTIONS: RehearsalOptions = { window: 15 * MINUTE, maxMemory: 2 ** 26, faults: 20, share: 1 };

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** What four services send in a second, with some noise. */
function second(at: number, random: () => number) {
  const noise = () => 1 + (random() + random() + random() - 1.5) / 10;
  return ["cart", "checkout", "payments", "search"].flatMap((service, i) => {
    const spans = Array.from({ length: 2 }, (_, k): SpanOf => {
      const id = (at * 10 + i * 3 + k).toString(16);
      return {
        name: k === 0 ? `GET /${service}` : `POST /${service}`,
        time: at + k,
        duration: 20 * noise(),
        traceId: id.padStart(32, "0"),
        spanId: id.padStart(16, "0").slice(-16),
      };
    });
    const often = [
      ["traces", traces(service, spans)],
      ["logs", logs(service, [{ time: at, severity: 9, body: `served request ${Math.floor(random() * 1e6)}` }])],
    ] as const;
    return at % (15 * SECOND) === 0
      ? [...often, ["metrics", gauge(service, "queue.length", [{ time: at, value: 100 * noise() }])] as const]
      : often;
  });
}

/** An agent that has learnt for an hour, and a copy of the quarter of an hour after that. */
async function rehearsed(options: RehearsalOptions, most = 2 ** 26) {
  const { config, registry } = await loadSources([CONFIG]);
  const log = new Log({ ...config.service.telemetry.logs, level: "error" });
  const anomalies: Anomaly[] = [];
  const onAnomaly = (anomaly: Anomaly) => void anomalies.push(anomaly);
  const tap = { judged() {}, found() {} };
  const player = new Player({ config, plugins: registry, log, tap, exports: false, start: BEGINNING, onAnomaly });
  await player.start();
  const random = seeded(7);
  const from = BEGINNING + 60 * MINUTE;
  const until = from + options.window;
  const recording = new Recording(most);
  let known: Known | undefined;
  for (let at = BEGINNING; at < until; at += SECOND) {
    if (at === from) known = new Known(player.agent.capture());
    for (const [signal, bytes] of second(at, random)) {
      if (known) recording.came(signal, bytes, at + SECOND);
      await player.feed(signal, bytes, at + SECOND, at + SECOND);
    }
  }
  const raised = anomalies.length;
  const { requests } = recording;
  const signal = new AbortController().signal;
  const what = { config, plugins: registry, log, known: known!, requests, from, until, random: seeded(3), signal };
  const rehearsal = await rehearse(what, options);
  assert.equal(anomalies.length, raised, "the running agent is told nothing of it");
  await player.stop();
  return { rehearsal, recording, anomalies };
}

test("clear faults of every kind that the configuration could find are found, and nothing else is", async () => {
  const { rehearsal, anomalies } = await rehearsed(OPTIONS);
  const shown = rehearsal.faults.map(({ signal, kind, by }) => `${signal} ${kind}: ${by}`);
  assert.deepEqual([...new Set(shown)].sort(), [
    "logs new_error: new_template",
    "metrics rise: ewma",
    "traces errors: span_errors",
    "traces silence: span_rate",
    "traces slow: span_duration",
  ]);
  for (const { delay } of rehearsal.faults) assert.ok(delay >= 0 && delay < 10 * MINUTE);
  assert.equal(rehearsal.alarms, anomalies.length, "the copy alone raises what the agent raised of it");
  assert.equal(rehearsal.astray, 0);
  assert.match(
    summary(rehearsal),
    /^self-test of 2026-11-02 01:15 UTC: (\d+) of \1 planted faults found; \d+ anomalies in 15 min/,
  );
});

test("a copy is one: the buffer of a request may be used again", () => {
  const recording = new Recording(10);
  const buffer = Buffer.of(1, 2, 3);
  recording.came("metrics", buffer, 1);
  buffer.fill(0);
  assert.deepEqual([...recording.requests[0].bytes], [1, 2, 3]);
});

test("a copy without room for more ends, and what was refused is not in it", () => {
  const recording = new Recording(10);
  recording.came("metrics", new Uint8Array(6), 1);
  recording.refused();
  recording.came("metrics", new Uint8Array(8), 2);
  recording.came("metrics", new Uint8Array(8), 3);
  recording.came("metrics", new Uint8Array(1), 4);
  assert.deepEqual(
    recording.requests.map(({ at }) => at),
    [2],
  );
  assert.equal(recording.full, true);
});

test("without telemetry of enough rows nothing is planted, and the summary says so", () => {
  const rehearsal = {
    from: BEGINNING,
    until: BEGINNING + MINUTE,
    requests: 1,
    faults: [],
    alarms: 0,
    astray: 0,
    seconds: 0,
  };
  assert.match(summary(rehearsal), /no fault could be planted in 1 min of telemetry/);
});
