// Conditions on anomalies, as users write them: comparisons of OTTL (the Collector's transformation language), read once, asked often.
import { z } from "zod";
import type { Anomaly } from "./anomaly.ts";
import { serviceName } from "./services.ts";
import type { AttributeValue } from "./signals.ts";
import { parseDuration } from "./units.ts";

/** `severity == "critical" and duration >= Duration("5m")`, with its text for messages. */
export interface Condition {
  readonly text: string;
  holds(anomaly: Anomaly): boolean;
}

type Value = AttributeValue | undefined;
type Operand = (anomaly: Anomaly) => Value;
type Test = (anomaly: Anomaly) => boolean;

const SEVERITIES: readonly Value[] = ["info", "warning", "critical"];

/** Which side of the expectation: "above", "below", or "" where none is stated. */
const direction = ({ observed, expected }: Anomaly) =>
  observed > expected ? "above" : observed < expected ? "below" : "";

/** What a condition may ask of an anomaly, an episode or an incident. Durations are milliseconds. */
const PATHS: Readonly<Record<string, Operand>> = {
  id: ({ id }) => id,
  fingerprint: ({ fingerprint }) => fingerprint,
  state: ({ state }) => state,
  severity: ({ severity }) => severity,
  type: ({ type }) => type,
  detector: ({ detector }) => detector,
  signal: ({ signal }) => signal,
  score: ({ score }) => score,
  rarity: ({ rarity }) => rarity,
  observed: ({ observed }) => observed,
  expected: ({ expected }) => expected,
  direction,
  reason: ({ reason }) => reason,
  service: ({ labels }) => serviceName(labels),
  name: ({ labels }) => labels.name,
  template: ({ labels }) => labels.template,
  trace_id: ({ labels }) => labels.traceId,
  duration: ({ episode }) => (episode ? episode.lastSeen - episode.start : 0),
  count: ({ episode }) => episode?.count ?? 1,
  peak: ({ episode, score }) => episode?.peak ?? score,
  is_incident: ({ incident }) => incident !== undefined,
  breadth: ({ incident }) => incident?.services.length ?? 1,
  episodes: ({ incident }) => incident?.episodes ?? 1,
};

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)|([A-Za-z_][\w.]*)|(==|!=|<=|>=|[<>()[\],]))/y;

/** Reads a condition; throws an Error that says where it cannot be read. "route() where ..." is the same as "...". */
export function parseCondition(text: string): Condition {
  const bare = text.replace(/^\s*route\(\)\s*(where\b)?/, "");
  const test = bare.trim() === "" && bare !== text ? () => true : new Reader(bare).read();
  return { text, holds: test };
}

