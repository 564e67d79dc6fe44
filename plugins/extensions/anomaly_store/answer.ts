// What the API answers with: JSON, or an error that names its place, its cause and what to do.
import type { ServerResponse } from "node:http";

export interface Answer {
  readonly status: number;
  /** JSON; none for 204. */
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const json = (data: object, status = 200): Answer => ({ status, body: JSON.stringify(data) });

/** Where in the request it is, what is wrong and what to do; ends the request. */
export class Failure extends Error {
  readonly answer: Answer;
  constructor(
    status: number,
    error: { code: string; place: string; cause: string; remedy: string },
    headers?: Answer["headers"],
  ) {
    super(error.cause);
    this.answer = { ...json({ error }, status), headers };
  }
}

export const badRequest = (place: string, cause: string, remedy: string) =>
  new Failure(400, { code: "bad-request", place, cause, remedy });

export const notFound = (place: string, cause: string, remedy: string) =>
  new Failure(404, { code: "not-found", place, cause, remedy });

export const unavailable = (cause: string, remedy: string) =>
  new Failure(503, { code: "unavailable", place: "the store", cause, remedy }, { "retry-after": "5" });

/** No other origin may read it, as there are no CORS headers; nothing keeps it. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "content-type": "application/json; charset=utf-8",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

export function send(response: ServerResponse, { status, body, headers }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  if (status === 204) return void response.writeHead(204, { "cache-control": "no-store", ...headers }).end();
  const length = Buffer.byteLength(body);
  response.writeHead(status, { ...HEADERS, ...headers, "content-length": length }).end(body);
}
