// Inputs: what a file holds is told from its content, and what is written as OTLP is read back request by request.
import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import type { Telemetry } from "../../../src/api/index.ts";
import { protobufToJson } from "../../../src/otlp/to_json.ts";
import { chunksOf } from "../../../src/replay/chunks.ts";
import { findInputs } from "../../../src/replay/inputs.ts";
import { type Request, requestsOf } from "../../../src/replay/requests.ts";
import { folderWith } from "../../agent.ts";
import { gauge, logs, traces } from "../../requests.ts";

const id = (digits: number) => "ab".repeat(digits / 2);
const SAMPLES: readonly (readonly [Telemetry, Buffer])[] = [
  ["metrics", gauge("shop", "load", [{ time: 1e12, value: 1 }])],
  ["logs", logs("shop", [{ time: 1e12, severity: 9, body: "hello" }])],
  ["traces", traces("shop", [{ name: "GET /", time: 1e12, duration: 5, traceId: id(32), spanId: id(16) }])],
];

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/** As the file exporter writes each request, by what it calls the format. */
const FORMATS: Readonly<Record<string, (signal: Telemetry, bytes: Buffer) => Buffer>> = {
  json: (signal, bytes) => Buffer.from(`${protobufToJson(signal, bytes)}\n`),
  proto: (_signal, bytes) => framed(bytes),
  "json in zstd": (signal, bytes) => framed(zstdCompressSync(protobufToJson(signal, bytes))),
  "proto in zstd": (_signal, bytes) => framed(zstdCompressSync(bytes)),
};

async function requestsIn(path: string, size: number): Promise<Request[]> {
  const { inputs } = await findInputs([path]);
  const requests: Request[] = [];
  for await (const request of requestsOf(inputs[0], chunksOf(path, { size }))) requests.push(request);
  return requests;
}

for (const [format, write] of Object.entries(FORMATS)) {
  test(`requests written as ${format} are read back in any pieces, plain or gzip`, async (t) => {
    const path = join(folderWith(t), "recording");
    const some = fc.array(fc.constantFrom(...SAMPLES), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(some, fc.integer({ min: 8, max: 300 }), fc.boolean(), async (samples, size, packed) => {
        const file = Buffer.concat(samples.map(([signal, bytes]) => write(signal, bytes)));
        writeFileSync(path, packed ? gzipSync(file) : file);
        const requests = await requestsIn(path, size);
        assert.deepEqual(
          requests.map(({ signal, bytes }) => [signal, protobufToJson(signal, bytes)]),
          samples.map(([signal, bytes]) => [signal, protobufToJson(signal, bytes)]),
        );
      }),
      { numRuns: 30 },
    );
  });
}

test("a single request in protobuf is an input, whichever signal it is of", async (t) => {
  const path = join(folderWith(t), "request.bin");
  for (const [signal, bytes] of SAMPLES) {
    writeFileSync(path, bytes);
    const [request] = await requestsIn(path, 16);
    assert.deepEqual([request.signal, Buffer.from(request.bytes)], [signal, bytes]);
  }
});

test("a directory is searched through: names lie below it, what holds no telemetry is left out", async (t) => {
  const elsewhere = folderWith(t, { "c.csv": "1,2\n" });
  const folder = folderWith(t, {
    "b.csv": "1,2\n",
    "README.md": "# About, these files",
    "notes.txt": "to do: buy milk, bread\nand more\n",
    "table.txt": "time;value\n1;2\n",
    "windows.json": "{}",
    ".hidden.csv": "1,2\n",
  });
  mkdirSync(join(folder, "deep"));
  writeFileSync(join(folder, "deep", "a.csv.gz"), gzipSync("1,2\n"));
  writeFileSync(join(folder, "deep", "spans.jsonl"), '{"resourceSpans":[]}\n');
  symlinkSync(folder, join(folder, "deep", "above"));
  symlinkSync(elsewhere, join(folder, "linked"));
  const { inputs, leftOut } = await findInputs([folder]);
  assert.deepEqual(
    inputs.map(({ name, content, signal }) => [name, content, signal]),
    [
      ["b.csv", "csv", undefined],
      ["deep/a.csv", "csv", undefined],
      ["deep/spans.jsonl", "json", "traces"],
      ["linked/c.csv", "csv", undefined],
      ["table.txt", "csv", undefined],
    ],
  );
  assert.deepEqual(
    leftOut,
    ["README.md", "notes.txt", "windows.json"].map((name) => join(folder, name)),
  );
});

test("what is no input is an error with cause and remedy", async (t) => {
  const folder = folderWith(t, {
    "picture.png": "\u0089PNG\u0000\u0001",
    "settings.json": '{"a":1}',
    "broken.jsonl": '{"resourceMetrics":[]}\n{"resourceMetrics":[\n',
    "empty.csv": "",
    "pretty.json": '{\n  "resourceMetrics": []\n}\n',
  });
  mkdirSync(join(folder, "empty"));
  writeFileSync(join(folder, "utf16.csv"), "\ufefftimestamp,value\n1,2\n", "utf16le");
  writeFileSync(join(folder, "cut"), framed(SAMPLES[0][1]).subarray(0, 40));
  for (const [file, message] of [
    ["nowhere.csv", /nowhere\.csv: it cannot be read: there is no such file/],
    ["picture.png", /picture\.png: it is neither CSV nor OTLP/],
    ["settings.json", /settings\.json: it is JSON, but no OTLP/],
    ["empty", /empty: there is no telemetry in it/],
    ["broken.jsonl", /broken\.jsonl:2: request 2 is no OTLP \(not JSON.*\); correct the line/],
    ["pretty.json", /pretty\.json:1: request 1 is no OTLP .*; write each request in one line/],
    ["utf16.csv", /utf16\.csv: it is text in UTF-16; save it as UTF-8/],
    ["cut", /cut: it ends within request 1; copy the file anew/],
  ] as const) {
    await assert.rejects(requestsIn(join(folder, file), 64), message);
  }
});
