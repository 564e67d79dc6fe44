// Which pages in a browser may send telemetry here: cross-origin resource sharing as the Collector configures it.
import type { IncomingMessage } from "node:http";
import { z } from "vedette";

const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, { error: "not the name of a header" });

export const corsOptions = z.object({
  allowed_origins: z
    .array(z.string())
    .default([])
    .describe("Origins whose pages may send, such as `https://*.example.com`; `*` stands for anything. Empty: none."),
  allowed_headers: z
    .array(headerName)
    .default([])
    .describe("Request headers that pages may set besides the usual ones; `*` allows any."),
  exposed_headers: z
    .array(headerName)
    .default([])
    .describe("Response headers that pages may read besides the usual ones."),
  max_age: z
    .int()
    .nonnegative()
    .default(0)
    .describe("Seconds for which a browser may keep the answer; 0: its own default."),
});

const USUAL_HEADERS = ["accept", "content-type", "content-encoding", "x-requested-with"];

/** Whether `text` has these parts in this order, the first at its start, the last at its end: no origin can make that slow. */
function fits([first, ...rest]: readonly string[], text: string): boolean {
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at + last.length <= text.length && text.endsWith(last);
}

/** Returns what gives the response headers, as a flat list of names and values, to add for a request. */
export function crossOrigin(options: z.output<typeof corsOptions> | undefined): (request: IncomingMessage) => string[] {
  const origins = (options?.allowed_origins ?? []).map((pattern) => pattern.toLowerCase().split("*"));
  const allows = (origin: string) => origins.some((parts) => fits(parts, origin.toLowerCase()));
  const headers = options?.allowed_headers ?? [];
  const exposed = options?.exposed_headers.join(", ");
  return (request) => {
    const { origin } = request.headers;
    if (!options || !origin || !allows(origin)) return [];
    const answer = ["access-control-allow-origin", origin, "vary", "origin"];
    if (exposed) answer.push("access-control-expose-headers", exposed);
    if (request.method !== "OPTIONS") return answer;
    const asked = request.headers["access-control-request-headers"];
    const allowed = headers.includes("*") && asked ? asked : [...USUAL_HEADERS, ...headers].join(", ");
    answer.push("access-control-allow-methods", "POST", "access-control-allow-headers", allowed);
    if (options.max_age > 0) answer.push("access-control-max-age", String(options.max_age));
    return answer;
  };
}
