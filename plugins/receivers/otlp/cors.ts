// Which pages in a browser may send telemetry here: cross-origin resource sharing as the Collector configures it.
import type { IncomingMessage } from "node:http";
import { z } from "vedette";

export const corsOptions = z.object({
  allowed_origins: z
    .array(z.string())
    .default([])
    .describe("Origins whose pages may send, such as `https://*.example.com`; `*` stands for anything. Empty: none."),
  allowed_headers: z
    .array(z.string())
    .default([])
    .describe("Request headers that pages may set besides the usual ones; `*` allows any."),
  max_age: z
    .int()
    .nonnegative()
    .default(0)
    .describe("Seconds for which a browser may keep the answer; 0: its own default."),
});

const USUAL_HEADERS = ["accept", "content-type", "content-encoding", "x-requested-with"];

function globs(patterns: readonly string[]): RegExp {
  const sources = patterns.map((pattern) => pattern.split("*").map(RegExp.escape).join(".*"));
  return new RegExp(sources.length > 0 ? `^(?:${sources.join("|")})$` : "^(?!)", "i");
}

/** Returns what gives the response headers, as a flat list of names and values, to add for a request. */
export function crossOrigin(options: z.output<typeof corsOptions> | undefined): (request: IncomingMessage) => string[] {
  const origins = globs(options?.allowed_origins ?? []);
  const headers = options?.allowed_headers ?? [];
  return (request) => {
    const { origin } = request.headers;
    if (!options || !origin || !origins.test(origin)) return [];
    const answer = ["access-control-allow-origin", origin, "vary", "origin"];
    if (request.method !== "OPTIONS") return answer;
    const asked = request.headers["access-control-request-headers"];
    const allowed = headers.includes("*") && asked ? asked : [...USUAL_HEADERS, ...headers].join(", ");
    answer.push("access-control-allow-methods", "POST", "access-control-allow-headers", allowed);
    if (options.max_age > 0) answer.push("access-control-max-age", String(options.max_age));
    return answer;
  };
}
