// What an answer means: delivered, delivered in part, to be tried again, or refused for good.
import { ExportError, type ExportError as Failure } from "vedette";
import { decodeStatus, readExportResponse, readExportResponseJson, type Status, statusFromJson } from "vedette/otlp";
import type { Answer } from "./post.ts";

const TRY_AGAIN = new Set([429, 502, 503, 504]);

const REMEDY: Record<number, string> = {
  401: "check auth and the headers",
  403: "check auth and the headers",
  407: "check the user and password in proxy_url",
  404: "is the path right? A path other than /v1/<signal> goes into <signal>_endpoint",
  405: "is it an OTLP endpoint?",
  413: "raise the receiver's limit, or let the service send smaller batches",
  415: "try another encoding or compression",
};

const isJson = (answer: Answer): boolean => /^application\/json\b/i.test(answer.headers["content-type"] ?? "");

function statusOf(answer: Answer): Partial<Status> {
  const type = answer.headers["content-type"] ?? "";
  try {
    if (isJson(answer)) return statusFromJson(answer.body.toString()) ?? {};
    if (/^application\/x-protobuf\b/i.test(type)) return decodeStatus(answer.body);
    if (/^text\/plain\b/i.test(type)) return { message: answer.body.toString() };
  } catch {
    // A body that is no Status adds nothing to the HTTP status.
  }
  return {};
}

/** Milliseconds from now of a Retry-After header, which counts seconds or names a date; undefined when it does neither. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Foreign text for a message: one line, not endless. */
const quoted = (text: string): string =>
  text
    .replace(/[\x00-\x1f\x7f-\x9f\s]+/g, " ")
    .trim()
    .slice(0, 300);

/** What the partial success of a 2xx says; nothing rejected and no message when all is well or its body says nothing. */
export function partialSuccess(answer: Answer): { rejected: number; message: string } {
  try {
    const { rejected, message } = isJson(answer)
      ? readExportResponseJson(answer.body.toString())
      : readExportResponse(answer.body);
    return { rejected, message: quoted(message) };
  } catch {
    return { rejected: 0, message: "" };
  }
}

/** Why an answer other than 2xx refuses the request; `name` is the URL for messages. */
export function refusal(name: string, answer: Answer, now: number): Failure {
  const { status, headers } = answer;
  if (status >= 300 && status < 400) {
    const to = URL.parse(headers.location ?? "", name);
    const remedy = to ? `set the endpoint to ${to.origin}${to.pathname}` : "set the endpoint to where it points";
    return new ExportError(`${name} answered ${status}: redirects are not followed; ${remedy}`, { retryable: false });
  }
  const said = statusOf(answer);
  const words = [said.message && quoted(said.message), REMEDY[status]].filter(Boolean).join("; ");
  const retryable = TRY_AGAIN.has(status);
  return new ExportError(`${name} answered ${status}${words && `: ${words}`}`, {
    retryable,
    retryAfter: retryable ? (retryAfter(headers["retry-after"], now) ?? said.retryAfter) : undefined,
  });
}
