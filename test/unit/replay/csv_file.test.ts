// CSV files: whatever was written is read back, in any pieces; what cannot be read is named by file and line.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { chunksOf } from "../../../src/replay/chunks.ts";
import { CsvFile } from "../../../src/replay/csv_file.ts";
import type { ReplayedRow } from "../../../src/replay/row.ts";
import { folderWith } from "../../agent.ts";

async function* pieces(text: string, size = 7): AsyncGenerator<Buffer, void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function opened(chunks: AsyncGenerator<Buffer, void>, name = "group/cpu.csv"): CsvFile {
  return new CsvFile({ path: `/data/${name}`, name, content: "csv", size: 0 }, chunks);
}

async function rowsOf(file: CsvFile): Promise<ReplayedRow[]> {
  const rows: ReplayedRow[] = [];
  while (file.next() || (await file.more())) rows.push(...file.rows);
  return rows;
}

const read = async (text: string) => rowsOf(opened(pieces(text)));
const seen = (rows: readonly ReplayedRow[]) =>
  rows.map(({ series, timestamp, value, label }) => [series, timestamp, value, label]);

const line = fc.record({
  time: fc.integer({ min: 0, max: 4e9 }),
  value: fc.oneof(
    fc.double().map((value) => value + 0),
    fc.constantFrom("", "NaN", "null", "-"),
  ),
  label: fc.boolean(),
});

test("rows are read back as they were written, whatever the pieces, the line ends and the quotes, packed or not", async (t) => {
  const folder = folderWith(t);
  const property = fc.asyncProperty(
    fc.array(line, { maxLength: 50 }),
    fc.integer({ min: 8, max: 200 }),
    fc.constantFrom("\n", "\r\n"),
    fc.constantFrom("", '"'),
    fc.boolean(),
    async (lines, size, end, quote, packed) => {
      const head = lines.length === 0 || quote ? `timestamp,value,label${end}` : "";
      const body = lines.map(({ time, value, label }) =>
        [time, value, Number(label)].map((cell) => quote + cell + quote).join(","),
      );
      const text = head + body.join(end);
      const path = join(folder, "some.csv");
      writeFileSync(path, packed ? gzipSync(text) : text);
      const rows = await rowsOf(opened(chunksOf(path, { size })));
      assert.deepEqual(
        rows.map(({ time, text, value, label }) => ({ time, text, value, label })),
        lines.map(({ time, value, label }) => ({
          time: time * 1000,
          text: String(value),
          value: typeof value === "number" ? value : Number.NaN,
          label,
        })),
      );
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test("columns are found by name in any order, and a file of several is a series a column", async () => {
  assert.deepEqual(seen(await read("label,host,value,time\n1,a,5,100\n,b,6,101\n")), [
    ["", "100", 5, true],
    ["", "101", 6, undefined],
  ]);
  assert.deepEqual(seen(await read("Timestamp;cpu;memory\n2026-11-22 18:40;1;\n2026-11-22 18:41;2;3.5\n")), [
    ["cpu", "2026-11-22 18:40", 1, undefined],
    ["memory", "2026-11-22 18:40", Number.NaN, undefined],
    ["cpu", "2026-11-22 18:41", 2, undefined],
    ["memory", "2026-11-22 18:41", 3.5, undefined],
  ]);
});

test("a byte order mark, blank lines and infinite values are no trouble", async () => {
  assert.deepEqual(seen(await read("\ufefftimestamp,value\n\n1,inf\n  \n2,-Infinity\n3,nan\n")), [
    ["", "1", Number.POSITIVE_INFINITY, undefined],
    ["", "2", Number.NEGATIVE_INFINITY, undefined],
    ["", "3", Number.NaN, undefined],
  ]);
});

test("a value that was meant as a number and is none is counted, and the first of them named", async () => {
  const file = opened(pieces('1,n/a\n2,"1,234"\n3,5 %\n'));
  const values = (await rowsOf(file)).map(({ value }) => value);
  assert.deepEqual(values, [Number.NaN, Number.NaN, Number.NaN]);
  assert.deepEqual([file.strange, file.firstStrange], [2, '/data/group/cpu.csv:2 "1,234"']);
});

test("a row whose time goes back is fed at the time of the row before, and counted", async () => {
  const file = opened(pieces("10,1\n12,2\n11,3\n12,4\n12,5\n"));
  const times: number[] = [];
  while (file.next() || (await file.more())) times.push(file.time);
  assert.deepEqual(times, [10_000, 12_000, 12_000, 12_000, 12_000]);
  assert.deepEqual([file.backwards, file.repeated], [1, 1]);
});

test("what cannot be read is an error with file, line, cause and remedy", async () => {
  for (const [text, message] of [
    ["timestamp,value\n1,2\nyesterday,3\n", /cpu\.csv:3: "yesterday" is no timestamp; write it as in/],
    ["1,2\n2,3,4\n", /cpu\.csv:2: 3 columns where the first line has 2; correct the line/],
    ["1,2\n-5,3\n", /cpu\.csv:2: -5 lies before 1970/],
    ['1,2\n2,"3\n', /cpu\.csv:2: a quote is not closed/],
    ["1,2,3,4\n", /cpu\.csv:1: 4 columns without names; write a first line that names them/],
    ["time,a,a\n", /cpu\.csv:1: two columns have the same name/],
    ["hello\n", /cpu\.csv:1: one column only/],
    [`1,2\n3,${"4".repeat(2 ** 21)}`, /cpu\.csv:2: a line is longer than/],
  ] as const) {
    await assert.rejects(rowsOf(opened(pieces(text, 2 ** 16))), message);
  }
});

test("gzip data that is cut short is an error, and so is a file that is not there", async (t) => {
  const folder = folderWith(t);
  const path = join(folder, "cut.csv.gz");
  writeFileSync(path, gzipSync("1,2\n".repeat(1000)).subarray(0, 30));
  await assert.rejects(
    rowsOf(opened(chunksOf(path, { size: 16 }))),
    /cut\.csv\.gz: its gzip data is damaged or cut short/,
  );
  await assert.rejects(
    rowsOf(opened(chunksOf(join(folder, "no.csv"), { size: 16 }))),
    /no\.csv: .*there is no such file/,
  );
});
