// `service.telemetry`: a Collector user's text loads unchanged, what we cannot do is refused in plain words.
import assert from "node:assert/strict";
import test from "node:test";
import { z } from "../../../src/api/index.ts";
import { readDraft } from "../../../src/config/file.ts";
import { formatProblem } from "../../../src/config/problems.ts";
import { checkConfig } from "../../../src/config/shape.ts";
import { prometheusEndpoint } from "../../../src/observe/options.ts";
import { urlOf } from "../../../src/observe/otlp_options.ts";

/** Checks the YAML flow text of `service.telemetry`. */
async function check(telemetry: string) {
  const service = `{telemetry: ${telemetry}, pipelines: {metrics: {receivers: [r], exporters: [e]}}}`;
  const known = { receivers: ["r"], processors: [], connectors: [], exporters: ["e"], extensions: [] };
  const config = [`yaml:{receivers: {r: }, exporters: {e: }, service: ${service}}`];
  const checked = checkConfig(await readDraft({ config, set: [] }, {}), () => z.object({}), known);
  const problems = checked.problems.map((one) => formatProblem(one).replace(/^yaml::1:\d+ /, ""));
  return { telemetry: checked.config?.service.telemetry, problems };
}

const reader = (text: string) => `{metrics: {readers: [${text}]}}`;
const otlp = (text: string) => reader(`{periodic: {exporter: {otlp: ${text}}}}`);

test("nothing written is the Collector's defaults", async () => {
  const { telemetry } = await check("{}");
  assert.deepEqual(telemetry!.metrics, { level: "normal" });
  assert.deepEqual(telemetry!.resource, {});
  const { metrics } = (await check(reader("{pull: {exporter: {prometheus: }}}"))).telemetry!;
  assert.deepEqual(metrics.readers![0].pull!.exporter.prometheus, {
    host: "127.0.0.1",
    port: 8888,
    without_scope_info: false,
    without_type_suffix: false,
    without_units: false,
  });
});

const accepted: readonly string[] = [
  "{metrics: {level: none}}",
  "{metrics: {level: detailed, address: '0.0.0.0:8888'}}",
  reader(
    "{pull: {exporter: {prometheus: {host: '::1', port: 9999, with_resource_constant_labels: {included: [service.name]}}}}}",
  ),
  reader(
    "{periodic: {interval: 5000, timeout: 3000, exporter: {otlp: {protocol: http/protobuf, endpoint: 'https://backend:4318'}}}}",
  ),
  reader(
    "{periodic: {interval: 10s, exporter: {otlp: {protocol: http/json, endpoint: 'backend:4318', insecure: true}}}}",
  ),
  otlp("{headers: [{name: api-key, value: '123'}], compression: gzip, temporality_preference: cumulative}"),
  otlp("{headers: {api-key: '123'}, timeout: 5000}"),
  "{resource: {service.name: edge, service.version: null, replica: 3}}",
  "{logs: {level: INFO, development: true, encoding: json, disable_caller: true, disable_stacktrace: true}}",
  "{logs: {sampling: {enabled: true, tick: 10s, initial: 10, thereafter: 100}, output_paths: [stdout], error_output_paths: [stderr], initial_fields: {team: a}}}",
  "{traces: }",
  "{traces: {level: none}}",
];

for (const text of accepted) {
  test(`accepted: ${text}`, async () => {
    const { telemetry, problems } = await check(text);
    assert.deepEqual(problems, []);
    assert.ok(telemetry);
  });
}

const refused: readonly (readonly [text: string, problem: RegExp])[] = [
  [
    otlp("{protocol: grpc/protobuf}"),
    /own metrics are sent over HTTP only; write http\/protobuf, and the port of OTLP over HTTP \(4318\)/,
  ],
  [otlp("{protocol: thrift}"), /"thrift" does not fit: expected one of http\/protobuf, http\/json/],
  [otlp("{endpoint: 'ftp://backend'}"), /not an HTTP URL; write it as in http:\/\/collector:4318/],
  [otlp("{temporality_preference: delta}"), /expected cumulative/],
  [otlp("{client_key: a.pem}"), /client_certificate and client_key belong together/],
  [otlp("{headers: {'bad name': s3cret}}"), /not a legal HTTP header/],
  [reader("{}"), /a reader is either pull or periodic/],
  [
    reader("{pull: {exporter: {prometheus: {host: 'http://a'}}}}"),
    /host: "http:\/\/a" does not fit: not an address; write it as in "127\.0\.0\.1"/,
  ],
  [
    reader("{pull: {exporter: {prometheus: }}}, {pull: {exporter: {prometheus: }}}"),
    /another reader listens on 127\.0\.0\.1:8888/,
  ],
  ["{metrics: {address: 'a:1', readers: []}}", /readers say already who reads the metrics; remove address/],
  ["{metrics: {views: []}}", /no such option/],
  ["{logs: {output_paths: [/var/log/agent.log]}}", /redirect them to a file/],
  ["{traces: {processors: [{batch: {}}]}}", /no spans about itself; remove them/],
];

for (const [text, problem] of refused) {
  test(`refused: ${text}`, async () => {
    const { telemetry, problems } = await check(text);
    assert.equal(telemetry, undefined);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0], problem);
    assert.doesNotMatch(problems[0], /s3cret/);
  });
}

test("an endpoint is completed as the Collector completes it", () => {
  assert.equal(urlOf("http://a:4318", false)!.href, "http://a:4318/v1/metrics");
  assert.equal(urlOf("http://a:4318/", false)!.href, "http://a:4318/v1/metrics");
  assert.equal(urlOf("http://a:4318/otlp/metrics?x=1", false)!.href, "http://a:4318/otlp/metrics?x=1");
  assert.equal(urlOf("a:4318", true)!.href, "http://a:4318/v1/metrics");
  assert.equal(urlOf("a:4318", false)!.href, "https://a:4318/v1/metrics");
  assert.equal(prometheusEndpoint({ host: "::1", port: 1 }), "[::1]:1");
  assert.equal(prometheusEndpoint({ host: "[::1]", port: 1 }), "[::1]:1");
});
