// A silence in a real Alertmanager teaches: what it silences is held back by the agent, and told again once it is expired.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { eventually, folderWith } from "../agent.ts";
import { episode, kept } from "../unit/anomaly_store/kept.ts";

const COMMAND = ["prometheus-alertmanager", "alertmanager"].find((name) => spawnSync(name, ["--version"]).status === 0);
const skip = COMMAND
  ? false
  : "no alertmanager on PATH; apt-get install -y --no-install-recommends prometheus-alertmanager";

async function alertmanager(t: TestContext): Promise<string> {
  const folder = folderWith(t, { "am.yml": "route: { receiver: none }\nreceivers: [{ name: none }]\n" });
  const args = [`--config.file=${join(folder, "am.yml")}`, `--storage.path=${folder}`, "--cluster.listen-address="];
  const child = spawn(COMMAND!, [...args, "--web.listen-address=127.0.0.1:0"], { stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(child, "close");
  t.after(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const address = () => /Listening on" address=(\S+)/.exec(said)?.[1];
  await eventually("Alertmanager to listen", () => address() !== undefined);
  return `http://${address()}`;
}

test("a silence teaches, and once it is expired what it taught is gone", { skip }, async (t) => {
  const url = await alertmanager(t);
  const store = await kept(t, { alertmanager: { endpoint: url, interval: "1s" } });
  store.host.time = Date.now();
  const odd = episode("checkout", "latency", 0);
  await store.anomalies.keep([odd]);
  const matchers = [{ name: "fingerprint", value: odd.fingerprint, isRegex: false, isEqual: true }];
  const [startsAt, endsAt] = [0, 3_600_000].map((after) => new Date(Date.now() + after).toISOString());
  const body = JSON.stringify({ matchers, startsAt, endsAt, createdBy: "ada", comment: "moving house" });
  const headers = { "content-type": "application/json" };
  const created = await fetch(`${url}/api/v2/silences`, { method: "POST", headers, body });
  const { silenceID } = (await created.json()) as { silenceID: string };
  await eventually("the silence to teach", () => store.anomalies.effects.length === 1);
  const [effect] = store.anomalies.effects;
  assert.deepEqual([effect.match.fingerprint, effect.until], [odd.fingerprint, Date.parse(endsAt)]);
  assert.equal((await fetch(`${url}/api/v2/silence/${silenceID}`, { method: "DELETE" })).status, 200);
  await eventually("the end of what it taught", () => store.anomalies.effects.length === 0);
});
