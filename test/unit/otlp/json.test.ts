// OTLP/JSON and protobuf say the same, whoever writes them and however; what is neither is refused.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { Telemetry } from "../../../src/api/signals.ts";
import { ExportRequest } from "../../../src/otlp/fields.ts";
import { jsonToProtobuf } from "../../../src/otlp/from_json.ts";
import { protobufToJson } from "../../../src/otlp/to_json.ts";
import { DecodeError } from "../../../src/otlp/wire.ts";
import { type Json, oracle, oracleDecode, oracleEncode, type Respell, requests, respell } from "./otlp_json.ts";

const SIGNALS = ["metrics", "logs", "traces"] as const;

const encode = (signal: Telemetry, json: unknown) => jsonToProtobuf(signal, Buffer.from(JSON.stringify(json)));
const decode = (signal: Telemetry, bytes: Uint8Array): Json => oracleDecode(oracle[signal], bytes);

/** Calls `run`; true when it refused its input properly, false when it took it. */
function refuses(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return true;
  }
}

for (const signal of SIGNALS) {
  test(`${signal}: any JSON request becomes the protobuf that another implementation makes of it`, () => {
    const check = (json: Json) =>
      assert.deepEqual(decode(signal, encode(signal, json)), decode(signal, oracleEncode(signal, json)));
    fc.assert(fc.property(requests[signal], check), { numRuns: 100 });
  });

  test(`${signal}: any protobuf request becomes JSON without loss, on one line`, () => {
    fc.assert(
      fc.property(requests[signal], (json) => {
        const text = protobufToJson(signal, oracleEncode(signal, json));
        assert.deepEqual(JSON.parse(text), json);
        assert.equal(text.includes("\n"), false);
      }),
      { numRuns: 100 },
    );
  });

  test(`${signal}: snake_case names, numbers for strings and names for enum numbers mean the same`, () => {
    const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const loosely: Respell = (field, value) => {
      if (field.values)
        return [snake(field.name), Object.keys(field.values).find((name) => field.values![name] === value)];
      const integer = /64$/.test(field.kind) && Number.isSafeInteger(Number(value));
      return [snake(field.name), integer ? Number(value) : value];
    };
    const check = (json: Json) =>
      assert.deepEqual(encode(signal, respell(ExportRequest[signal], json, loosely)), encode(signal, json));
    fc.assert(fc.property(requests[signal], check), { numRuns: 100 });
  });

  test(`${signal}: whatever bytes are sent as JSON or as protobuf are read or refused, never worse`, () => {
    fc.assert(
      fc.property(requests[signal], fc.uint8Array({ maxLength: 8 }), fc.nat(), fc.nat(), (json, noise, from, cut) => {
        const bytes = Buffer.from(oracleEncode(signal, json));
        bytes.set(noise.subarray(0, bytes.length), bytes.length > 8 ? from % (bytes.length - 8) : 0);
        refuses(() => protobufToJson(signal, bytes));
        refuses(() => protobufToJson(signal, bytes.subarray(0, cut % (bytes.length + 1))));
        const text = Buffer.from(JSON.stringify(json));
        text.set(noise.subarray(0, text.length), text.length > 8 ? from % (text.length - 8) : 0);
        refuses(() => jsonToProtobuf(signal, text));
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (json) => void refuses(() => encode(signal, { resourceSpans: json, ...(json as object) })),
      ),
    );
  });
}

const span = (fields: unknown) => ({ resourceSpans: [{ scopeSpans: [{ spans: [fields] }] }] });
const point = (fields: unknown) => ({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ gauge: { dataPoints: [fields] } }] }] }],
});
const log = (fields: unknown) => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [fields] }] }] });
const onlyPoint = (bytes: Uint8Array) =>
  decode("metrics", bytes).resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0];

