// The comparison as text.
import { cpus } from "node:os";
import { table } from "../markdown.ts";
import type { Case } from "./cases.ts";
import type { Contestant } from "./contestants.ts";
import type { Measured, Spread, Way } from "./measure.ts";
import { PINS } from "./trial.ts";

export interface Comparison {
  readonly present: readonly Contestant[];
  readonly missing: readonly string[];
  readonly results: readonly (readonly [Case, readonly Measured[]])[];
  readonly ways: readonly (readonly [Case, readonly Way[]])[];
  readonly rounds: number;
}

const whole = (value: number) => Math.round(value).toLocaleString("en-US");
const ranged = ({ median, least, most }: Spread, unit = 1) =>
  `${whole(median / unit)} (${whole(least / unit)} to ${whole(most / unit)})`;

/** How many times cheaper a row is for us than for them. */
export const cheaper = (us: Measured, them: Measured) => them.cpu.median / us.cpu.median;

function aims({ results }: Comparison): string {
  const rows = results.flatMap(([each, [us, them]]) => {
    if (!each.aim || !them?.contestant.name.startsWith("Collector")) return [];
    const [must, goal] = each.aim;
    const ratio = cheaper(us, them);
    const did = them.contestant.does(each)!;
    // what detects beside what only forwards: the ratio stands, the aim was another
    const isOther = each.work === "detection" && did.startsWith("pass-through");
    const verdict = isOther ? "not measured" : ratio >= goal ? "goal" : ratio >= must ? "must" : "missed";
    return [[each.name, `${ratio.toFixed(1)}x`, `${must}x`, `${goal}x`, verdict, did]];
  });
  return table(["work", "cheaper a row", "must", "goal", "reached", "what the Collector did"], rows);
}

const figures = ({ results }: Comparison) =>
  table(
    ["work", "agent", "ns CPU a row", "rows/s of one core", "peak memory, MB", "start, ms", "load and sink busy"],
    results.flatMap(([each, measured]) =>
      measured.map(({ contestant, cpu, rate, peak, startUp, busy }) => [
        each.name,
        contestant.name,
        ranged(cpu),
        ranged(rate),
        whole(peak.median / 1e6),
        whole(startUp.median),
        `${Math.round(100 * busy)} %`,
      ]),
    ),
  );

const tenths = ({ median, least, most }: Spread) => `${median.toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)})`;

const latencies = ({ ways }: Comparison) =>
  table(
    [
      "work",
      "agent",
      "requests/s",
      "p50, ms",
      "with nothing between",
      "p99, ms",
      "with nothing between",
      "% of a core at 10,000 rows/s",
    ],
    ways.flatMap(([each, of]) =>
      of.map(({ contestant, rate, p50, p99, nothing, share }) => [
        each.name,
        contestant,
        whole(rate),
        tenths(p50),
        tenths(nothing.p50),
        tenths(p99),
        tenths(nothing.p99),
        (100 * share.median).toFixed(1),
      ]),
    ),
  );

export function report(comparison: Comparison): string {
  const { present, missing, rounds } = comparison;
  const versions = present.map(({ name, version }) => `${name} ${version}`).join(", ");
  const notes = present.flatMap(({ name, note }) => (note ? [`${name}: ${note}`] : [])).join("\n");
  const left = missing.map((sentence) => `Left out: ${sentence}.\n`).join("");
  return `# Beside other agents

What \`npm run bench:versus\` measured on ${cpus()[0].model}, ${cpus().length} cores: ${versions}.
${left}
![CPU a row](versus.svg)

One load generator, one sink, the same prebuilt requests; contestants in ${rounds} turns, each started anew every time; medians, least and most in brackets. ${
    PINS ? "The agent is held to one core, load and sink to another." : "Processes were not held to cores."
  } CPU is that of the
agent's process, user and system, by the kernel's accounting, while as much is sent as it takes: received, judged, forwarded the way it came and acknowledged. No agent
batches; full queues let senders wait. Where load and sink were busy nearly all of the time, it was they who limited the rows a second; CPU a row does not depend on that.

${notes}

## CPU a row, beside the Collector

${aims(comparison)}

## Figures

${figures(comparison)}

## The way through

At half of its own rows a second each, not held to a core: milliseconds from when a request was due until the sink had it. "With nothing between" is the same load straight to the sink, in
the same turn: what load generator, sink and the machine take for themselves.

${latencies(comparison)}
`;
}
