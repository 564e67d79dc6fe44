// The agent's own metrics: what is counted is told, under its name, to whoever reads, across changes of the readers.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import test from "node:test";
import type { Measurement } from "vedette";
import { INSTRUMENTS, type Instrument, type InstrumentName, measure } from "../../../src/observe/instruments.ts";
import { Ledger } from "../../../src/observe/ledger.ts";
import { request } from "../../agent.ts";
import { ANY_PORT, options, ownMetrics, PLAIN } from "./own_metrics.ts";
import { readText, type TextFamily } from "./prometheus_text.ts";

const NAMES = Object.keys(INSTRUMENTS) as InstrumentName[];

const value = (families: Map<string, TextFamily>, name: string) => families.get(name)!.samples[0].value;

test("every name of the table is told with its type and its meaning", async (t) => {
  const { own, numbers, scrape } = ownMetrics(t);
  numbers.push(
    ...NAMES.filter((name) => !name.startsWith("otelcol_process_") && !/log_messages/.test(name)).map((name) =>
      measure(name, 1),
    ),
  );
  await own.configure(options({ readers: [ANY_PORT] }));
  const families = await scrape();
  for (const name of NAMES) {
    const { kind, description }: Instrument = INSTRUMENTS[name];
    assert.equal(families.get(name)?.type, kind, name);
    assert.equal(families.get(name)?.help, description, name);
    assert.match(description, /^[A-Z].*\.$/);
  }
});

test("the process is told as the operating system sees it", async (t) => {
  const { own, scrape } = ownMetrics(t);
  await own.configure(options({ readers: [ANY_PORT] }));
  const families = await scrape();
  const { rss } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const told = value(families, "otelcol_process_memory_rss");
  assert.ok(told > rss / 2 && told < rss * 2);
  const cpu = value(families, "otelcol_process_cpu_seconds");
  assert.ok(cpu > 0 && cpu <= (user + system) / 1e6);
  assert.ok(value(families, "otelcol_process_uptime") <= process.uptime());
});

test("a status that is over is told no more, and equal series are added up", async (t) => {
  const { own, numbers, scrape } = ownMetrics(t);
  await own.configure(options({ readers: [ANY_PORT] }));
  const status = (status: string) =>
    measure("vedette_component_status", 1, { component: "debug", section: "exporters", status });
  numbers.push(
    status("starting"),
    measure("vedette_series", 2, { otel_signal: "logs" }),
    measure("vedette_series", 3, { otel_signal: "logs" }),
  );
  const before = await scrape();
  assert.equal(value(before, "vedette_series"), 5);
  numbers[0] = status("ok");
  const { samples } = (await scrape()).get("vedette_component_status")!;
  assert.deepEqual(
    samples.map(({ labels }) => labels.status),
    ["ok"],
  );
});

test("counts go on while readers change, and a bad change leaves the old readers", async (t) => {
  const { own, numbers, scrape, at } = ownMetrics(t);
  const counter = own.meterFor("exporters", "file/a").meter.createCounter("written", { unit: "{lines}" });
  numbers.push(measure("otelcol_exporter_sent_spans", 5, { exporter: "debug" }));
  counter.add(2);
  await own.configure(options({ readers: [ANY_PORT] }));
  assert.equal(value(await scrape(), "written"), 2);

  counter.add(3);
  await own.configure(
    options({
      readers: [{ pull: { exporter: { prometheus: { port: 0, host: "localhost", ...PLAIN } } } }],
    }),
  );
  const after = await scrape();
  assert.deepEqual(after.get("written")!.samples, [{ name: "written", labels: { exporter: "file/a" }, value: 5 }]);
  assert.equal(value(after, "otelcol_exporter_sent_spans"), 5);

  const blocker = net.createServer().listen(0, "127.0.0.1");
  t.after(() => blocker.close());
  await once(blocker, "listening");
  const { port } = blocker.address() as net.AddressInfo;
  const taken = { pull: { exporter: { prometheus: { port } } } };
  const working = at();
  await assert.rejects(own.configure(options({ readers: [ANY_PORT, taken] }, { zone: "b" })), {
    message: `cannot listen on 127.0.0.1:${port} (service.telemetry.metrics.readers[1]): another program listens there; stop it, or choose another port (EADDRINUSE)`,
  });
  assert.notEqual(at(), working);
  await assert.rejects(request(at(), "/metrics"), "what had started is stopped");
  const still = readText(String((await request(working, "/metrics")).body));
  assert.equal(value(still, "written"), 5);
  assert.equal(still.get("target_info")!.samples[0].labels.zone, undefined);
});

