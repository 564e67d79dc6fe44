// What a cascade saves: two detectors alone and one after the other, on the same labelled streams. Writes cascade.md.
import { writeFileSync } from "node:fs";
import type { Plugin } from "../src/api/index.ts";
import { type Constituent, compose, composedOptions } from "../src/pipeline/compose.ts";
import { optionsOf, Registry } from "../src/registry.ts";
import { generate } from "../src/testing/index.ts";
import { type Recording, record } from "../src/testing/recording.ts";
import { averagePrecision, minutes } from "../src/testing/sense.ts";
import { type AnyDetector, Trial } from "../src/testing/trial.ts";

const [cheap, costly] = ["half_space_trees", "isolation_forest"];
const RUNS = 5;
/** Rows of one request. */
const ROWS = 500;

const plugins = new Map((await Registry.all()).list().map(({ plugin }) => [plugin.type, plugin]));

interface Contender {
  readonly name: string;
  readonly plugin: AnyDetector;
  readonly options: object;
}

/** Of the forest, as many as its authors take: it is the costly one. */
const TREES = 100;

/** With its defaults, but that everything is told that is rarer than 1 in 10: to see how well it ranks. */
function alone(type: string): Contender & Constituent {
  const plugin = plugins.get(type) as Plugin & { kind: "detector" };
  const options = optionsOf(plugin).parse({
    threshold: 1,
    ...(plugin.rows !== "vectors" && { annotate: "attributes" }),
    ...(type === costly && { trees: TREES }),
  });
  return { id: type, name: `\`${type}\` alone`, plugin: plugin as Constituent["plugin"] & AnyDetector, options };
}

function cascade(first: string, second: string): Contender {
  const plugin = plugins.get("cascade") as Plugin & { kind: "combination" };
  const parts = [alone(first), alone(second)];
  const own = optionsOf(plugin).parse({ first, second, threshold: 1, annotate: "attributes" });
  const options = composedOptions(own, parts);
  return { name: `\`${first}\`, then \`${second}\``, plugin: compose(plugin, options, parts) as AnyDetector, options };
}

/** Milliseconds of CPU, and the average precision. */
function run({ plugin, options }: Contender, recording: Recording): { cpu: number; precision: number } {
  const trial = new Trial(plugin, options, recording.table);
  const before = process.cpuUsage();
  for (let from = 0; from < recording.rows.length; from += ROWS) {
    trial.feed(recording, from, Math.min(recording.rows.length, from + ROWS));
  }
  const { user, system } = process.cpuUsage(before);
  trial.end();
  const keyOf = (service: unknown, time: number) => `${String(service)} ${Math.floor(time / 60_000)}`;
  const vectors = new Map(
    trial.found.map(({ labels, time, rarity }) => [keyOf(labels.resource["service.name"], time), rarity]),
  );
  const ofVector = (row: number) =>
    vectors.get(keyOf(recording.labels(row).resource["service.name"], recording.rows.time[row])) ?? 0;
  const score = plugin.rows === "vectors" ? ofVector : (row: number) => trial.rarity.get(row) ?? 0;
  return { cpu: (user + system) / 1000, precision: averagePrecision(minutes(recording, score)) };
}

function table(contenders: readonly Contender[], recording: Recording, what: string): string {
  const results = contenders.map(() => ({ cpu: [] as number[], precision: 0 }));
  for (let i = 0; i < RUNS; i++) {
    for (const [k, contender] of contenders.entries()) {
      const { cpu, precision } = run(contender, recording);
      results[k].cpu.push(cpu);
      results[k].precision = precision;
    }
  }
  const lines = results.map(({ cpu, precision }, k) => {
    const median = cpu.sort((a, b) => a - b)[RUNS >> 1];
    return `| ${contenders[k].name} | ${median.toFixed(0)} | ${precision.toFixed(2)} |`;
  });
  return [`| ${what} | CPU, ms | average precision |`, "|---|---|---|", ...lines].join("\n");
}

const vectors = record("metrics", generate.vectors({ points: 5000, services: 4, anomalies: 40 }));
const text = `# What a cascade saves

Medians of ${RUNS} runs taken in turns, by \`node bench/cascade.ts\`: each detector alone, and the cascade of both with its defaults; the forest
has ${TREES} trees. The whole path of
a detector is in it (joining, calibrating, telling what is rarer than 1 in 10), and of the cascade choosing and copying. The labelled stream is that of
\`vedette/testing\`: vectors that are odd only in combination. The average precision is of the calibrated scores.

${table([alone(cheap), alone(costly), cascade(cheap, costly)], vectors, `${vectors.rows.length / 5} vectors of 4 resources`)}
`;
if (process.argv.includes("--print")) console.log(text);
else writeFileSync(new URL("cascade.md", import.meta.url), text);
