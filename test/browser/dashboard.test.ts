// The dashboard of a real agent: what came in is on its charts, what was found is told as it happens, feedback is given and taken back.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { eventually, folderWith, type Running, request, startAgent, startWith } from "../agent.ts";
import { gauge } from "../requests.ts";

const configuration = (directory: string) => `
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}
extensions:
  anomaly_store: {directory: ${JSON.stringify(directory)}}
  dashboard: {endpoint: "127.0.0.1:0"}
processors:
  threshold: {upper: 100}
  ewma: {alert_budget: 2/day}
  memory_limiter: {check_interval: 1s, limit_mib: 900}
  feedback: {store: anomaly_store}
  episodes: {}
exporters:
  anomaly_store: {store: anomaly_store}
  otlp_http: {endpoint: "http://127.0.0.1:1", headers: {x-key: a secret of mine}}
service:
  shutdown_timeout: 100ms
  extensions: [anomaly_store, dashboard]
  pipelines:
    metrics: {receivers: [otlp], processors: [memory_limiter, threshold, ewma], exporters: [otlp_http]}
    anomalies: {processors: [feedback, episodes], exporters: [anomaly_store]}
`;

async function ask(
  running: Running,
  path: string,
  sent: { method?: string; body?: object; headers?: Record<string, string> } = {},
) {
  const { body, method = body ? "POST" : "GET", headers = {} } = sent;
  const answer = await fetch(`http://${running.at("dashboard", "http")}${path}`, {
    method,
    headers: { ...headers, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? undefined : JSON.parse(text) };
}

/** The events of a page that is open until the test ends. */
async function open(t: TestContext, running: Running, headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const url = `http://${running.at("dashboard", "http")}/api/v1/events`;
    const sent = get(url, { headers, agent: false }, resolve).once("error", reject);
    t.after(() => sent.destroy());
  });
  assert.equal(response.headers["content-type"], "text/event-stream; charset=utf-8");
  const events: { id: string; event: string; data: any }[] = [];
  let left = "";
  let woken = () => {};
  response.setEncoding("utf8").on("data", (text: string) => {
    const blocks = (left + text).split("\n\n");
    left = blocks.pop()!;
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (fields.event) events.push({ ...fields, data: JSON.parse(fields.data) } as (typeof events)[number]);
    }
    woken();
  });
  response.on("error", () => {});
  return {
    events,
    ended: new Promise<void>((resolve) => response.once("close", resolve)),
    /** The first event that fits, once it has come; the test's own time limit ends it. */
    async until(fits: (event: (typeof events)[number]) => boolean) {
      for (;;) {
        const found = events.find(fits);
        if (found) return found;
        await new Promise<void>((resolve) => (woken = resolve));
      }
    },
  };
}

/** Points a second apart that end now, the last of them this value. */
async function send(running: Running, name: string, last: number, count = 60): Promise<void> {
  const now = Date.now();
  const points = Array.from({ length: count }, (_, i) => ({
    time: now - (count - 1 - i) * 1000,
    value: i === count - 1 ? last : 50 + (i % 5),
  }));
  const { status } = await request(running.at("otlp", "http"), "/v1/metrics", gauge("checkout", name, points));
  assert.equal(status, 200);
}

