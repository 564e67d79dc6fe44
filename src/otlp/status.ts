// What is said after an export, in protobuf and in JSON: accepted in full or in part, or google.rpc.Status for why not.
import type { Telemetry } from "../api/signals.ts";
import { ExportResponse, RetryInfo, RpcStatus } from "./fields.ts";
import { encodeMessage } from "./from_json.ts";
import { decodeMessage } from "./to_json.ts";
import { DecodeError } from "./wire.ts";

/** The codes of gRPC. */
export const Code = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** Why an export was refused. */
export interface Status {
  /** One of `Code`; a sender may use others. */
  code: number;
  message: string;
  /** Milliseconds to wait before the next try; absent when nobody said. */
  retryAfter?: number;
}

/** What was refused of an export that was accepted: data points, log records or spans, and why. */
export interface PartialSuccess {
  rejected: number;
  /** Without rejected rows: a warning. Empty when there is none. */
  message: string;
}

const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";

/** google.rpc.Status, with a RetryInfo where it says when to come back. */
export function encodeStatus(status: Status): Uint8Array {
  return encodeMessage(RpcStatus, {
    code: status.code,
    message: status.message,
    details: status.retryAfter === undefined ? [] : [{ typeUrl: RETRY_INFO, value: encodeDelay(status.retryAfter) }],
  });
}

function encodeDelay(milliseconds: number): string {
  const { seconds, nanos } = split(milliseconds);
  return Buffer.from(encodeMessage(RetryInfo, { retryDelay: { seconds, nanos } })).toString("base64");
}

/** The same in JSON, for a sender that speaks JSON. */
export function statusToJson({ code, message, retryAfter }: Status): string {
  if (retryAfter === undefined) return JSON.stringify({ code, message });
  const { seconds, nanos } = split(retryAfter);
  const retryDelay = nanos === 0 ? `${seconds}s` : `${seconds}.${String(nanos).padStart(9, "0")}s`;
  return JSON.stringify({ code, message, details: [{ "@type": RETRY_INFO, retryDelay }] });
}

/** Throws DecodeError when it is not one. */
export function decodeStatus(bytes: Uint8Array): Status {
  const message = decodeMessage(RpcStatus, bytes) as {
    code?: number;
    message?: string;
    details?: { typeUrl?: string; value?: string }[];
  };
  const status: Status = { code: message.code ?? 0, message: message.message ?? "" };
  for (const { typeUrl, value } of message.details ?? []) {
    if (typeUrl !== RETRY_INFO) continue;
    const { retryDelay } = decodeMessage(RetryInfo, Buffer.from(value ?? "", "base64")) as {
      retryDelay?: { seconds?: string; nanos?: number };
    };
    status.retryAfter = Math.max(0, Number(retryDelay?.seconds ?? 0) * 1000 + (retryDelay?.nanos ?? 0) / 1e6);
  }
  return status;
}

/** Undefined when the text is no status: anything may have answered. */
export function statusFromJson(text: string): Status | undefined {
  const json = parseObject(text);
  if (!json || (json.code === undefined && json.message === undefined)) return undefined;
  const { code = 0, message = "", details } = json;
  if (!Number.isInteger(code) || typeof message !== "string") return undefined;
  const status: Status = { code: code as number, message };
  for (const detail of Array.isArray(details) ? details : []) {
    if (detail?.["@type"] !== RETRY_INFO || typeof detail.retryDelay !== "string") continue;
    const seconds = /^(\d{1,12}(?:\.\d{1,9})?)s$/.exec(detail.retryDelay);
    if (seconds) status.retryAfter = Number(seconds[1]) * 1000;
  }
  return status;
}

const REJECTED = { metrics: "rejectedDataPoints", logs: "rejectedLogRecords", traces: "rejectedSpans" } as const;

/** Export*ServiceResponse; without `partial` everything was taken, which is no bytes at all. */
export function exportResponse(signal: Telemetry, partial?: PartialSuccess): Uint8Array {
  return encodeMessage(ExportResponse[signal], responseJson(signal, partial));
}

export function exportResponseToJson(signal: Telemetry, partial?: PartialSuccess): string {
  return JSON.stringify(responseJson(signal, partial));
}

function responseJson(signal: Telemetry, partial: PartialSuccess | undefined): object {
  if (!partial) return {};
  return { partialSuccess: { [REJECTED[signal]]: String(partial.rejected), errorMessage: partial.message } };
}

/** Of any signal. Throws DecodeError when it is not one. */
export function readExportResponse(bytes: Uint8Array): PartialSuccess {
  return partialOf(decodeMessage(ExportResponse.metrics, bytes));
}

/** Of any signal. Throws DecodeError when it is not one. */
export function readExportResponseJson(text: string): PartialSuccess {
  const json = parseObject(text);
  if (!json) throw new DecodeError("the response is not a JSON object", 0);
  return partialOf(json);
}

function partialOf({ partialSuccess }: Record<string, unknown>): PartialSuccess {
  const partial = (partialSuccess ?? {}) as Record<string, unknown>;
  const rejected = Number(partial.rejectedDataPoints ?? partial.rejectedLogRecords ?? partial.rejectedSpans ?? 0);
  const message = partial.errorMessage;
  return { rejected: Number.isFinite(rejected) ? rejected : 0, message: typeof message === "string" ? message : "" };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A google.protobuf.Duration; 0 for what is not one, below the 10,000 years that it may be. */
function split(milliseconds: number): { seconds: number; nanos: number } {
  const bounded = milliseconds > 0 ? Math.min(milliseconds, 3e14) : 0;
  const seconds = Math.floor(bounded / 1000);
  return { seconds, nanos: Math.min(Math.round((bounded - seconds * 1000) * 1e6), 999_999_999) };
}
