// What all exporters of alerts promise, whatever becomes of the service they tell: each change once, in order, as it is published.
import assert from "node:assert/strict";
import test, { describe } from "node:test";
import type { Anomaly, ExportError } from "vedette";
import type { SendingOptions } from "../../src/pipeline/options.ts";
import { optionsOf } from "../../src/registry.ts";
import { sampleAnomalies, strangeAnomalies } from "../../src/testing/hostile.ts";
import { eventually } from "../agent.ts";
import {
  type AlertRequest,
  type AlertSink,
  alertSink,
  type Change,
  changeOf,
  KINDS,
  type Reply,
  sendingTo,
} from "../alert_sinks.ts";
import { anomalyOf, fakeHost, patience } from "../exporting.ts";
import { MemoryStore } from "../memory_store.ts";

/** A story of three alerts, in lists as they come: each begins, goes on and ends. */
const STORY: readonly (readonly Anomaly[])[] = [
  [changeOf("a-1", "open"), changeOf("b-1", "open", { severity: "critical" })],
  [changeOf("a-1", "ongoing"), changeOf("c-1", "open")],
  [changeOf("b-1", "resolved", { severity: "critical" }), changeOf("a-1", "resolved")],
  [changeOf("c-1", "resolved")],
];
const TOLD: readonly Change[] = ["a-1", "b-1", "c-1"].flatMap((id) => [
  { id, state: "firing" },
  { id, state: "resolved" },
]);

const refuses =
  (status: number, headers = {}, body = "") =>
  (): Reply => ({ status, headers, body });

/** Until a service is back: what it does, request by request. */
const TROUBLES: Readonly<Record<string, (request: AlertRequest, nth: number) => Reply>> = {
  "answers 500": refuses(500, { "content-type": "text/plain" }, "oops"),
  "answers 503": refuses(503),
  "has too much to do": refuses(429, { "retry-after": "0" }),
  "wants another key": refuses(401),
  "sends elsewhere": refuses(302, { location: "/login" }),
  "breaks connections": () => "breaks",
  "does something else each time": (_, nth) => (["breaks", { status: 500 }, { status: 403 }] as Reply[])[nth % 3],
};

const LONG = "x".repeat(1_000_000);
const HOSTILE = changeOf("h-1", "open", {
  type: "spike\u0000\n",
  reason: `<!channel> & <script>\ud800 "quoted" \\ \u2028 ${"\ud83d\ude00".repeat(200_000)}`,
  contributors: [LONG, "\udfff"],
  labels: {
    ...anomalyOf().labels,
    name: LONG,
    unit: "\u0007",
    resource: { "service.name": `pay\n${LONG}`, "service.namespace": "\ud800<b>", bytes: new Uint8Array(1_000_000) },
    attributes: JSON.parse(`{"__proto__": "a", "": {"deep": ${"[".repeat(50)}${"]".repeat(50)}}, "n": 1e999}`),
    template: `<*> ${LONG}`,
    traceId: "f".repeat(32),
  },
  score: Number.POSITIVE_INFINITY,
  observed: Number.NaN,
});

function incidentOf(state: Anomaly["state"]): Anomaly {
  const members = Array.from({ length: 50 }, (_, i) => changeOf(`m-${i}`, "ongoing"));
  const origins = [
    { service: "payments/checkout", share: 0.71, reasons: ["It was the first.", "It is called by all."] },
  ];
  const incident = {
    members,
    episodes: 60,
    origins,
    services: ["payments/checkout"],
    traces: ["ab"],
    templates: ["<*>"],
  };
  return changeOf("i-1", state, { type: "incident", detector: "correlate", incident });
}

test("unless told otherwise they send one list at a time, and try for as long as it takes", () => {
  for (const { plugin, options } of KINDS) {
    const config = optionsOf(plugin as never).parse(options("http://127.0.0.1:1")) as unknown as SendingOptions;
    assert.equal(config.sending_queue.num_consumers, 1);
    assert.equal(config.retry_on_failure.max_elapsed_time, 0);
  }
});