test("from the point that surprises to the page: told at once, charted, explained, called nothing, taken back", {
  timeout: 60_000,
}, async (t) => {
  const running = await startAgent(t, configuration(folderWith(t)));
  const page = await open(t, running);
  const first = await page.until(({ event }) => event === "status");
  assert.deepEqual([first.data.last_row, first.data.open], [null, { critical: 0, warning: 0, info: 0 }]);
  await send(running, "queue.depth", 170);

  const { data: changed } = await page.until(({ event, data }) => event === "changed" && data.episodes.length > 0);
  const { data: status } = await page.until(
    ({ event, data }) => event === "status" && data.last_row !== null && data.alert_budget.used > 0,
  );
  assert.equal(status.memory_limit_bytes, 900 * 1024 ** 2);
  assert.equal(status.alert_budget.per_day, 2);
  assert.ok(status.rows_per_second.metrics > 0 && status.series >= 2 && status.memory_bytes > 1e7);
  const found = await Promise.all(changed.episodes.map((id: string) => ask(running, `/api/v1/episodes/${id}`)));
  const episode = found.map(({ json }) => json).find(({ detector }) => detector === "threshold");
  assert.equal(episode.observed, 170);

  const { json: list } = await ask(running, "/api/v1/series?q=queue%20checkout%20threshold&state=over");
  assert.equal(list.total, 1);
  const [item] = list.items;
  assert.deepEqual(
    [item.fingerprint, item.service, item.name, item.attributes, item.detector, item.pipeline],
    [episode.fingerprint, "checkout", "queue.depth", { host: "a" }, "threshold", "metrics"],
  );
  assert.ok(item.spark.observed.includes(170) && item.spark.over.includes(1));
  assert.equal(item.spark.observed.length, item.spark.upper.length);

  const { json: whole } = await ask(running, `/api/v1/series/${item.fingerprint}`);
  assert.equal(whole.points.observed.at(-1), 170);
  assert.equal(whole.points.time.length, whole.points.score.length);
  assert.deepEqual(
    whole.episodes.map(({ id }: any) => id),
    [episode.id],
  );
  assert.match(whole.explain.join(" "), /The last row is an anomaly: its score is \d/);
  assert.match(whole.explain.join(" "), /It was 170; up to 100 is usual/);

  const { json: session } = await ask(running, "/api/v1/session");
  const headers = { origin: `http://${running.at("dashboard", "http")}`, "x-csrf-token": session.csrf };
  const { json: preview } = await ask(running, `/api/v1/feedback/preview?about=${episode.id}&opinion=bad`);
  assert.equal(preview.effects.length, 1);
  const { json: taught } = await ask(running, "/api/v1/feedback", {
    body: { about: episode.id, opinion: "bad" },
    headers,
  });
  assert.equal(taught.feedback.by, "dashboard");
  const { json: judged } = await ask(running, "/api/v1/quality?days=2");
  assert.equal(judged.days.length, 2);
  assert.equal(
    judged.days.reduce((sum: number, { bad }: any) => sum + bad, 0),
    1,
  );
  const noisy = judged.detectors.find(({ id }: any) => id === "threshold");
  assert.deepEqual(noisy, {
    id: "threshold",
    told: 1,
    bad: 1,
    setting: "upper: 100",
    path: "processors.threshold.upper",
  });
  const { json: after } = await ask(running, `/api/v1/series/${item.fingerprint}`);
  assert.match(after.explain.join(" "), /Feedback counts here: .*called nothing/);

  const gone = await ask(running, `/api/v1/feedback/${taught.feedback.id}`, { method: "DELETE", headers });
  assert.equal(gone.status, 204);
  const { json: audit } = await ask(running, `/api/v1/audit?about=${episode.id}`);
  assert.deepEqual(
    audit.items.filter(({ by }: any) => by === "dashboard").map(({ action }: any) => action),
    ["feedback taken back", "feedback bad"],
  );

  // a page that lost its connection before all this is told what it has missed
  const { data: missed } = await (await open(t, running, { "last-event-id": first.id })).until(
    ({ event }) => event === "changed",
  );
  assert.ok(missed.episodes.includes(episode.id) && !missed.more);
  const { data: unknown } = await (await open(t, running, { "last-event-id": "0-7" })).until(
    ({ event }) => event === "changed",
  );
  assert.deepEqual(unknown, { incidents: [], episodes: [], more: true });
  assert.equal(await running.stop(), 0);
});