test("a metrics request with every field that OTLP has arrives whole", () => {
  const attributes = [{ key: "k", value: { intValue: "-1" } }];
  const exemplars = [
    {
      timeUnixNano: "7",
      asInt: "-8",
      spanId: "00f067aa0ba902b7",
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      filteredAttributes: attributes,
    },
  ];
  const times = { startTimeUnixNano: "1714000000000000001", timeUnixNano: "1714000000000000002" };
  const number = { ...times, asDouble: 1.5, exemplars, attributes, flags: 1 };
  const range = { count: "3", sum: 0, min: 0, max: 0 };
  const json = {
    resourceMetrics: [
      {
        resource: {
          attributes,
          droppedAttributesCount: 1,
          entityRefs: [{ schemaUrl: "u", type: "t", idKeys: ["i"], descriptionKeys: ["d"] }],
        },
        scopeMetrics: [
          {
            scope: { name: "n", version: "v", attributes, droppedAttributesCount: 2 },
            metrics: [
              { name: "g", description: "d", unit: "s", gauge: { dataPoints: [number] }, metadata: attributes },
              { sum: { dataPoints: [number], aggregationTemporality: 2, isMonotonic: true } },
              {
                histogram: {
                  dataPoints: [
                    {
                      ...times,
                      ...range,
                      bucketCounts: ["0", "3"],
                      explicitBounds: [0.5],
                      exemplars,
                      attributes,
                      flags: 1,
                    },
                  ],
                  aggregationTemporality: 1,
                },
              },
              {
                exponentialHistogram: {
                  dataPoints: [
                    {
                      ...times,
                      ...range,
                      attributes,
                      scale: -3,
                      zeroCount: "1",
                      positive: { offset: -2, bucketCounts: ["1", "0"] },
                      negative: { offset: 2, bucketCounts: ["300"] },
                      flags: 1,
                      exemplars,
                      zeroThreshold: 0.25,
                    },
                  ],
                  aggregationTemporality: 2,
                },
              },
              {
                summary: {
                  dataPoints: [
                    {
                      ...times,
                      attributes,
                      count: "4",
                      sum: 5,
                      quantileValues: [{ quantile: 0.5, value: 6 }],
                      flags: 1,
                    },
                  ],
                },
              },
            ],
            schemaUrl: "s",
          },
        ],
        schemaUrl: "r",
      },
    ],
  };
  assert.deepEqual(decode("metrics", encode("metrics", json)), json);
});

test("a logs and a traces request with every field that OTLP has arrive whole", () => {
  const values = [
    { stringValue: "" },
    { boolValue: false },
    { intValue: "0" },
    { doubleValue: 0 },
    { bytesValue: "AAE=" },
    {},
  ];
  const body = { kvlistValue: { values: [{ key: "all", value: { arrayValue: { values } } }] } };
  const attributes = [{ key: "k", value: body }];
  const ids = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
  const record = {
    ...ids,
    timeUnixNano: "1",
    observedTimeUnixNano: "2",
    severityNumber: 17,
    severityText: "ERROR",
    body,
    attributes,
    droppedAttributesCount: 3,
    flags: 4,
    eventName: "e",
  };
  const logs = {
    resourceLogs: [{ resource: {}, scopeLogs: [{ scope: {}, logRecords: [record], schemaUrl: "s" }], schemaUrl: "r" }],
  };
  assert.deepEqual(decode("logs", encode("logs", logs)), logs);
  const whole = {
    ...ids,
    traceState: "a=b",
    parentSpanId: "0102030405060708",
    flags: 257,
    name: "GET /",
    kind: 2,
    startTimeUnixNano: "1",
    endTimeUnixNano: "2",
    attributes,
    droppedAttributesCount: 1,
    events: [{ timeUnixNano: "3", name: "e", attributes, droppedAttributesCount: 2 }],
    droppedEventsCount: 3,
    links: [{ ...ids, traceState: "c=d", attributes, droppedAttributesCount: 4, flags: 768 }],
    droppedLinksCount: 5,
    status: { message: "m", code: 2 },
  };
  const traces = { resourceSpans: [{ scopeSpans: [{ spans: [whole], schemaUrl: "s" }], schemaUrl: "r" }] };
  assert.deepEqual(decode("traces", encode("traces", traces)), traces);
});

test("nanoseconds that a sender wrote as JSON numbers keep every digit", () => {
  const json = JSON.stringify(point({ timeUnixNano: 0, asInt: 1 })).replace(
    ':0,"asInt":1',
    ':1714000000123456789,"asInt":-9007199254740993',
  );
  assert.deepEqual(onlyPoint(jsonToProtobuf("metrics", Buffer.from(json))), {
    timeUnixNano: "1714000000123456789",
    asInt: "-9007199254740993",
  });
});

