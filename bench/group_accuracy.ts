// Group accuracy of templates (Zhu, He, Liu, He, Xie, Zheng & Lyu, ICSE 2019), and the labelled lines it is measured on.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Lines of one system, and which event a person said that each is. */
export interface LabelledLines {
  readonly system: string;
  readonly lines: readonly string[];
  readonly events: readonly string[];
}

/** The share of lines whose group, of those that were given the same template, is exactly the lines of one event. */
export function groupAccuracy(templates: readonly number[], events: readonly string[]): number {
  const groups = Map.groupBy(templates.keys(), (i) => templates[i]);
  const sizes = new Map<string, number>();
  for (const event of events) sizes.set(event, (sizes.get(event) ?? 0) + 1);
  let right = 0;
  for (const lines of groups.values()) {
    const event = events[lines[0]];
    if (lines.length === sizes.get(event) && lines.every((i) => events[i] === event)) right += lines.length;
  }
  return right / templates.length;
}

/** Every *.csv and *.csv.gz of a folder, with columns Content and EventId, as loghub has them. */
export function readSystems(folder: string): LabelledLines[] {
  return readdirSync(folder)
    .filter((name) => /\.csv(\.gz)?$/.test(name))
    .map((name) => {
      const file = readFileSync(join(folder, name));
      const [head, ...rows] = rowsOf((name.endsWith(".gz") ? gunzipSync(file) : file).toString());
      const [content, event] = [head.indexOf("Content"), head.indexOf("EventId")];
      if (content < 0 || event < 0) throw new Error(`${name} has no columns Content and EventId`);
      const whole = rows.filter((row) => row.length > Math.max(content, event));
      const system = name.replace(/(_2k\.log_structured)?\.csv(\.gz)?$/, "");
      return { system, lines: whole.map((row) => row[content]), events: whole.map((row) => row[event]) };
    });
}

/** Rows of CSV text (RFC 4180). */
function rowsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (quoted === undefined && plain === "" && end === "" && rows.at(-1)!.length === 0) continue;
    rows.at(-1)!.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}
