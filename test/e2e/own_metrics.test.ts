// What an operator sees of a running agent: its own metrics, scraped and pushed, also into itself.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { eventually, folderWith, launch, type Running, request, startAgent, startWith } from "../agent.ts";
import { gauge } from "../requests.ts";
import { httpSink } from "../sinks.ts";
import { readText, type TextFamily } from "../unit/observe/prometheus_text.ts";
import type { Json } from "../unit/otlp/otlp_json.ts";

const PLAIN = "without_scope_info: true, without_type_suffix: true, without_units: true";
const scraped = (more = "") => `{ pull: { exporter: { prometheus: { port: 0, ${PLAIN}${more} } } } }`;

const config = (readers: string, endpoint: string, port = 0) => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${port}" } } } }
processors: { ewma: }
exporters: { otlp_http: { endpoint: "http://${endpoint}" } }
service:
  telemetry: { metrics: { readers: [${readers}] } }
  pipelines: { metrics: { receivers: [otlp], processors: [ewma], exporters: [otlp_http] } }
`;

type Families = Map<string, TextFamily>;

const numberOf = (families: Families, name: string): number => families.get(name)?.samples[0].value ?? Number.NaN;

/** Scrapes until `condition` holds. */
async function scrape(agent: Running, condition: (families: Families) => boolean): Promise<Families> {
  for (let left = 1000; left > 0; left--) {
    const { status, body } = await request(agent.at("telemetry", "prometheus"), "/metrics");
    assert.equal(status, 200);
    const families = readText(body.toString());
    if (condition(families)) return families;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the metrics never said so");
}

async function send(agent: Running, points: number): Promise<number> {
  const values = Array.from({ length: points }, (_, i) => ({ time: 1_795_000_000_000 + i, value: i }));
  return (await request(agent.at("otlp", "http"), "/v1/metrics", gauge("checkout", "queue", values))).status;
}

test("a reload that changes a component takes nothing away from its counters", async (t) => {
  const sink = await httpSink(t);
  const text = config(scraped(), sink.endpoint);
  const folder = folderWith(t, { "config.yaml": text });
  const agent = await startWith(t, ["run", "--config", join(folder, "config.yaml")]);
  assert.equal(await send(agent, 3), 200);
  const sent = "otelcol_exporter_sent_metric_points";
  const before = await scrape(agent, (all) => numberOf(all, sent) === 3);
  writeFileSync(
    join(folder, "config.yaml"),
    text.replace("ewma: }", "ewma: { alpha: 0.1 } }").replace(`"http://${sink.endpoint}"`, "$&, timeout: 9s"),
  );
  agent.signal("SIGHUP");
  await eventually("the reload", () => agent.output.stderr.includes("reload 1 is done"));
  assert.equal(await send(agent, 2), 200);
  const after = await scrape(agent, (all) => numberOf(all, sent) === 5);
  const counted = (families: Families) =>
    [...families].flatMap(([name, { type, samples }]) =>
      type === "counter" ? samples.map(({ labels, value }) => ({ key: name + JSON.stringify(labels), value })) : [],
    );
  const now = new Map(counted(after).map(({ key, value }) => [key, value]));
  for (const { key, value } of counted(before)) assert.ok((now.get(key) ?? -1) >= value, `${key} fell from ${value}`);
  assert.equal(numberOf(after, "vedette_detector_rows"), 5);
});

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("what came in, what was judged and what went out adds up", async (t) => {
  const sink = await httpSink(t);
  const agent = await startAgent(t, config(scraped(), sink.endpoint));
  assert.equal(await send(agent, 3), 200);
  assert.equal(await send(agent, 4), 200);
  const families = await scrape(agent, (all) => numberOf(all, "otelcol_exporter_sent_metric_points") === 7);
  assert.deepEqual(
    [
      "otelcol_receiver_accepted_metric_points",
      "otelcol_receiver_refused_metric_points",
      "otelcol_processor_incoming_items",
      "vedette_detector_rows",
      "vedette_detector_series",
      "vedette_exporter_queued_items",
    ].map((name) => numberOf(families, name)),
    [7, 0, 7, 7, 1, 0],
  );
  const statuses = families
    .get("vedette_component_status")!
    .samples.map(({ labels }) => `${labels.component} ${labels.status}`);
  assert.deepEqual(statuses.sort(), ["ewma ok", "otlp ok", "otlp_http ok"]);
  assert.ok(numberOf(families, "otelcol_process_memory_rss") > 1e7);
  assert.equal(await agent.stop(), 0);
});

test("a reload that changes who reads keeps the counts", async (t) => {
  const sink = await httpSink(t);
  const file = join(folderWith(t, { "config.yaml": config(scraped(), sink.endpoint) }), "config.yaml");
  const agent = await startWith(t, ["run", "--config", file]);
  assert.equal(await send(agent, 5), 200);
  await scrape(agent, (all) => numberOf(all, "otelcol_exporter_sent_metric_points") === 5);
  writeFileSync(file, config(scraped(", with_resource_constant_labels: {included: [service.name]}"), sink.endpoint));
  agent.signal("SIGHUP");
  const labelled = (all: Families) =>
    all.get("otelcol_receiver_accepted_metric_points")!.samples[0].labels.service_name === "vedette";
  const families = await scrape(agent, (all) => labelled(all) && numberOf(all, "vedette_config_reloads") >= 1);
  assert.equal(numberOf(families, "otelcol_receiver_accepted_metric_points"), 5);
  assert.equal(numberOf(families, "otelcol_exporter_sent_metric_points"), 5);
  assert.equal(await agent.stop(), 0);
});

const pointsIn = (request: Json): Json[] =>
  request.resourceMetrics[0].scopeMetrics
    .flatMap(({ metrics }: Json) => metrics)
    .flatMap(({ name, ...metric }: Json) =>
      (metric.sum ?? metric.gauge ?? metric.histogram).dataPoints.map((point: Json) => ({ name, ...point })),
    );

test("own metrics pushed into the agent's own receiver come out as any, without end or echo", async (t) => {
  const sink = await httpSink(t);
  const port = await freePort();
  const push = `{ periodic: { interval: 30, exporter: { otlp: { endpoint: "http://127.0.0.1:${port}" } } } }`;
  const agent = await startAgent(t, config(push, sink.endpoint, port));
  const sizes = () => sink.of("metrics").map((request) => pointsIn(request).length);
  const settled = () => sizes().length >= 6 && sizes().at(-1) === sizes().at(-2);
  await eventually("pushes that grow no more", settled);
  assert.equal(await agent.stop(), 0);
  assert.doesNotMatch(agent.output.stderr, / (warn|error) /, "its last push finds no receiver, and that is no failure");

  const all = sizes().reduce((sum, size) => sum + size, 0);
  const last = pointsIn(sink.of("metrics").at(-1)!).find(
    ({ name }) => name === "otelcol_receiver_accepted_metric_points",
  )!;
  assert.ok(Number(last.asInt) > 0 && Number(last.asInt) <= all, `${last.asInt} of ${all}`);
});

test("a reader that was written and cannot listen ends the start, with place, cause and remedy", async (t) => {
  const blocker = net.createServer().listen(0, "127.0.0.1");
  t.after(() => blocker.close());
  await once(blocker, "listening");
  const { port } = blocker.address() as net.AddressInfo;
  const text = config(`{ pull: { exporter: { prometheus: { port: ${port} } } } }`, "127.0.0.1:1");
  const agent = launch(t, ["run", "--config", `yaml:${text}`]);
  assert.equal(await agent.exited, 1);
  assert.match(
    agent.output.stderr,
    new RegExp(
      `cannot listen on 127.0.0.1:${port} \\(service.telemetry.metrics.readers\\[0\\]\\): another program listens there; stop it`,
    ),
  );
});

test("the environment of SDKs does not lead own metrics astray", async (t: TestContext) => {
  const sink = await httpSink(t);
  process.env.OTEL_EXPORTER_OTLP_HEADERS = "authorization=stolen";
  process.env.OTEL_SERVICE_NAME = "other";
  t.after(() => {
    delete process.env.OTEL_EXPORTER_OTLP_HEADERS;
    delete process.env.OTEL_SERVICE_NAME;
  });
  const push = `{ periodic: { interval: 30, exporter: { otlp: { endpoint: "http://${sink.endpoint}" } } } }`;
  const agent = await startAgent(t, config(push, "127.0.0.1:1"));
  await eventually("a push", () => sink.of("metrics").length > 0);
  const { attributes } = sink.of("metrics")[0].resourceMetrics[0].resource;
  const name = attributes.find(({ key }: Json) => key === "service.name").value.stringValue;
  assert.equal(name, "vedette");
  assert.equal(await agent.stop(), 0);
});