test("enum names stand for the numbers that another implementation knows them by", () => {
  const severities = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].flatMap((range) =>
    ["", 2, 3, 4].map((n) => range + n),
  );
  const requests: [Telemetry, Json][] = [
    ...severities.map((name): [Telemetry, Json] => ["logs", log({ severityNumber: `SEVERITY_NUMBER_${name}` })]),
    ...["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"].map((name): [Telemetry, Json] => [
      "traces",
      span({ kind: `SPAN_KIND_${name}` }),
    ]),
    ...["OK", "ERROR"].map((name): [Telemetry, Json] => ["traces", span({ status: { code: `STATUS_CODE_${name}` } })]),
    ...["DELTA", "CUMULATIVE"].map((name): [Telemetry, Json] => {
      const sum = { aggregationTemporality: `AGGREGATION_TEMPORALITY_${name}` };
      return ["metrics", { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ sum }] }] }] }];
    }),
  ];
  for (const [signal, json] of requests) {
    const expected = decode(signal, oracleEncode(signal, json));
    assert.match(JSON.stringify(expected), /:[1-9]/);
    assert.deepEqual(decode(signal, encode(signal, json)), expected);
  }
});

test("a null double is the NaN that JavaScript could not write, unless the value is given elsewhere", () => {
  assert.deepEqual(onlyPoint(encode("metrics", point({ asDouble: null }))), { asDouble: "NaN" });
  assert.deepEqual(onlyPoint(encode("metrics", point({ asDouble: null, asInt: "3" }))), { asInt: "3" });
  assert.deepEqual(onlyPoint(encode("metrics", point({ asInt: null, attributes: null }))), {});
});

test("a double may be written as text, and -0 keeps its sign", () => {
  for (const value of ["NaN", "Infinity", "-Infinity"]) {
    const bytes = encode("metrics", point({ asDouble: value }));
    assert.deepEqual(onlyPoint(bytes), { asDouble: value });
    assert.match(protobufToJson("metrics", bytes), new RegExp(`"asDouble":"${value}"`));
  }
  assert.deepEqual(onlyPoint(encode("metrics", point({ asDouble: "1.5e3" }))), { asDouble: 1500 });
  const negative = jsonToProtobuf("metrics", Buffer.from(JSON.stringify(point({ asDouble: 0 })).replace(":0", ":-0")));
  assert.match(protobufToJson("metrics", negative), /"asDouble":-0\b/);
});

test("fields and keys that OTLP does not have are passed over, __proto__ among them", () => {
  const json = JSON.stringify(log({ severityNumber: 9, new: { deep: [] } })).replace(
    "{",
    '{"__proto__":{"resourceLogs":1},"constructor":2,',
  );
  assert.deepEqual(decode("logs", jsonToProtobuf("logs", Buffer.from(json))), log({ severityNumber: 9 }));
  const key = log({ attributes: [{ key: "__proto__", value: { stringValue: "x" } }] });
  assert.deepEqual(JSON.parse(protobufToJson("logs", encode("logs", key))), key);
});

test("text keeps its letters; an unpaired surrogate becomes U+FFFD", () => {
  for (const text of [
    "x".repeat(63),
    "x".repeat(64),
    "é".repeat(63),
    "é".repeat(64),
    "日本".repeat(3000),
    "😀".repeat(40),
  ]) {
    assert.deepEqual(decode("logs", encode("logs", log({ severityText: text }))), log({ severityText: text }));
  }
  assert.deepEqual(
    decode("logs", encode("logs", log({ severityText: "a\ud800b" }))),
    log({ severityText: "a\ufffdb" }),
  );
});

const lists = (depth: number) => `${'{"arrayValue":{"values":['.repeat(depth)}{}${"]}}".repeat(depth)}`;

