// How what is missing or new in a group is told.

const LONGEST = 100;

export interface Noun {
  readonly one: string;
  readonly many: string;
}

/** What a group is called, by what holds it together; one by trace id that has none is a session. */
export function nounOf(by: string, trace: string): Noun {
  if (by === "trace_id") return trace === "" ? { one: "session", many: "sessions" } : { one: "trace", many: "traces" };
  if (by === "window") return { one: "window", many: "windows" };
  return { one: `group of one ${by}`, many: `groups of one ${by}` };
}

export const short = (text: string) => {
  const line = text.replace(/\s+/g, " ");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
};

const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;

/** '9 of 60 traces of checkout that have "opened <*>" lack "closed <*>"; usually 0.1 % do.' */
export function missingSentence(
  service: string,
  { many }: Noun,
  message: string,
  partner: string,
  { lacking, groups, usual }: { lacking: number; groups: number; usual: number },
): string {
  const of = service === "" ? "" : ` of ${service}`;
  const often = usual < 0.0005 ? "usually none does" : `usually ${percent(usual)} do`;
  return `${lacking} of ${groups} ${many}${of} that have "${short(partner)}" lack "${short(message)}"; ${often}.`;
}

/** '3 traces of checkout have "opened <*>" without "closed <*>", as none of 12,000 did before.' `texts` are of a, and of b or how often. */
export function newsSentence(
  service: string,
  { one, many }: Noun,
  what: "together" | "without" | "often",
  [text, other]: readonly [string, string],
  seen: number,
  groups: number,
): string {
  const of = service === "" ? "" : ` of ${service}`;
  const who = seen > 1 ? `${seen} ${many}${of} have` : `A ${one}${of} has`;
  const before = `as none of ${groups.toLocaleString("en-US")} did before`;
  if (what === "often") return `${who} "${short(text)}" ${other} times or more, ${before}.`;
  const how = what === "together" ? "together with" : "without";
  return `${who} "${short(text)}" ${how} "${short(other)}", ${before}.`;
}
