// What is wrong in a configuration: where, what it is called, how it reads.

/** Line and column count from 1; `file` is what the user called it: a path, "yaml:", "env:NAME" or "--set". */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Problem extends Location {
  /** Stable, kebab-case. */
  readonly code: string;
  /** "processors.ewma.alhpa"; empty when it is about a whole file. */
  readonly path: string;
  /** Cause and remedy. Never holds a secret. */
  readonly message: string;
  /** Absent: an error. */
  readonly severity?: "error" | "warning";
}

/** One line for a terminal: `config.yaml:14:7 unknown-option processors.ewma.alhpa: no such option. ...`. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, code, path, message, severity } = problem;
  const what = severity === "warning" ? `warning ${code}` : code;
  return `${file}:${line}:${column} ${what}${path && ` ${path}`}: ${message}`;
}

export const isError = (problem: Problem) => problem.severity !== "warning";

/** A configuration that cannot be run; its message is every problem, one a line. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
    this.problems = problems;
  }
}

/** `receivers.otlp.headers["x.y"]`, `service.extensions[0]`: keys that would be misread are quoted. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (!/^[\p{L}\p{N}_/-]+$/u.test(String(key))) text += `[${quoted(String(key))}]`;
    else text += text === "" ? String(key) : `.${String(key)}`;
  }
  return text;
}

/** In double quotes, cut to 60 characters, nothing in it that a terminal would obey. */
export function quoted(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 59)}…` : text;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** ` Did you mean "alpha"?`, or nothing when no candidate is close. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const best = nearest(word, candidates);
  return best === undefined ? "" : ` Did you mean ${quoted(best)}?`;
}

/** The candidate that a typing mistake, another case or a dash for an underscore would turn into `word`. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 100) return undefined;
  const typed = fold(word);
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const allowed = Math.max(1, Math.floor(Math.min(typed.length, candidate.length) / 3));
    if (Math.abs(typed.length - candidate.length) > allowed) continue;
    const distance = edits(typed, fold(candidate));
    if (distance <= allowed && distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

const fold = (word: string) => word.toLowerCase().replaceAll("-", "_");

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours. */
function edits(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.length];
}
