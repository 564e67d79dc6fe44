// Foreign text in what is sent to people: well-formed, without control characters, not longer than the other side takes.

/** At most `most` UTF-16 units, in whole characters; what is cut off ends in "…". Line ends and tabs stay where `lines`. */
export function shortText(text: string, most: number, lines = false): string {
  // what lies far behind the cut is not looked at
  const near = text.slice(0, most + 2);
  const clean = near.toWellFormed().replace(lines ? CONTROLS : CONTROLS_AND_LINES, " ");
  if (clean.length <= most && text.length <= most) return clean;
  const cut = clean.slice(0, Math.max(0, most - 1));
  return `${splitsPair(clean, cut.length) ? cut.slice(0, -1) : cut}…`.slice(0, most);
}

const CONTROLS_AND_LINES = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]/g;

const splitsPair = (text: string, at: number): boolean => at > 0 && (text.codePointAt(at - 1) ?? 0) > 0xffff;
