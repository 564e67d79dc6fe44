// What operators rely on: what was learnt is there after a restart, and a file that is not as it should be is told and set aside.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { folderWith, type Running, request, startAgent, vedette } from "../agent.ts";
import { gauge } from "../requests.ts";

const START = 1_795_000_000_000;
const config = (directory: string) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {ewma: , cooldown: {period: 1h}}
exporters: {debug: }
service:
  state: {directory: "${directory}", interval: 1h}
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma], exporters: [debug]}
    anomalies: {processors: [cooldown], exporters: [debug]}
`;

async function send(agent: Running, i: number, value = 50 + (i % 7)): Promise<void> {
  const point = gauge("checkout", "load", [{ time: START + i * 1000, value }]);
  assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", point)).status, 200);
}

/** The anomalies that it printed. */
const told = ({ output }: Running) => output.stdout.split("\n").filter((line) => line.includes(", ewma, id "));

/** An agent that has learnt one series and is stopped; its state directory. */
async function learnt(t: TestContext): Promise<string> {
  const directory = join(folderWith(t), "state");
  const agent = await startAgent(t, config(directory));
  for (let i = 0; i < 80; i++) await send(agent, i);
  assert.equal(await agent.stop(), 0);
  assert.deepEqual(told(agent), []);
  return directory;
}

test("models go on after a restart: the first odd point is told, and what was told is not told again", async (t) => {
  const directory = await learnt(t);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const file of readdirSync(directory)) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
  const second = await startAgent(t, config(directory));
  await send(second, 80, 5000);
  assert.equal(await second.stop(), 0);
  assert.match(told(second).join(), /checkout load \(host=a\) is 5000/);
  const third = await startAgent(t, config(directory));
  await send(third, 81, 5000);
  assert.equal(await third.stop(), 0);
  assert.deepEqual(told(third), [], "the cooldown outlives the restart too");
});

test("a damaged, a foreign and a newer file are set aside with a word; the agent runs and learns anew", async (t) => {
  const directory = await learnt(t);
  const [name] = readdirSync(directory).filter((file) => file.startsWith("metrics"));
  const file = join(directory, name);
  const good = readFileSync(file);
  const flipped = Buffer.from(good);
  flipped[flipped.length >> 1] ^= 1;
  const newer = Buffer.from(good);
  newer.writeUInt32LE(999, 8);
  for (const bad of [
    flipped,
    newer,
    good.subarray(0, 100),
    Buffer.from("SQLite format 3\0 and more"),
    Buffer.alloc(0),
  ]) {
    writeFileSync(file, bad);
    const agent = await startAgent(t, config(directory));
    assert.match(agent.output.stderr, /warn {2}vedette: saved state was set aside.*metrics.*ewma/);
    await send(agent, 80, 5000);
    assert.equal(await agent.stop(), 0);
    assert.deepEqual(told(agent), [], "it does not judge by what it could not read");
  }
  const aside = readdirSync(directory).filter((each) => each.includes(".refused-"));
  assert.equal(aside.length, 5, "none of them is lost");
});

test("a state directory that cannot be used, or that another agent uses, is an error at the start", async (t) => {
  const folder = folderWith(t, { file: "" });
  const used = await startAgent(t, config(join(folder, "state")));
  mkdirSync(join(folder, "other"));
  for (const [directory, why] of [
    [join(folder, "file"), /state directory .*file cannot be used/],
    [join(folder, "state"), /another agent is using it/],
  ] as const) {
    writeFileSync(join(folder, "config.yaml"), config(directory));
    const { code, stderr } = await vedette(t, ["run", "--config", join(folder, "config.yaml")]);
    assert.equal(code, 1);
    assert.match(stderr, why);
  }
  await used.stop();
});
