// What senders and the machine see of an agent whose memory is limited while its backend hangs.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventually, request, startAgent } from "../agent.ts";
import { logs } from "../requests.ts";
import { httpSink } from "../sinks.ts";

const LIMIT_MIB = 300;
/** Above the limit: what was resident for garbage, and the bodies of the senders at work, twice over as they grow. */
const MARGIN_MIB = 64;
const SENDERS = 8;

/** In MiB, as the kernel counts it: "VmRSS" now, "VmHWM" the most there ever was. */
function resident(pid: number, which: "VmRSS" | "VmHWM"): number {
  return Number(new RegExp(`${which}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
}

/** A megabyte, which bears its number. */
const bulk = (number: number) =>
  logs("bulk", [{ time: 1_700_000_000_000 + number, severity: 9, body: `${number} ${"x".repeat(1024 ** 2)}` }]);

test("a backend that hangs: requests are refused before the limit, and taken again once it recovers; nothing acknowledged is lost", {
  skip: process.platform !== "linux" && "reads /proc",
}, async (t) => {
  const sink = await httpSink(t);
  sink.mood = "hangs";
  const agent = await startAgent(
    t,
    `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
processors:
  memory_limiter: { check_interval: 100ms, limit_mib: ${LIMIT_MIB} }
exporters:
  otlp_http:
    endpoint: http://${sink.endpoint}
    compression: none
    timeout: 500ms
    retry_on_failure: { initial_interval: 100ms, max_interval: 300ms }
    sending_queue: { sizer: bytes, queue_size: 10000000000 }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [memory_limiter], exporters: [otlp_http] }
`,
  );
  const to = agent.at("otlp", "http");
  const before = resident(agent.pid, "VmRSS");
  const acknowledged = new Set<number>();
  let sent = 0;
  let refused = 0;
  const send = async () => {
    while (refused < 100 && sent < 2000) {
      const number = sent++;
      const answer = await request(to, "/v1/logs", bulk(number));
      if (answer.status === 200) acknowledged.add(number);
      else {
        assert.equal(answer.status, 503);
        assert.match(answer.headers["retry-after"]!, /^[1-9]\d*$/);
        refused++;
      }
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  const most = resident(agent.pid, "VmHWM");
  t.diagnostic(`${acknowledged.size} of ${sent} MiB taken; resident ${before | 0} MiB before, at most ${most | 0} MiB`);
  assert.ok(refused >= 100, `only ${refused} of ${sent} requests were refused`);
  assert.ok(acknowledged.size >= 50, `only ${acknowledged.size} MiB were taken`);
  assert.ok(most < LIMIT_MIB + MARGIN_MIB, `${most} MiB resident`);
  assert.equal(agent.output.stderr.match(/memory is short: requests are refused/g)!.length, 1, agent.output.stderr);

  sink.mood = "takes";
  const arrived = new Set<number>();
  await eventually("all that was acknowledged", () => {
    for (const one of sink.received.splice(0)) arrived.add(Number.parseInt(bodyOf(one.json), 10));
    return [...acknowledged].every((number) => arrived.has(number));
  });
  await eventually("the end of the shortage", () => agent.output.stderr.includes("requests are accepted"));
  // what is left of the backlog may bring it back for a moment
  let answer = await request(to, "/v1/logs", bulk(sent));
  for (let tries = 0; answer.status !== 200 && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await request(to, "/v1/logs", bulk(sent));
  }
  assert.equal(answer.status, 200);
  assert.ok(resident(agent.pid, "VmHWM") < LIMIT_MIB + MARGIN_MIB);
  assert.equal(await agent.stop(), 0);
});

const bodyOf = (json: unknown): string =>
  (json as { resourceLogs: { scopeLogs: { logRecords: { body: { stringValue: string } }[] }[] }[] }).resourceLogs[0]
    .scopeLogs[0].logRecords[0].body.stringValue;
