// What an answer other than 2xx means: to be tried again, or refused for good.
import { ExportError } from "../api/index.ts";
import type { Answer } from "./exchange.ts";

const TRY_AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What is wrong with the address or the credentials more often than with one request. */
const REPAIRABLE: ReadonlySet<number> = new Set([401, 403, 404, 407]);

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

/** Milliseconds: a date of rubbish is not to stop sending for good. */
const LONGEST_WAIT = 3_600_000;

/** Milliseconds from now, an hour at most, of a Retry-After header, which counts seconds or names a date; undefined when it does neither. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Math.min(Number(header) * 1000, LONGEST_WAIT);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), LONGEST_WAIT);
}

/** Foreign text for a message: one line, not endless. */
export const quotedText = (text: string): string =>
  text
    .replace(/[\x00-\x1f\x7f-\x9f\s]+/g, " ")
    .trim()
    .slice(0, 300);

/** Why an answer refuses a request. */
export class Refusal extends ExportError {
  /** Whether the trouble may be with what was sent, so that something else is worth a try. */
  readonly suspect: boolean;
  constructor(message: string, options: ConstructorParameters<typeof ExportError>[1] & { readonly suspect?: boolean }) {
    super(message, options);
    this.suspect = options.suspect ?? false;
  }
}

export interface Judging {
  readonly said?: Said;
  readonly remedies?: Remedies;
  /** 408 and 5xx are tried again. */
  readonly patient?: boolean;
  /** Redirects, 401, 403, 404 and 407 are tried again: somebody may put right what is wrong with the address or the credentials. */
  readonly repairable?: boolean;
  /** Texts that an answer may repeat and that no message may show. */
  readonly secrets?: readonly string[];
}

/** Why an answer other than 2xx refuses the request; `name` is the URL for messages. */
export function refusal(
  name: string,
  answer: Answer,
  now: number,
  { said = {}, remedies = {}, patient = false, repairable = false, secrets = [] }: Judging = {},
): Refusal {
  const { status, headers } = answer;
  const suspect = status >= 500 ? !TRY_AGAIN.has(status) : [403, 404].includes(status);
  const refused = (message: string, retryable: boolean, after?: number) =>
    new Refusal(without(secrets, message), { retryable, suspect, ...(after !== undefined && { retryAfter: after }) });
  if (status >= 300 && status < 400) {
    const to = URL.parse(headers.location ?? "", name);
    const remedy = to ? `set the endpoint to ${to.origin}${to.pathname}` : "set the endpoint to where it points";
    return refused(`${name} answered ${status}: redirects are not followed; ${remedy}`, repairable);
  }
  const words = [said.message && quotedText(without(secrets, said.message)), remedies[status] ?? REMEDIES[status]]
    .filter(Boolean)
    .join("; ");
  const retryable =
    TRY_AGAIN.has(status) || (patient && (status === 408 || status >= 500)) || (repairable && REPAIRABLE.has(status));
  const after = retryable ? (retryAfter(headers["retry-after"], now) ?? said.retryAfter) : undefined;
  return refused(`${name} answered ${status}${words && `: ${words}`}`, retryable, after);
}

/** The text with "(redacted)" in place of each secret; one of three characters or less is none. */
const without = (secrets: readonly string[], text: string): string =>
  secrets.reduce((left, secret) => (secret.length > 3 ? left.replaceAll(secret, "(redacted)") : left), text);

/** What a body of JSON or plain text says for people: its message, error or errors. */
export function wordsOf({ body, headers }: Answer): string {
  const text = body.toString();
  if (/^text\/plain\b/i.test(headers["content-type"] ?? "")) return text;
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said === "string") return said;
    const { message, error, errors } = said as Record<string, unknown>;
    const all = [message, error, ...(Array.isArray(errors) ? errors : [])];
    return all.filter((each) => typeof each === "string").join(": ");
  } catch {
    return "";
  }
}
