// The W3C tracestate of a span, and in it what OpenTelemetry's samplers tell each other: `ot=th:c;rv:9b8233f7e3a151`.
import { digitsOf, fractionOf } from "./threshold.ts";

/** Most members of a list; most characters of the member `ot`; characters of a list that everybody passes on. */
const MEMBERS = 32;
const LONGEST_MEMBER = 256;
const LONGEST = 512;
/** Members longer than this go first where room is short. */
const LONG = 128;

export interface TraceState {
  readonly text: string;
  /** NaN where there is none, or none that is valid. */
  readonly threshold: number;
  readonly randomness: number;
  /** Whether there is a `th`, valid or not. */
  readonly claims: boolean;
  /** Members of others, in order. */
  readonly others: readonly string[];
  /** Fields of the member `ot` but `th`. */
  readonly fields: readonly string[];
}

export function parseTraceState(text: string): TraceState {
  const members = text.split(",").flatMap((member) => member.trim() || []);
  const own = members.find((member) => member.startsWith("ot="));
  const fields = own?.slice(3).split(";") ?? [];
  const th = fields.find((field) => field.startsWith("th:"))?.slice(3);
  const rv = fields.find((field) => field.startsWith("rv:"))?.slice(3);
  return {
    text,
    threshold: th !== undefined && /^[0-9a-f]{1,14}$/i.test(th) ? fractionOf(th) : Number.NaN,
    randomness: rv !== undefined && /^[0-9a-f]{14}$/i.test(rv) ? fractionOf(rv) : Number.NaN,
    claims: th !== undefined,
    others: members.filter((member) => !member.startsWith("ot=")),
    fields: fields.filter((field) => field !== "" && !field.startsWith("th:")),
  };
}

/** The text with that threshold, or without any. The member that changed stands first; what has no room goes as W3C says. */
export function writeTraceState(state: TraceState, threshold: number | undefined): string {
  const { text, fields } = state;
  const th = threshold === undefined ? [] : [`th:${digitsOf(threshold)}`];
  let own = [...th, ...fields].join(";");
  if (own.length > LONGEST_MEMBER) own = [...th, ...fields.filter((field) => field.startsWith("rv:"))].join(";");
  const members = own === "" ? [...state.others] : [`ot=${own}`, ...state.others];
  const most = Math.max(LONGEST, text.length);
  const shed = () => {
    const long = members.findIndex((member, i) => i > 0 && member.length > LONG);
    members.splice(long < 0 ? members.length - 1 : long, 1);
  };
  while (members.length > MEMBERS || (members.length > 1 && members.join(",").length > most)) shed();
  return members.join(",");
}