test("the same port may be kept by a new configuration, and nobody who scrapes is refused", async (t) => {
  const { own, at } = ownMetrics(t);
  await own.configure(options({ readers: [ANY_PORT] }, { zone: "a" }));
  const first = at();
  await own.configure(options({ readers: [ANY_PORT] }, { zone: "b", "service.version": null }));
  assert.equal(at(), first);
  const { labels } = readText(String((await request(first, "/metrics")).body)).get("target_info")!.samples[0];
  assert.equal(labels.zone, "b");
  assert.equal(labels.service_name, "vedette");
  assert.equal(labels.service_version, undefined);
  assert.match(labels.service_instance_id, /^[0-9a-f-]{36}$/);
});

test("a component's metrics carry its name and pipeline, and end with it", async (t) => {
  const { own, scrape } = ownMetrics(t);
  await own.configure(options({ readers: [ANY_PORT] }));
  const first = own.meterFor("processors", "ewma", "metrics");
  const second = own.meterFor("processors", "ewma", "metrics/other");
  first.meter
    .createObservableGauge("depth")
    .addCallback((result) => result.observe(1, { side: "left", processor: "forged" }));
  second.meter.createObservableGauge("depth").addCallback((result) => result.observe(2));
  first.meter.createHistogram("took", { unit: "s" }).record(0.1);
  const families = await scrape();
  assert.deepEqual(
    families.get("depth")!.samples.map(({ labels, value }) => [labels, value]),
    [
      [{ pipeline: "metrics", processor: "ewma", side: "left" }, 1],
      [{ pipeline: "metrics/other", processor: "ewma" }, 2],
    ],
  );
  assert.equal(families.get("took")!.type, "histogram");
  first.close();
  first.close();
  assert.equal((await scrape()).get("depth")!.samples.length, 1);

  const discarded = own.meterFor("processors", "ewma", "metrics/other");
  discarded.close();
  assert.equal(value(await scrape(), "depth"), 2);

  const successor = own.meterFor("processors", "ewma", "metrics/other");
  second.close();
  successor.meter.createGauge("depth").record(3);
  assert.equal(value(await scrape(), "depth"), 3);
});

test("an instrument with too many series, or that throws, harms no other", async (t) => {
  const { own, lines, scrape } = ownMetrics(t);
  await own.configure(options({ readers: [ANY_PORT] }));
  const { meter } = own.meterFor("extensions", "odd");
  const counter = meter.createCounter("odd");
  for (let i = 0; i < 5000; i++) counter.add(1, { user: `${i}` });
  meter.createObservableGauge("broken").addCallback(() => {
    throw new Error("no reading");
  });
  const families = await scrape();
  const { samples } = families.get("odd")!;
  assert.ok(samples.length <= 501, String(samples.length));
  assert.equal(
    samples.reduce((sum, { value }) => sum + value, 0),
    5000,
  );
  assert.match(lines.join(""), /an instrument could not be read.*extension="odd".*no reading/);
});

test("a component that goes on making instruments is told once, and those that it has go on", async (t) => {
  const { own, lines, scrape } = ownMetrics(t);
  await own.configure(options({ readers: [ANY_PORT] }));
  const { meter } = own.meterFor("extensions", "greedy");
  for (let i = 0; i < 300; i++) meter.createCounter(`made_${i}`).add(1);
  meter.createObservableGauge("late").addCallback((result) => result.observe(1));
  meter.createCounter("made_7").add(1);
  const names = (await scrape()).keys().filter((name) => name.startsWith("made_") || name === "late");
  assert.deepEqual(
    [...names],
    Array.from({ length: 100 }, (_, i) => `made_${i}`),
  );
  assert.equal(value(await scrape(), "made_7"), 2);
  const told = lines.filter((line) => line.includes("too many instruments"));
  assert.equal(told.length, 1);
  assert.match(told[0], /extension="greedy" instrument="made_100" limit=100/);
});

