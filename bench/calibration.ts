// npm run bench:calibration: how often rarities come true, and what calibrating costs; writes calibration.md. --smoke: a little of each.
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { Calibrator } from "../src/pipeline/calibrate.ts";
import { seededRandom } from "../src/testing/fake_host.ts";
import { DETECTORS, normal, ratios, SHAPES, type Span } from "../test/rarity.ts";
import { measure } from "./harness.ts";

const smoke = process.argv.includes("--smoke");
const SPANS: Record<string, Span> = {
  "50 to 500": { series: 400, from: 50, to: 500 },
  "500 to 2,000": { series: 200, from: 500, to: 2000 },
  "from 2,000 on": { series: 40, from: 2000, to: 40_000 },
};

/** One table: a row a shape, four columns a span. */
function table(detector: keyof typeof DETECTORS): string {
  const spans = Object.entries(SPANS);
  const rows = SHAPES.map((shape) => {
    const cells = spans.flatMap(([, span]) => {
      const some = smoke ? { series: 2, from: span.from, to: span.from + 100 } : span;
      return ratios(detector, shape, some).map((share) => share.toFixed(2));
    });
    return `| ${[shape.name, ...cells].join(" | ")} |`;
  });
  const head = ["", ...spans.flatMap(([name]) => [`${name}: r >= 1`, "2", "3", "4"])];
  return [`| ${head.join(" | ")} |`, `|---|${"---:|".repeat(head.length - 1)}`, ...rows].join("\n");
}

/** CPU nanoseconds and bytes a row, each series once a round, with series that have seen `age` rows. */
function cost(series: number, age: number): { cpu: number; bytes: number } {
  const calibrator = new Calibrator();
  calibrator.state.grow(series);
  const size = 1000;
  const random = seededRandom(1);
  const scores = Array.from({ length: 97 }, () => Float64Array.from({ length: size }, () => Math.abs(normal(random))));
  const ids = Array.from({ length: series / size }, (_, batch) =>
    Uint32Array.from({ length: size }, (_, i) => batch * size + i),
  );
  const rarity = new Float64Array(size);
  let next = 0;
  const run = () => {
    calibrator.apply(ids[next % ids.length], scores[next % scores.length], size, rarity);
    next++;
  };
  for (let row = 0; row < age * ids.length; row++) run();
  const [{ cpu }] = measure([{ name: "", items: size, run }], smoke ? { rounds: 1, slice: 5 } : {});
  return { cpu, bytes: calibrator.state.byteLength / series };
}

const tables = Object.keys(DETECTORS).map((name) => {
  const detector = name as keyof typeof DETECTORS;
  const title = detector === "none" ? "Scores as they are" : `Values through ${detector}`;
  return `## ${title}\n\n${table(detector)}`;
});
const costs = [1000, 100_000].flatMap((series) =>
  [20, 300].map((age) => {
    const { cpu, bytes } = cost(series, smoke ? 1 : age);
    return `| ${series.toLocaleString("en-US")} | ${age} | ${cpu.toFixed(0)} | ${bytes.toFixed(0)} |`;
  }),
);

const report = `# Calibration

What \`npm run bench:calibration\` measured on ${cpus()[0].model}, Node ${process.version}. Seeded: but for the times, the same code gives the same tables.

Stationary noise without anomalies: the share of rows with a rarity of at least 1, 2, 3, 4, over the share that this says there are (a tenth, a
hundredth, ...), by how many rows of its series came before. 1 is honest; less is cautious: what is bounded, has several modes or is nearly always
zero cannot be surprising often. Series of one shape are calibrated together, each at a scale of its own.

${tables.join("\n\n")}

## Cost

Normal scores, the series in turns, a thousand a batch; \`age\` is how many rows a series has seen when the measurement begins.

| series | age | CPU ns a row | bytes a series |
|---:|---:|---:|---:|
${costs.join("\n")}
`;
if (smoke) console.log(report);
else writeFileSync(new URL("calibration.md", import.meta.url), report);
