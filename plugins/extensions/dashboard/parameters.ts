// The query of a request, read and bounded: what is not understood is refused and named.
import { badRequest } from "./answer.ts";

const LONGEST = 512;
const MOST_ON_A_PAGE = 500;
const PAGE = 50;
const MOST_VALUES = 50;

export class Parameters {
  readonly #query: URLSearchParams;

  /** Refuses names that are not among `known`. */
  constructor(query: URLSearchParams, known: readonly string[]) {
    this.#query = query;
    for (const [name, value] of query) {
      const place = `the parameter ${name.slice(0, LONGEST)}`;
      if (!known.includes(name)) {
        throw badRequest(
          place,
          "there is no such parameter",
          known.length > 0 ? `there are ${known.join(", ")}` : "leave it out",
        );
      }
      if (value.length > LONGEST) throw badRequest(place, "it is too long", `at most ${LONGEST} characters`);
    }
  }

  text(name: string): string | undefined {
    const values = this.#query.getAll(name);
    if (values.length > 1) throw badRequest(`the parameter ${name}`, "it is given twice", "give it once");
    return values[0] === "" ? undefined : values[0];
  }

  /** Undefined where it is not given: any value fits. */
  texts(name: string): ReadonlySet<string> | undefined {
    const values = this.#query.getAll(name).filter(Boolean);
    if (values.length > MOST_VALUES)
      throw badRequest(`the parameter ${name}`, "it is given too often", `at most ${MOST_VALUES} times`);
    return values.length === 0 ? undefined : new Set(values);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined || choices.includes(text as T)) return text as T | undefined;
    throw badRequest(
      `the parameter ${name}`,
      `${JSON.stringify(text)} is none of its values`,
      `there are ${choices.join(", ")}`,
    );
  }

  whole(name: string, { least, most, usual }: { least: number; most: number; usual: number }): number {
    const text = this.text(name);
    if (text === undefined) return usual;
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw badRequest(`the parameter ${name}`, "it is no such number", `a whole number from ${least} to ${most}`);
  }

  limit(): number {
    return this.whole("limit", { least: 1, most: MOST_ON_A_PAGE, usual: PAGE });
  }

  /** Unix milliseconds; also of a date as ISO 8601 has it. */
  time(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const time = /^\d{1,16}(\.\d{1,6})?$/.test(text) ? Number(text) : Date.parse(text);
    if (Number.isFinite(time) && Math.abs(time) <= 8.64e15) return Math.trunc(time);
    throw badRequest(`the parameter ${name}`, "it is no time", 'write "2026-11-23T18:00:00Z" or Unix milliseconds');
  }
}
