// Labels as people have them: files of windows and of points, by the names that their inputs go by.
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { isAbout, readLabels } from "../../../src/backtest/labels.ts";
import { Recorder } from "../../../src/backtest/recorder.ts";
import { unjudged } from "../../../src/replay/row.ts";
import { folderWith, type Scope } from "../../agent.ts";

const read = (scope: Scope, name: string, text: string) => readLabels(join(folderWith(scope, { [name]: text }), name));
const at = (text: string) => Date.parse(`2024-05-01T${text}Z`);

test("windows and points, as JSON and as CSV, mean the same", async (t) => {
  const windows = new Map([["a.csv", [[at("10:00:00"), at("11:00:00")]]]]);
  const nab = await read(t, "w.json", '{"a.csv": [["2024-05-01 10:00:00.000000", "2024-05-01T11:00:00Z"]]}');
  assert.deepEqual(nab, { kind: "windows", intervals: windows });
  const rows = 'series,start,end,why\na.csv,2024-05-01T10:00:00Z,2024-05-01T13:00:00+02:00,"rain, hail"\n';
  assert.deepEqual(await read(t, "w.csv", rows), nab);
  const points = await read(t, "p.json", '{"": ["2024-05-01 10:00:00"]}');
  assert.deepEqual(points, { kind: "points", intervals: new Map([["", [[at("10:00:00"), at("10:00:00")]]]]) });
  const labelled = "timestamp,label\r\n2024-05-01T09:00:00Z,0\r\n2024-05-01T10:00:00Z,1\r\n";
  assert.deepEqual(await read(t, "p.csv", labelled), points);
  assert.deepEqual(await read(t, "q.csv", "timestamp\n2024-05-01T10:00:00Z\n"), points);
});

test("a file of labels that cannot be understood is named, with place and remedy", async (t) => {
  const cases: [string, RegExp][] = [
    ["", /f:1: its first line names no columns of labels; write /],
    ['{"a": [', /f: it is no JSON: /],
    ['["2024-05-01"]', /f: a list says not what it is about; write /],
    ['{"a": 3}', /f: "a" has no list of labels; write /],
    ['{"a": [["2024-05-01"]]}', /f: "a" has \["2024-05-01"\], which is no pair of start and end/],
    ['{"a": ["noon"]}', /f: "a" has "noon", which is no time; write 2024-/],
    ['{"a": ["2024-05-01", ["2024-05-01", "2024-05-02"]]}', /f: it holds both windows and points/],
    ["start,end\n2024-05-02,2024-05-01\n", /f:2: 2024-05-02 to 2024-05-01: which ends before it starts/],
    ["start,end\n2024-05-02\n", /f:2: 1 cells where the first line has 2/],
    ["timestamp,label\n2024-05-02,maybe\n", /f:2: the label "maybe" is neither 1 nor 0/],
  ];
  for (const [text, message] of cases) await assert.rejects(read(t, "f", text), message, text);
  await assert.rejects(readLabels("/nowhere/labels.json"), /^Error: \/nowhere\/labels.json: it cannot be read: /);
});

test("a name is about an input as far as both tell its path, or about a series by its own name", () => {
  assert.ok(isAbout("realTweets/a.csv", "realTweets/a.csv", ""));
  assert.ok(isAbout("realTweets/a.csv.gz", "a.csv", ""));
  assert.ok(isAbout("a.csv", "realTweets/a.csv", ""));
  assert.ok(isAbout("cpu", "hosts.csv", "cpu"));
  assert.ok(isAbout("", "anything.csv", "any"));
  assert.ok(!isAbout("a.csv", "aa.csv", ""));
  assert.ok(!isAbout("memory", "hosts.csv", "cpu"));
  assert.ok(!isAbout("other/a.csv", "realTweets/a.csv", ""));
});

test("rows are kept by series, and meet the labels that are about them", () => {
  const recorder = new Recorder();
  for (let i = 0; i < 1000; i++) {
    const time = at("00:00:00") + i * 60_000;
    for (const series of ["cpu", "memory"]) {
      const timestamp = new Date(time).toISOString();
      const row = unjudged({ input: "hosts.csv", series, time, timestamp, value: 1, text: "1", label: undefined });
      recorder.push({ ...row, score: series === "cpu" ? i : Number.NaN });
    }
  }
  assert.equal(recorder.labelled, false);
  const intervals = new Map([
    ["cpu", [[at("01:00:00"), at("02:00:00")] as const]],
    ["disk", []],
  ]);
  const { series, unmatched, unnamed, kind } = recorder.finish({ kind: "windows", intervals });
  assert.equal(kind, "windows");
  assert.deepEqual([unmatched, unnamed], [["disk"], ["hosts.csv memory"]]);
  const shown = series.map(({ name, events, score }) => [name, events, score.length, score[999]]);
  assert.deepEqual(shown, [
    ["hosts.csv cpu", [[60, 120]], 1000, 999],
    ["hosts.csv memory", [], 1000, Number.NaN],
  ]);
});
