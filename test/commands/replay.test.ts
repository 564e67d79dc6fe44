// `vedette replay` as a user starts it: scores, anomalies, exit codes, what is said and what is left behind.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import { eventually, folderWith, launch, request, startAgent, vedette } from "../agent.ts";
import { gauge } from "../requests.ts";

const START = Date.UTC(2026, 0, 1);
const CONFIG = `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:0"}}}}
processors: {ewma: , span_duration: , log_rate: }
exporters: {debug: }
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [ewma], exporters: [debug]}
    traces: {receivers: [otlp], processors: [span_duration], exporters: [debug]}
    logs: {receivers: [otlp], processors: [log_rate], exporters: [debug]}
`;

/** A calm minute series with one spike at row `odd`, and a hole of three rows after it. */
function series(rows: number, odd: number): string {
  const line = (i: number) => {
    const value = i > odd && i < odd + 4 ? "" : i === odd ? 5000 : 50 + ((i * 7) % 11);
    return `${new Date(START + i * 60_000).toISOString()},${value}`;
  };
  return `timestamp,value\n${Array.from({ length: rows }, (_, i) => line(i)).join("\n")}\n`;
}

const linesOf = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n");

test("every input gets its scores, a line a row; anomalies are JSON lines; all is summed up in sentences", async (t) => {
  const folder = folderWith(t, { "c.yaml": CONFIG, "odd.csv": series(300, 200) });
  mkdirSync(join(folder, "data", "deep"), { recursive: true });
  writeFileSync(join(folder, "data", "deep", "odd.csv.gz"), gzipSync(series(300, 200)));
  writeFileSync(join(folder, "data", "Wide.CSV"), "time,a,b\n1,2,3\n2,2,x\n");
  const args = ["--input", "data", "--scores", "out", "--anomalies", "found.jsonl"];
  const { code, stdout, stderr } = await vedette(t, ["replay", "-c", "c.yaml", ...args], folder);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "" }, stderr);
  assert.match(stderr, /^304 rows of 3 series in 2 files: 1 anomaly\. It took /m);
  const [header, ...rows] = linesOf(join(folder, "out", "deep", "odd.csv"));
  assert.equal(header, "timestamp,value,score,expected,lower,upper,detector,type");
  assert.equal(rows.length, 300);
  const cells = rows.map((row) => row.split(","));
  assert.deepEqual(cells[200].slice(0, 2), ["2026-01-01T03:20:00.000Z", "5000"]);
  assert.ok(Number(cells[200][2]) >= 1);
  assert.deepEqual(cells[200].slice(6), ["ewma", "spike"]);
  assert.deepEqual(cells[201], ["2026-01-01T03:21:00.000Z", "", "", "", "", "", "", ""]);
  assert.deepEqual(
    cells.flatMap(([, , score], i) => (Number(score) >= 1 ? [i] : [])),
    [200],
  );
  const wide = linesOf(join(folder, "out", "Wide.CSV"));
  assert.equal(wide[0], `${header},series`);
  assert.deepEqual(
    wide.slice(1).map((line) => [line.split(",")[1], line.split(",").at(-1)]),
    [
      ["2", "a"],
      ["3", "b"],
      ["2", "a"],
      ["x", "b"],
    ],
  );
  const [anomaly, ...more] = linesOf(join(folder, "found.jsonl")).map((line) => JSON.parse(line));
  assert.deepEqual(more, []);
  assert.equal(anomaly.labels.name, "deep/odd");
  assert.deepEqual([anomaly.time, anomaly.observed, anomaly.type], [START + 200 * 60_000, 5000, "spike"]);
});

test("--quiet says nothing, and - is standard output", async (t) => {
  const folder = folderWith(t, { "c.yaml": CONFIG, "odd.csv": series(300, 200) });
  const args = ["replay", "-c", "c.yaml", "--input", "odd.csv", "--anomalies", "-", "--quiet"];
  const { code, stdout, stderr } = await vedette(t, args, folder);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.equal(JSON.parse(stdout).labels.name, "odd");
});

test("hundreds of files are one run: each has its scores, a line a row and in its order", async (t) => {
  const folder = folderWith(t, { "c.yaml": CONFIG });
  mkdirSync(join(folder, "many"));
  const text = series(150, 100);
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, "many", `s${i}.csv`), text);
  const args = ["replay", "-c", "c.yaml", "--input", "many", "--scores", "out"];
  const { code, stderr } = await vedette(t, args, folder);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^45,000 rows of 300 series in 300 files/);
  const firstTwo = (line: string) => line.split(",").slice(0, 2).join(",");
  for (let i = 0; i < 300; i++) {
    assert.deepEqual(linesOf(join(folder, "out", `s${i}.csv`)).map(firstTwo), text.trimEnd().split("\n"));
  }
});