test("who serves metrics to other machines is told so, who does not is not", async (t) => {
  const { own, lines } = ownMetrics(t);
  const on = (host: string) => options({ readers: [{ pull: { exporter: { prometheus: { host, port: 0 } } } }] });
  await own.configure(on("localhost"));
  assert.doesNotMatch(lines.join(""), /beyond this machine/);
  await own.configure(on("0.0.0.0"));
  assert.match(
    lines.join(""),
    /warn .*beyond this machine.* endpoint="0\.0\.0\.0:\d+" remedy="set service\.telemetry\.metrics\.readers\[0\] to/,
  );
});

test("basic tells less, none nothing", async (t) => {
  const { own, numbers, at, scrape } = ownMetrics(t);
  own.meterFor("exporters", "file").meter.createCounter("written").add(1);
  numbers.push(measure("vedette_detector_rows", 1), measure("otelcol_receiver_accepted_spans", 1));
  await own.configure(options({ level: "basic", readers: [ANY_PORT] }));
  const names = [...(await scrape()).keys()];
  assert.ok(names.includes("otelcol_receiver_accepted_spans") && names.includes("otelcol_process_uptime"));
  assert.ok(!names.includes("vedette_detector_rows") && !names.includes("written"));
  const before = at();
  await own.configure(options({ level: "none", readers: [ANY_PORT] }));
  await assert.rejects(request(before, "/metrics"));
});

test("the endpoint answers GET and HEAD of /metrics, and nothing else", async (t) => {
  const { own, at } = ownMetrics(t);
  await own.configure(options({ readers: [ANY_PORT] }));
  const url = `http://${at()}`;
  const got = await fetch(`${url}/metrics?x=1`);
  assert.equal(got.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  await got.text();
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
  for (const path of ["/", "/metrics/", "/metricsx"]) assert.equal((await fetch(url + path)).status, 404);
  const posted = await fetch(`${url}/metrics`, { method: "POST", body: "x" });
  assert.equal(posted.status, 405);
});

test("the reader that nobody wrote warns where its port is taken; one that was written is refused", async (t) => {
  const { own, lines } = ownMetrics(t);
  const blocker = net.createServer().listen(8888, "127.0.0.1");
  t.after(() => blocker.close());
  // where another program has the port already, the test is as good
  await Promise.race([once(blocker, "listening"), once(blocker, "error")]).catch(() => {});
  await own.configure(options({}));
  assert.match(
    lines.join(""),
    /warn {2}telemetry: own metrics are not served {2}error="cannot listen on 127\.0\.0\.1:8888.*remedy="write service\.telemetry\.metrics\.readers/,
  );
  await assert.rejects(own.configure(options({ address: "127.0.0.1:8888" })), /service\.telemetry\.metrics\.address/);
});

test("a counter that begins again, or appears later, says so by its start", () => {
  const ledger = new Ledger(1000);
  const startAt = (now: number, value: number, ...more: Measurement[]) => {
    const rows = measure("vedette_detector_rows", value, { processor: "ewma" });
    const [{ dataPoints }] = ledger.metrics([rows, ...more], "normal", now);
    return dataPoints.map(({ startTime: [seconds, nanoseconds] }) => seconds * 1000 + nanoseconds / 1e6);
  };
  assert.deepEqual(startAt(2000, 10), [1000]);
  assert.deepEqual(startAt(3000, 10), [1000]);
  assert.deepEqual(startAt(4500, 11), [1000]);
  assert.deepEqual(startAt(6000, 2, measure("vedette_detector_rows", 7, { processor: "late" })), [4500, 4500]);
  assert.deepEqual(startAt(7000, 3), [4500]);
});
