// What a remedy is told, what it may not do to us, and what is said of it: real processes, a real server.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import { filled } from "../../../plugins/exporters/remediate/placeholders.ts";
import { eventually } from "../../agent.ts";
import { anomalyOf } from "../../exporting.ts";
import { remedied, type Scripts } from "./remedied.ts";

/** One action with its script, on every anomaly. */
const running = (script: string, args: string[] = [], more: object = {}, all: object = {}) =>
  [
    { act: script } satisfies Scripts,
    (folder: string) => ({
      actions: [{ name: "act", condition: "score > 0", command: [join(folder, "act"), folder, ...args], ...more }],
      ...all,
    }),
  ] as const;

const labels = (resource: Record<string, string>) => ({ ...anomalyOf().labels, resource });

test("a command gets its arguments, the anomaly on standard input, and few variables", async (t) => {
  process.env["REMEDY_SECRET"] = "hunter2";
  process.env["REMEDY_REGION"] = "eu";
  t.after(() => delete process.env["REMEDY_SECRET"] && delete process.env["REMEDY_REGION"]);
  const script = 'printf "<%s>" "$@" > "$1/args"; cat > "$1/stdin"; env > "$1/env"; pwd > "$1/pwd"';
  const args = ["--service={{service}}", "{{ resource.k8s.pod.name }}", "{{attributes.route}}"];
  const { tell, wrote, folder } = await remedied(t, ...running(script, args, {}, { environment: ["REMEDY_REGION"] }));
  const resource = { "service.name": "cart", "service.namespace": "shop", "k8s.pod.name": "cart-1" };
  await tell({ labels: labels(resource), observed: Number.NaN });
  assert.equal(wrote("args"), `<${folder}><--service=shop/cart><cart-1></pay>`);
  const { action, service, observed, score, resource: told } = JSON.parse(wrote("stdin"));
  assert.deepEqual(
    { action, service, observed, score },
    { action: "act", service: "shop/cart", observed: null, score: 2.4 },
  );
  assert.deepEqual(told, resource);
  const env = wrote("env");
  for (const line of ["VEDETTE_SERVICE=shop/cart", "VEDETTE_ACTION=act", "REMEDY_REGION=eu"]) {
    assert.ok(env.split("\n").includes(line), `${line} in ${env}`);
  }
  assert.doesNotMatch(env, /hunter2/);
  assert.equal(wrote("pwd"), "/\n");
});

test("hostile names stay one argument, or nothing runs", async (t) => {
  const script = 'printf "<%s>" "$@" >> "$1/args"';
  const remedy = await remedied(
    t,
    ...running(script, ["{{service}}"], { cooldown: 0, max_per_hour: 99 }, { max_per_hour: 99 }),
  );
  const names = ["$(touch $1/pwned); `id` | cat && x > y", "a b\" 'c' *", "../../etc/passwd", "имя 🙂"];
  for (const [i, name] of names.entries())
    await remedy.tell({ id: `good ${i}`, labels: labels({ "service.name": name }) });
  assert.equal(remedy.wrote("args"), names.map((name) => `<${remedy.folder}><${name}>`).join(""));
  assert.equal(remedy.wrote("pwned"), "");
  remedy.audit.length = 0;
  const bad = ["--force", "-rf", "a\nb", "a\0b", "\x1b[2J", "x".repeat(2000), "\ud800", ""];
  for (const [i, name] of bad.entries())
    await remedy.tell({ id: `bad ${i}`, labels: labels({ "service.name": name }) });
  assert.deepEqual(
    remedy.audit.map(({ detail }) => detail),
    [
      '"{{service}}" would become an option: "--force"',
      '"{{service}}" would become an option: "-rf"',
      "{{service}} holds control characters",
      "{{service}} holds control characters",
      "{{service}} holds control characters",
      "{{service}} is longer than 1024 characters",
      "{{service}} holds control characters",
      "{{service}} is empty",
    ],
  );
});

test("whatever telemetry says, there are as many arguments as the user wrote, and none is a new option", () => {
  const command = ["/bin/restart", "--to={{service}}", "{{resource.pod}}", "fixed"];
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string(), (service, pod) => {
      const anomaly = anomalyOf({ labels: labels({ "service.name": service, pod }) });
      let argv: string[];
      try {
        argv = filled(command, anomaly);
      } catch {
        return;
      }
      assert.deepEqual(argv, ["/bin/restart", `--to=${service}`, pod, "fixed"]);
      assert.ok(!argv[2].startsWith("-"));
    }),
  );
});

