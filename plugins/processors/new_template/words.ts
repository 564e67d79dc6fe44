// What templates have in common, and how they are told.

const LONGEST = 120;

const MOST_WORDS = 32;
/** Two templates with so large a share of the words of the shorter one, and at least so many, in common are variants of one. */
const SHARED = 0.6;
const LEAST_SHARED = 2;
/** Words that became parameters at once. */
const MOST_LOST = 2;

/** The words of a template that say something, each once, as sorted hashes: no parameters, with or without their key. */
export function wordsOf(text: string): Int32Array {
  const words = text.split(/[^\p{L}\p{N}_<*>=.-]+/u).filter((word) => /\p{L}/u.test(word) && !word.includes("<*>"));
  return Int32Array.from([...new Set(words.map(hashOf))].slice(0, MOST_WORDS)).sort();
}

/** FNV-1a. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash | 0;
}

/** Whether they are of two variants of one statement: one that says why it failed, or whom it concerns, in words. */
export function isVariant(words: Int32Array, other: Int32Array): boolean {
  const shared = sharedOf(words, other);
  return shared >= LEAST_SHARED && shared >= SHARED * Math.min(words.length, other.length);
}

/** Whether they have all words in common but one of each. */
export function differInOne(words: Int32Array, other: Int32Array): boolean {
  const shared = sharedOf(words, other);
  return shared >= LEAST_SHARED && shared >= Math.max(words.length, other.length) - 1;
}

/** Whether the first are what is left of the others where their template grew more general. */
export function isMoreGeneral(words: Int32Array, other: Int32Array): boolean {
  if (words.length < LEAST_SHARED || other.length - words.length > MOST_LOST) return false;
  return sharedOf(words, other) === words.length;
}

/** How many words they have in common. */
function sharedOf(words: Int32Array, other: Int32Array): number {
  let shared = 0;
  for (let i = 0, k = 0; i < words.length && k < other.length; ) {
    if (words[i] === other[k]) {
      shared++;
      i++;
      k++;
    } else if (words[i] < other[k]) i++;
    else k++;
  }
  return shared;
}

/** Levels as they are written where a record has no severity number, with one that stands for it. */
const LEVELS: readonly (readonly [RegExp, number])[] = [
  [/\b(FATAL|CRITICAL|PANIC|EMERG|ALERT)\b|\b(level|severity|lvl)=(fatal|critical|panic)/, 21],
  [/\b(ERROR|SEVERE)\b|\[error\]|\b(level|severity|lvl)=(error|err)\b|Exception\b|Traceback|\bpanic\b/i, 17],
  [/\b(WARN|WARNING)\b|\b(level|severity|lvl)=warn/, 13],
];

/** The severity number that a template's text stands for; 0 where it names none. */
export const severityOf = (text: string): number => LEVELS.find(([level]) => level.test(text))?.[1] ?? 0;

export const short = (text: string) => {
  const line = text.replace(/\s+/g, " ");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
};

/** 'checkout logs what it never did before: ERROR "payment <*> refused".' `others` are as new, at the same time. */
export function sentence(
  service: string,
  severity: string,
  text: string,
  records: number,
  others: number,
  version: string | undefined,
): string {
  const who = service === "" ? "A service" : service;
  const often = records > 1 ? `, ${records} times by now` : "";
  const more = others > 0 ? `, and ${others} other new ${others === 1 ? "message" : "messages"}` : "";
  const since = version === undefined ? "" : `, since its version is ${version}`;
  const level = severity === "UNSPECIFIED" ? "" : `${severity} `;
  return `${who} logs what it never did before: ${level}"${short(text)}"${often}${more}${since}.`;
}
