// A user's way from an anomaly to feedback and back, with a real agent; and that nothing acknowledged is lost, whatever happens to it.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { eventually, folderWith, launch, type Running, request, startAgent, vedette } from "../agent.ts";
import { gauge } from "../requests.ts";

const configuration = (directory: string) => `
receivers:
  otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}
extensions:
  anomaly_store: {directory: ${JSON.stringify(directory)}, endpoint: "127.0.0.1:0"}
processors: {threshold: {upper: 100}, feedback: {store: anomaly_store}}
exporters: {anomaly_store: {store: anomaly_store}, debug: }
service:
  extensions: [anomaly_store]
  pipelines:
    metrics: {receivers: [otlp], processors: [threshold], exporters: [debug]}
    anomalies: {processors: [feedback], exporters: [anomaly_store]}
`;

class Agent {
  readonly running: Running;
  #minute = 0;
  readonly #began = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;

  constructor(running: Running) {
    this.running = running;
  }

  static async start(t: TestContext, directory: string): Promise<Agent> {
    return new Agent(await startAgent(t, configuration(directory)));
  }

  get endpoint(): string {
    return this.running.at("anomaly_store", "http");
  }

  async ask(path: string): Promise<any> {
    const { status, body } = await request(this.endpoint, `/api/v1${path}`);
    assert.equal(status, 200, body.toString());
    return JSON.parse(body.toString());
  }

  /** Values that they were told for, once `count` are kept, the latest first. */
  async told(count: number): Promise<number[]> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const { items } = await this.ask("/episodes?limit=500");
      if (items.length >= count) return items.map(({ observed }: any) => observed);
      assert.ok(performance.now() < deadline, `waited in vain for ${count} anomalies, there are ${items.length}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** A point that is as usual, then one of this value, a minute later each. */
  async send(value: number): Promise<void> {
    const points = [50, value].map((each) => ({ time: this.#began + ++this.#minute * 60_000, value: each }));
    const { status } = await request(
      this.running.at("otlp", "http"),
      "/v1/metrics",
      gauge("checkout", "queue.depth", points),
    );
    assert.equal(status, 200);
  }
}

test("an anomaly is listed, called nothing by the command, held back, told when it is clearly larger, and as before once that is taken back", async (t) => {
  const agent = await Agent.start(t, folderWith(t));
  const say = (...args: string[]) => vedette(t, ["feedback", "--endpoint", agent.endpoint, ...args]);
  await agent.send(150);
  assert.deepEqual(await agent.told(1), [150]);
  const { items } = await agent.ask("/episodes?service=checkout");
  assert.equal(items[0].name, "queue.depth");
  const said = await say(items[0].id, "bad", "--note", "the nightly import");
  assert.deepEqual([said.code, said.stderr], [0, ""]);
  assert.match(said.stdout, /^f1: \S+ is bad, until \d{4}-/);
  assert.match(
    said.stdout,
    /- above_limit of queue\.depth on checkout \(threshold\), called nothing at a score of 1\.25 and 50 off, is told again beyond a score of 1\.88, or 75 off, until/,
  );
  assert.match(
    (await say("--list")).stdout,
    /is bad, until .*: the nightly import \(command\)\n\n- above_limit of queue\.depth/,
  );
  await agent.send(160);
  await agent.send(900);
  assert.deepEqual(await agent.told(2), [900, 150], "what looked like it was held back");
  assert.match((await say("f1", "--undo")).stdout, /^taken back: f1$/m);
  assert.equal((await say("--list")).stdout, "no feedback holds\n");
  await agent.send(150);
  assert.deepEqual(await agent.told(3), [150, 900, 150]);
  const planned = await say(items[0].id, "expected", "--until", "2h", "--format", "json");
  const { feedback, effects } = JSON.parse(planned.stdout);
  assert.ok(feedback.until > Date.now() && feedback.until <= Date.now() + 7_200_000);
  assert.match(effects[0].says, /is expected until \d{4}-\d\d-\d\d \d\d:\d\d UTC; only beyond a score of/);
  assert.equal((await say(items[0].id, "--undo")).stdout, "taken back: f2\n");
  const wrong = await say("f1", "--undo");
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /no feedback of that id holds; see/);
  assert.equal(
    (await say("nothing", "good")).stderr,
    'about: nothing is kept of "nothing"; take an id of /api/v1/incidents or /api/v1/episodes, or take feedback back first\n',
  );
  assert.equal((await say("x", "fine")).code, 2);
  assert.equal(await agent.running.stop(), 0);
});

test("a second agent on the same folder does not start and says why; the first goes on", async (t) => {
  const directory = folderWith(t);
  const agent = await Agent.start(t, directory);
  const second = launch(t, ["run", "--config", `yaml:${configuration(directory)}`]);
  assert.equal(await second.exited, 1);
  assert.match(
    second.output.stderr,
    /cannot keep anomalies in \S+: another agent is using it; give the option directory a folder/,
  );
  await agent.send(150);
  assert.deepEqual(await agent.told(1), [150]);
});

test("a damaged file does not keep an agent from starting, and the log says where it is now", async (t) => {
  const directory = folderWith(t);
  writeFileSync(join(directory, "anomalies.db"), "no database at all".repeat(500));
  const agent = await Agent.start(t, directory);
  assert.match(agent.running.output.stderr, /was set aside; a new one is begun.*anomalies\.db\.set-aside-/);
  await agent.send(150);
  assert.deepEqual(await agent.told(1), [150]);
});

test("killed again and again, it loses no anomaly that was listed, and no feedback that was acknowledged", async (t) => {
  const directory = folderWith(t);
  const listed = new Set<string>();
  const taught = new Set<string>();
  for (let kill = 0; kill < 5; kill++) {
    const agent = await Agent.start(t, directory);
    const { items } = await agent.ask("/episodes?limit=500");
    const ids = new Set(items.map(({ id }: any) => id));
    for (const id of listed) assert.ok(ids.has(id), `${id} is gone after ${kill} kills`);
    const held = new Set((await agent.ask("/feedback?limit=500")).items.map(({ id }: any) => id));
    for (const id of taught) assert.ok(held.has(id), `feedback ${id} is gone after ${kill} kills`);
    let alive = true;
    const living = (async () => {
      for (let i = 0; alive; i++) {
        await agent.send(1000 * (kill + 1) + i);
        const page = await agent.ask("/episodes?limit=500");
        for (const { id } of page.items) listed.add(id);
        const body = JSON.stringify({ about: page.items[i % page.items.length]?.id ?? "", opinion: "good" });
        const headers = { "content-type": "application/json" };
        const answer = await fetch(`http://${agent.endpoint}/api/v1/feedback`, { method: "POST", headers, body });
        if (answer.status === 201) taught.add(((await answer.json()) as any).feedback.id);
      }
    })().catch(() => {});
    const [episodes, said] = [listed.size, taught.size];
    await eventually("some anomalies and feedback", () => listed.size > episodes + 5 && taught.size > said + 5);
    agent.running.signal("SIGKILL");
    alive = false;
    await living;
    await agent.running.exited.catch(() => {});
  }
});
