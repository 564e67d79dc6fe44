// The comparison as a picture: a group of bars a task, CPU a row, shortest is best.
import type { Case } from "./cases.ts";
import type { Measured } from "./measure.ts";

const COLOURS: Readonly<Record<string, string>> = { Vedette: "#2f7d5b", Collector: "#9aa3ad", Rotel: "#c98a3d" };
const colourOf = (name: string) => COLOURS[name.split(" ", 1)[0]] ?? "#777777";

const LEFT = 270;
const WIDTH = 900;
const BAR = 14;
const GAP = 14;

const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Bars are to a logarithmic scale: 10 ns to 100 us a row. */
function length(cpu: number): number {
  const part = (Math.log10(Math.max(cpu, 10)) - 1) / 4;
  return part * (WIDTH - LEFT - 110);
}

export function chart(results: readonly (readonly [Case, readonly Measured[]])[]): string {
  const parts: string[] = [];
  let y = 60;
  for (const [each, measured] of results) {
    const middle = y + (measured.length * BAR) / 2 + 4;
    parts.push(`<text x="${LEFT - 10}" y="${middle}" text-anchor="end">${escaped(each.name)}</text>`);
    for (const { contestant, cpu } of measured) {
      const wide = length(cpu.median).toFixed(1);
      const colour = colourOf(contestant.name);
      parts.push(`<rect x="${LEFT}" y="${y}" width="${wide}" height="${BAR - 2}" rx="2" fill="${colour}"/>`);
      const value = Math.round(cpu.median).toLocaleString("en-US");
      parts.push(`<text class="n" x="${LEFT + Number(wide) + 6}" y="${y + 10}">${value} ns</text>`);
      y += BAR;
    }
    y += GAP;
  }
  const names = [...new Set(results.flatMap(([, measured]) => measured.map(({ contestant }) => contestant.name)))];
  const key = names.map(
    (name, i) =>
      `<rect x="${LEFT + i * 150}" y="30" width="12" height="12" rx="2" fill="${colourOf(name)}"/><text x="${LEFT + i * 150 + 18}" y="40">${escaped(name)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 10}" role="img" aria-label="CPU nanoseconds a row by task and agent; shorter is better">
<style>text{font:12px system-ui,sans-serif;fill:#24292f}.n{font-size:11px}</style>
<rect width="${WIDTH}" height="${y + 10}" fill="#ffffff"/>
<text x="${LEFT}" y="18">CPU nanoseconds a row, logarithmic: shorter is better</text>
${key.join("\n")}
${parts.join("\n")}
</svg>
`;
}
