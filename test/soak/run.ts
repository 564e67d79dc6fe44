// `npm run soak -- --minutes N`: everything that wears an agent at once, for as long as one likes; then its books must balance.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { countItems } from "../../src/otlp/split.ts";
import { folderWith, type Running, type Scope, startWith } from "../agent.ts";
import { httpSink, type Sink } from "../sinks.ts";
import { clients, UNDER_WAY } from "./clients.ts";
import { type Scrape, scrape } from "./scrape.ts";

const { values } = parseArgs({ options: { minutes: { type: "string", default: "10" } } });
const MINUTES = Number(values.minutes);
if (!(MINUTES > 0)) throw new Error("--minutes wants a number above 0");
const LENGTH = MINUTES * 60_000;
/** What is looked at, and how often. */
const SAMPLES = 40;
const EVERY = LENGTH / SAMPLES;
/** Growth of the resident set from the second quarter to the last that is called flat. */
const FLAT_SHARE = 0.1;
const FLAT_MIB = 24;
/** Of the agent's heap: small, so that what is resident is what it keeps, and not garbage that nobody needed to collect yet. */
process.env["NODE_OPTIONS"] = "--max-old-space-size=96";
const MIB = 1024 ** 2;

const cleanUps: (() => unknown)[] = [];
const scope: Scope = { after: (cleanUp) => cleanUps.unshift(cleanUp) };

interface Settings {
  readonly threshold: number;
  readonly timeout: string;
  readonly limit: string;
  readonly misspelt?: boolean;
}

const config = (folder: string, sink: Sink, { threshold, timeout, limit, misspelt }: Settings) => `
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0", max_request_body_size: ${limit}, read_timeout: 5s}}}}
processors: {ewma: {${misspelt ? "treshold" : "threshold"}: ${threshold}, max_series: 20000}, span_duration: , log_rate: , cooldown: , memory_limiter: {limit_mib: 600}}
exporters:
  otlp_http:
    endpoint: http://${sink.endpoint}
    timeout: ${timeout}
    compression: none
    retry_on_failure: {initial_interval: 50ms, max_interval: 500ms, max_elapsed_time: 3s}
    sending_queue: {queue_size: 2000, storage: file_storage}
extensions: {file_storage: {directory: ${folder}/queue}, health_check: {endpoint: "127.0.0.1:0"}}
service:
  max_series: 50000
  state: {directory: ${folder}/state, interval: 5s}
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0, without_type_suffix: true, without_units: true}}}}]}}
  extensions: [file_storage, health_check]
  pipelines:
    metrics: {receivers: [otlp], processors: [memory_limiter, ewma], exporters: [otlp_http]}
    traces: {receivers: [otlp], processors: [memory_limiter, span_duration], exporters: [otlp_http]}
    logs: {receivers: [otlp], processors: [memory_limiter, log_rate], exporters: [otlp_http]}
    anomalies: {processors: [cooldown], exporters: [otlp_http]}
`;

interface Sample {
  readonly rss: number;
  readonly handles: number;
  readonly books: Scrape;
}

