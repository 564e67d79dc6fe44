// `vedette demo` as a user starts it: its own agent, a page with an incident in the first minute, an end without a trace.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import test from "node:test";
import { eventually, folderWith, launch, request, vedette } from "../agent.ts";
import { httpSink } from "../sinks.ts";

interface Incident {
  readonly service: string;
  readonly reason: string;
  readonly state: string;
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("within a minute an incident is told, of the service at fault and no other; Ctrl-C leaves nothing behind", async (t) => {
  const [otlp, page] = [await freePort(), await freePort()];
  const temporary = folderWith(t);
  process.env.TMPDIR = temporary;
  const began = performance.now();
  const demo = launch(t, [
    ...["demo", "--agent", "--seed", "1", "--faults", "latency"],
    ...["--set", "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0"],
    ...["--set", `receivers.otlp.protocols.http.endpoint=127.0.0.1:${otlp}`],
    ...["--set", `extensions.dashboard.endpoint=127.0.0.1:${page}`],
  ]);
  await eventually("the address", () => demo.output.stdout.includes("\n"));
  assert.match(demo.output.stdout, new RegExp(`^Look at http://127\\.0\\.0\\.1:${page} `));
  let open: Incident[] = [];
  while (open.length === 0) {
    assert.equal(demo.exitCode, null, demo.output.stderr);
    assert.ok(performance.now() - began < 60_000, `no incident for a minute\n${demo.output.stdout}`);
    const { body } = await request(`127.0.0.1:${page}`, "/api/v1/incidents?state=open&state=ongoing");
    open = JSON.parse(body.toString()).items;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.equal(open.length, 1, JSON.stringify(open));
  assert.match(open[0].reason, /payments/);
  assert.match(demo.output.stdout, /^\d\d:\d\d:\d\d {2}payments takes ten times as long .* \(latency, for \d+ s\)$/m);
  demo.signal("SIGINT");
  assert.equal(await demo.exited, 0, demo.output.stderr);
  assert.equal(demo.output.stderr, "");
  assert.deepEqual(readdirSync(temporary), []);
});

test("an agent that runs is sent ninety minutes of all signals, and the demo ends when it is told to", async (t) => {
  const sink = await httpSink(t);
  const demo = launch(t, ["demo", "--endpoint", sink.endpoint, "--faults", "job", "--duration", "1s"]);
  await eventually("telemetry", () => sink.received.length > 0);
  assert.equal(await demo.exited, 0, demo.output.stderr);
  assert.match(demo.output.stdout, /stock-sync does not run any more \(job, for \d+ s\)\n$/);
  for (const signal of ["metrics", "traces", "logs"] as const) assert.ok(sink.of(signal).length > 500, signal);
});

test("where nobody listens, and what cannot be meant, is said at once", async (t) => {
  const nobody = await vedette(t, ["demo", "--endpoint", `127.0.0.1:${await freePort()}`]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /does not take telemetry \(ECONNREFUSED\): start an agent with npm start/);
  const cases: [string[], RegExp][] = [
    [["--faults", "latency,flood"], /^there is no fault "flood"; there are latency, leak, /],
    [["--speed", "fast"], /^--speed "fast" is no number from /],
    [["--duration", "soon"], /^--duration "soon" is no duration; write 90s or 10m/],
    [["--agent", "--endpoint", "127.0.0.1:4318"], /^--endpoint names an agent that runs/],
    [["--set", "a=b"], /^--set is of the agent that --agent starts/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await vedette(t, ["demo", ...args]);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});