const REFUSED: readonly [what: string, signal: Telemetry, json: string | Uint8Array, message: RegExp][] = [
  ["no JSON", "logs", "{", /^not JSON: /],
  ["nothing", "logs", "", /^not JSON: /],
  ["an array", "logs", "[]", /^the request is not an object$/],
  ["a string", "logs", '"resourceLogs"', /^the request is not an object$/],
  ["null", "logs", "null", /^the request is not an object$/],
  ["bytes that are not UTF-8", "logs", Buffer.from('{"a":"\xff"}', "latin1"), /not valid UTF-8/],
  ["an object for an array", "traces", '{"resourceSpans":{}}', /^resourceSpans is not an array$/],
  ["an array for an object", "traces", '{"resourceSpans":[[]]}', /^resourceSpans\[0\] is not an object$/],
  ["null in an array", "traces", '{"resourceSpans":[{},null]}', /^resourceSpans\[1\] is not an object$/],
  [
    "a fault deep inside",
    "traces",
    '{"resourceSpans":[{},{"scopeSpans":[{"spans":[{},{},{"name":5}]}]}]}',
    /^resourceSpans\[1\]\.scopeSpans\[0\]\.spans\[2\]\.name is not a string$/,
  ],
  ["a short id", "traces", JSON.stringify(span({ traceId: "abc" })), /traceId is not an id of 32 hex digits/],
  [
    "an id in base64",
    "traces",
    JSON.stringify(span({ spanId: "APBnqgupArc=" })),
    /spanId is not an id of 16 hex digits/,
  ],
  ["an id of other letters", "traces", JSON.stringify(span({ spanId: "00f067aa0ba902bx" })), /spanId is not an id/],
  ["an unknown kind of span", "traces", JSON.stringify(span({ kind: "SERVER" })), /kind is not a name of its enum/],
  ["an inherited name for an enum", "traces", JSON.stringify(span({ kind: "toString" })), /kind is not a name/],
  [
    "a time in words",
    "traces",
    JSON.stringify(span({ startTimeUnixNano: "now" })),
    /startTimeUnixNano is not an integer/,
  ],
  [
    "an empty time",
    "traces",
    JSON.stringify(span({ events: [{ timeUnixNano: " " }] })),
    /events\[0\]\.timeUnixNano is not/,
  ],
  [
    "a time before 1970",
    "traces",
    JSON.stringify(span({ startTimeUnixNano: "-1" })),
    /startTimeUnixNano is not in 0\.\./,
  ],
  [
    "a time past 64 bits",
    "traces",
    JSON.stringify(span({ startTimeUnixNano: "18446744073709551616" })),
    /is not in 0\.\./,
  ],
  ["a time past everything", "traces", JSON.stringify(span({ startTimeUnixNano: 1e300 })), /is not in 0\.\./],
  ["half a nanosecond", "traces", JSON.stringify(span({ startTimeUnixNano: 0.5 })), /is not an integer/],
  ["a fraction in a count", "traces", JSON.stringify(span({ droppedEventsCount: 1.5 })), /is not a 32-bit integer/],
  [
    "a count past 32 bits",
    "traces",
    JSON.stringify(span({ droppedEventsCount: 2 ** 32 })),
    /is not in 0\.\.4294967295/,
  ],
  ["a word for a number", "metrics", JSON.stringify(point({ asDouble: "1,5" })), /asDouble is not a number/],
  ["an object for a number", "metrics", JSON.stringify(point({ asInt: {} })), /asInt is not an integer/],
  ["two values", "metrics", JSON.stringify(point({ asInt: 1, asDouble: 2 })), /asDouble is given beside asInt/],
  ["1 for true", "logs", JSON.stringify(log({ body: { boolValue: 1 } })), /body\.boolValue is not true or false/],
  [
    "bytes that are not base64",
    "logs",
    JSON.stringify(log({ body: { bytesValue: "a b" } })),
    /bytesValue is not base64/,
  ],
  ["brackets without end", "logs", "[".repeat(1e6), /^JSON nested more than 256 deep$/],
  [
    "lists in lists",
    "logs",
    JSON.stringify(log({ body: 0 })).replace("0", lists(1e2)),
    /values\[0\] is more than 64 levels deep$|arrayValue is more than 64 levels deep$/,
  ],
  [
    "lists in lists with a number past 2^53",
    "logs",
    JSON.stringify(log({ timeUnixNano: 1, body: 0 }))
      .replace(":1,", ":1714000000123456789,")
      .replace(":0", `:${lists(1e5)}`),
    /^JSON nested more than 256 deep$/,
  ],
];

