// The query of a request, read and bounded: what is not understood is refused and named.
import { badRequest } from "./answer.ts";

const MOST_VALUES = 20;
const LONGEST = 512;
const MOST_ON_A_PAGE = 500;
const PAGE = 50;

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  state: ["open", "ongoing", "resolved"],
  severity: ["info", "warning", "critical"],
  signal: ["metrics", "traces", "logs"],
  opinion: ["good", "bad", "expected"],
};

export class Parameters {
  readonly #query: URLSearchParams;

  /** Refuses names that are not among `known`. */
  constructor(query: URLSearchParams, known: readonly string[]) {
    this.#query = query;
    for (const [name, value] of query) {
      if (!known.includes(name)) {
        const remedy = known.length > 0 ? `there are ${known.join(", ")}` : "leave it out";
        throw badRequest(`the parameter ${name.slice(0, LONGEST)}`, "there is no such parameter", remedy);
      }
      if (value.length > LONGEST)
        throw badRequest(`the parameter ${name}`, "it is too long", `at most ${LONGEST} characters`);
      if (value.includes("\0")) throw badRequest(`the parameter ${name}`, "it holds a zero byte", "leave it out");
    }
  }

  text(name: string): string | undefined {
    const values = this.#query.getAll(name);
    if (values.length > 1) throw badRequest(`the parameter ${name}`, "it is given twice", "give it once");
    return this.#checked(name, values)[0];
  }

  /** Any of which; undefined where it is not asked for. */
  texts(name: string): readonly string[] | undefined {
    const values = this.#query.getAll(name);
    if (values.length > MOST_VALUES)
      throw badRequest(`the parameter ${name}`, "it is given too often", `at most ${MOST_VALUES} times`);
    return values.length > 0 ? this.#checked(name, values) : undefined;
  }

  #checked(name: string, values: string[]): string[] {
    const choices = CHOICES[name];
    const wrong = choices && values.find((value) => !choices.includes(value));
    if (wrong !== undefined) {
      throw badRequest(
        `the parameter ${name}`,
        `${JSON.stringify(wrong)} is none of its values`,
        `there are ${choices.join(", ")}`,
      );
    }
    return values;
  }

  /** Unix milliseconds. */
  time(name: string): number | null {
    const text = this.text(name);
    return text === undefined ? null : timeOf(text, `the parameter ${name}`);
  }

  limit(): number {
    const text = this.text("limit");
    if (text === undefined) return PAGE;
    const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
    if (limit >= 1 && limit <= MOST_ON_A_PAGE) return limit;
    throw badRequest("the parameter limit", "it is no number of items", `1 to ${MOST_ON_A_PAGE}`);
  }

  /** What `cursorOf` was given, if `fits` says that it is of this list. */
  cursor<T>(fits: (value: unknown) => value is T): T | null {
    const text = this.text("cursor");
    if (text === undefined) return null;
    try {
      const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
      if (fits(value)) return value;
    } catch {
      // said below
    }
    throw badRequest(
      "the parameter cursor",
      "it is none that this list gave",
      "take `next` of the page before, or leave it out",
    );
  }
}

/** Where the next page begins, as text that callers hand back as it is. */
export const cursorOf = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

export const isNumber = (value: unknown): value is number => Number.isSafeInteger(value);
export const isPlace = (value: unknown): value is [number, string] =>
  Array.isArray(value) && value.length === 2 && isNumber(value[0]) && typeof value[1] === "string";

/** Of Unix milliseconds, or of a date as ISO 8601 has it. */
export function timeOf(text: string | number, place: string): number {
  const time = typeof text === "number" || /^\d{1,16}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(time) && Math.abs(time) <= 8.64e15) return Math.trunc(time);
  throw badRequest(place, "it is no time", 'write "2026-11-23T18:00:00Z" or Unix milliseconds');
}
