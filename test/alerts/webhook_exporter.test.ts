// The webhook exporter: bodies that users write, signatures that receivers check, keys that tell repeated requests.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import type { Anomaly } from "vedette";
import plugin from "../../plugins/exporters/webhook/index.ts";
import { Template } from "../../plugins/exporters/webhook/template.ts";
import { type AlertRequest, alertSink, changeOf, sendingTo } from "../alert_sinks.ts";
import { anomalyOf, patience } from "../exporting.ts";

async function requestsOf(t: TestContext, options: object, ...lists: (readonly Anomaly[])[]): Promise<AlertRequest[]> {
  const sink = await alertSink(t, () => ({ status: 200 }));
  const { exporter } = await sendingTo(t, { plugin }, { url: sink.url, ...options });
  for (const list of lists) await exporter.export(list, patience());
  return sink.taken;
}

test("the body is the whole alert", async (t) => {
  const change = changeOf("a-1", "open", { lower: Number.NEGATIVE_INFINITY, upper: Number.NaN });
  const [{ body, method, headers }] = await requestsOf(t, {}, [change]);
  assert.equal(method, "POST");
  assert.equal(headers["content-type"], "application/json");
  const known = JSON.parse(JSON.stringify(change));
  assert.deepEqual(body, { version: 1, ...known, lower: "-Infinity", upper: null });
});

test("a body of one's own is filled with what the alert has", async (t) => {
  const body = `{
    "text": "{{ severity }} \\"{{reason}}\\" of {{labels.resource.service.name}}{{episode.end}}",
    "value": {{observed}}, "bound": {{upper}}, "none": {{episode.end}}, "labels": {{labels.attributes}}, "all": {{alert}}
  }`;
  const change = changeOf("a-1", "open", { reason: 'a "b" \\ \n', upper: Number.NaN });
  const [filled] = await requestsOf(t, { body, method: "PUT" }, [change]);
  const { all, ...rest } = filled.body;
  assert.equal(filled.method, "PUT");
  assert.equal(all.id, "a-1");
  assert.deepEqual(rest, {
    text: 'warning "a "b" \\ \n" of checkout',
    value: 930,
    bound: null,
    none: null,
    labels: { route: "/pay" },
  });
});

test("whatever an alert holds, the filled body is JSON and its texts are the alert's", () => {
  const template = new Template(
    '{"a": "<{{reason}}>", "b": {{reason}}, "c": "{{labels.resource}}", "d": {{labels.resource}}}',
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.dictionary(fc.string(), fc.string()), (reason, resource) => {
      const { a, b, c, d } = JSON.parse(template.fill({ reason, labels: { resource } }));
      assert.deepEqual([a, b, JSON.parse(c), d], [`<${reason}>`, reason, d, JSON.parse(JSON.stringify(resource))]);
    }),
  );
});

test("a body that cannot become JSON, or asks for what alerts do not have, is refused with the configuration", () => {
  const problem = (body: string) => plugin.config.safeParse({ url: "http://hooks", body }).error?.issues[0].message;
  assert.match(problem('{"a": "{{reason}}"')!, /no JSON once it is filled/);
  assert.match(problem('{"a": {{raeson}}}')!, /\{\{raeson\}\} names nothing; there are alert, .*reason/);
  assert.equal(problem('{"a": {{reason}}, "b": "{{ labels.attributes.any.thing }}"}'), undefined);
});

test("a signature is that of the time and the body", async (t) => {
  const [{ text, headers }] = await requestsOf(t, { secret: "sesame" }, [changeOf("a-1", "open")]);
  const time = headers["x-vedette-timestamp"];
  const wanted = createHmac("sha256", "sesame").update(`${time}.${text}`).digest("hex");
  assert.equal(headers["x-vedette-signature"], `sha256=${wanted}`);
});

test("the idempotency key is the same for a request that is repeated, and for no other", async (t) => {
  const story = [
    changeOf("a-1", "open"),
    changeOf("a-1", "ongoing", { severity: "critical" }),
    changeOf("a-1", "resolved"),
  ];
  const once = await requestsOf(t, {}, story, [changeOf("an id\n", "open")]);
  const again = await requestsOf(t, {}, story, [changeOf("an id\n", "open")]);
  const keys = (all: readonly AlertRequest[]) => all.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(new Set(keys(once)).size, 4);
  assert.deepEqual(keys(again), keys(once));
});

test("what comes together goes as one list where that is asked for", async (t) => {
  const story = [changeOf("a-1", "open"), changeOf("b-1", "open"), changeOf("a-1", "resolved")];
  const lists = await requestsOf(t, { batch: true, body: '"{{id}} {{state}}"' }, story);
  assert.deepEqual(
    lists.map(({ body }) => body),
    [["a-1 open", "b-1 open"], ["a-1 resolved"]],
  );
});

test("send_ongoing and send_resolved choose what is sent", async (t) => {
  const story = (["open", "ongoing", "ongoing", "resolved"] as const).map((state, time) => anomalyOf({ state, time }));
  const states = async (options: object) => (await requestsOf(t, options, story)).map(({ body }) => body.state);
  assert.deepEqual(await states({}), ["open", "resolved"]);
  assert.deepEqual(await states({ send_ongoing: true }), ["open", "ongoing", "ongoing", "resolved"]);
  assert.deepEqual(await states({ send_resolved: false }), ["open"]);
});