for (const [what, signal, json, message] of REFUSED) {
  test(`JSON is refused, with the place and the reason: ${what}`, () => {
    assert.throws(() => jsonToProtobuf(signal, Buffer.from(json as string)), { code: "malformed-otlp", message });
  });
}

const field = (number: number, content: string) =>
  `${(number * 8 + 2).toString(16).padStart(2, "0")}${(content.length / 2).toString(16).padStart(2, "0")}${content}`;
const inLog = (record: string) => Buffer.from(field(1, field(2, field(2, record))), "hex");
const hexOf = (text: string) => Buffer.from(text).toString("hex");

const pair = (key: string) => field(5, field(6, field(1, field(1, hexOf(key)))));
const READ: readonly [what: string, record: string, json: object][] = [
  ["the last of a repeated scalar counts", "1009" + "1011", { severityNumber: 17 }],
  ["a later zero takes back a value", "1009" + "1000", {}],
  [
    "a message in two pieces is one",
    pair("a") + pair("b"),
    { body: { kvlistValue: { values: [{ key: "a" }, { key: "b" }] } } },
  ],
  [
    "a later member of a oneof replaces an earlier one",
    field(5, field(1, hexOf("text"))) + field(5, "1805"),
    { body: { intValue: "5" } },
  ],
  ["a oneof keeps a zero", field(5, "1800"), { body: { intValue: "0" } }],
  ["an unknown field is dropped", `${field(13, "00")}1009`, { severityNumber: 9 }],
  ["an unknown group is dropped", "a306" + "0801" + "a406" + "1009", { severityNumber: 9 }],
  ["a known number of another wire type is an unknown field", "1500000000" + "1009", { severityNumber: 9 }],
  ["a varint longer than it need be is read", "3883808080808080808000", { droppedAttributesCount: 3 }],
  ["an enum value that OTLP does not know stays", "10ffffffffffffffffff01", { severityNumber: -1 }],
  ["text that is not UTF-8 keeps what can be read", field(3, "61ff62"), { severityText: "a\ufffdb" }],
];

for (const [what, record, json] of READ) {
  test(`protobuf to JSON: ${what}`, () => {
    assert.deepEqual(JSON.parse(protobufToJson("logs", inLog(record))), log(json));
  });
}

test("protobuf to JSON: unpacked numbers are read like packed ones", () => {
  const unpacked = Buffer.from(
    field(1, field(2, field(2, field(9, field(1, "310500000000000000310600000000000000"))))),
    "hex",
  );
  const [histogram] = JSON.parse(protobufToJson("metrics", unpacked)).resourceMetrics[0].scopeMetrics[0].metrics;
  assert.deepEqual(histogram, { histogram: { dataPoints: [{ bucketCounts: ["5", "6"] }] } });
});

const MALFORMED: readonly [what: string, hex: string][] = [
  ["a length past the end", "0a05"],
  ["a length past its parent", "0a0212051200"],
  ["a varint without end", "08ffffffffffffffffffff01"],
  ["a varint cut short", "0880"],
  ["field number 0", "0000"],
  ["wire type 7", "0f"],
  ["a group that ends another", "1b24"],
  ["a group without end", "1b"],
];

for (const [what, hex] of MALFORMED) {
  test(`protobuf is refused: ${what}`, () => {
    for (const signal of SIGNALS) {
      assert.throws(() => protobufToJson(signal, Buffer.from(hex, "hex")), { code: "malformed-otlp" });
    }
  });
}

test("protobuf is refused: lists in lists deeper than the scans let through", () => {
  let value = Buffer.alloc(0);
  const wrap = (number: number, content: Buffer) => {
    const length = [];
    for (let rest = content.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest < 128) break;
    }
    return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), content]);
  };
  for (let depth = 0; depth < 100; depth++) value = wrap(1, wrap(5, value)) as typeof value;
  const request = wrap(1, wrap(2, wrap(2, wrap(5, wrap(5, value)))));
  assert.throws(() => protobufToJson("logs", request), { code: "malformed-otlp", message: /71 levels/ });
});
