// The body of a small request, as JSON.
import type { IncomingMessage } from "node:http";
import { badRequest, Failure } from "./answer.ts";

const LARGEST = 4096;

/** An object; rejects what is none, and what a form of another site could send. */
export async function smallJson(request: IncomingMessage): Promise<object> {
  const { "content-type": type = "", "content-encoding": encoding = "identity" } = request.headers;
  if (!/^application\/json\s*(;|$)/i.test(type) || encoding !== "identity") {
    const error = {
      code: "unsupported-media-type",
      place: "content-type",
      cause: "it is not application/json",
      remedy: "send JSON, as it is",
    };
    throw new Failure(415, error);
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST) {
      const error = {
        code: "too-large",
        place: "the body",
        cause: `it has more than ${LARGEST} bytes`,
        remedy: "send less",
      };
      throw new Failure(413, error, { connection: "close" });
    }
    chunks.push(chunk);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // said below
  }
  if (typeof parsed === "object" && parsed !== null) return parsed;
  throw badRequest("the body", "it is no JSON object", 'send {"token": "..."}');
}
