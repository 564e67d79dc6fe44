// How outliers and new values are told.

const LONGEST = 100;

const short = (text: string) => {
  const line = text.replace(/\s+/g, " ");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}...` : line;
};

/** "#2" is told as "parameter 2". */
const named = (field: string) => (field.startsWith("#") ? `parameter ${field.slice(1)}` : field);
const digits = (value: number) =>
  value >= 1e4 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
const of = (service: string) => (service === "" ? "" : ` of ${service}`);

export interface Excess {
  readonly side: "high" | "low";
  readonly service: string;
  readonly template: string;
  readonly field: string;
  readonly count: number;
  readonly records: number;
  /** From where on a number is high, or below which one is low; undefined where it is not to be told. */
  readonly line: number | undefined;
  /** Share of records where that is so usually. */
  readonly usual: number;
}

/** 'took in "request <*> took <*>" of checkout is above 310 in 18 of 40 records; usually it is in 2 %.' */
export function excessSentence({ side, service, template, field, count, records, line, usual }: Excess): string {
  const far = line === undefined ? `unusually ${side}` : `${side === "high" ? "above" : "below"} ${digits(line)}`;
  const what = `${named(field)} in "${short(template)}"${of(service)}`;
  return `${what} is ${far} in ${count} of ${records} records; usually it is in ${percent(usual)}.`;
}

/** 'took in "request <*> took <*>" of checkout is 93,000; none of 12,400 before was above 2,100.' */
export function farSentence(
  service: string,
  template: string,
  field: string,
  { value, largest, total, hidden }: { value: number; largest: number; total: number; hidden: boolean },
): string {
  const what = `${named(field)} in "${short(template)}"${of(service)}`;
  const before = `none of ${total.toLocaleString("en-US")} before was`;
  if (hidden) return `${what} is far larger than ever; ${before} nearly as large.`;
  return `${what} is ${digits(value)}; ${before} above ${digits(largest)}.`;
}

/** 'provider in "paid by <*>" of checkout is "foo", which none of 12,000 was; usual are "visa", "amex".' */
export function valueSentence(
  service: string,
  template: string,
  field: string,
  { text, total, usual }: { text: string; total: number; usual: readonly string[] },
): string {
  const what = `${named(field)} in "${short(template)}"${of(service)}`;
  const quoted = (value: string) => `"${value}"`;
  const rest = usual.length > 0 ? `; usual are ${usual.map(quoted).join(", ")}` : "";
  const is = text === "" ? "has a value" : `is ${quoted(text)},`;
  return `${what} ${is} which none of ${total.toLocaleString("en-US")} was${rest}.`;
}
