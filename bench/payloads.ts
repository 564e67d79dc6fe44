// The requests that benchmarks send, made by an ordinary encoder: sizes a row as SDKs send them.
import { createRequire } from "node:module";

const root = createRequire(import.meta.url)("otlp-oracle/build/src/generated/root.js");
const { metrics, trace, logs } = root.opentelemetry.proto.collector;

/** The ordinary decoder and encoder that our figures stand beside. */
export const ordinary = {
  metrics: metrics.v1.ExportMetricsServiceRequest,
  traces: trace.v1.ExportTraceServiceRequest,
  logs: logs.v1.ExportLogsServiceRequest,
};

const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const whole = (key: string, value: number) => ({ key, value: { intValue: value } });

const resource = (n: number) => ({
  attributes: [
    text("service.name", `service-${n % 20}`),
    text("service.namespace", "shop"),
    text("service.instance.id", `627cc493-f310-47de-96bd-71410b7d${(1000 + (n % 9000)).toString(16)}`),
    text("telemetry.sdk.language", "nodejs"),
    text("telemetry.sdk.name", "opentelemetry"),
    text("telemetry.sdk.version", "2.1.0"),
    text("host.name", `node-${n % 50}.internal`),
  ],
});

const scope = { name: "io.opentelemetry.instrumentation", version: "1.4.0" };
const START = 1_700_000_000_000_000_000n;

/** A 64-bit integer in the form that the encoder takes without loss. */
const long = (value: bigint) => ({ low: Number(value & 0xffffffffn), high: Number(value >> 32n), unsigned: true });

/** A linear congruential generator: the same payloads on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

function hex(random: () => number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => Math.floor(random() * 256));
}

/** `series` gauges as requests of `points` points, 50 points a metric; the values differ by `round`, the times by 10 s from `start` on, in nanoseconds. */
export function metricRequests(series: number, points: number, round = 0, start = START): Uint8Array[] {
  const random = generator(round + 1);
  const time = start + BigInt(round) * 10_000_000_000n;
  const requests: Uint8Array[] = [];
  for (let first = 0; first < series; first += points) {
    const request = first / points;
    const list = [];
    for (let m = 0; m < points / 50; m++) {
      const dataPoints = Array.from({ length: 50 }, (_, p) => ({
        attributes: [
          text("system.device", `/dev/disk/by-id/nvme${request % 97}n${m}`),
          text("disk.io.direction", p & 1 ? "read" : "write"),
          text("host.id", `i-0${(first + m * 50 + p).toString(16).padStart(16, "0")}`),
        ],
        startTimeUnixNano: long(START),
        timeUnixNano: long(time),
        asDouble: 50 + 10 * random(),
      }));
      list.push({ name: `system.disk.operation.${m}`, description: "", unit: "{operation}", gauge: { dataPoints } });
    }
    requests.push(
      encode("metrics", {
        resourceMetrics: [{ resource: resource(request), scopeMetrics: [{ scope, metrics: list }] }],
      }),
    );
  }
  return requests;
}

/** One request of `count` spans of about 435 bytes, over 40 operations. */
export function spanRequest(count: number, seed = 1): Uint8Array {
  const random = generator(seed);
  const spans = Array.from({ length: count }, (_, i) => {
    const start = START + BigInt(i) * 1_000_000n;
    return {
      traceId: hex(random, 16),
      spanId: hex(random, 8),
      parentSpanId: hex(random, 8),
      name: `GET /api/v1/resource-${i % 40}/{id}`,
      kind: 2,
      startTimeUnixNano: long(start),
      endTimeUnixNano: long(start + BigInt(Math.floor(20_000_000 * (0.5 + random())))),
      attributes: [
        text("http.request.method", "GET"),
        text("url.path", `/api/v1/resource-${i % 40}/${Math.floor(random() * 1e6)}`),
        text("url.scheme", "https"),
        text("server.address", "shop.example.internal"),
        whole("server.port", 8443),
        whole("http.response.status_code", 200),
        text("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
        text("network.protocol.version", "1.1"),
        text("client.address", `10.0.${i % 250}.${i % 199}`),
      ],
      status: {},
    };
  });
  return encode("traces", { resourceSpans: [{ resource: resource(seed), scopeSpans: [{ scope, spans }] }] });
}

/** One request of `count` log records of about 407 bytes. */
export function logRequest(count: number, seed = 1): Uint8Array {
  const random = generator(seed);
  const logRecords = Array.from({ length: count }, (_, i) => ({
    timeUnixNano: long(START + BigInt(i) * 1_000_000n),
    observedTimeUnixNano: long(START + BigInt(i) * 1_000_000n),
    severityNumber: i % 20 === 0 ? 17 : 9,
    severityText: i % 20 === 0 ? "ERROR" : "INFO",
    body: {
      stringValue: `request ${Math.floor(random() * 1e9)} for customer ${Math.floor(random() * 1e6)} finished in ${Math.floor(random() * 900)} ms with ${Math.floor(random() * 50)} rows from cache warm-${i % 7}`,
    },
    attributes: [
      text("code.function.name", "com.example.shop.checkout.CheckoutController.finish"),
      text("thread.name", `http-nio-8080-exec-${i % 16}`),
      text("log.logger", "com.example.shop.checkout"),
      text("deployment.environment.name", "production"),
      text("customer.tier", ["free", "team", "enterprise"][i % 3]),
      whole("thread.id", 40 + (i % 16)),
    ],
    traceId: hex(random, 16),
    spanId: hex(random, 8),
    flags: 1,
  }));
  return encode("logs", { resourceLogs: [{ resource: resource(seed), scopeLogs: [{ scope, logRecords }] }] });
}

function encode(signal: keyof typeof ordinary, request: object): Uint8Array {
  return Uint8Array.from(ordinary[signal].encode(request).finish());
}
