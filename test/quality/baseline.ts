// Tables of what each detector finds in generated telemetry, kept beside this file, and what got worse since.
import { readFileSync, writeFileSync } from "node:fs";

/** By detector, by measure. Of measures that begin with "found" more is better, of all others less. */
export type Figures = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** `file` is a name beside this one. */
export function readBaseline(file: string): Figures {
  const lines = readFileSync(new URL(file, import.meta.url), "utf8").split("\n");
  const cellsOf = (line: string) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
  const [head = [], , ...rows] = lines.filter((line) => line.startsWith("|")).map(cellsOf);
  return new Map(
    head.slice(1).map((detector, i) => {
      const own = rows.filter((cells) => cells[i + 1] !== "");
      return [detector, new Map(own.map((cells) => [cells[0], Number(cells[i + 1])]))];
    }),
  );
}

/** `head` is what stands above the table. */
export function writeBaseline(file: string, head: string, figures: Figures): void {
  const detectors = [...figures.keys()];
  const measures = new Set([...figures.values()].flatMap((own) => [...own.keys()]));
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    row(["measure", ...detectors]),
    row(["---", ...detectors.map(() => "---:")]),
    ...[...measures].map((measure) =>
      row([measure, ...detectors.map((each) => figures.get(each)?.get(measure) ?? "")]),
    ),
  ];
  writeFileSync(new URL(file, import.meta.url), `${head}\n${lines.join("\n")}\n`);
}

/** Set to `write` the tests write the tables instead of comparing with them. */
export const writes = process.env["VEDETTE_BASELINE"] === "write";

/** What got worse, and how many figures got better. */
export function comparison(detector: string, now: ReadonlyMap<string, number>, kept: ReadonlyMap<string, number>) {
  const worse: string[] = [];
  let better = 0;
  for (const [measure, value] of now) {
    const before = kept.get(measure);
    if (before === undefined) worse.push(`${detector}: ${measure}: not in the table`);
    else if (value === before) continue;
    else if (value > before === measure.startsWith("found")) better++;
    else worse.push(`${detector}: ${measure}: ${value}, was ${before}`);
  }
  return { worse, better };
}