test("what is wrong ends with 1 or 2, is named, and leaves no half file that could be taken for a whole one", async (t) => {
  const folder = folderWith(t, {
    "c.yaml": CONFIG,
    "bad.csv": `${series(20_000, 9)}oops,1\n`,
    "traces.yaml": CONFIG.replace(/ {4}(metrics|logs):.*\n/g, ""),
    "a.csv": series(10, 5),
  });
  mkdirSync(join(folder, "b"));
  writeFileSync(join(folder, "b", "a.csv"), series(10, 5));
  const outputs = ["--scores", "out", "--anomalies", "found.jsonl"];
  const cases: readonly [string[], number, RegExp][] = [
    [["-c", "c.yaml"], 2, /^--input PATH is missing/],
    [["-c", "c.yaml", "--input", "no.csv"], 1, /^no\.csv: it cannot be read: there is no such file/],
    [["-c", "c.yaml", "--input", "bad.csv", ...outputs], 1, /^bad\.csv:20002: "oops" is no timestamp; write it as/m],
    [
      ["-c", "c.yaml", "--input", "a.csv", "--input", "b/a.csv"],
      1,
      /^b.a\.csv: it is called a\.csv as a\.csv is; rename/,
    ],
    [["-c", "traces.yaml", "--input", "a.csv"], 1, /^a\.csv: it holds metrics, and the configuration has no metrics/m],
    [["-c", "c.yaml", "--input", "a.csv", "--save-state"], 1, /^--save-state: there is nowhere to save to/],
    [
      ["-c", "c.yaml", "--input", "a.csv", "--scores", "c.yaml"],
      1,
      /scores cannot be written: .*give --scores a directory/,
    ],
    [["-c", "c.yaml", "--input", "a.csv", "--anomalies", "no/x"], 1, /^no.x: anomalies cannot be written: .*ENOENT/],
    [["-c", "c.yaml", "--input", "a.csv", "--set", "service.pipelines.metrics.processors=[emwa]"], 1, /emwa/],
  ];
  for (const [args, code, message] of cases) {
    const ended = await vedette(t, ["replay", ...args], folder);
    assert.deepEqual({ code: ended.code, stdout: ended.stdout }, { code, stdout: "" }, args.join(" ") + ended.stderr);
    assert.match(ended.stderr, message);
  }
  assert.ok(!existsSync(join(folder, "found.jsonl")));
  assert.deepEqual(existsSync(join(folder, "out")) ? readdirSync(join(folder, "out")) : [], []);
});

test("no input is ever written over, whatever it is called", async (t) => {
  const folder = folderWith(t, { "c.yaml": CONFIG });
  mkdirSync(join(folder, "data"));
  const text = series(300, 200);
  writeFileSync(join(folder, "data", "a.csv"), text);
  symlinkSync("data", join(folder, "link"));
  for (const [args, message] of [
    [
      ["--input", "data", "--scores", "data"],
      /^data.a\.csv: it is an input, which the scores of data.a\.csv would replace/,
    ],
    [["--input", "data/a.csv", "--scores", "link"], /^link.a\.csv: it is an input/],
    [
      ["--input", "data", "--anomalies", "link/a.csv"],
      /^link.a\.csv: it is an input, which the anomalies would replace/,
    ],
    [["--input", "data", "--anomalies", "data"], /^data: it is a directory; give --anomalies the name of a file/],
  ] as const) {
    const { code, stderr } = await vedette(t, ["replay", "-c", "c.yaml", ...args], folder);
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
    assert.equal(readFileSync(join(folder, "data", "a.csv"), "utf8"), text);
    assert.deepEqual(readdirSync(join(folder, "data")), ["a.csv"]);
  }
});

test("anomalies go into a pipe that is there, which stays one", async (t) => {
  const folder = folderWith(t, { "c.yaml": CONFIG, "odd.csv": series(300, 200) });
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const args = ["replay", "-c", "c.yaml", "--input", "odd.csv", "--anomalies", "pipe", "--quiet"];
  const [read, { code, stderr }] = await Promise.all([readFile(pipe, "utf8"), vedette(t, args, folder)]);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(read).labels.name, "odd");
  assert.ok(statSync(pipe).isFIFO());
});

