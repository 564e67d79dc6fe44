// Whether a detector watches a series: globs over its labels.
import type { Labels } from "../api/index.ts";
import type { Match } from "./options.ts";

type Matcher = NonNullable<Match["include"]>;

/** A test of a text against globs: `*` is any run of characters, `?` any one. Linear in text times pattern. */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !/[*?]/.test(pattern)));
  const wild = patterns.filter((pattern) => /[*?]/.test(pattern));
  return (text) => exact.has(text) || wild.some((pattern) => fits(pattern, text));
}

/** Two pointers and the last star to fall back to: no regular expression, so no pattern can take exponential time. */
function fits(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let star = -1;
  let resume = 0;
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === "*") {
      star = p++;
      resume = t;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++resume;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}

/** The name that users know a series by: "http.server.request.duration.p99". */
export function seriesName(labels: Labels): string {
  return labels.statistic === "" || labels.statistic === "rate" ? labels.name : `${labels.name}.${labels.statistic}`;
}

function compile(matcher: Matcher): (labels: Labels) => boolean {
  const tests: ((labels: Labels) => boolean)[] = [];
  if (matcher.metric) {
    const test = globs(matcher.metric);
    tests.push(
      (labels) => test(labels.name) || (labels.statistic !== "" && test(`${labels.name}.${labels.statistic}`)),
    );
  }
  for (const patterns of [matcher.span, matcher.severity]) {
    if (!patterns) continue;
    const test = globs(patterns);
    tests.push((labels) => test(labels.name));
  }
  if (matcher.service) {
    const test = globs(matcher.service);
    tests.push((labels) => test(String(labels.resource["service.name"] ?? "")));
  }
  for (const [key, patterns] of Object.entries(matcher.attribute ?? {})) {
    const test = globs(patterns);
    tests.push((labels) => {
      const value = labels.attributes[key] ?? labels.resource[key];
      return value !== undefined && test(String(value));
    });
  }
  return (labels) => tests.every((test) => test(labels));
}

/** The decision of one `match` option; undefined when it lets everything through. */
export function matching(match: Match): ((labels: Labels) => boolean) | undefined {
  if (!match.include && !match.exclude) return undefined;
  const include = match.include ? compile(match.include) : () => true;
  const exclude = match.exclude ? compile(match.exclude) : () => false;
  return (labels) => include(labels) && !exclude(labels);
}
