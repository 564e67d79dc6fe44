// npm run bench:scale: the agent at 10 thousand, 100 thousand and a million series, into scale.md; with --smoke only shows that it runs.
import { fork } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { message } from "./end_to_end.ts";
import { median, table } from "./markdown.ts";
import { Load, longest, type Memory, nextSnapshot, POINTS, ScaleAgent, type Setting } from "./scale_agent.ts";

const { values } = parseArgs({
  options: { smoke: { type: "boolean" }, minutes: { type: "string" }, series: { type: "string" } },
});
const smoke = values.smoke === true;
const most = Number(values.series ?? (smoke ? 20_000 : 1_000_000));
const minutes = Number(values.minutes ?? (smoke ? 0.05 : 10));
if (!(most >= 20_000 && most % POINTS === 0)) throw new Error(`--series wants a multiple of ${POINTS} from 20000 on`);
if (!(minutes > 0)) throw new Error("--minutes wants a number above 0");

/** Points that every series has had before anything is counted. */
const YOUNG = smoke ? 1 : 12;
/** Points that are counted, at least, and of each series. */
const COUNTED = smoke ? 20_000 : 2_000_000;
const OLDER = smoke ? 1 : 4;
/** Requests a second beside which snapshots are taken: about a third of what a core takes. */
const RATE = 400;
const SNAPSHOTS = smoke ? 1 : 3;
const EVERY = smoke ? "1s" : "20s";

interface Sized {
  readonly detector: Setting["detector"];
  readonly series: number;
  readonly cpu: number;
  readonly memory: Memory;
  /** Bytes of state that the detector says it holds. */
  readonly state: number;
}

async function sized(load: Load, sink: number, setting: Setting): Promise<Sized> {
  const { detector, series } = setting;
  const agent = await ScaleAgent.start(setting, sink);
  try {
    await agent.take(load, { requests: (YOUNG * series) / POINTS });
    const { cpu } = await agent.take(load, { requests: Math.max(COUNTED, OLDER * series) / POINTS });
    const state = (await agent.metrics()).get("vedette_detector_state_bytes") ?? 0;
    return { detector, series, cpu, memory: agent.memory(), state };
  } finally {
    await agent.stop();
  }
}

interface Lasting {
  /** Resident bytes at the end of each minute. */
  readonly resident: readonly number[];
  readonly second: number;
  readonly last: number;
  readonly cpu: number;
  /** Points a second. */
  readonly rate: number;
  readonly held: number;
  readonly evicted: number;
  /** Milliseconds that a small request waited at most: while every series was new, and later. */
  readonly growing: number;
  readonly settled: number;
}

/** For some minutes as much as it takes. */
async function lasting(load: Load, sink: number): Promise<Lasting> {
  const agent = await ScaleAgent.start({ detector: "auto", series: most }, sink);
  try {
    const whileNew = agent.probe();
    await agent.take(load, { requests: most / POINTS });
    const growing = longest(await whileNew());
    const afterwards = agent.probe();
    await agent.take(load, { requests: most / POINTS });
    const settled = longest(await afterwards());
    const samples: number[] = [];
    const sampling = setInterval(() => samples.push(agent.memory().resident), 1000);
    const began = performance.now();
    const { points, cpu } = await agent.take(load, { lasting: minutes * 60_000 });
    const rate = points / ((performance.now() - began) / 1000);
    clearInterval(sampling);
    const minute = (n: number) =>
      samples.slice(Math.floor((n * samples.length) / minutes), Math.floor(((n + 1) * samples.length) / minutes));
    const resident = Array.from({ length: Math.max(1, Math.floor(minutes)) }, (_, n) => median(minute(n)));
    const metrics = await agent.metrics();
    return {
      resident,
      second: resident[Math.min(1, resident.length - 1)],
      last: resident.at(-1)!,
      cpu,
      rate,
      held: metrics.get("vedette_detector_series") ?? 0,
      evicted: (metrics.get("vedette_detector_evicted_series") ?? 0) + (metrics.get("vedette_series_evicted") ?? 0),
      growing,
      settled,
    };
  } finally {
    await agent.stop();
  }
}

interface Kept {
  readonly series: number;
  /** Milliseconds that a small request waited at most: without a snapshot, and while one was taken and written. */
  readonly without: number;
  readonly during: number;
  /** Milliseconds from the first byte to the last, and bytes. */
  readonly took: number;
  readonly bytes: number;
  readonly before: Memory;
  readonly after: Memory;
  /** Milliseconds: until it has stopped, the last snapshot included; and until it runs again with what it knew. */
  readonly stopping: number;
  readonly startUp: number;
  readonly started: Memory;
  readonly held: number;
}

