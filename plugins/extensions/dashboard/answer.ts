// What is answered with: JSON, or an error that names its place, its cause and what to do.
import type { ServerResponse } from "node:http";

export interface Answer {
  readonly status: number;
  /** JSON; empty for 204. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** NaN is null, the infinities are text. */
export const json = (data: object, status = 200, headers?: Answer["headers"]): Answer => ({
  status,
  body: JSON.stringify(data, (_, value) =>
    typeof value === "number" && !Number.isFinite(value) ? (Number.isNaN(value) ? null : String(value)) : value,
  ),
  ...(headers && { headers }),
});

/** Where in the request it is, what is wrong and what to do; ends the request. */
export class Failure extends Error {
  readonly answer: Answer;
  constructor(
    status: number,
    error: { code: string; place: string; cause: string; remedy: string },
    headers?: Answer["headers"],
  ) {
    super(error.cause);
    this.answer = json({ error }, status, headers);
  }
}

export const badRequest = (place: string, cause: string, remedy: string) =>
  new Failure(400, { code: "bad-request", place, cause, remedy });

export const notFound = (place: string, cause: string, remedy: string) =>
  new Failure(404, { code: "not-found", place, cause, remedy });

export const forbidden = (cause: string, remedy: string) =>
  new Failure(403, { code: "forbidden", place: "the request's headers", cause, remedy });

export const unavailable = (place: string, cause: string, remedy: string) =>
  new Failure(503, { code: "unavailable", place, cause, remedy }, { "retry-after": "5" });

export function refusedMethod(place: string, methods: readonly string[]): Failure {
  const allow = methods.join(", ");
  const error = {
    code: "method-not-allowed",
    place,
    cause: "this path does not take the method",
    remedy: `use ${allow}`,
  };
  return new Failure(405, error, { allow });
}

/** Of every answer: nothing of it runs elsewhere, no other site may embed or read it. */
export const GUARDS = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

const HEADERS = {
  ...GUARDS,
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "content-type": "application/json; charset=utf-8",
};

/** `bodyless`: of HEAD. */
export function send(response: ServerResponse, { status, body, headers }: Answer, bodyless = false): void {
  if (response.headersSent || response.destroyed) return;
  if (status === 204) return void response.writeHead(204, { "cache-control": "no-store", ...headers }).end();
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...HEADERS, ...headers, "content-length": length }).end(bodyless ? undefined : body);
}