test("what falls silent is told at the time of the recording, and so is its return", async (t) => {
  const quiet = CONFIG.replace("ewma: ,", "absence: ,").replace("[ewma]", "[absence]");
  const line = (minute: number) => `${new Date(START + minute * 60_000).toISOString()},${50 + ((minute * 7) % 11)}`;
  const lines = Array.from({ length: 400 }, (_, i) => line(i < 200 ? i : i + 300));
  const folder = folderWith(t, { "c.yaml": quiet, "a.csv": `timestamp,value\n${lines.join("\n")}\n` });
  const args = ["replay", "-c", "c.yaml", "--input", "a.csv", "--anomalies", "-", "--quiet"];
  const { code, stdout, stderr } = await vedette(t, args, folder);
  assert.equal(code, 0, stderr);
  const told = stdout
    .trimEnd()
    .split("\n")
    .map((each) => JSON.parse(each));
  assert.deepEqual(
    told.map(({ state, type }) => `${state} ${type}`),
    ["open absence", "resolved absence"],
  );
  const minutes = told.map(({ time }) => (time - START) / 60_000);
  assert.ok(minutes[0] > 201 && minutes[0] < 220, `told in minute ${minutes[0]}, after the last row in minute 199`);
  assert.ok(minutes[1] >= 500 && minutes[1] < 501, `back in minute ${minutes[1]}`);
});

test("SIGINT ends a replay with 130, and half files are gone", async (t) => {
  const folder = folderWith(t, { "c.yaml": CONFIG });
  writeFileSync(join(folder, "long.csv"), series(400_000, 9));
  const child = launch(t, ["replay", "-c", "c.yaml", "--input", "long.csv", "--scores", "out"], folder);
  await eventually("scores to be written", () => existsSync(join(folder, "out", "long.csv.partial")));
  child.signal("SIGINT");
  await once(child, "close");
  assert.equal(child.exitCode, 130, child.output.stderr);
  assert.match(child.output.stderr, /^Interrupted: /m);
  assert.deepEqual(readdirSync(join(folder, "out")), []);
});

test("SIGINT ends a replay whose exporter gets rid of nothing", async (t) => {
  const gone = CONFIG.replace(
    "{debug: }",
    '{otlp_http: {endpoint: "http://127.0.0.1:9", sending_queue: {queue_size: 1}}}',
  );
  const config = gone.replaceAll("[debug]", "[otlp_http]").replace("service:", "service:\n  shutdown_timeout: 10ms");
  const folder = folderWith(t, { "c.yaml": config, "long.csv": series(20_000, 9) });
  const args = ["replay", "-c", "c.yaml", "--input", "long.csv", "--export", "--scores", "out"];
  const child = launch(t, args, folder);
  await eventually("an export to fail", () => child.output.stderr.includes("export failed"));
  child.signal("SIGINT");
  await once(child, "close");
  assert.equal(child.exitCode, 130, child.output.stderr);
  assert.ok(!existsSync(join(folder, "out", "long.csv.partial")));
});

test("exporters run only with --export, and then all they were given arrives before the end", async (t) => {
  const config = CONFIG.replace("exporters: {debug: }", "exporters: {file: {path: sent.jsonl}}").replaceAll(
    "[debug]",
    "[file]",
  );
  const folder = folderWith(t, { "c.yaml": config, "odd.csv": series(5000, 200) });
  const args = ["replay", "-c", "c.yaml", "--input", "odd.csv", "--quiet"];
  assert.equal((await vedette(t, args, folder)).code, 0);
  assert.ok(!existsSync(join(folder, "sent.jsonl")));
  assert.equal((await vedette(t, [...args, "--export"], folder)).code, 0);
  const sent = linesOf(join(folder, "sent.jsonl"))
    .join("")
    .match(/"asDouble"/g);
  assert.ok(sent && sent.length >= 4997, `${sent?.length}`);
});

test("a replay of history is where the next run goes on: it is not warming, and its first odd point is told", async (t) => {
  const folder = folderWith(t);
  const directory = join(folder, "state");
  const config = CONFIG.replace("service:", `service:\n  state: {directory: "${directory}"}`).replace(
    "  pipelines:",
    "  pipelines:\n    anomalies: {exporters: [debug]}",
  );
  writeFileSync(join(folder, "c.yaml"), config);
  const history = Array.from({ length: 80 }, (_, i) =>
    gauge("checkout", "load", [{ time: START + i * 1000, value: 50 + (i % 7) }]),
  );
  writeFileSync(join(folder, "history.pb"), Buffer.concat(history));
  const seed = ["replay", "-c", "c.yaml", "--input", "history.pb", "--save-state"];
  const seeded = await vedette(t, seed, folder);
  assert.deepEqual([seeded.code, seeded.stderr.match(/^80 rows of 1 series/m)?.length], [0, 1], seeded.stderr);
  const agent = await startAgent(t, config);
  const odd = gauge("checkout", "load", [{ time: START + 80_000, value: 5000 }]);
  assert.equal((await request(agent.at("otlp", "http"), "/v1/metrics", odd)).status, 200);
  assert.equal(await agent.stop(), 0);
  assert.match(agent.output.stdout, /load .*5000/);
  assert.doesNotMatch(agent.output.stderr, /set aside/);
  const again = await vedette(t, seed, folder);
  assert.equal(again.code, 1, "what an agent has learnt is not overwritten");
  assert.match(again.stderr, /holds what an agent has learnt/);
});
