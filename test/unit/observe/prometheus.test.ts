// The text that Prometheus scrapes: legal whatever names and values hold, and named as the Collector's reader names it.
import assert from "node:assert/strict";
import test from "node:test";
import { type Attributes, type HrTime, ValueType } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import fc from "fast-check";
import { prometheusText, type TextOptions } from "../../../src/observe/prometheus.ts";
import { readText } from "./prometheus_text.ts";

const NOW: HrTime = [1_795_000_000, 0];
const PLAIN: TextOptions = { without_scope_info: true, without_type_suffix: true, without_units: true };
const FULL: TextOptions = { without_scope_info: false, without_type_suffix: false, without_units: false };

function metric(
  name: string,
  unit: string,
  type: "sum" | "gauge",
  points: [Attributes, number][],
  help = "",
): MetricData {
  const common = {
    descriptor: { name, unit, description: help, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints: points.map(([attributes, value]) => ({ attributes, value, startTime: NOW, endTime: NOW })),
  };
  return type === "sum"
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true }
    : { ...common, dataPointType: DataPointType.GAUGE };
}

const collected = (metrics: MetricData[], resource: Attributes = {}): ResourceMetrics => ({
  resource: resourceFromAttributes(resource),
  scopeMetrics: [{ scope: { name: "vedette", version: "1" }, metrics }],
});

test("the Collector's switches decide on suffixes, units and scope", () => {
  const metrics = [
    metric("otelcol_process_cpu_seconds", "s", "sum", [[{}, 1.5]]),
    metric("otelcol_process_uptime", "s", "sum", [[{}, 3]]),
    metric("otelcol_process_memory_rss", "By", "gauge", [[{}, 1024]]),
    metric("otelcol_exporter_sent_spans", "{spans}", "sum", [[{ exporter: "debug" }, 7]]),
    metric("used", "1", "gauge", [[{}, 0.5]]),
  ];
  assert.deepEqual(
    [...readText(prometheusText(collected(metrics), PLAIN)).keys()],
    [
      "otelcol_process_cpu_seconds",
      "otelcol_process_uptime",
      "otelcol_process_memory_rss",
      "otelcol_exporter_sent_spans",
      "used",
    ],
  );
  const full = readText(prometheusText(collected(metrics), FULL));
  assert.deepEqual(
    [...full.keys()],
    [
      "otelcol_process_cpu_seconds_total",
      "otelcol_process_uptime_seconds_total",
      "otelcol_process_memory_rss_bytes",
      "otelcol_exporter_sent_spans_total",
      "used_ratio",
    ],
  );
  assert.deepEqual(full.get("otelcol_exporter_sent_spans_total")!.samples[0].labels, {
    exporter: "debug",
    otel_scope_name: "vedette",
    otel_scope_version: "1",
  });
});

test("the resource is on target_info, and on every series where that is asked for", () => {
  const resource = { "service.name": "vedette", "service.version": "1", zone: "a" };
  const labelsWith = (constant: TextOptions["with_resource_constant_labels"]) => {
    const text = prometheusText(collected([metric("up", "", "gauge", [[{}, 1]])], resource), {
      ...PLAIN,
      with_resource_constant_labels: constant,
    });
    const families = readText(text);
    assert.deepEqual(families.get("target_info")!.samples[0].labels, {
      service_name: "vedette",
      service_version: "1",
      zone: "a",
    });
    return families.get("up")!.samples[0].labels;
  };
  assert.deepEqual(labelsWith(undefined), {});
  assert.deepEqual(labelsWith({ included: [] }), { service_name: "vedette", service_version: "1", zone: "a" });
  assert.deepEqual(labelsWith({ included: ["service.name"] }), { service_name: "vedette" });
  assert.deepEqual(labelsWith({ excluded: ["service.name", "zone"] }), { service_version: "1" });
});

test("a histogram has buckets that add up, and an end", () => {
  const histogram: MetricData = {
    ...metric("took", "s", "gauge", []),
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: [
      {
        attributes: { a: "b" },
        startTime: NOW,
        endTime: NOW,
        value: { buckets: { boundaries: [0.5, 1], counts: [1, 2, 4] }, count: 7, sum: 12.5 },
      },
    ],
  };
  const { type, samples } = readText(prometheusText(collected([histogram]), PLAIN)).get("took")!;
  assert.equal(type, "histogram");
  assert.deepEqual(
    samples.map(({ name, labels, value }) => [name, labels.le, value]),
    [
      ["took_bucket", "0.5", 1],
      ["took_bucket", "1", 3],
      ["took_bucket", "+Inf", 7],
      ["took_sum", undefined, 12.5],
      ["took_count", undefined, 7],
    ],
  );
});

test("any names, labels, helps and values make legal text that reads back", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom('"', "\\", "\n", '\\"\n', "a.b", "1st", "é"),
  );
  const value = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 1e300, 5e-324));
  const points = fc.array(fc.tuple(fc.dictionary(fc.stringMatching(/^[a-z]\w*$/), hostile), value), { minLength: 1 });
  fc.assert(
    fc.property(
      hostile,
      fc.constantFrom("s", "By", "{x}", "1"),
      fc.constantFrom("sum", "gauge"),
      points,
      hostile,
      (name, unit, type, points, help) => {
        for (const options of [PLAIN, FULL]) {
          const families = readText(
            prometheusText(collected([metric(`m${name}`, unit, type, points, help)], { [`r${name}`]: help }), options),
          );
          const [, family] = [...families].find(([key]) => key !== "target_info")!;
          assert.equal(family.help, help);
          for (const sample of family.samples) {
            const { otel_scope_name: _, otel_scope_version: __, ...labels } = sample.labels;
            assert.ok(
              points.some(
                ([attributes, value]) =>
                  Object.is(value + 0, sample.value + 0) &&
                  JSON.stringify(Object.entries(attributes).sort()) === JSON.stringify(Object.entries(labels).sort()),
              ),
            );
          }
        }
      },
    ),
  );
});

test("names that become the same are one family, and no series is written twice", () => {
  const text = prometheusText(
    collected([
      metric("a.b", "", "gauge", [[{ "x.y": "1", x_y: "2" }, 1]]),
      metric("a_b", "", "gauge", [
        [{ "x.y": "1", x_y: "2" }, 2],
        [{}, 3],
      ]),
      metric("a/b", "", "sum", [[{}, 4]]),
    ]),
    PLAIN,
  );
  const { samples } = readText(text).get("a_b")!;
  assert.deepEqual(
    samples.map(({ labels, value }) => [labels, value]),
    [
      [{ x_y: "1;2" }, 1],
      [{}, 3],
    ],
  );
});