/** An option type for a condition; it stays text once parsed. */
export const condition = () =>
  z.string().superRefine((text, context) => {
    try {
      parseCondition(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  });

class Reader {
  readonly #tokens: { readonly text: string; readonly at: number }[] = [];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    const scan = new RegExp(TOKEN);
    while (scan.lastIndex < text.trimEnd().length) {
      const from = scan.lastIndex;
      const found = scan.exec(text);
      if (!found) throw new Error(`cannot read ${shown(text.slice(from).trim())}; text stands in "double quotes"`);
      this.#tokens.push({ text: found[0].trim(), at: from });
    }
  }

  read(): Test {
    const test = this.#or();
    if (this.#peek() !== undefined) throw this.#unexpected('"and", "or" or the end');
    return test;
  }

  #peek(): string | undefined {
    return this.#tokens[this.#next]?.text;
  }

  #take(): string | undefined {
    return this.#tokens[this.#next++]?.text;
  }

  #expect(token: string): void {
    if (this.#peek() !== token) throw this.#unexpected(shown(token));
    this.#next++;
  }

  #unexpected(wanted: string): Error {
    const found = this.#peek();
    return new Error(
      `${found === undefined ? "it ends too early" : `${shown(found)} stands`} where ${wanted} is expected`,
    );
  }

  #or(): Test {
    if (++this.#depth > DEEPEST) throw new Error("it is nested too deeply; write several conditions");
    const parts = [this.#and()];
    while (this.#peek() === "or") {
      this.#next++;
      parts.push(this.#and());
    }
    this.#depth--;
    return parts.length === 1 ? parts[0] : (anomaly) => parts.some((part) => part(anomaly));
  }

  #and(): Test {
    const parts = [this.#not()];
    while (this.#peek() === "and") {
      this.#next++;
      parts.push(this.#not());
    }
    return parts.length === 1 ? parts[0] : (anomaly) => parts.every((part) => part(anomaly));
  }

  #not(): Test {
    let negated = false;
    while (this.#peek() === "not") {
      this.#next++;
      negated = !negated;
    }
    const test = this.#term();
    return negated ? (anomaly) => !test(anomaly) : test;
  }

  #term(): Test {
    if (this.#peek() === "(") {
      this.#next++;
      const inside = this.#or();
      this.#expect(")");
      return inside;
    }
    if (this.#peek() === "IsMatch") return this.#isMatch();
    const left = this.#operand();
    const operator = this.#peek() ?? "";
    if (Object.hasOwn(COMPARE, operator)) {
      this.#next++;
      const right = this.#operand();
      const compare = COMPARE[operator];
      return (anomaly) => compare(left(anomaly), right(anomaly));
    }
    return (anomaly) => left(anomaly) === true;
  }

  #isMatch(): Test {
    this.#next++;
    this.#expect("(");
    const of = this.#operand();
    this.#expect(",");
    const pattern = this.#take();
    if (!pattern?.startsWith('"')) throw new Error("the second argument of IsMatch is a regular expression in quotes");
    this.#expect(")");
    let expression: RegExp;
    try {
      expression = new RegExp(JSON.parse(pattern) as string, "u");
    } catch (error) {
      throw new Error(`${pattern} is no regular expression: ${(error as Error).message}`);
    }
    return (anomaly) => {
      const value = of(anomaly);
      return value !== undefined && value !== null && expression.test(String(value).slice(0, LONGEST));
    };
  }

  #operand(): Operand {
    const token = this.#take();
    if (token === undefined || Object.hasOwn(COMPARE, token) || "()[],".includes(token)) {
      this.#next--;
      throw this.#unexpected("a value");
    }
    if (token.startsWith('"')) return constant(JSON.parse(token) as string);
    if (/^-?\d/.test(token)) return constant(Number(token));
    if (token === "true" || token === "false") return constant(token === "true");
    if (token === "nil") return constant(undefined);
    if (token === "Duration") return this.#duration();
    if (token === "attributes" || token === "resource.attributes") return this.#attribute(token);
    if (Object.hasOwn(PATHS, token)) return PATHS[token];
    throw new Error(
      `there is no ${shown(token)}; there are ${Object.keys(PATHS).join(", ")}, attributes["key"] and resource.attributes["key"]`,
    );
  }

  #duration(): Operand {
    this.#expect("(");
    const text = this.#take() ?? "";
    const value = text.startsWith('"') ? parseDuration(JSON.parse(text) as string) : undefined;
    if (value === undefined) throw new Error(`${text} is no duration; write Duration("5m")`);
    this.#expect(")");
    return constant(value);
  }

  /** `attributes["anomaly.severity"]` is `severity`, as the event that is sent of it has it. */
  #attribute(of: string): Operand {
    this.#expect("[");
    const text = this.#take() ?? "";
    if (!text.startsWith('"')) throw new Error(`the key of ${of} stands in quotes: ${of}["key"]`);
    const key = JSON.parse(text) as string;
    this.#expect("]");
    if (of !== "attributes") return ({ labels }) => labels.resource[key];
    const own = key.startsWith("anomaly.") ? key.slice("anomaly.".length) : "";
    return Object.hasOwn(PATHS, own) ? PATHS[own] : ({ labels }) => labels.attributes[key];
  }
}

const DEEPEST = 50;
/** Of a text that a regular expression is tried on. */
const LONGEST = 4096;

const shown = (text: string) => JSON.stringify(text.slice(0, 40));
const constant =
  (value: Value): Operand =>
  () =>
    value;

/** Severities by their rank, numbers as numbers, the rest as text; what is absent equals nil only and is in no order. */
function order(a: Value, b: Value): number {
  if (a === undefined || a === null || b === undefined || b === null) return Number.NaN;
  if (typeof a === "number" || typeof a === "bigint") {
    return typeof b === "number" || typeof b === "bigint" ? Number(a) - Number(b) : Number.NaN;
  }
  if (typeof a !== "string" || typeof b !== "string") return Number.NaN;
  const [i, j] = [SEVERITIES.indexOf(a), SEVERITIES.indexOf(b)];
  if (i >= 0 && j >= 0) return i - j;
  return a < b ? -1 : a > b ? 1 : 0;
}

const same = (a: Value, b: Value) => (a ?? undefined) === (b ?? undefined) || order(a, b) === 0;

const COMPARE: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  "==": same,
  "!=": (a, b) => !same(a, b),
  "<": (a, b) => order(a, b) < 0,
  "<=": (a, b) => order(a, b) <= 0,
  ">": (a, b) => order(a, b) > 0,
  ">=": (a, b) => order(a, b) >= 0,
};