async function kept(load: Load, sink: number, series: number): Promise<Kept> {
  const directory = mkdtempSync(join(tmpdir(), "vedette-scale-"));
  const setting: Setting = { detector: "auto", series, state: { directory, interval: EVERY } };
  try {
    const agent = await ScaleAgent.start(setting, sink);
    await agent.take(load, { requests: (2 * series) / POINTS });
    const before = agent.memory();
    const busy = agent.take(load, { rate: RATE });
    const waits = { without: [] as number[], during: [] as number[], took: [] as number[] };
    let bytes = 0;
    for (let round = 0; round < SNAPSHOTS; round++) {
      const asked = agent.probe();
      const began = performance.now();
      const snapshot = await nextSnapshot(directory);
      await setTimeout(200);
      const answers = await asked();
      // what copies before the first byte is written is over when the file appears
      const first = snapshot.from - 100;
      waits.during.push(longest(answers, first, snapshot.to + 100));
      waits.without.push(longest(answers, began, first - 1500));
      waits.took.push(snapshot.to - snapshot.from);
      bytes = snapshot.bytes;
    }
    const after = agent.memory();
    load.stop();
    await busy;
    const stopping = await agent.stop();
    const again = await ScaleAgent.start(setting, sink);
    const started = again.memory();
    const held = (await again.metrics()).get("vedette_detector_series") ?? 0;
    await again.stop();
    const { startUp } = again;
    const [without, during, took] = [Math.max(...waits.without), Math.max(...waits.during), median(waits.took)];
    return { series, without, during, took, bytes, before, after, stopping, startUp, started, held };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const MiB = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
const MB = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
const ms = (milliseconds: number) => `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
const thousands = (n: number) => (n >= 1e6 ? `${n / 1e6}M` : `${n / 1000}k`);

function report(sizes: readonly Sized[], long: Lasting, snapshots: readonly Kept[]): string {
  const big = snapshots.at(-1)!;
  const least = (detector: Setting["detector"]) => sizes.find((each) => each.detector === detector)!;
  const target = sizes.find(({ detector, series }) => detector === "auto" && series === 100_000);
  const targets = [
    ["resident at 100k series with `auto`", target ? MB(target.memory.resident) : "", "300 MB, goal 200 MB"],
    [`series held of ${thousands(most)}`, `${long.held}, ${long.evicted} evicted`, "all"],
    [
      `growth at ${thousands(most)} from the second minute to minute ${Math.floor(minutes)}, at saturation`,
      MB(long.last - long.second),
      "none",
    ],
    [`longest wait while a snapshot of ${thousands(most)} series is taken`, ms(big.during), "100 ms"],
  ];
  return `# Scale

Written by \`npm run bench:scale\`. The agent as \`npm start\` starts it, metrics over HTTP in requests of 1,000 points; each series has a point of other noise a
minute later (of event time) each time round. CPU is the kernel's count for the process, user and system, with receiving, judging and forwarding. The exporter's queue has room for 64
requests. Resident memory is that of a clone: of the package, which holds JavaScript, it is some 30 MB less.

Node ${process.version}, ${cpus()[0]?.model ?? "unknown CPU"}, ${cpus().length} cores, ${process.platform} ${process.arch}.

${table(["figure", "measured", "to reach"], targets)}

\`service.max_series\` is a million by default, \`max_series\` of a detector 100,000: whoever has more series says so at the detector. Beyond them the agent
goes on, and series that are new make room for each other.

## By number of series

${table(
  ["detector", "series", "ns CPU a point", "resident", "at most", "state, as it says", "bytes a series, resident"],
  sizes.map(({ detector, series, cpu, memory, state }) => {
    const { memory: small, series: few } = least(detector);
    const each = !detector || series === few ? "" : Math.round((memory.resident - small.resident) / (series - few));
    return [
      detector ?? "none",
      thousands(series),
      Math.round(cpu),
      MB(memory.resident),
      MB(memory.most),
      MB(state),
      each,
    ];
  }),
)}

## ${thousands(most)} series for ${minutes} minutes, as much as it takes

${table(
  ["what", "measured"],
  [
    ["points a second", Math.round(long.rate)],
    ["ns CPU a point", Math.round(long.cpu)],
    ["longest wait of a small request while all series were new", ms(long.growing)],
    ["and in the round after", ms(long.settled)],
    ["resident, minute by minute", long.resident.map(MiB).join(", ")],
  ],
)}

## Snapshots of \`auto\`, beside ${RATE * POINTS} points a second

A small request goes in every few milliseconds; the longest that one waited for its answer, less the time in which the agent or the client was ready to run and had no
core, since others use this machine. Start-up and time are by the clock.

${table(
  [
    "series",
    "longest wait without",
    "while one is taken",
    "time",
    "size",
    "resident before",
    "after",
    "at most",
    "to stop",
    "start-up with it",
    "resident then",
    "series then",
  ],
  snapshots.map((each) => [
    thousands(each.series),
    ms(each.without),
    ms(each.during),
    ms(each.took),
    MB(each.bytes),
    MB(each.before.resident),
    MB(each.after.resident),
    MB(each.after.most),
    ms(each.stopping),
    ms(each.startUp),
    MB(each.started.most),
    each.held,
  ]),
)}
`;
}

if (!existsSync("/proc/self/stat")) {
  process.stdout.write("not measured: this platform has no /proc to read CPU time and memory from\n");
  process.exit(0);
}
// agents end with this process, however it ends
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
const far = fork(fileURLToPath(new URL("sink.ts", import.meta.url)));
const { port: sink } = (await message(far)) as { port: number };
const sizes: Sized[] = [];
const snapshots: Kept[] = [];
let long: Lasting | undefined;
for (const series of smoke ? [10_000, most] : [10_000, 100_000, most]) {
  const load = await Load.over(series);
  for (const detector of [undefined, "auto", "ewma"] as const) {
    sizes.push(await sized(load, sink, { detector, series }));
    if (!smoke) console.error(sizes.at(-1));
  }
  if (series === most || series === 100_000) snapshots.push(await kept(load, sink, series));
  if (!smoke) console.error(snapshots.at(-1));
  if (series === most) long = await lasting(load, sink);
  load.close();
}
far.disconnect();
sizes.sort((a, b) => (a.detector ?? "").localeCompare(b.detector ?? "") || a.series - b.series);
const text = report(sizes, long!, snapshots);
if (smoke) process.stdout.write("the benchmark of scale runs; nothing was written\n");
else {
  writeFileSync(new URL("scale.md", import.meta.url), text);
  process.stdout.write(text);
}
process.exit(0);
