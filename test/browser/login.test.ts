// The login of a dashboard over TLS, traces on its page, and the command line that gives feedback through it.
import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import test from "node:test";
import { folderWith, request, startAgent, vedette } from "../agent.ts";
import { authority, withoutOpenssl } from "../certificates.ts";
import { gauge } from "../requests.ts";
import { request as spansOf } from "../spans.ts";

const TOKEN = "a-token-that-nobody-guesses";

test("over TLS the cookie is for TLS alone; the token is in no log and on no page", {
  skip: withoutOpenssl,
  timeout: 60_000,
}, async (t) => {
  const folder = folderWith(t);
  const ours = authority(folder, "ours");
  const server = ours.issue("server");
  const running = await startAgent(
    t,
    `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
exporters: { debug: }
extensions:
  dashboard: { endpoint: 127.0.0.1:0, token: ${TOKEN}, tls: ${JSON.stringify(server)} }
service:
  extensions: [dashboard]
  pipelines: { metrics: { receivers: [otlp], exporters: [debug] } }
`,
  );
  const at = `https://${running.at("dashboard", "http")}`;
  const ask = (path: string, headers: Record<string, string> = {}, body?: string) =>
    new Promise<{ status: number; text: string; cookie: string }>((resolve, reject) => {
      const sent = httpsRequest(
        at + path,
        { method: body ? "POST" : "GET", headers, rejectUnauthorized: false, agent: false },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (more: string) => (text += more));
          response.on("end", () => {
            resolve({ status: response.statusCode!, text, cookie: response.headers["set-cookie"]?.[0] ?? "" });
          });
        },
      );
      sent.once("error", reject).end(body);
    });
  assert.equal((await ask("/api/v1/status")).status, 401);
  const { status, cookie, text } = await ask(
    "/login",
    { "content-type": "application/json" },
    JSON.stringify({ token: TOKEN }),
  );
  assert.equal(status, 200, text);
  assert.match(cookie, /^__Host-vedette_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/);
  const pipelines = await ask("/api/v1/pipelines", { cookie: cookie.split(";")[0] });
  assert.equal(pipelines.status, 200);
  assert.match(pipelines.text, /token: \(redacted\)/);
  for (const shownText of [text, pipelines.text, running.output.stderr, running.output.stdout]) {
    assert.ok(!shownText.includes(TOKEN));
  }
  assert.equal(await running.stop(), 0);
});

test("a trace that came in is a waterfall; feedback on the command line goes through the dashboard", {
  timeout: 60_000,
}, async (t) => {
  const running = await startAgent(
    t,
    `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
processors: { threshold: { upper: 100 }, service_graph: }
exporters: { debug: , anomaly_store: { store: anomaly_store } }
extensions:
  anomaly_store: { directory: ${JSON.stringify(folderWith(t))} }
  dashboard: { endpoint: 127.0.0.1:0, token: ${TOKEN} }
service:
  extensions: [anomaly_store, dashboard]
  traces: { idle_timeout: 1s }
  pipelines:
    metrics: { receivers: [otlp], processors: [threshold], exporters: [debug] }
    traces: { receivers: [otlp], processors: [service_graph], exporters: [debug] }
    anomalies: { exporters: [anomaly_store] }
`,
  );
  const at = running.at("dashboard", "http");
  const authorization = `Bearer ${TOKEN}`;
  const ask = async (path: string) => {
    const answer = await fetch(`http://${at}${path}`, { headers: { authorization } });
    return { status: answer.status, json: (await answer.json()) as any };
  };
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const [id, far] = ["00000000000000a1", "00000000000000a2"];
  const now = Date.now();
  const spans = spansOf([
    {
      trace,
      id: far,
      parent: id,
      name: "GET /cart",
      kind: 2,
      service: "cart",
      from: now + 1,
      to: now + 11,
      failed: true,
    },
    { trace, id, name: "GET", kind: 3, service: "web", from: now, to: now + 12 },
  ]);
  assert.equal((await request(running.at("otlp", "http"), "/v1/traces", spans)).status, 200);
  const points = [50, 170].map((value, i) => ({ time: now - 1000 + i, value }));
  assert.equal(
    (await request(running.at("otlp", "http"), "/v1/metrics", gauge("checkout", "load", points))).status,
    200,
  );

  let got = await ask(`/api/v1/traces/${trace.toUpperCase()}`);
  // the test's own time limit ends it
  for (; got.status === 404; got = await ask(`/api/v1/traces/${trace}`))
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(
    got.json.spans.map((span: any) => [span.span_id, span.parent, span.service, span.duration, span.self, span.failed]),
    [
      [id, -1, "web", 12, 2, false],
      [far, 0, "cart", 10, 10, true],
    ],
  );

  const [episode] = (await ask("/api/v1/episodes")).json.items;
  const feedback = (...args: string[]) => vedette(t, ["feedback", "--endpoint", at, ...args]);
  const stranger = await feedback(episode.id, "bad");
  assert.deepEqual([stranger.code === 0, /nobody is logged in/.test(stranger.stderr)], [false, true]);
  const known = await feedback("--header", `authorization: ${authorization}`, episode.id, "bad");
  assert.equal(known.code, 0, known.stderr);
  assert.equal((await ask("/api/v1/feedback")).json.items[0].by, "command");
  assert.equal(await running.stop(), 0);
});
