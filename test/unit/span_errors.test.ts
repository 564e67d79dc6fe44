// The class of a failed span, as read from its bytes.
import assert from "node:assert/strict";
import test from "node:test";
import type { Batch } from "vedette";
import { SpanScan, scanTraces } from "vedette/otlp";
import { errorClass } from "../../plugins/processors/span_errors/error_class.ts";
import { oracle } from "../exporting.ts";

type Values = Readonly<Record<string, string | number>>;

const attributes = (values: Values) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { intValue: value },
  }));

function classOf(values: Values, events: readonly Values[] = []): string | undefined {
  const span = {
    name: "POST /pay",
    attributes: attributes({ "url.path": "/pay", ...values }),
    events: events.map((each) => ({ name: "exception", attributes: attributes(each) })),
    status: { code: 2, message: "503" },
  };
  const bytes = oracle.traces.request.encode({ resourceSpans: [{ scopeSpans: [{ spans: [{}, span] }] }] }).finish();
  const rows = new SpanScan();
  scanTraces(bytes, rows, 1);
  return errorClass({ bytes, rows } as unknown as Batch, 1);
}

const classes: readonly [what: string, expected: string | undefined, values: Values, events?: readonly Values[]][] = [
  ["an HTTP status", "503", { "http.response.status_code": 503 }],
  ["the HTTP status of older SDKs", "500", { "http.status_code": 500 }],
  ["a gRPC status as a number", "UNAVAILABLE", { "rpc.grpc.status_code": 14 }],
  ["a gRPC status that is none", "77", { "rpc.grpc.status_code": 77 }],
  ["a gRPC status as text", "ABORTED", { "rpc.response.status_code": "ABORTED" }],
  ["the same code twice", "503", { "http.response.status_code": 503, "error.type": "503" }],
  ["an error type alone", "timeout", { "error.type": "timeout" }],
  ["an exception, without its package", "TimeoutError", {}, [{ "exception.type": "java.util.TimeoutError" }]],
  ["the last of several exceptions", "B", {}, [{ "exception.type": "A" }, { "exception.type": "B" }]],
  ["a code and an exception", "500 KeyError", { "http.response.status_code": 500 }, [{ "exception.type": "KeyError" }]],
  ["other attributes of the same length", undefined, { "http.response.status_xxxx": 503, "error.kind": "x" }],
  ["nothing", undefined, {}],
];

for (const [what, expected, values, events] of classes) {
  test(`the class of a span with ${what} is ${expected ?? "none"}`, () => {
    assert.equal(classOf(values, events), expected);
  });
}