test("the running configuration: each component with what it does, its queue and its options, without secrets", {
  timeout: 60_000,
}, async (t) => {
  const running = await startAgent(t, configuration(folderWith(t)));
  const page = await open(t, running);
  await send(running, "queue.depth", 50);
  await page.until(({ event, data }) => event === "status" && data.last_row !== null);
  const { json } = await ask(running, "/api/v1/pipelines");
  assert.deepEqual(
    json.pipelines.map(({ id, processors }: any) => [id, processors]),
    [
      ["metrics", ["memory_limiter", "threshold", "ewma"]],
      ["anomalies", ["feedback", "episodes"]],
    ],
  );
  const component = (id: string, section = "processors") =>
    json.components.find((each: any) => each.id === id && each.section === section);
  const threshold = component("threshold");
  assert.equal(threshold.pipeline, "metrics");
  assert.ok(threshold.incoming > 0 && threshold.outgoing > 0 && threshold.cpu >= 0);
  assert.equal(threshold.totals["rows"], 60);
  assert.match(threshold.config, /^threshold:\n {2}upper: 100\n/);
  assert.equal(component("otlp", "receivers").totals["accepted metric points"], 60);
  const exporter = component("otlp_http", "exporters");
  assert.ok(exporter.queue.capacity > 0);
  assert.match(exporter.config, /x-key: \(redacted\)/);
  assert.doesNotMatch(JSON.stringify(json), /a secret of mine/);
  assert.equal(await running.stop(), 0);
});

test("telemetry of any kind is text, cut to what a page can show", { timeout: 60_000 }, async (t) => {
  const running = await startAgent(t, configuration(folderWith(t)));
  const names = [
    "<script>alert(1)</script>",
    "\u202egnp.exe",
    "x".repeat(200_000),
    "\u0000\u001b[31m",
    "__proto__",
    "\ud800",
  ];
  for (const name of names) await send(running, name, 170, 2);
  const { json } = await ask(running, "/api/v1/series?limit=500&q=threshold");
  assert.equal(json.total, names.length);
  for (const { name, fingerprint } of json.items) {
    assert.ok(name.length <= 300 && name.isWellFormed() && !/[\0-\x1f]/.test(name));
    const { status, json: whole } = await ask(running, `/api/v1/series/${fingerprint}`);
    assert.equal(status, 200);
    for (const sentence of whole.explain) assert.ok(sentence.length < 5000);
  }
  const { status, json: none } = await ask(
    running,
    `/api/v1/series?q=${encodeURIComponent("<script>alert(1)</script>")}`,
  );
  assert.deepEqual([status, none.items[0].name], [200, "<script>alert(1)</script>"]);
  assert.equal(await running.stop(), 0);
});

test("not more than 64 pages are told what changes; the agent stops though they are open", {
  timeout: 60_000,
}, async (t) => {
  const running = await startAgent(t, configuration(folderWith(t)));
  for (let i = 0; i < 64; i++) await open(t, running);
  const { status, json } = await ask(running, "/api/v1/events");
  assert.deepEqual([status, json.error.cause], [503, "64 pages are open already"]);
  assert.equal((await ask(running, "/api/v1/status")).status, 200);
  assert.equal(await running.stop(), 0);
});

test("a reload puts another dashboard and another store in their place; pages that come back see what happens then", {
  timeout: 60_000,
}, async (t) => {
  const folder = folderWith(t, { "config.yaml": configuration(folderWith(t)) });
  const file = join(folder, "config.yaml");
  const running = await startWith(t, ["run", "--config", file]);
  const before = await open(t, running);
  const { id } = await before.until(({ event }) => event === "status");
  const [was, becomes] = [
    'endpoint: "127.0.0.1:0"}\nprocessors',
    'endpoint: "127.0.0.1:0", history: {span: 1h}}\nprocessors',
  ];
  const changed = configuration(folderWith(t)).replace(was, becomes);
  assert.notEqual(changed, configuration(""));
  writeFileSync(file, changed);
  running.signal("SIGHUP");
  await eventually("the reload", () => running.output.stderr.includes("reload 1 is done"));
  await before.ended;
  const page = await open(t, running, { "last-event-id": id });
  const { data: anew } = await page.until(({ event }) => event === "changed");
  assert.equal(anew.more, true, "the page is to load everything again");
  await send(running, "queue.depth", 170);
  const { data } = await page.until(({ event, data }) => event === "changed" && data.episodes.length > 0);
  assert.equal((await ask(running, `/api/v1/episodes/${data.episodes[0]}`)).status, 200);
  assert.equal((await ask(running, "/api/v1/series?state=over&q=threshold")).json.total, 1);
  assert.equal(await running.stop(), 0);
});
