// The file exporter: what is in the file, and what is not lost when the disk is not with us.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { ExportError } from "vedette";
import { jsonToProtobuf, protobufToJson } from "vedette/otlp";
import plugin from "../../plugins/exporters/file/index.ts";
import { anomalyOf, fakeHost, oracle, patience, requestOf } from "../exporting.ts";

function folder(t: TestContext): string {
  const path = fs.mkdtempSync(join(tmpdir(), "vedette-file-"));
  t.after(() => fs.rmSync(path, { recursive: true, force: true }));
  return path;
}

async function opened(t: TestContext, options: object) {
  const host = fakeHost();
  const exporter = plugin.create(plugin.config.parse({ flush_interval: "0", ...options }), host);
  await exporter.start?.();
  t.after(() => exporter.stop?.());
  return { exporter, host };
}

function frames(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    found.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return found;
}

const lines = (path: string): string[] => fs.readFileSync(path, "utf8").split("\n");

test("a request is one line of OTLP/JSON, which reads back as the same request", async (t) => {
  const path = join(folder(t), "out.jsonl");
  const { exporter } = await opened(t, { path });
  const requests = [requestOf("metrics"), requestOf("logs"), requestOf("traces")] as const;
  for (const request of requests) await exporter.export(request, patience());
  const written = lines(path);
  assert.equal(written.pop(), "");
  assert.deepEqual(
    written.map((line) => Object.keys(JSON.parse(line))[0]),
    ["resourceMetrics", "resourceLogs", "resourceSpans"],
  );
  for (const [i, { signal, bytes }] of requests.entries()) {
    const { request } = oracle[signal];
    const back = jsonToProtobuf(signal, Buffer.from(written[i]!));
    assert.deepEqual(request.decode(back).toJSON(), request.decode(bytes).toJSON());
  }
});

test("anomalies are written as their OTLP log events", async (t) => {
  const path = join(folder(t), "anomalies.jsonl");
  const { exporter } = await opened(t, { path });
  await exporter.export([anomalyOf(), anomalyOf({ reason: "second" })], patience());
  const [line, rest] = lines(path);
  const records = JSON.parse(line!).resourceLogs.flatMap((r: any) => r.scopeLogs.flatMap((s: any) => s.logRecords));
  assert.deepEqual(
    records.map((record: any) => [record.eventName, record.body.stringValue]),
    [
      ["anomaly", anomalyOf().reason],
      ["anomaly", "second"],
    ],
  );
  assert.equal(rest, "");
});

test("format proto writes each request's own bytes behind their length", async (t) => {
  const path = join(folder(t), "out.bin");
  const { exporter } = await opened(t, { path, format: "proto" });
  const requests = [requestOf("metrics", 5), requestOf("metrics", 1)];
  for (const request of requests) await exporter.export(request, patience());
  assert.deepEqual(
    frames(fs.readFileSync(path)),
    requests.map(({ bytes }) => Buffer.from(bytes)),
  );
});

test("compression zstd compresses each request alone, behind its length, in both formats", async (t) => {
  for (const format of ["json", "proto"]) {
    const path = join(folder(t), "out.zst");
    const { exporter } = await opened(t, { path, format, compression: "zstd" });
    const { bytes, ...request } = requestOf("traces", 3);
    await exporter.export({ ...request, bytes }, patience());
    await exporter.export({ ...request, bytes }, patience());
    const expected = format === "proto" ? Buffer.from(bytes) : Buffer.from(protobufToJson("traces", bytes));
    assert.deepEqual(
      frames(fs.readFileSync(path)).map((frame) => zstdDecompressSync(frame)),
      [expected, expected],
    );
  }
});

test("many exports at once give whole lines, in the order of the calls", async (t) => {
  const path = join(folder(t), "out.jsonl");
  const { exporter } = await opened(t, { path });
  await Promise.all(Array.from({ length: 50 }, (_, i) => exporter.export(requestOf("logs", i + 1), patience())));
  const counts = lines(path)
    .slice(0, -1)
    .map((line) => JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords.length);
  assert.deepEqual(
    counts,
    Array.from({ length: 50 }, (_, i) => i + 1),
  );
});

