// The parts of spans' bytes that many spans share: names and attributes, encoded once.
import type { Attributes } from "../../src/api/index.ts";
import { encodeAttributes } from "../../src/otlp/encode.ts";
import { Wire, Writer } from "../../src/otlp/writer.ts";
import { type Edge, type Operation, SpanKind } from "./system.ts";

const ATTRIBUTES = 9;
const ERROR = 2;

/** Name, kind and attributes of a span; and what is added of how it went. */
export interface SpanBytes {
  readonly head: Uint8Array;
  readonly succeeded: Uint8Array;
  failed(exception: string): Uint8Array;
}

/** How a span of this kind says what became of it. */
type Outcome = "http" | "plain";

function spanBytes(name: string, kind: number, attributes: Attributes, outcome: Outcome, raises: boolean): SpanBytes {
  const writer = new Writer();
  writer.field(5, Wire.bytes).string(name).field(6, Wire.varint).varint(kind);
  writer.append(encodeAttributes(ATTRIBUTES, attributes));
  const failures = new Map<string, Uint8Array>();
  return {
    head: writer.finish(),
    succeeded: outcome === "http" ? encodeAttributes(ATTRIBUTES, { "http.response.status_code": 200n }) : NOTHING,
    failed(exception) {
      let bytes = failures.get(exception);
      if (!bytes) {
        bytes = failure(exception, outcome, raises);
        failures.set(exception, bytes);
      }
      return bytes;
    },
  };
}

const NOTHING = new Uint8Array(0);

/** Statuses of HTTP by what was raised; all others are 500. */
const STATUS: Readonly<Record<string, bigint>> = {
  ConnectionError: 0n,
  ServiceUnavailableError: 503n,
  UpstreamError: 502n,
  QueryTimeoutError: 504n,
};

function failure(exception: string, outcome: Outcome, raises: boolean): Uint8Array {
  const status = STATUS[exception] ?? 500n;
  const writer = new Writer();
  if (outcome === "http" && status > 0n) {
    writer.append(encodeAttributes(ATTRIBUTES, { "http.response.status_code": status, "error.type": `${status}` }));
  } else writer.append(encodeAttributes(ATTRIBUTES, { "error.type": exception }));
  if (raises) {
    const event = writer.open(11);
    writer.field(2, Wire.bytes).string("exception");
    writer.append(
      encodeAttributes(3, { "exception.type": exception, "exception.message": `${exception} in the shop` }),
    );
    writer.close(event);
  }
  const result = writer.open(15);
  writer.field(2, Wire.bytes).string(exception).field(3, Wire.varint).varint(ERROR);
  writer.close(result);
  return writer.finish();
}

/** Method and route of "GET /cart"; the method is absent where there is none. */
function requestOf(name: string): readonly [method: string | undefined, route: string] {
  const match = /^([A-Z]+) (\/.*)$/.exec(name);
  return match ? [match[1], match[2]] : [undefined, name];
}

/** Of the span of what is called. */
export function calledBytes({ name, kind }: Operation): SpanBytes {
  const [method, route] = requestOf(name);
  if (kind === SpanKind.server && method) {
    const attributes = { "http.request.method": method, "http.route": route, "url.scheme": "http" };
    return spanBytes(name, kind, attributes, "http", true);
  }
  if (kind === SpanKind.consumer) {
    const attributes = {
      "messaging.system": "kafka",
      "messaging.destination.name": topicOf(name),
      "messaging.operation.type": "process",
    };
    return spanBytes(name, kind, attributes, "plain", true);
  }
  return spanBytes(name, kind, { "code.function.name": `shop.${name.replaceAll(" ", "_")}` }, "plain", true);
}

/** Of the span of who calls; of a local call there is none. */
export function callingBytes({ name, spec, to }: Edge): SpanBytes {
  if (spec.via === "queue") {
    const attributes = {
      "messaging.system": "kafka",
      "messaging.destination.name": topicOf(name),
      "messaging.operation.type": "send",
    };
    return spanBytes(`send ${topicOf(name)}`, SpanKind.producer, attributes, "plain", false);
  }
  const [method = "GET", route] = requestOf(name);
  if (to) {
    const attributes = { "http.request.method": method, "url.template": route, "server.address": to.service };
    return spanBytes(name, SpanKind.client, { ...attributes, "server.port": 8080n }, "http", false);
  }
  const { system, host } = spec.outside!;
  if (system === "http") {
    const attributes = { "http.request.method": method, "url.template": route, "server.address": host };
    return spanBytes(name, SpanKind.client, { ...attributes, "server.port": 443n }, "http", true);
  }
  const attributes = { "db.system.name": system, "db.query.summary": name, "db.namespace": "shop" };
  return spanBytes(name, SpanKind.client, { ...attributes, "server.address": host }, "plain", true);
}

/** "process order" is of the topic "order". */
const topicOf = (name: string) => `${name.replace(/^\w+ /, "")}s`;