/** Each part as large as it can be, and ten times as many as there should be. */
function hostileIncident(): Anomaly {
  const attributes = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}${LONG}`, Array(300).fill(LONG)]));
  const labels = { ...HOSTILE.labels, resource: attributes, attributes };
  const members = Array.from({ length: 500 }, (_, i) => ({ ...HOSTILE, id: `m-${i}`, labels }));
  const texts = Array<string>(500).fill(LONG);
  const origins = texts.map((service) => ({ service, share: Number.NaN, reasons: texts }));
  const incident = { members, episodes: Number.NaN, origins, services: texts, traces: texts, templates: texts };
  return { ...HOSTILE, id: "hi-1", type: "incident", labels, incident };
}

for (const kind of KINDS) {
  describe(kind.name, () => {
    test("sends what the service publishes, of whatever it is told", async (t) => {
      const sink = await alertSink(t, kind.usual);
      const { exporter } = await sendingTo(t, kind, kind.options(sink.url));
      const lists = [
        ...STORY,
        [incidentOf("open")],
        [incidentOf("resolved")],
        sampleAnomalies(),
        strangeAnomalies(),
        [HOSTILE],
        [{ ...HOSTILE, id: "h-2", reason: LONG }],
        [hostileIncident()],
        [{ ...HOSTILE, state: "resolved" } as Anomaly],
        [changeOf("\ud800 an id/of?another kind".repeat(100), "open")],
        [changeOf("never-told", "resolved")],
      ];
      for (const list of lists) await exporter.export(list, patience());
      assert.ok(sink.taken.length > 10);
      for (const request of sink.taken) {
        kind.check(request);
        assert.ok(request.text.length < 2_000_000, `${request.text.length} characters`);
        assert.doesNotMatch(request.text, /\\ud[89a-f]/i, "halves of characters");
        assert.equal(request.headers["user-agent"], "vedette");
      }
    });

    for (const [trouble, mood] of Object.entries(TROUBLES)) {
      test(`one that ${trouble} is told once it is back: everything, in order, once`, async (t) => {
        const sink = await alertSink(t, kind.usual);
        sink.mood = mood;
        const { push } = await sendingTo(t, kind, kind.options(sink.url));
        for (const list of STORY) push(...list);
        await eventually("some attempts", () => sink.arrived.length >= 4);
        sink.mood = undefined;
        await eventually("all of it", () => isOver(sink));
        assert.deepEqual(byAlert(toldBy(sink.taken)), TOLD);
      });
    }

    test("one that is not there is told once it is", async (t) => {
      const sink = await alertSink(t, kind.usual);
      await sink.close();
      const { push, host } = await sendingTo(t, kind, kind.options(sink.url));
      for (const list of STORY) push(...list);
      await eventually("some attempts", () => host.logged.length >= 3);
      await sink.open();
      await eventually("all of it", () => isOver(sink));
      assert.deepEqual(byAlert(toldBy(sink.taken)), TOLD);
    });

    test("one that hangs is told once it answers", async (t) => {
      const sink = await alertSink(t, kind.usual);
      sink.mood = () => "hangs";
      const { push } = await sendingTo(t, kind, kind.options(sink.url), { timeout: "100ms" });
      for (const list of STORY) push(...list);
      await eventually("two attempts", () => sink.arrived.length >= 2);
      sink.mood = undefined;
      await eventually("all of it", () => isOver(sink));
      assert.deepEqual(byAlert(toldBy(sink.taken)), TOLD);
    });

    const { rubbish } = kind;
    if (rubbish) {
      test("an answer that the service never gives is no delivery", async (t) => {
        const sink = await alertSink(t, kind.usual);
        sink.mood = (_, nth) => (nth <= 3 ? rubbish : undefined);
        const { push } = await sendingTo(t, kind, kind.options(sink.url));
        for (const list of STORY) push(...list);
        await eventually("all of it", () => isOver(sink));
        assert.deepEqual(byAlert(toldBy(sink.taken)), TOLD);
      });
    }

    test("what is refused for good, or breaks the service, holds up no other of its list, and is told by its id", async (t) => {
      for (const status of [400, 500]) {
        const sink = await alertSink(t, kind.usual);
        const isBad = (request: AlertRequest) => kind.changesOf(request).some(({ id }) => id === "bad-1");
        sink.mood = (request) => (isBad(request) ? { status } : undefined);
        const { exporter, host } = await sendingTo(t, kind, kind.options(sink.url));
        const list = [changeOf("a-1", "open"), changeOf("bad-1", "open"), changeOf("b-1", "open")];
        const first = await exporter.export(list, patience()).catch((error: ExportError) => error);
        const others = (): string[] => toldBy(sink.taken).map(({ id }) => id);
        assert.deepEqual(others(), ["a-1", "b-1"]);
        if (status === 500) {
          assert.ok(first?.retryable);
          // an hour later it is given up
          host.clock += 3_600_001;
          await exporter.export(list, patience());
          assert.deepEqual(others(), ["a-1", "b-1"], "others are not told twice");
        }
        const refused = host.logged.filter(({ level }) => level === "error");
        assert.equal(refused.length, 1);
        assert.equal((refused[0].fields as { id: string }).id, "bad-1");
      }
    });

    test("a list that is refused as a whole fails for good", async (t) => {
      const sink = await alertSink(t, kind.usual);
      sink.mood = refuses(400, { "content-type": "application/json" }, '{"message": "not like this"}');
      const { exporter } = await sendingTo(t, kind, kind.options(sink.url));
      const sending = exporter.export([changeOf("a-1", "open"), changeOf("b-1", "open")], patience());
      await assert.rejects(sending, (error: ExportError) => !error.retryable && /answered 400/.test(error.message));
    });

    test("heeds Retry-After, up to an hour", async (t) => {
      const sink = await alertSink(t, kind.usual);
      const { exporter } = await sendingTo(t, kind, kind.options(sink.url));
      for (const [header, ms] of [
        ["7", 7000],
        ["999999999", 3_600_000],
      ] as const) {
        sink.mood = refuses(429, { "retry-after": header });
        const sending = exporter.export([changeOf("a-1", "open")], patience());
        await assert.rejects(sending, (error: ExportError) => error.retryable && error.retryAfter === ms);
      }
    });

    test("stops at once when it is told to", async (t) => {
      const sink = await alertSink(t, kind.usual);
      const abort = new AbortController();
      sink.mood = () => {
        setImmediate(() => abort.abort(new Error("enough")));
        return "hangs";
      };
      const { exporter } = await sendingTo(t, kind, kind.options(sink.url));
      await assert.rejects(exporter.export([changeOf("a-1", "open"), changeOf("b-1", "open")], abort.signal));
      assert.equal(sink.arrived.length, 1);
    });

    test("tells no secret, though the service repeats all it is sent", async (t) => {
      const sink = await alertSink(t, kind.usual);
      const replies: ((echo: string) => Reply)[] = [
        ...[400, 401, 404, 429, 500].map((status) => (echo: string): Reply => {
          return { status, headers: { "content-type": "text/plain" }, body: echo };
        }),
        (echo) => ({
          status: 400,
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ error: echo }),
        }),
        () => ({ status: 301, headers: { location: `${new URL(sink.url).origin}${sink.arrived.at(-1)!.path}/` } }),
        () => "breaks",
      ];
      const said: string[] = [];
      for (const reply of replies) {
        sink.mood = ({ path, headers, text }) => reply(`${path} ${JSON.stringify(headers)} ${text}`);
        const { exporter, host } = await sendingTo(t, kind, kind.options(sink.url));
        const error: Error = await exporter.export([changeOf("a-1", "open")], patience()).then(
          () => assert.fail("it was refused"),
          (error) => error,
        );
        said.push(error.message, JSON.stringify(host.logged));
      }
      for (const secret of kind.secrets) for (const text of said) assert.ok(!text.includes(secret), text);
    });

    test("what was not sent when the agent stopped is sent by the next", async (t) => {
      const store = new MemoryStore();
      const start = () => {
        const host = { ...fakeHost(), extension: () => store.extension };
        return sendingTo(t, kind, kind.options(sink.url), { sending_queue: { storage: "memory" } }, host);
      };
      const sink = await alertSink(t, kind.usual);
      sink.mood = refuses(503);
      const { push, queue } = await start();
      for (const list of STORY) push(...list);
      await eventually("an attempt", () => sink.arrived.length > 0);
      await queue.drain(1000);
      sink.mood = undefined;
      await start();
      await eventually("all of it", () => isOver(sink));
      assert.deepEqual(byAlert(toldBy(sink.taken)), TOLD);
    });

    function toldBy(requests: readonly AlertRequest[]): Change[] {
      const changes = requests.flatMap((request) => kind.changesOf(request));
      if (!kind.repeats) return changes;
      return changes.filter(({ id, state }, i) => {
        const before = changes.slice(0, i).findLast((change) => change.id === id);
        return before?.state !== state;
      });
    }

    const isOver = (sink: AlertSink): boolean =>
      toldBy(sink.taken).some(({ id, state }) => id === "c-1" && state === "resolved");
  });
}

/** Each alert's changes together, in the order in which they came. */
function byAlert(changes: readonly Change[]): Change[] {
  const ids = [...new Set(changes.map(({ id }) => id))].sort();
  return ids.flatMap((id) => changes.filter((change) => change.id === id));
}
