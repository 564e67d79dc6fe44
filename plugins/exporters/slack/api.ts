// What Slack's answers mean: those of incoming webhooks, and those of the Web API, which are 200 also for failures.
import { type Answer, Refusal, refusal, wordsOf } from "vedette/http";

/** Errors that are the message's. */
const OF_THE_MESSAGE: ReadonlySet<string> = new Set([
  "as_user_not_supported",
  "cant_update_message",
  "edit_window_closed",
  "invalid_arguments",
  "invalid_blocks",
  "invalid_blocks_format",
  "invalid_payload",
  "message_not_found",
  "missing_text_or_fallback_or_attachments",
  "msg_blocks_too_long",
  "msg_too_long",
  "no_text",
  "thread_not_found",
]);

/** Errors that pass by themselves; of all others it is not known. */
const PASSING: ReadonlySet<string> = new Set([
  "fatal_error",
  "internal_error",
  "ratelimited",
  "rate_limited",
  "request_timeout",
  "rollup_error",
  "service_unavailable",
  "team_added_to_org",
]);

const REMEDIES: Readonly<Record<string, string>> = {
  account_inactive: "the token's app or user is gone; make another token",
  channel_not_found: "is channel the id of a channel that the bot can see?",
  channel_is_archived: "choose another channel",
  invalid_auth: "check token",
  is_archived: "choose another channel",
  missing_scope: "give the app the scope chat:write",
  no_service: "the webhook is gone; make another and set webhook_url",
  not_in_channel: "invite the bot to the channel",
  token_revoked: "make another token",
};

/** What the Web API says of a call that went well: where the message is, if it can be believed. */
export interface Said {
  readonly ok: true;
  readonly channel?: unknown;
  readonly ts?: unknown;
}

/** Reads the answer of a method of the Web API; throws Refusal where it is none, or says no. */
export function saidBy(name: string, answer: Answer, now: number, secrets: readonly string[]): Said {
  refuseOthers(name, answer, now, secrets);
  let said: { ok?: unknown; error?: unknown } | null;
  try {
    said = JSON.parse(answer.body.toString()) as typeof said;
  } catch {
    said = null;
  }
  if (said?.ok === true) return { ...said, ok: true };
  if (typeof said?.error === "string") throw failure(name, said.error);
  throw strange(name, answer);
}

/** Throws Refusal where a webhook did not answer "ok". */
export function webhookTook(name: string, answer: Answer, now: number, secrets: readonly string[]): void {
  refuseOthers(name, answer, now, secrets);
  const text = answer.body.toString().trim();
  if (text === "ok") return;
  throw /^[a-z_]{3,60}$/.test(text) ? failure(name, text) : strange(name, answer);
}

function refuseOthers(name: string, answer: Answer, now: number, secrets: readonly string[]): void {
  if (answer.status >= 200 && answer.status <= 299) return;
  const message = wordsOf(answer) || answer.body.toString();
  const remedy = REMEDIES[message.trim()];
  const remedies = remedy === undefined ? {} : { [answer.status]: remedy };
  throw refusal(name, answer, now, { said: { message }, remedies, patient: true, repairable: true, secrets });
}

/** Why a change was not taken, by Slack's own name for it. */
export class SlackRefusal extends Refusal {
  readonly error: string;
  constructor(error: string, message: string) {
    const known = PASSING.has(error) || Object.hasOwn(REMEDIES, error);
    super(message, { retryable: !OF_THE_MESSAGE.has(error), suspect: !known });
    this.error = error;
  }
}

function failure(name: string, error: string): SlackRefusal {
  const own = error.slice(0, 100).replace(/[^\w.:-]/g, "?");
  const remedy = REMEDIES[own];
  return new SlackRefusal(own, `${name} says ${own}${remedy ? `: ${remedy}` : ""}`);
}

const strange = (name: string, { status }: Answer) =>
  new Refusal(`${name} answered ${status} as Slack never does; what is it that answers there?`, {
    retryable: true,
  });
