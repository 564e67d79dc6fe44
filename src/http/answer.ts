// What an answer other than 2xx means: to be tried again, or refused for good.
import { ExportError } from "../api/index.ts";
import type { Answer } from "./exchange.ts";

const TRY_AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What to do about a status, for its reader. */
export type Remedies = Readonly<Record<number, string>>;

const REMEDIES: Remedies = {
  401: "check auth and the headers",
  403: "check auth and the headers",
  407: "check the user and password in proxy_url",
};

/** What the body says, where it says something that can be understood. */
export interface Said {
  readonly message?: string;
  /** Milliseconds. */
  readonly retryAfter?: number | undefined;
}

/** Milliseconds from now of a Retry-After header, which counts seconds or names a date; undefined when it does neither. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Foreign text for a message: one line, not endless. */
export const quotedText = (text: string): string =>
  text
    .replace(/[\x00-\x1f\x7f-\x9f\s]+/g, " ")
    .trim()
    .slice(0, 300);

/** Why an answer other than 2xx refuses the request; `name` is the URL for messages. 408 and 5xx are tried again where `patient`. */
export function refusal(
  name: string,
  answer: Answer,
  now: number,
  { said = {}, remedies = {}, patient = false }: { said?: Said; remedies?: Remedies; patient?: boolean } = {},
): ExportError {
  const { status, headers } = answer;
  if (status >= 300 && status < 400) {
    const to = URL.parse(headers.location ?? "", name);
    const remedy = to ? `set the endpoint to ${to.origin}${to.pathname}` : "set the endpoint to where it points";
    return new ExportError(`${name} answered ${status}: redirects are not followed; ${remedy}`, { retryable: false });
  }
  const words = [said.message && quotedText(said.message), remedies[status] ?? REMEDIES[status]]
    .filter(Boolean)
    .join("; ");
  const retryable = TRY_AGAIN.has(status) || (patient && (status === 408 || status >= 500));
  return new ExportError(`${name} answered ${status}${words && `: ${words}`}`, {
    retryable,
    retryAfter: retryable ? (retryAfter(headers["retry-after"], now) ?? said.retryAfter) : undefined,
  });
}
