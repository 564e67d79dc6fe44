// Labels of a file: windows or points in time, by the name of what they are about.
import { readFile } from "node:fs/promises";
import { unreadable } from "../api/file_failure.ts";
import { splitLine } from "../replay/csv_layout.ts";
import { InputError } from "../replay/input_error.ts";
import { parseTimestamp } from "../replay/timestamp.ts";
import type { LabelKind } from "./judgement.ts";

/** Unix milliseconds, both ends included; a point in time is an interval of that one instant. */
type Interval = readonly [start: number, end: number];

export interface Labels {
  readonly kind: LabelKind;
  /** By name: an input, or a series in one; "" is about every series. */
  readonly intervals: ReadonlyMap<string, readonly Interval[]>;
}

const FORMS = `write {"NAME": [["START", "END"], ...]}, or CSV with the columns start,end or timestamp,label and, where there are several, series`;

/** Throws InputError. */
export async function readLabels(path: string): Promise<Labels> {
  let text: string;
  try {
    text = (await readFile(path, "utf8")).replace(/^\ufeff/, "");
  } catch (error) {
    throw new InputError(path, `it cannot be read: ${unreadable(error as NodeJS.ErrnoException)}`);
  }
  return /^\s*[[{]/.test(text) ? ofJson(path, text) : ofCsv(path, text);
}

function ofJson(path: string, text: string): Labels {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new InputError(path, `it is no JSON: ${(error as Error).message}`);
  }
  if (Array.isArray(content)) throw new InputError(path, `a list says not what it is about; ${FORMS}`);
  const kinds = new Set<LabelKind>();
  const intervals = new Map<string, Interval[]>();
  for (const [name, entries] of Object.entries(content as object)) {
    if (!Array.isArray(entries)) throw new InputError(path, `${JSON.stringify(name)} has no list of labels; ${FORMS}`);
    intervals.set(
      name,
      entries.map((entry) => {
        kinds.add(Array.isArray(entry) ? "windows" : "points");
        return intervalOf(Array.isArray(entry) ? entry : [entry, entry], (problem) => {
          throw new InputError(path, `${JSON.stringify(name)} has ${JSON.stringify(entry)}, ${problem}`);
        });
      }),
    );
  }
  if (kinds.size > 1) throw new InputError(path, "it holds both windows and points; give one kind at a time");
  return { kind: [...kinds][0] ?? "windows", intervals };
}

function ofCsv(path: string, text: string): Labels {
  const [first = "", ...lines] = text.split(/\r?\n/);
  const names = (splitLine(first, ",") ?? []).map((name) => name.trim().toLowerCase());
  const column = (...known: string[]) => names.findIndex((name) => known.includes(name));
  const start = column("start", "from");
  const end = column("end", "to");
  const point = column("timestamp", "time");
  const label = column("label", "is_anomaly", "anomaly");
  const series = column("series", "name", "input");
  const windows = start >= 0 && end >= 0;
  if (!windows && point < 0) throw new InputError(path, `its first line names no columns of labels; ${FORMS}`, 1);
  const intervals = new Map<string, Interval[]>();
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const at = i + 2;
    const cells = splitLine(line, ",");
    if (cells?.length !== names.length) {
      throw new InputError(path, `${cells?.length ?? "unclosed"} cells where the first line has ${names.length}`, at);
    }
    if (label >= 0 && !windows && !isLabel(path, cells[label], at)) continue;
    const ends = windows ? [cells[start], cells[end]] : [cells[point], cells[point]];
    const interval = intervalOf(ends, (problem) => {
      throw new InputError(path, `${ends.join(" to ")}: ${problem}`, at);
    });
    const name = series < 0 ? "" : cells[series];
    const own = intervals.get(name);
    if (own) own.push(interval);
    else intervals.set(name, [interval]);
  }
  return { kind: windows ? "windows" : "points", intervals };
}

function isLabel(path: string, cell: string, line: number): boolean {
  const text = cell.trim().toLowerCase();
  if (/^(1(\.0+)?|true|yes)$/.test(text)) return true;
  if (/^(0(\.0+)?|false|no|)$/.test(text)) return false;
  throw new InputError(path, `the label ${JSON.stringify(cell)} is neither 1 nor 0`, line);
}

function intervalOf(ends: readonly unknown[], fail: (problem: string) => never): Interval {
  if (ends.length !== 2) return fail("which is no pair of start and end");
  const [start, end] = ends.map((each) => parseTimestamp(String(each)));
  if (Number.isNaN(start) || Number.isNaN(end)) return fail("which is no time; write 2024-05-01T12:00:00Z");
  return start <= end ? [start, end] : fail("which ends before it starts");
}

/** Whether labels called `name` are about a series: by the input's path, as far as both tell it, or by the series' own name. */
export function isAbout(name: string, input: string, series: string): boolean {
  if (name === "") return true;
  const path = name.replace(/\.gz$/, "");
  return (
    path === input || path.endsWith(`/${input}`) || input.endsWith(`/${path}`) || (series !== "" && name === series)
  );
}