test("a new file is readable by its owner only", { skip: process.platform === "win32" && "POSIX modes" }, async (t) => {
  const path = join(folder(t), "out.jsonl");
  await opened(t, { path });
  assert.equal(fs.statSync(path).mode & 0o777, 0o600);
});

test("a file that is there is emptied, or added to with append", async (t) => {
  const path = join(folder(t), "out.jsonl");
  fs.writeFileSync(path, "{}\n");
  const adding = await opened(t, { path, append: true });
  await adding.exporter.export(requestOf("logs"), patience());
  await adding.exporter.stop?.();
  assert.equal(lines(path).length, 3);
  assert.equal(lines(path)[0], "{}");
  await opened(t, { path });
  assert.equal(fs.readFileSync(path, "utf8"), "");
});

test("after a crash in the middle of a line the next line is whole", async (t) => {
  const path = join(folder(t), "out.jsonl");
  fs.writeFileSync(path, '{}\n{"resourceLo');
  const { exporter } = await opened(t, { path, append: true });
  await exporter.export(requestOf("logs"), patience());
  const [, torn, whole] = lines(path);
  assert.equal(torn, '{"resourceLo');
  assert.ok(JSON.parse(whole!).resourceLogs);
});

test("a place that cannot be written to is refused at the start, with the remedy", async (t) => {
  const root = folder(t);
  fs.writeFileSync(join(root, "file"), "");
  const refusals: [path: string, message: RegExp][] = [
    [join(root, "missing", "out.jsonl"), /ENOENT\): there is no such directory; .*create_directory/],
    [root, /EISDIR\): it is a directory/],
    [join(root, "file", "out.jsonl"), /ENOTDIR\)/],
  ];
  for (const [path, message] of refusals) {
    const exporter = plugin.create(plugin.config.parse({ path }), fakeHost());
    await assert.rejects(async () => exporter.start?.(), message);
    await exporter.stop?.();
  }
  const path = join(root, "missing", "deep", "out.jsonl");
  const { exporter } = await opened(t, { path, create_directory: true });
  await exporter.export(requestOf("logs"), patience());
  assert.equal(lines(path).length, 2);
});

test("stop may come twice and without start; an export after it fails", async (t) => {
  const path = join(folder(t), "out.jsonl");
  const { exporter } = await opened(t, { path });
  const last = exporter.export(requestOf("logs"), patience());
  await exporter.stop?.();
  await exporter.stop?.();
  await last;
  assert.equal(lines(path).length, 2);
  await assert.rejects(exporter.export(requestOf("logs"), patience()), ExportError);
  await plugin.create(plugin.config.parse({ path }), fakeHost()).stop?.();
});

test("an export whose time is up before its turn writes nothing and may be tried again", async (t) => {
  const path = join(folder(t), "out.jsonl");
  const { exporter } = await opened(t, { path });
  await assert.rejects(exporter.export(requestOf("logs"), AbortSignal.abort()), {
    name: "ExportError",
    retryable: true,
  });
  assert.equal(fs.readFileSync(path, "utf8"), "");
});

test("a full disk is a failure that may be tried again", {
  skip: !fs.existsSync("/dev/full") && "needs /dev/full, which Linux has",
}, async (t) => {
  const { exporter } = await opened(t, { path: "/dev/full" });
  await assert.rejects(exporter.export(requestOf("logs"), patience()), (error: ExportError) => {
    assert.match(error.message, /disk is full/);
    return error instanceof ExportError && error.retryable;
  });
});

