// What a user of anomaly_sampling relies on end to end: of a trace that turns out slow the spans that went before come too, and its neighbours.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { eventually, request, startAgent } from "../agent.ts";
import { traces } from "../requests.ts";
import { httpSink, type Sink } from "../sinks.ts";

const NORMAL = 400;
const NEIGHBOURS = 2;

const hex = (bytes: number, n: number) => n.toString(16).padStart(bytes * 2, "0");
/** Their randomness is near 0: no percentage below 99 keeps them. */
const traceId = (n: number) => hex(16, n + 1);

interface Plan {
  /** Which trace is. */
  readonly slow: number;
  /** Lines of `service.pipelines`. */
  readonly pipelines: readonly string[];
  /** What is waited for before the agent is stopped. */
  readonly until?: (sink: Sink) => boolean;
}

/** Traces of two spans, sent apart, the child first; one of them is slow. */
async function run(t: TestContext, { slow, pipelines, until }: Plan) {
  const sink = await httpSink(t);
  const agent = await startAgent(
    t,
    `
receivers:
  otlp:
    protocols:
      http: {endpoint: "127.0.0.1:0"}
processors:
  span_duration:
  anomaly_sampling: {sampling_percentage: 1, neighbours: ${NEIGHBOURS}}
exporters:
  debug:
  otlp_http: {endpoint: "http://${sink.endpoint}"}
service:
  pipelines:
${pipelines.map((line) => `    ${line}`).join("\n")}
    anomalies: {exporters: [debug]}
`,
  );
  const began = Date.now() - NORMAL * 1000;
  for (let n = 0; n < NORMAL; n++) {
    const time = began + n * 1000;
    const id = { traceId: traceId(n), time };
    const child = traces("db", [{ ...id, name: "SELECT", duration: 1 + (n % 7) / 10, spanId: hex(8, 2 * n + 1) }]);
    const duration = n === slow ? 9000 : 40 + ((n * 7919) % 13);
    const root = traces("shop", [{ ...id, name: "GET /cart", duration, spanId: hex(8, 2 * n + 2) }]);
    for (const bytes of [child, root]) {
      assert.equal((await request(agent.at("otlp", "http"), "/v1/traces", bytes)).status, 200);
    }
  }
  if (until) await eventually("the slow trace", () => until(sink));
  assert.equal(await agent.stop(), 0);
  const names = namesByTrace(sink);
  for (let n = slow - NEIGHBOURS; n <= Math.min(slow + NEIGHBOURS, NORMAL - 1); n++) {
    assert.deepEqual(names.get(traceId(n)), ["GET /cart", "SELECT"], `trace ${n}`);
  }
  assert.ok(names.size < NORMAL / 4, `${names.size} of ${NORMAL} traces were kept`);
}

function namesByTrace(sink: Sink): Map<string, string[]> {
  const names = new Map<string, string[]>();
  for (const { resourceSpans } of sink.of("traces")) {
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of scopeSpans) {
        for (const { traceId, name } of spans) names.set(traceId, [...(names.get(traceId) ?? []), name].sort());
      }
    }
  }
  return names;
}

const LAST = NORMAL - 1;
/** Who finds the slow span does not stand before the sampler, and no request follows. */
const APART: Plan = {
  slow: LAST,
  pipelines: [
    "traces: {receivers: [otlp], processors: [anomaly_sampling], exporters: [otlp_http]}",
    "traces/judged: {receivers: [otlp], processors: [span_duration], exporters: [debug]}",
  ],
};

test("of a slow trace the spans that were left out before come, with whole traces before and after it", (t) =>
  run(t, {
    slow: 380,
    pipelines: ["traces: {receivers: [otlp], processors: [span_duration, anomaly_sampling], exporters: [otlp_http]}"],
  }));

test("what another pipeline finds counts too; without another request the spans come by themselves", (t) =>
  run(t, { ...APART, until: (sink) => namesByTrace(sink).get(traceId(LAST))?.length === 2 }));

test("an agent that is stopped sends what was found until then", (t) => run(t, APART));
