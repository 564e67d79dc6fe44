// The pagerduty and opsgenie exporters: what is theirs alone.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Anomaly } from "vedette";
import { type AlertRequest, alertSink, changeOf, KINDS, type Reply, sendingTo } from "../alert_sinks.ts";
import { anomalyOf, patience } from "../exporting.ts";

async function requestsOf(
  t: TestContext,
  name: string,
  options: object,
  changes: readonly Anomaly[],
  mood?: (request: AlertRequest) => Reply | undefined,
): Promise<AlertRequest[]> {
  const kind = KINDS.find((kind) => kind.name === name)!;
  const sink = await alertSink(t, kind.usual);
  sink.mood = mood;
  const { exporter } = await sendingTo(t, kind, { ...kind.options(sink.url), ...options });
  await exporter.export(changes, patience());
  for (const request of sink.arrived) kind.check(request);
  return sink.arrived;
}

const GRAVER = [
  changeOf("a-1", "open"),
  changeOf("a-1", "ongoing"),
  changeOf("a-1", "ongoing", { severity: "critical" }),
  changeOf("a-1", "resolved", { severity: "critical" }),
];

test("pagerduty: an event says what, where, how grave and since when", async (t) => {
  const links = [{ href: "https://runbooks.example.com/latency", text: "what to do" }];
  const options = { links, client_url: "https://dashboard.example.com", severities: { warning: "error" } };
  const [{ path, body }] = await requestsOf(t, "pagerduty", options, [changeOf("a-1", "open")]);
  assert.equal(path, "/v2/enqueue");
  const { custom_details, ...payload } = body.payload;
  assert.deepEqual(payload, {
    summary: anomalyOf().reason,
    source: "checkout",
    severity: "error",
    timestamp: "2026-11-22T18:39:00.000Z",
    component: "http.server.duration",
    group: "checkout",
    class: "spike",
  });
  assert.equal(custom_details.observed, "930 ms");
  assert.deepEqual(
    [body.dedup_key, body.client, body.client_url, body.links],
    ["a-1", "Vedette", options.client_url, links],
  );
});

test("pagerduty: what goes on is triggered again, or acknowledged where that is asked for", async (t) => {
  const actions = async (options: object) =>
    (await requestsOf(t, "pagerduty", options, GRAVER)).map(({ body }) => body.event_action);
  assert.deepEqual(await actions({}), ["trigger", "trigger", "resolve"]);
  assert.deepEqual(await actions({ send_ongoing: true }), ["trigger", "trigger", "trigger", "resolve"]);
  const acknowledge = { send_ongoing: true, ongoing_action: "acknowledge" };
  assert.deepEqual(await actions(acknowledge), ["trigger", "acknowledge", "trigger", "resolve"]);
});

test("opsgenie: an alert has its priority, which rises with its severity, and is closed by its alias", async (t) => {
  const requests = await requestsOf(t, "opsgenie", {}, GRAVER);
  assert.deepEqual(
    requests.map(({ method, path, body }) => `${method} ${path} ${body.priority ?? ""}`.trim()),
    [
      "POST /v2/alerts P3",
      "POST /v2/alerts P1",
      "PUT /v2/alerts/a-1/priority?identifierType=alias P1",
      "PUT /v2/alerts/a-1/message?identifierType=alias",
      "PUT /v2/alerts/a-1/description?identifierType=alias",
      "POST /v2/alerts/a-1/close?identifierType=alias",
    ],
  );
  const [{ headers, body }] = requests;
  assert.match(headers.authorization!, /^GenieKey \w{32}$/);
  assert.equal(body.message, anomalyOf().reason);
  assert.deepEqual(body.tags, ["vedette", "warning", "spike", "ewma"]);
  assert.deepEqual(
    [body.entity, body.source, body.responders],
    ["checkout", "vedette", [{ type: "team", name: "sre" }]],
  );
});

/** An incident that is blamed on one service, then on another, and spreads no further. */
const MOVED = ["checkout", "payments", "payments"].map((origin, i) => {
  const incident = {
    members: [],
    episodes: 2,
    origins: [{ service: origin, share: 0.9, reasons: [] }],
    services: ["checkout", "payments"],
    traces: [],
    templates: [],
  };
  return changeOf("a-1", i === 0 ? "open" : "ongoing", {
    type: "incident",
    reason: `It began at ${origin}.`,
    incident,
  });
});

test("pagerduty: an incident that is blamed on another service is triggered again under its key, also where what goes on is acknowledged", async (t) => {
  for (const ongoing_action of ["trigger", "acknowledge"]) {
    const events = await requestsOf(t, "pagerduty", { ongoing_action }, MOVED);
    assert.deepEqual(
      events.map(({ body }) => [body.event_action, body.dedup_key, body.payload.summary]),
      [
        ["trigger", "a-1", "It began at checkout."],
        ["trigger", "a-1", "It began at payments."],
      ],
    );
  }
});

test("opsgenie: an open alert gets the sentence of the incident as it is now", async (t) => {
  const requests = await requestsOf(t, "opsgenie", {}, MOVED);
  assert.deepEqual(
    requests.map(
      ({ method, path, body }) => `${method} ${path.replace(/\?.*/, "")} ${body.message ?? body.description}`,
    ),
    [
      "POST /v2/alerts It began at checkout.",
      "POST /v2/alerts It began at payments.",
      "PUT /v2/alerts/a-1/message It began at payments.",
      "PUT /v2/alerts/a-1/description It began at payments.\npayments:",
    ],
  );
});

test("opsgenie: a service that cannot change priorities is no trouble", async (t) => {
  const missing = (request: AlertRequest): Reply | undefined =>
    request.method === "PUT" ? { status: 404, body: "no such path" } : undefined;
  const requests = await requestsOf(t, "opsgenie", {}, GRAVER, missing);
  assert.equal(requests.at(-1)!.path, "/v2/alerts/a-1/close?identifierType=alias");
});
