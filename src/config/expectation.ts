// What an option expects, in plain words, from the issue that zod found; never what was written instead.
import type { z } from "zod";

/** "expected a number of at least 1". Given to zod as its error map: a schema's own messages go before it. */
export function expectation(issue: z.core.$ZodRawIssue | z.core.$ZodIssue): string {
  return `expected ${want(issue as z.core.$ZodIssue)}`;
}

function want(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return types[issue.expected] ?? String(issue.expected);
    case "too_small":
      return bound(issue.origin, issue.minimum, issue.inclusive !== false, "at least", "more than");
    case "too_big":
      return bound(issue.origin, issue.maximum, issue.inclusive !== false, "at most", "less than");
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_format":
      return issue.pattern && issue.format === "regex"
        ? `text that matches ${issue.pattern}`
        : (formats[issue.format] ?? `a valid ${issue.format}`);
    case "invalid_value":
      return issue.values.length === 1 ? shown(issue.values[0]) : `one of ${issue.values.map(shown).join(", ")}`;
    case "invalid_union":
      return union(issue);
    case "invalid_key":
      return "other keys";
    default:
      return "another value";
  }
}

const shown = (value: unknown) => (value === "" ? '""' : String(value));

const formats: Readonly<Record<string, string>> = {
  url: "a URL, such as https://example.org",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
};

const types: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a map",
  record: "a map",
  map: "a map",
  null: "nothing",
};

function bound(origin: string, limit: number | bigint, inclusive: boolean, within: string, beyond: string): string {
  const amount = `${inclusive ? within : beyond} ${limit}`;
  if (origin === "string") return `text of ${amount} ${limit === 1 ? "character" : "characters"}`;
  if (origin === "array" || origin === "set") return `${amount} ${limit === 1 ? "entry" : "entries"}`;
  if (origin === "object" || origin === "map") return `${amount} ${limit === 1 ? "key" : "keys"}`;
  return `${origin === "int" ? "a whole number" : "a number"} ${inclusive ? `of ${amount}` : amount}`;
}

function union(issue: z.core.$ZodIssueInvalidUnion): string {
  const options = "options" in issue && Array.isArray(issue.options) ? issue.options : [];
  if (options.length > 0) return `one of ${options.map(String).join(", ")}`;
  const wanted = new Set(issue.errors.flatMap((errors) => errors.filter(({ path }) => path.length === 0).map(want)));
  return wanted.size > 0 ? [...wanted].join(" or ") : "another value";
}
