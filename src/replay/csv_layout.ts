// What the columns of a CSV file mean, from its first line.
import { parseTimestamp } from "./timestamp.ts";

const TIMES = ["timestamp", "@timestamp", "time", "datetime", "date", "ts", "time_unix_nano", "timeunixnano"];
const SEPARATORS = [",", ";", "\t"];
const LABELS = ["label", "labels", "is_anomaly", "isanomaly", "anomaly"];

export interface CsvLayout {
  /** Whether the first line names the columns. */
  readonly header: boolean;
  readonly separator: string;
  /** How many there are, and which hold what. */
  readonly columns: number;
  readonly time: number;
  /** -1 when there is none. */
  readonly label: number;
  /** Columns of values, each a series of its own; the name is empty where there is one that is called value, or nothing. */
  readonly values: readonly { readonly column: number; readonly name: string }[];
  /** Names of columns that are not read. */
  readonly unread: readonly string[];
}

/** Whether the first line of some text may be that of a table with times, whatever its file is called. */
export function tellsTime(first: string): boolean {
  const separator = SEPARATORS.find((each) => first.includes(each));
  const cells = separator === undefined ? [] : (splitLine(first, separator) ?? []);
  return (
    cells.some((cell) => TIMES.includes(cell.trim().toLowerCase())) || !Number.isNaN(parseTimestamp(cells[0] ?? ""))
  );
}

/** The layout, or why there is none with a remedy. */
export function layoutOf(first: string): CsvLayout | string {
  if (first.includes("\r")) return "its lines end with a carriage return alone; write line feeds";
  const separator = SEPARATORS.find((each) => first.includes(each));
  if (!separator) return 'one column only; write lines of "timestamp,value"';
  const cells = splitLine(first, separator);
  if (!cells) return "a quote is not closed; close it on the same line";
  const columns = cells.length;
  if (!Number.isNaN(parseTimestamp(cells[0]))) {
    if (columns > 3)
      return `${columns} columns without names; write a first line that names them, as in "timestamp,cpu,memory"`;
    const values = [{ column: 1, name: "" }];
    return { header: false, separator, columns, time: 0, label: columns === 3 ? 2 : -1, values, unread: [] };
  }
  const names = cells.map((cell) => cell.trim());
  if (new Set(names).size < columns) return "two columns have the same name; give each its own";
  const lower = names.map((name) => name.toLowerCase());
  const time = Math.max(
    0,
    lower.findIndex((name) => TIMES.includes(name)),
  );
  const label = lower.findIndex((name) => LABELS.includes(name));
  const others = [...names.keys()].filter((column) => column !== time && column !== label);
  const value = others.find((column) => lower[column] === "value");
  if (value !== undefined) {
    const unread = others.filter((column) => column !== value).map((column) => names[column]);
    return { header: true, separator, columns, time, label, values: [{ column: value, name: "" }], unread };
  }
  if (others.length === 0) return 'no column of values; write lines of "timestamp,value"';
  if (others.some((column) => names[column] === "")) return "a column has no name; name each in the first line";
  const values = others.map((column) => ({ column, name: names[column] }));
  return { header: true, separator, columns, time, label, values, unread: [] };
}

/** The cells of a line; undefined when a quote in it is not closed. */
export function splitLine(line: string, separator: string): string[] | undefined {
  if (!line.includes('"')) return line.split(separator);
  const cells: string[] = [];
  for (let at = 0; at <= line.length; ) {
    if (line[at] !== '"') {
      const end = line.indexOf(separator, at);
      cells.push(end < 0 ? line.slice(at) : line.slice(at, end));
      if (end < 0) return cells;
      at = end + separator.length;
      continue;
    }
    let cell = "";
    for (at++; ; at++) {
      const quote = line.indexOf('"', at);
      if (quote < 0) return undefined;
      cell += line.slice(at, quote);
      at = quote + 1;
      if (line[at] !== '"') break;
      cell += '"';
    }
    const end = line.indexOf(separator, at);
    cells.push(cell + (end < 0 ? line.slice(at) : line.slice(at, end)));
    if (end < 0) return cells;
    at = end + separator.length;
  }
  return cells;
}