async function sampleOf(agent: Running): Promise<Sample> {
  const books = await scrape(agent.at("telemetry", "prometheus"));
  const rss = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.pid}/status`, "utf8"))![1]) * 1024;
  return { rss, handles: readdirSync(`/proc/${agent.pid}/fd`).length, books };
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1];
const problems: string[] = [];
const check = (holds: boolean, what: string) => holds || problems.push(what);

/** The sink is away for a part of the time, hangs for another, and takes what comes for the rest. */
async function weather(sink: Sink, until: AbortSignal): Promise<void> {
  const moods = ["takes", "takes", "refuses", "takes", "hangs"] as const;
  for (let i = 0; !until.aborted; i++) {
    sink.mood = moods[i % moods.length];
    await sleep(Math.min(4000, LENGTH / 20), undefined, { signal: until }).catch(() => {});
  }
  sink.mood = "takes";
}

async function reloads(agent: Running, file: string, text: (settings: Settings) => string, until: AbortSignal) {
  const settings: readonly Settings[] = [
    { threshold: 5, timeout: "1s", limit: "4MiB" },
    { threshold: 6, timeout: "1s", limit: "4MiB" },
    { threshold: 6, timeout: "2s", limit: "4MiB" },
    { threshold: 6, timeout: "2s", limit: "5MiB" },
    { threshold: 6, timeout: "2s", limit: "5MiB", misspelt: true },
  ];
  let count = 0;
  while (!until.aborted) {
    await sleep(Math.min(3000, LENGTH / 20), undefined, { signal: until }).catch(() => {});
    writeFileSync(file, text(settings[++count % settings.length]));
    agent.signal("SIGHUP");
  }
  writeFileSync(file, text(settings[0]));
  return count;
}

async function soak(): Promise<void> {
  const sink = await httpSink(scope);
  const folder = folderWith(scope);
  const file = join(folder, "config.yaml");
  const text = (settings: Settings) => config(folder, sink, settings);
  writeFileSync(file, text({ threshold: 5, timeout: "1s", limit: "4MiB" }));
  const agent = await startWith(scope, ["run", "--config", file]);
  // what is delivered is counted, not kept
  const delivered = { requests: 0, items: 0 };
  const take = () => {
    for (const { signal, bytes } of sink.received.splice(0)) {
      delivered.requests++;
      delivered.items += countItems(signal, bytes);
    }
  };
  const forget = setInterval(take, 100);
  scope.after(() => clearInterval(forget));

  const ended = new AbortController();
  const idle = await sampleOf(agent);
  const senders = clients({ http: agent.at("otlp", "http"), grpc: agent.at("otlp", "grpc") }, ended.signal);
  const others = [weather(sink, ended.signal), reloads(agent, file, text, ended.signal)] as const;
  const samples: Sample[] = [];
  console.log("   time   rss MiB  handles    accepted        sent      queued     dropped     refused");
  for (let i = 1; i <= SAMPLES; i++) {
    await sleep(EVERY);
    const sample = await sampleOf(agent);
    samples.push(sample);
    const { accepted, sent, queued, dropped, refused } = sample.books.totals;
    const row = [accepted, sent, queued, dropped, refused].map((n) => String(n).padStart(12)).join("");
    const seconds = ((i * EVERY) / 1000).toFixed(0);
    if (i % 4 === 0) {
      console.log(
        `${seconds.padStart(5)} s ${(sample.rss / MIB).toFixed(1).padStart(9)} ${String(sample.handles).padStart(8)}${row}`,
      );
    }
    // what a queue holds is counted as accepted once it is safely on disk, a moment later
    const ahead = sent + queued + dropped - accepted;
    check(
      ahead >= 0 && ahead <= UNDER_WAY,
      `at ${seconds} s: ${accepted} accepted, but ${sent} sent + ${queued} queued + ${dropped} dropped`,
    );
  }
  ended.abort();
  const { acknowledged, refused, broken } = await senders;
  const [, reloaded] = await Promise.all(others);
  const drained = await untilDrained(agent);
  await sleep(6000); // idle connections that the clients left behind are given up by both sides
  const rest = await sampleOf(agent);
  const code = await agent.stop();
  take();

  const { totals, reasons } = drained.books;
  const told = totals.sent + rest.books.anomalies;
  const [early, late] = [samples.slice(SAMPLES / 4, SAMPLES / 2), samples.slice((SAMPLES * 3) / 4)];
  const [before, after] = [early, late].map((some) => median(some.map(({ rss }) => rss)) / MIB);
  console.log(
    `\n${MINUTES} min: ${acknowledged} items acknowledged, ${refused} refused, ${broken} requests broken on purpose; ` +
      `${reloaded} reloads, ${delivered.requests} requests delivered\n` +
      `books: ${totals.accepted} accepted = ${totals.sent} sent + ${totals.queued} queued + ${totals.dropped} dropped (${JSON.stringify(reasons)}); ${delivered.items - told} items came twice\n` +
      `rss: ${before.toFixed(1)} MiB in the second quarter, ${after.toFixed(1)} MiB in the last; handles: ${idle.handles} idle before, ${rest.handles} after`,
  );
  check(code === 0, `the agent ended with ${code}`);
  check(
    totals.accepted === acknowledged,
    `${acknowledged} items were acknowledged, ${totals.accepted} counted as accepted`,
  );
  check(
    totals.accepted === totals.sent + totals.dropped,
    `${totals.accepted} accepted, but ${totals.sent} sent + ${totals.dropped} dropped in the end`,
  );
  check(
    totals.refused === refused,
    `${refused} items were not acknowledged, ${totals.refused} counted as refused: the others met a broken connection`,
  );
  check(acknowledged > 0 && delivered.items > 0 && broken > 0, "somebody did not do anything");
  check(told <= delivered.items, `${told} items counted as sent, ${delivered.items} came to the sink`);
  check(
    Object.keys(reasons).every((reason) => reason === "retries"),
    `items were dropped for other reasons than a sink that is away: ${JSON.stringify(reasons)}`,
  );
  check(totals.queued === 0, `${totals.queued} items are still queued though the sink takes everything`);
  check(
    after - before < Math.max(FLAT_MIB, FLAT_SHARE * before),
    `the resident set grew by ${(after - before).toFixed(1)} MiB`,
  );
  check(rest.handles <= idle.handles + 8, `${rest.handles - idle.handles} handles were not given back`);
  const { stderr } = agent.output;
  check(
    !/internal error|nobody caught|Warning:|a plugin failed|stopping failed/.test(stderr),
    "the agent's log tells of an error of its own",
  );
  check(!/set aside/.test(stderr), "a snapshot or queue file was set aside");
  check(/reload \d+ is done/.test(stderr), "no reload succeeded");
  check(/reload \d+ failed/.test(stderr), "no bad file was refused");
}

async function untilDrained(agent: Running): Promise<Sample> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const sample = await sampleOf(agent);
    if (sample.books.totals.queued === 0 || performance.now() > deadline) return sample;
    await sleep(200);
  }
}

try {
  await soak();
} finally {
  http.globalAgent.destroy();
  for (const cleanUp of cleanUps) await cleanUp();
}
for (const problem of problems) console.log(`PROBLEM: ${problem}`);
console.log(problems.length === 0 ? "the soak passed" : `the soak failed: ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
