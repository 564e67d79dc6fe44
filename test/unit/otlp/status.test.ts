// Answers to an export, in both encodings, and what is made of the answers of others.
import assert from "node:assert/strict";
import test from "node:test";
import {
  Code,
  decodeStatus,
  encodeStatus,
  exportResponse,
  exportResponseToJson,
  readExportResponse,
  readExportResponseJson,
  statusFromJson,
  statusToJson,
} from "../../../src/otlp/status.ts";
import { oracleDecode, responseOracle } from "./otlp_json.ts";

const REFUSAL = { code: Code.RESOURCE_EXHAUSTED, message: "queues are full", retryAfter: 1500 };

test("a refusal in protobuf is google.rpc.Status with RetryInfo", () => {
  const url = Buffer.from("type.googleapis.com/google.rpc.RetryInfo").toString("hex");
  // One second and 500,000,000 nanoseconds.
  const delay = "0a0808011080cab5ee01";
  const detail = `0a28${url}120a${delay}`;
  const expected = `0808120f${Buffer.from(REFUSAL.message).toString("hex")}1a${(detail.length / 2).toString(16)}${detail}`;
  assert.equal(Buffer.from(encodeStatus(REFUSAL)).toString("hex"), expected);
});

test("a refusal in JSON is what protojson writes", () => {
  assert.deepEqual(JSON.parse(statusToJson(REFUSAL)), {
    code: 8,
    message: "queues are full",
    details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "1.500000000s" }],
  });
  assert.equal(statusToJson({ code: 3, message: "no" }), '{"code":3,"message":"no"}');
});

test("a status is read as it was written, in both encodings", () => {
  for (const retryAfter of [undefined, 0, 0.25, 999.9999999, 1000, 1500, 60_000, 3_600_000]) {
    const status = retryAfter === undefined ? { code: 14, message: "é" } : { code: 14, message: "é", retryAfter };
    for (const read of [decodeStatus(encodeStatus(status)), statusFromJson(statusToJson(status))!]) {
      assert.deepEqual({ ...read, retryAfter: undefined }, { ...status, retryAfter: undefined });
      assert.equal(read.retryAfter === undefined, retryAfter === undefined);
      assert.ok(Math.abs((read.retryAfter ?? 0) - (retryAfter ?? 0)) < 1e-5);
    }
  }
});

test("a delay that is no time asks for none", () => {
  for (const retryAfter of [-5, Number.NaN]) {
    assert.equal(decodeStatus(encodeStatus({ code: 14, message: "", retryAfter })).retryAfter, 0);
  }
  assert.ok(
    decodeStatus(encodeStatus({ code: 14, message: "", retryAfter: Number.POSITIVE_INFINITY })).retryAfter! > 1e12,
  );
});

test("an empty body is a status without a code; bytes that are none are refused", () => {
  assert.deepEqual(decodeStatus(new Uint8Array()), { code: 0, message: "" });
  assert.throws(() => decodeStatus(Buffer.from("<html>")), { code: "malformed-otlp" });
  assert.throws(() => readExportResponse(Buffer.from("<html>")), { code: "malformed-otlp" });
  assert.throws(() => readExportResponseJson("<html>"), { code: "malformed-otlp" });
});

const NO_STATUS = [
  "",
  "<html>",
  "null",
  "[]",
  '"busy"',
  "{}",
  '{"error":"busy"}',
  '{"code":"UNAVAILABLE"}',
  '{"code":1.5}',
  '{"message":5}',
];
for (const text of NO_STATUS) {
  test(`not a status: ${text || "(nothing)"}`, () => assert.equal(statusFromJson(text), undefined));
}

test("of a status in JSON only what can be used is read", () => {
  const type = "type.googleapis.com/google.rpc.RetryInfo";
  for (const details of [
    null,
    5,
    [null],
    [{}],
    [{ "@type": type }],
    [{ "@type": type, retryDelay: "-1s" }],
    [{ "@type": type, retryDelay: 5 }],
  ]) {
    assert.deepEqual(statusFromJson(JSON.stringify({ message: "busy", details })), { code: 0, message: "busy" });
  }
});

for (const [signal, count] of [
  ["metrics", "rejectedDataPoints"],
  ["logs", "rejectedLogRecords"],
  ["traces", "rejectedSpans"],
] as const) {
  test(`${signal}: a partial success says how many were rejected, and why`, () => {
    const partial = { rejected: 3, message: "too old" };
    const expected = { partialSuccess: { [count]: "3", errorMessage: "too old" } };
    assert.deepEqual(oracleDecode(responseOracle[signal], exportResponse(signal, partial)), expected);
    assert.deepEqual(JSON.parse(exportResponseToJson(signal, partial)), expected);
    assert.deepEqual(readExportResponse(exportResponse(signal, partial)), partial);
    assert.deepEqual(readExportResponseJson(exportResponseToJson(signal, partial)), partial);
  });

  test(`${signal}: a full success says nothing`, () => {
    assert.equal(exportResponse(signal).length, 0);
    assert.equal(exportResponseToJson(signal), "{}");
    assert.deepEqual(readExportResponse(exportResponse(signal)), { rejected: 0, message: "" });
    assert.deepEqual(readExportResponseJson("{}"), { rejected: 0, message: "" });
  });
}

test("a count may come as a number, and a partial success may be null", () => {
  assert.deepEqual(readExportResponseJson('{"partialSuccess":{"rejectedSpans":2}}'), { rejected: 2, message: "" });
  for (const partial of ["null", "5", '"x"', '{"rejectedSpans":"many","errorMessage":7}']) {
    assert.deepEqual(readExportResponseJson(`{"partialSuccess":${partial}}`), { rejected: 0, message: "" });
  }
});
