// What a user gets who says how many false alarms are bearable: an agent that keeps to it, and an answer where that cannot be.
import assert from "node:assert/strict";
import test from "node:test";
import { eventually, folderWith, request, startAgent, vedette } from "../agent.ts";
import { gauge } from "../requests.ts";
import { decoded, httpSink } from "../sinks.ts";
import { readText } from "../unit/observe/prometheus_text.ts";
import type { Json } from "../unit/otlp/otlp_json.ts";

const MINUTE = 60_000;
const DAYS = 4;
const LENGTH = DAYS * 24 * 60;
const PER_REQUEST = 360;
/** An outage of an hour, two days in. */
const FAULT = 2 * 24 * 60;
const FAULT_LASTS = 60;
const SERVICES = ["cart", "checkout", "search"];

const configuration = (processors: string, endpoint = "127.0.0.1:9") => `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
processors: { ${processors} }
exporters: { otlp_http: { endpoint: "http://${endpoint}" } }
service:
  telemetry: { metrics: { readers: [{ pull: { exporter: { prometheus: { port: 0 } } } }] } }
  pipelines:
    metrics: { receivers: [otlp], processors: [ewma], exporters: [otlp_http] }
    anomalies: { exporters: [otlp_http] }
`;

let state = 11;

/** Normal deviates that repeat from run to run. */
function normal(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  const u = (state + 0.5) / 2 ** 32;
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.sqrt(-2 * Math.log(u)) * Math.cos((2 * Math.PI * state) / 2 ** 32);
}

test("days of telemetry with one outage: the outage is told once, and little else", async (t) => {
  const sink = await httpSink(t);
  const agent = await startAgent(t, configuration("ewma: { alert_budget: 1/day }", sink.endpoint));
  const began = (Math.floor(Date.now() / MINUTE) - LENGTH) * MINUTE;
  for (let first = 0; first < LENGTH; first += PER_REQUEST) {
    const requests = SERVICES.map((service) => {
      const points = Array.from({ length: PER_REQUEST }, (_, i) => {
        const minute = first + i;
        const out = service === "cart" && minute >= FAULT && minute < FAULT + FAULT_LASTS;
        return { time: began + minute * MINUTE, value: (out ? 900 : 120) + 8 * normal() };
      });
      return gauge(service, "queue.depth", points);
    });
    const { status } = await request(agent.at("otlp", "http"), "/v1/metrics", Buffer.concat(requests));
    assert.equal(status, 200);
  }
  const { body } = await request(agent.at("telemetry", "prometheus"), "/metrics");
  const families = readText(body.toString());
  const number = (name: string) => families.get(name)!.samples[0].value;
  await eventually("the outage", () => sink.received.some(({ signal }) => signal === "logs"));
  assert.equal(await agent.stop(), 0);

  const told = sink.received
    .filter(({ signal }) => signal === "logs")
    .flatMap(({ signal, bytes }) => decoded(signal, bytes).resourceLogs)
    .flatMap(({ scopeLogs }) => scopeLogs.flatMap((scope: Json) => scope.logRecords))
    .map(({ timeUnixNano }) => Math.round((Number(BigInt(timeUnixNano) / 1_000_000n) - began) / MINUTE));
  assert.equal(told.filter((minute) => minute === FAULT).length, 1, "its first minute");
  const before = told.filter((minute) => minute < FAULT);
  const after = told.filter((minute) => minute > FAULT + FAULT_LASTS);
  assert.ok(before.length + after.length <= 2 * DAYS, `false alarms at ${[...before, ...after]}`);
  assert.ok(told.length - before.length - after.length <= 5, `the outage is told at ${told}`);
  assert.ok(number("vedette_detector_threshold") > 2);
  assert.equal(number("vedette_detector_warming_series"), 0);
});

test("a budget is refused beside a threshold, and where it is none, with what to do", async (t) => {
  const problemsOf = async (processors: string) => {
    const folder = folderWith(t, { "config.yaml": configuration(processors) });
    const { code, stderr, stdout } = await vedette(t, ["validate", "--config", "config.yaml"], folder);
    assert.equal(code, 1);
    return stderr + stdout;
  };
  assert.match(await problemsOf("ewma: { alert_budget: 1/day, threshold: 6 }"), /alert_budget: .*drop one of the two/);
  assert.match(await problemsOf("ewma: { alert_budget: 5 }"), /processors\.ewma\.alert_budget: .*"1\/day"/);
  assert.match(await problemsOf("ewma: { alert_budget: 0/day }"), /write a small budget/);
});
