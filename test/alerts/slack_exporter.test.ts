// The slack exporter: one message an alert where a bot sends it, and nothing in it that calls people.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import fc from "fast-check";
import type { ExportError } from "vedette";
import plugin from "../../plugins/exporters/slack/index.ts";
import { escaped } from "../../plugins/exporters/slack/message.ts";
import { type AlertRequest, alertSink, changeOf, KINDS, sendingTo } from "../alert_sinks.ts";
import { patience } from "../exporting.ts";

const bot = KINDS.find(({ name }) => name === "slack by a bot")!;
const STORY = [
  changeOf("a-1", "open"),
  changeOf("a-1", "ongoing", { severity: "critical" }),
  changeOf("a-1", "resolved", { severity: "critical" }),
];

async function telling(t: TestContext, options: object = {}) {
  const sink = await alertSink(t, bot.usual);
  const { exporter, host } = await sendingTo(t, { plugin }, { ...bot.options(sink.url), ...options });
  return { sink, host, export: (...changes: typeof STORY) => exporter.export(changes, patience()) };
}

const callOf = ({ path, body }: AlertRequest): string =>
  `${path.replace("/api/chat.", "")} ${body.ts ?? body.thread_ts ?? body.channel}`;

test("a bot's message changes with its alert", async (t) => {
  const { sink, export: send } = await telling(t);
  await send(...STORY);
  assert.deepEqual(sink.taken.map(callOf), ["postMessage C0123456789", "update 1700000000.1", "update 1700000000.1"]);
  assert.equal(sink.taken[0].headers.authorization, `Bearer ${bot.secrets[0]}`);
  const titles = sink.taken.map(({ body }) => body.blocks[0].text.text);
  assert.deepEqual(titles, [
    ":large_yellow_circle: warning: spike in checkout",
    ":red_circle: critical: spike in checkout",
    ":large_green_circle: resolved: spike in checkout",
  ]);
});

test("a bot's message follows every change, unless told otherwise", async (t) => {
  const story = (["open", "ongoing", "ongoing"] as const).map((state, time) => changeOf("a-1", state, { time }));
  const count = async (options: object) => {
    const { sink, export: send } = await telling(t, options);
    await send(...story);
    return sink.taken.length;
  };
  assert.equal(await count({}), 3);
  assert.equal(await count({ send_ongoing: false }), 1);
});

test("changes are told in the thread as well where that is asked for", async (t) => {
  const { sink, export: send } = await telling(t, { thread: true });
  await send(STORY[0], STORY[2]);
  assert.deepEqual(sink.taken.map(callOf), [
    "postMessage C0123456789",
    "update 1700000000.1",
    "postMessage 1700000000.1",
  ]);
});

test("where a message is gone another is sent", async (t) => {
  const { sink, export: send } = await telling(t);
  await send(STORY[0]);
  const gone = { status: 200, body: '{"ok": false, "error": "message_not_found"}' };
  sink.mood = ({ path }) => (path.endsWith("update") ? gone : undefined);
  await send(STORY[1]);
  sink.mood = undefined;
  await send(STORY[2]);
  assert.deepEqual(sink.taken.map(callOf).slice(1), ["postMessage C0123456789", "update 1700000000.3"]);
});

test("what Slack says is told with its remedy, and decides whether to try again", async (t) => {
  const { sink, export: send } = await telling(t);
  const says = async (error: string): Promise<ExportError> => {
    sink.mood = () => ({ status: 200, body: JSON.stringify({ ok: false, error }) });
    return send(STORY[0]).then(
      () => assert.fail("it was refused"),
      (error) => error,
    );
  };
  const notThere = await says("not_in_channel");
  assert.match(notThere.message, /says not_in_channel: invite the bot to the channel/);
  assert.ok(notThere.retryable);
  assert.ok((await says("ratelimited")).retryable);
  assert.ok(!(await says("invalid_blocks")).retryable);
  assert.ok(!(await says("<odd>\nerror")).message.includes("<"));
});

test("either a webhook or a bot with its channel", () => {
  const problems = (options: object) => plugin.config.safeParse(options).error?.issues.map(({ message }) => message);
  assert.match(problems({})![0], /either webhook_url, or token and channel/);
  assert.match(problems({ webhook_url: "https://hooks", token: "t", channel: "c" })![0], /either/);
  assert.match(problems({ token: "t" })![0], /goes with token/);
  assert.match(problems({ token: "t\n", channel: "c" })![0], /a line end behind it/);
  assert.equal(problems({ token: "t", channel: "c" }), undefined);
});

test("no text is markup, and none is cut within an entity", () => {
  const texts = fc.string({ unit: fc.constantFrom("<", ">", "&", "a", "😀", "\n"), maxLength: 60 });
  fc.assert(
    fc.property(texts, fc.integer({ min: 5, max: 40 }), (text, most) => {
      const safe = escaped(text, most);
      assert.ok(safe.length <= most && safe.isWellFormed(), safe);
      assert.doesNotMatch(safe, /[<>]|&(?!amp;|lt;|gt;)/);
    }),
  );
  assert.equal(escaped("<!channel> & more", 100), "&lt;!channel&gt; &amp; more");
});
