// What an answer means: delivered, delivered in part, to be tried again, or refused for good.
import type { ExportError } from "vedette";
import { type Answer, quotedText, refusal as refusalOf } from "vedette/http";
import { decodeStatus, readExportResponse, readExportResponseJson, type Status, statusFromJson } from "vedette/otlp";

const REMEDIES: Readonly<Record<number, string>> = {
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

/** What the partial success of a 2xx says; nothing rejected and no message when all is well or its body says nothing. */
export function partialSuccess(answer: Answer): { rejected: number; message: string } {
  try {
    const { rejected, message } = isJson(answer)
      ? readExportResponseJson(answer.body.toString())
      : readExportResponse(answer.body);
    return { rejected, message: quotedText(message) };
  } catch {
    return { rejected: 0, message: "" };
  }
}

/** Why an answer other than 2xx refuses the request; `name` is the URL for messages. */
export const refusal = (name: string, answer: Answer, now: number): ExportError =>
  refusalOf(name, answer, now, { said: statusOf(answer), remedies: REMEDIES });
