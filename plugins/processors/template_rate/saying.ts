// How often something is logged, as a person would say it.
import type { Labels, Measure, Said } from "vedette";

/** Seconds, and what they are called after a number of times. */
const SPANS: readonly (readonly [seconds: number, name: string])[] = [
  [1, "a second"],
  [60, "a minute"],
  [3600, "an hour"],
  [86_400, "a day"],
];
const LONGEST_TEMPLATE = 200;

/** "3 times a minute": in the shortest span in which it is at least once. */
function often(perSecond: number): string {
  const [seconds, name] = SPANS.find(([seconds]) => perSecond * seconds >= 0.95) ?? SPANS.at(-1)!;
  const times = perSecond * seconds;
  if (times < 0.5) return "less than once a day";
  const number = times < 10 ? Number(times.toPrecision(2)) : Math.round(times);
  return number === 1 ? `once ${name}` : `${number.toLocaleString("en-US")} times ${name}`;
}

/** What a series of records is called, or a template in it, and what is said of it. Values are records a second. */
export function saying({ name, template, part }: Labels): Measure {
  const text = template ?? part;
  const short = text !== undefined && text.length > LONGEST_TEMPLATE ? `${text.slice(0, LONGEST_TEMPLATE)}...` : text;
  const what = short === undefined ? `${name} records` : `"${short}"`;
  const say = ({ service, numbers: { observed, expected } }: Said) => {
    const who = service === "" ? "a service without a name" : service;
    const usually = `usually ${often(expected)}`;
    if (observed === 0) return `${who} no longer logs ${what}; ${usually}`;
    return `${who} logged ${what} ${observed < expected ? "only " : ""}${often(observed)}; ${usually}`;
  };
  return { name: `rate of ${what}`, unit: "/s", say };
}
