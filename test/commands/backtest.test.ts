// `vedette backtest` as a user runs it: inputs and labels in, a table or JSON out, and what it says when they do not fit.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { START } from "../../src/testing/fake_host.ts";
import { folderWith, launch, type Scope, vedette } from "../agent.ts";

const MINUTE = 60_000;
/** Rows of the two faults. */
const SPIKES = [700, 701, 900];

const stamp = (row: number) => new Date(START + row * MINUTE).toISOString().slice(0, 19);

/** A thousand minutes that swing a little, with two spikes. */
function csv(labelled: boolean): string {
  const lines = Array.from({ length: 1000 }, (_, row) => {
    const spike = SPIKES.includes(row);
    const value = 100 + 3 * Math.sin(row * 1.7) + (row % 7) / 5 + (spike ? 400 : 0);
    return `${stamp(row)},${value}${labelled ? `,${Number(spike)}` : ""}`;
  });
  return `timestamp,value${labelled ? ",label" : ""}\n${lines.join("\n")}\n`;
}

const EWMA = `yaml:
receivers: {otlp: {protocols: {http: {}}}}
processors: {ewma: {threshold: 4}}
exporters: {debug: {}}
service: {pipelines: {metrics: {receivers: [otlp], processors: [ewma], exporters: [debug]}}}`;

const backtest = (t: Scope, folder: string, ...args: string[]) =>
  vedette(t, ["backtest", "--config", EWMA, "--input", ...args], folder);

test("labels of the inputs' own are judged as points", async (t) => {
  const folder = folderWith(t, { "a.csv": csv(true) });
  const { code, stdout } = await backtest(t, folder, "a.csv", "--format", "json");
  assert.equal(code, 0);
  const { labels, series, rows, nab, delay_adjusted, points, events } = JSON.parse(stdout);
  assert.deepEqual({ labels, series, rows, nab }, { labels: "points", series: 1, rows: 1000, nab: undefined });
  assert.equal(delay_adjusted.recall, 1);
  assert.equal(points.best_f1, 1);
  assert.deepEqual([events.events, events.found, events.found_in_time, events.delay_rows], [2, 2, 2, 0]);
});

test("of two inputs of which one has labels, the other counts as normal, which is said", async (t) => {
  const folder = folderWith(t);
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", "a.csv"), csv(true));
  writeFileSync(join(folder, "data", "b.csv"), csv(false));
  const { code, stderr } = await backtest(t, folder, "data");
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^1 series have no labels and count as normal: b\.csv\.$/m);
});

test("SIGINT ends it with 130, and nothing is judged", async (t) => {
  const lines = Array.from({ length: 400_000 }, (_, row) => `${stamp(row)},${row % 7},0`);
  const folder = folderWith(t, { "a.csv": lines.join("\n"), "c.yaml": EWMA.slice("yaml:".length) });
  // the last of the plugins is loaded by the time that the labels are read
  execFileSync("mkfifo", [join(folder, "labels")]);
  const child = launch(t, ["backtest", "-c", "c.yaml", "--input", "a.csv", "--labels", "labels"], folder);
  await writeFile(join(folder, "labels"), '{"a.csv": []}');
  child.signal("SIGINT");
  await once(child, "close");
  assert.deepEqual([child.exitCode, child.output.stdout], [130, ""], child.output.stderr);
  assert.match(child.output.stderr, /^Interrupted: nothing was judged\.$/m);
});

test("windows of a file are judged as NAB does, in a table that names what was measured", async (t) => {
  const windows = {
    "a.csv": [
      [690, 720],
      [890, 905],
    ].map((rows) => rows.map(stamp)),
  };
  const folder = folderWith(t, { "a.csv": csv(false), "windows.json": JSON.stringify(windows) });
  const { code, stdout, stderr } = await backtest(t, folder, "a.csv", "--labels", "windows.json");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^1 series, 1,000 rows, 2 events labelled by windows$/m);
  assert.match(stdout, /^ +default +best +at score$/m);
  assert.match(stdout, /^NAB standard +\d+\.\d +\d+\.\d +[\d.]+$/m);
  assert.match(stdout, /^events found +100\.0 % \(2 of 2\)$/m);
  assert.match(stdout, /^median delay +10 min \(10 rows\)$/m);
  assert.match(stdout, /^false alarms +\d+ \([\d.]+ a day, [\d.]+ a day of one series\)$/m);
});

test("what does not fit ends with 1 and says why, and what to do", async (t) => {
  const folder = folderWith(t, {
    "a.csv": csv(false),
    "other.json": '{"b.csv": [["2024-01-01", "2024-01-02"]]}',
    "broken.csv": "timestamp,label\nnoon,1\n",
  });
  const cases: [string[], RegExp][] = [
    [["a.csv"], /no row came with a label: add a column "label" .* --labels/],
    [
      ["a.csv", "--labels", "other.json"],
      /^other.json: no label is about any of the inputs: it names b.csv; the inputs are a.csv$/m,
    ],
    [["a.csv", "--labels", "broken.csv"], /^broken.csv:2: noon to noon: which is no time; write 2024-/m],
    [["a.csv", "--labels", "none.json"], /^none.json: it cannot be read: /m],
    [["none.csv"], /^none.csv: /m],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await backtest(t, folder, ...args);
    assert.deepEqual({ code, stdout }, { code: 1, stdout: "" }, args.join(" "));
    assert.match(stderr, message);
  }
  const missing = await vedette(t, ["backtest"], folder);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /^--input PATH is missing/);
});
