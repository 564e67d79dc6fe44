// npm run bench: measures everything and writes results.md; with --smoke only shows that it runs.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { type EndToEnd, endToEnd } from "./end_to_end.ts";
import { snapshots } from "./snapshots.ts";
import { type Row, type Stages, stages } from "./stages.ts";

if (!globalThis.gc) {
  const again = spawnSync(process.execPath, ["--expose-gc", fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  process.exit(again.status ?? 1);
}

const smoke = process.argv.includes("--smoke");
const measured = stages({ smoke });
const kept = await snapshots({ smoke });
const whole = await endToEnd({ smoke });

function find(signal: Row["signal"], stage: RegExp): Row {
  return measured.rows.find((row) => row.signal === signal && stage.test(row.stage)) as Row;
}

const ns = (value: number) => (value < 100 ? value.toFixed(1) : value.toFixed(0));
const table = (head: string[], rows: string[][]) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

function targets({ memory }: Stages, ends: EndToEnd[] | undefined): string {
  const signals = ["metrics", "traces", "logs"] as const;
  const rows = [/^scan \+ table \+ \w+$/, /calibrated$/].flatMap((which) =>
    signals.map((signal) => {
      const { cheaper, cheaperThanBuffer, stage } = find(signal, which);
      return [
        `${signal}: ${stage}, against the ordinary decode of a Uint8Array`,
        `${cheaper.toFixed(1)}x cheaper (${cheaperThanBuffer.toFixed(1)}x than of a Buffer)`,
        signal === "metrics" ? "12x" : "20x",
      ];
    }),
  );
  const most = Math.max(
    ...measured.rows.filter(({ stage }) => /^(scan|whole)/.test(stage)).map(({ allocated }) => allocated),
  );
  rows.push(["allocated per row, at most, scan to queue", `${most.toFixed(1)} B`, "none per row"]);
  rows.push(["memory per series: table, rates, detector, calibration", `${memory.toFixed(0)} B`, "400 B"]);
  const http = ends?.find(({ protocol, work }) => protocol === "http" && work === "ewma");
  const decode = find("metrics", /^ordinary/).cpu;
  if (http) {
    rows.push([
      `end to end over HTTP, 1,000 points a request, 100k series, where that decode takes ${ns(decode)} ns`,
      `${ns(http.cpu)} ns a point`,
      `${ns((350 / 1500) * decode)} ns (350 where the decode takes 1,500)`,
    ]);
  }
  return table(["figure", "measured", "to reach"], rows);
}

const report = `# Results

Written by \`npm run bench\`. CPU nanoseconds and bytes allocated a row (a data point, span or log record); medians of cases run in turns.

Node ${process.version}, ${cpus()[0]?.model ?? "unknown CPU"}, ${cpus().length} cores, ${process.platform} ${process.arch}.

## Targets

${targets(measured, whole)}

## Stages

${table(
  [
    "signal",
    "stage",
    "ns CPU a row",
    "bytes allocated a row",
    "cheaper than the decode of a Uint8Array",
    "of a Buffer",
  ],
  measured.rows.map(({ signal, stage, cpu, allocated, cheaper, cheaperThanBuffer }) => [
    signal,
    stage,
    ns(cpu),
    allocated.toFixed(1),
    stage.startsWith("ordinary") ? "" : `${cheaper.toFixed(1)}x`,
    stage.startsWith("ordinary") ? "" : `${cheaperThanBuffer.toFixed(1)}x`,
  ]),
)}

## End to end

The agent as a user starts it; its CPU time by the kernel's accounting, user and system; receiving, forwarding (over HTTP) and acknowledging included. The bare
forwarder receives and forwards over node:http and does nothing else: what it takes is the floor of any agent on these modules.

${
  whole
    ? table(
        ["received over", "work", "ns CPU a point", "resident memory"],
        whole.map(({ protocol, work, cpu, resident }) => [
          protocol,
          work,
          ns(cpu),
          `${(resident / 2 ** 20).toFixed(0)} MiB`,
        ]),
      )
    : "Not measured: this platform has no /proc to read CPU time from."
}

## State

A snapshot of \`ewma\` with ${kept.series} series: copied some rows at a time, checked and written while requests go on.

${table(
  ["what", "measured", "to reach"],
  [
    ["saving it, CPU", `${kept.saving.toFixed(1)} ms`, ""],
    ["longest pause meanwhile", `${kept.pause.toFixed(1)} ms`, "50 ms"],
    ["size", `${(kept.bytes / 2 ** 20).toFixed(1)} MiB`, ""],
    ["reading it, CPU", `${kept.reading.toFixed(0)} ms`, ""],
    ["reading it and going on from it, CPU", `${kept.restoring.toFixed(0)} ms`, ""],
  ],
)}

## JSON

${table(
  ["signal", "JSON.parse alone", "OTLP/JSON to protobuf", "protobuf to OTLP/JSON"],
  measured.json.map(({ signal, parse, toProtobuf, toJson }) => [signal, ns(parse), ns(toProtobuf), ns(toJson)]),
)}
`;

if (smoke) process.stdout.write("the benchmarks run; nothing was written\n");
else {
  writeFileSync(new URL("results.md", import.meta.url), report);
  process.stdout.write(report);
}
process.exit(0);