test("a record that does not fit is cut off again, and the next that fits is whole", {
  skip: process.platform === "win32" && "needs the file size limit of a POSIX shell",
}, (t) => {
  const path = join(folder(t), "out");
  const module = new URL("../../plugins/exporters/file/output.ts", import.meta.url);
  const script = `
    import { statSync } from "node:fs";
    import { Output } from ${JSON.stringify(module.href)};
    const path = process.argv[1];
    const output = new Output({ path, append: false, createDirectory: false, now: () => 0, onRotationFailure() {} });
    await output.open();
    for (const length of [3000, 3000, 4000, 1000]) {
      await output.write(Buffer.alloc(length, String(length)[0])).catch((error) => console.log(length, error.code, statSync(path).size));
    }
    await output.close();`;
  const limited = ["-c", 'ulimit -f 16 && exec "$0" "$@"', process.execPath, "--input-type=module", "-e", script, path];
  const { stdout, stderr } = spawnSync("sh", limited, { encoding: "utf8" });
  assert.equal(stdout, "4000 EFBIG 6000\n", stderr);
  assert.equal(fs.readFileSync(path, "utf8"), "3".repeat(6000) + "1".repeat(1000));
});

test("malformed bytes are a failure for good, and the file stays as it is", async (t) => {
  const path = join(folder(t), "out.jsonl");
  const { exporter } = await opened(t, { path });
  const bytes = Uint8Array.of(10, 200, 1);
  await assert.rejects(exporter.export({ signal: "logs", bytes, items: 1 }, patience()), { code: "malformed-otlp" });
  await exporter.export(requestOf("logs"), patience());
  assert.equal(lines(path).length, 2);
});

test("rotation begins a new file before one grows past its size, and keeps so many old ones", async (t) => {
  const root = folder(t);
  const path = join(root, "out.jsonl");
  const { bytes } = requestOf("logs", 3);
  const size = protobufToJson("logs", bytes).length + 1;
  const rotation = { max_megabytes: (2.5 * size) / 1024 ** 2, max_backups: 2 };
  const { exporter, host } = await opened(t, { path, rotation });
  for (let i = 0; i < 9; i++) {
    await exporter.export({ signal: "logs", bytes, items: 3 }, patience());
    if (i === 7) host.clock += 1000;
  }
  const files = fs.readdirSync(root).sort();
  assert.deepEqual(files, ["out-2026-11-22T18-40-00.002.jsonl", "out-2026-11-22T18-40-01.000.jsonl", "out.jsonl"]);
  assert.deepEqual(
    files.map((file) => lines(join(root, file)).length - 1),
    [2, 2, 1],
  );
});

test("rotation removes files past their age, and only its own", async (t) => {
  const root = folder(t);
  const others = ["out-2020-01-01T00-00-00.000.txt", "out-notes.jsonl", "other-2020-01-01T00-00-00.000.jsonl"];
  for (const name of ["out-2020-01-01T00-00-00.000.jsonl", ...others]) fs.writeFileSync(join(root, name), "");
  const path = join(root, "out.jsonl");
  const { exporter } = await opened(t, { path, rotation: { max_megabytes: 1e-6, max_days: 1 } });
  for (let i = 0; i < 2; i++) await exporter.export(requestOf("logs"), patience());
  assert.deepEqual(fs.readdirSync(root).sort(), [...others, "out-2026-11-22T18-40-00.000.jsonl", "out.jsonl"].sort());
});

test("under rotation a restart goes on in the same file", async (t) => {
  const path = join(folder(t), "out.jsonl");
  for (let i = 0; i < 2; i++) {
    const { exporter } = await opened(t, { path, rotation: {} });
    await exporter.export(requestOf("logs"), patience());
    await exporter.stop?.();
  }
  assert.equal(lines(path).length, 3);
});

test("a rotation that fails is logged and loses nothing", async (t) => {
  const root = folder(t);
  const path = join(root, "out.jsonl");
  const { exporter, host } = await opened(t, { path, rotation: { max_megabytes: 1e-6 } });
  await exporter.export(requestOf("logs"), patience());
  fs.renameSync(path, join(root, "moved.jsonl"));
  await exporter.export(requestOf("logs"), patience());
  assert.equal(lines(join(root, "moved.jsonl")).length, 3);
  assert.match(host.logged[0]!.message, /cannot rotate .*out\.jsonl/);
});

test("append and compression together are a configuration error", () => {
  const result = plugin.config.safeParse({ path: "x", append: true, compression: "zstd" });
  assert.deepEqual(
    result.error?.issues.map(({ path }) => path.join(".")),
    ["append"],
  );
  assert.equal(plugin.config.safeParse({}).success, false);
});
