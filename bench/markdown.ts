// What reports are written with: tables, and times as people say them.

export type Cell = string | number;

/** The first column is text, the others are numbers. */
export const table = (head: readonly Cell[], rows: readonly (readonly Cell[])[]) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** Of milliseconds. */
export const lasting = (ms: number) =>
  ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${(ms / 60_000).toFixed(1)} min`;

/** The time of day of Unix milliseconds. */
export const clock = (at: number) => new Date(at).toISOString().slice(11, 19);

/** The lower one of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? Number.NaN;
}