test("its exit code is told with what it said, and a flood of output is cut off without holding it up", async (t) => {
  const script = 'echo "no such unit" >&2; head -c 5000000 /dev/zero | tr "\\0" x; exit 3';
  const { tell, audit } = await remedied(t, ...running(script));
  await tell({});
  const { outcome, detail } = audit.at(-1)!;
  assert.equal(outcome, "failed");
  assert.equal(detail.replace(/x{4096}/, "xxx"), "exit code 3\nxxx\n(4995904 more bytes)\nno such unit\n");
});

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Starts two that would sleep for minutes, one of which will not be asked to end, and then sleeps itself. */
const SLEEPS = `
sh -c 'trap "" TERM; echo $$ >> "$1/pids"; while :; do sleep 100; done' - "$1" &
sleep 300 & echo $! >> "$1/pids"
echo $$ >> "$1/pids"
echo begun
wait`;

test("what takes too long is killed with all that it started", async (t) => {
  const { tell, audit, wrote } = await remedied(t, ...running(SLEEPS, [], { timeout: "500ms" }));
  await tell({});
  assert.equal(audit.at(-1)!.outcome, "failed");
  assert.match(audit.at(-1)!.detail, /^killed: not done within 0\.5 s\nbegun/);
  const pids = wrote("pids").trim().split("\n").map(Number);
  assert.equal(pids.length, 3);
  await eventually("all to be gone", () => pids.every((pid) => !alive(pid)));
});

test("what runs when the agent stops is killed and told, also while it is waited for", async (t) => {
  const { tell, part, audit, wrote } = await remedied(t, ...running(SLEEPS, [], { timeout: "1h" }));
  const told = tell({ id: "a" }, { id: "b", labels: labels({ "service.name": "search" }) });
  await eventually("it to run", () => wrote("pids").split("\n").length === 4);
  await part.stop!();
  await told;
  assert.match(audit[1].detail, /^killed: the agent is stopping/);
  const pids = wrote("pids").trim().split("\n").map(Number);
  await eventually("all to be gone", () => pids.every((pid) => !alive(pid)));
  assert.deepEqual(
    audit.map(({ outcome }) => outcome),
    ["started", "failed", "refused"],
  );
});

test("what was started in the background does not hold up the end", async (t) => {
  const { tell, audit, wrote } = await remedied(t, ...running('sleep 300 & echo $! > "$1/pids"; echo begun'));
  await tell({});
  assert.equal(audit.at(-1)!.detail, "exit code 0\nbegun\n");
  process.kill(Number(wrote("pids")));
});

async function server(t: TestContext, answer: (response: http.ServerResponse) => void) {
  const requests: { headers: http.IncomingHttpHeaders; body: string }[] = [];
  const listening = http.createServer(async (request, response) => {
    const chunks = await request.toArray();
    requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
    answer(response);
  });
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  t.after(() => {
    listening.closeAllConnections();
    listening.close();
  });
  const { port } = listening.address() as AddressInfo;
  const options =
    (more: object = {}) =>
    () => ({
      actions: [{ name: "act", condition: "score > 0", webhook: `http://127.0.0.1:${port}/hook/s3cret`, ...more }],
      headers: { authorization: "Bearer sesame" },
    });
  return { requests, options };
}

test("a webhook gets the anomaly once, with a key to tell repetitions by; its secret path is not told", async (t) => {
  const { requests, options } = await server(t, (response) => response.end("restarted 2 pods"));
  const { tell, audit, restart } = await remedied(t, {}, options());
  await tell({ id: "a" }, { id: "a", state: "ongoing" });
  await restart();
  await tell({ id: "a", state: "ongoing" });
  assert.equal(requests.length, 1);
  const [{ headers, body }] = requests;
  assert.equal(headers["idempotency-key"], "act%2Fa");
  assert.equal(headers.authorization, "Bearer sesame");
  const told = JSON.parse(body);
  assert.deepEqual([told.id, told.action, told.service], ["a", "act", "checkout"]);
  assert.deepEqual(
    audit.map(({ outcome, detail }) => `${outcome}: ${detail.replace(/:\d+/, "")}`),
    ["started: post to http://127.0.0.1", "done: HTTP status 200\nrestarted 2 pods"],
  );
});

test("a webhook that refuses or hangs has failed, and is not asked again", async (t) => {
  const refusing = await server(t, (response) => response.writeHead(503).end("busy"));
  const first = await remedied(t, {}, refusing.options());
  await first.tell({}, { state: "ongoing" });
  assert.deepEqual([first.audit.at(-1)!.outcome, first.audit.at(-1)!.detail], ["failed", "HTTP status 503\nbusy"]);
  assert.equal(refusing.requests.length, 1);
  const hanging = await server(t, () => {});
  const second = await remedied(t, {}, hanging.options({ timeout: "200ms" }));
  await second.tell({});
  assert.equal(second.audit.at(-1)!.detail, "no answer within 0.2 s; it may have been done all the same");
});
