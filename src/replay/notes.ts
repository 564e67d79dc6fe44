// What a careful reader of a replay's results should know of the CSV files that were read.
import type { CsvFile } from "./csv_file.ts";

/** Whole sentences. */
export function notesOn(tables: readonly CsvFile[]): string[] {
  const notes: string[] = [];
  const note = (what: string, named: readonly string[]) => {
    if (named.length > 0) notes.push(`${what}: ${some(named)}.`);
  };
  const pathsOf = (files: readonly CsvFile[]) => files.map(({ input }) => input.path);
  note(
    "Time goes back in some rows, which were fed in the order of their file",
    pathsOf(tables.filter(({ backwards }) => backwards > 0)),
  );
  note(
    "Some rows have the same time as the row before, and were fed in the order of their file",
    pathsOf(tables.filter(({ repeated }) => repeated > 0)),
  );
  const strange = tables.filter((table) => table.strange > 0);
  const count = strange.reduce((sum, table) => sum + table.strange, 0);
  note(
    `${count} values are no numbers, and their rows were taken for rows without a value`,
    strange.map(({ firstStrange }) => firstStrange),
  );
  note("Columns that were not read", [...new Set(tables.flatMap(({ layout }) => layout?.unread ?? []))]);
  return notes;
}

/** The first of them, and how many there are beside. */
export function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
