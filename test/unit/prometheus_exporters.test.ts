// What Prometheus is told of anomalies: series that last as long as they do, labels that do not change meanwhile.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type Anomaly, OpenAnomalies } from "vedette";
import { anomalySamples } from "vedette/otlp";
import { anomaliesText } from "../../plugins/exporters/prometheus/text.ts";
import { snappyBlock } from "../../plugins/exporters/prometheus_remote_write/request.ts";
import { anomalyOf, now } from "../exporting.ts";
import { readText } from "./observe/prometheus_text.ts";

const TEXT = { format: "text", timestamps: false } as const;
const episode = { start: now, lastSeen: now, peak: 2.4, count: 1 };

const samplesOf = (anomalies: readonly Anomaly[], name = "anomaly_score", options: object = {}) =>
  readText(anomaliesText(anomalies, { ...TEXT, ...options })).get(name)?.samples ?? [];

test("an anomaly of a metric is told with its attributes, what was judged and by whom", () => {
  const [sample] = samplesOf([anomalyOf()]);
  assert.equal(sample.value, 2.4);
  assert.deepEqual(sample.labels, {
    anomaly_detector: "ewma",
    anomaly_fingerprint: "1f0c8a52d93b7e46",
    anomaly_metric: "http.server.duration.p99",
    anomaly_signal: "metrics",
    job: "checkout",
    route: "/pay",
  });
  assert.equal(samplesOf([anomalyOf()], "anomaly_expected")[0].value, 120);
  assert.deepEqual(samplesOf([anomalyOf()], "anomaly_lower"), [], "what a detector does not say is no sample");
});

test("severity, state, type and score are no labels: a series stays one while they change", () => {
  const labels = (changes: Partial<Anomaly>) => anomalySamples(anomalyOf(changes))[0].labels;
  const changed = {
    severity: "critical",
    state: "ongoing",
    type: "drop",
    score: 9,
    reason: "worse",
    time: now + 1,
  } as const;
  assert.deepEqual(labels(changed), labels({}));
});

test("attributes of a span start no series of their own", () => {
  const { labels } = anomalyOf();
  const anomaly = anomalyOf({ signal: "traces", labels: { ...labels, name: "GET /cart", kind: "server" } });
  const [sample] = samplesOf([anomaly]);
  assert.equal(sample.labels["anomaly_span"], "GET /cart");
  assert.equal(sample.labels["route"], undefined);
});

test("an incident is one gauge by its id", () => {
  const incident = { members: [], episodes: 2, origins: [], services: ["a"], traces: [], templates: [] };
  const [sample] = samplesOf([anomalyOf({ incident, episode, detector: "correlate" })], "anomaly_incident");
  assert.equal(sample.labels["anomaly_id"], "1f0c8a52d93b7e46-19aa");
});

test("names, constant labels and all attributes of the resource are as asked for", () => {
  const options = { namespace: "vedette", constant: { env: "prod", job: "mine" }, resourceLabels: true };
  const [sample] = samplesOf([anomalyOf()], "vedette_anomaly_score", options);
  assert.equal(sample.labels["env"], "prod");
  assert.equal(sample.labels["job"], "mine");
  assert.equal(sample.labels["service_name"], "checkout");
});

test("whatever text labels hold, the answer can be read", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.string({ unit: "binary" })), (attributes) => {
      const { labels } = anomalyOf();
      samplesOf([anomalyOf({ labels: { ...labels, attributes, resource: attributes } })]);
    }),
  );
});

test("OpenMetrics ends with its mark and counts time in seconds", () => {
  const text = anomaliesText([anomalyOf()], { format: "openmetrics", timestamps: true });
  assert.match(text, new RegExp(`^anomaly_score\\{.*\\} 2.4 ${now / 1000}$`, "m"));
  assert.ok(text.endsWith("# EOF\n"));
});

test("an episode is open until it is resolved, a single anomaly until it expires", () => {
  const open = new OpenAnomalies(10, 1000);
  open.take([anomalyOf({ fingerprint: "a", episode }), anomalyOf({ fingerprint: "b" })], 0);
  assert.deepEqual(open.expire(999), []);
  assert.deepEqual(
    open.expire(1000).map(({ fingerprint }) => fingerprint),
    ["b"],
  );
  assert.deepEqual(
    open.list().map(({ fingerprint }) => fingerprint),
    ["a"],
  );
  const ended = open.take([anomalyOf({ fingerprint: "a", episode, state: "resolved" })], 2000);
  assert.equal(ended.length, 1);
  assert.deepEqual(open.list(), []);
});

test("beyond the bound the one heard of longest ago ends", () => {
  const open = new OpenAnomalies(2, 1000);
  const take = (fingerprint: string) => open.take([anomalyOf({ fingerprint, episode })], 0);
  take("a");
  take("b");
  take("a");
  assert.deepEqual(
    take("c").map(({ fingerprint }) => fingerprint),
    ["b"],
  );
});

/** The bytes of a snappy block, by its format: only literals are expected. */
function unpacked(block: Uint8Array): Uint8Array {
  let at = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    size += (block[at] & 127) * 2 ** shift;
    if (block[at++] < 128) break;
  }
  const parts: Uint8Array[] = [];
  while (at < block.length) {
    assert.equal(block[at] & 3, 0, "a literal");
    assert.equal(block[at] >> 2, 61, "with its length in two bytes");
    const length = block[at + 1] + block[at + 2] * 256 + 1;
    parts.push(block.subarray(at + 3, at + 3 + length));
    at += 3 + length;
  }
  const whole = Buffer.concat(parts);
  assert.equal(whole.length, size);
  return whole;
}

test("a snappy block holds what was put in", () => {
  for (const length of [0, 1, 127, 128, 65_535, 65_536, 65_537, 200_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => i);
    assert.deepEqual(Buffer.from(unpacked(snappyBlock(bytes))), Buffer.from(bytes), `${length} bytes`);
  }
});
