// What templates have in common, and how they are told.

const LONGEST = 120;

/** The words of a template, at most so many. */
export const wordsOf = (text: string): string[] => text.split(/\s+/, 64);

/** Whether two templates of as many words differ in one: a parameter that is not known as one yet. */
export function isVariant(words: readonly string[], other: readonly string[]): boolean {
  if (words.length !== other.length || words.length < 3) return false;
  let different = 0;
  for (let i = 0; i < words.length && different < 2; i++) if (words[i] !== other[i]) different++;
  return different < 2;
}

export const short = (text: string) => {
  const line = text.replace(/\s+/g, " ");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
};

/** "checkout logs what it never did: ERROR "payment <*> refused"". `others` are as new, at the same time. */
export function sentence(
  service: string,
  severity: string,
  text: string,
  sights: number,
  others: number,
  version: string | undefined,
): string {
  const who = service === "" ? "A service" : service;
  const often = sights > 1 ? `, ${sights} times by now` : "";
  const more = others > 0 ? `, and ${others} other new ${others === 1 ? "message" : "messages"}` : "";
  const since = version === undefined ? "" : `, since its version is ${version}`;
  return `${who} logs what it never did before: ${severity} "${short(text)}"${often}${more}${since}.`;
}
