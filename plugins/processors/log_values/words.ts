// How outliers and new values are told.
import { Kind } from "./number.ts";

const LONGEST = 100;
const UNITS: Readonly<Record<number, string>> = { [Kind.time]: " ms", [Kind.size]: " bytes", [Kind.percent]: " %" };

const short = (text: string) => {
  const line = text.replace(/\s+/g, " ");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
};

/** What is told of a field: its name, and what its numbers are of. */
interface Named {
  readonly name: string;
  readonly kind: number;
}

/** "#2" is told as "parameter 2". */
const named = ({ name }: Named) => (name.startsWith("#") ? `parameter ${name.slice(1)}` : name);
const digits = (value: number, { kind }: Named) => {
  const number = value >= 1e4 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
  return `${number}${UNITS[kind] ?? ""}`;
};
const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
const of = (service: string) => (service === "" ? "" : ` of ${service}`);
const what = (service: string, template: string, field: Named) =>
  `${named(field)} in "${short(template)}"${of(service)}`;

export interface Excess {
  readonly low: boolean;
  readonly service: string;
  readonly template: string;
  readonly field: Named;
  readonly count: number;
  readonly records: number;
  /** From where on a number is high, or below which one is low; undefined where it is not to be told. */
  readonly line: number | undefined;
  /** Share of records where that is so usually. */
  readonly usual: number;
}

/** 'took in "request <*> took <*>" of checkout is above 310 ms in 18 of 40 records; usually it is in 2 %.' */
export function excessSentence({ low, service, template, field, count, records, line, usual }: Excess): string {
  const far =
    line === undefined ? `unusually ${low ? "low" : "high"}` : `${low ? "below" : "above"} ${digits(line, field)}`;
  return `${what(service, template, field)} is ${far} in ${count} of ${records} records; usually it is in ${percent(usual)}.`;
}

/** 'took in "request <*> took <*>" of checkout is 93,000 ms; none of 12,400 before was above 2,100 ms.' */
export function farSentence(
  service: string,
  template: string,
  field: Named,
  { value, largest, total, hidden }: { value: number; largest: number; total: number; hidden: boolean },
): string {
  const it = what(service, template, field);
  const before = `none of ${total.toLocaleString("en-US")} before was`;
  if (hidden) return `${it} is far larger than ever; ${before} nearly as large.`;
  return `${it} is ${digits(value, field)}; ${before} above ${digits(largest, field)}.`;
}

/**
 * 'provider in "paid by <*>" of checkout is "foo", which none of 12,000 was; usual are "visa", "amex".' Without a template it is an attribute:
 * 'attribute region of checkout is "mars" ...'
 */
export function valueSentence(
  service: string,
  template: string | undefined,
  field: Named,
  { text, total, usual }: { text: string; total: number; usual: readonly string[] },
): string {
  const it = template === undefined ? `attribute ${field.name}${of(service)}` : what(service, template, field);
  const quoted = (value: string) => `"${value}"`;
  const rest = usual.length > 0 ? `; usual are ${usual.map(quoted).join(", ")}` : "";
  const is = text === "" ? "has a value" : `is ${quoted(text)},`;
  return `${it} ${is} which none of ${total.toLocaleString("en-US")} was${rest}.`;
}
