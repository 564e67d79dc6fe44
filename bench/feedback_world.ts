// Weeks of metrics of a small system: normal, with things that recur and are nothing, and with faults. What `auto` says of them.
import auto from "../plugins/processors/auto/index.ts";
import type { Anomaly } from "../src/api/index.ts";
import { Wire, type Writer } from "../src/otlp/writer.ts";
import { PipelineBatch } from "../src/pipeline/batch.ts";
import { Detector } from "../src/pipeline/detect.ts";
import { Intake } from "../src/pipeline/intake.ts";
import type { DetectorOptions } from "../src/pipeline/options.ts";
import { optionsOf } from "../src/registry.ts";
import { fakeHost, START, seededRandom } from "../src/testing/fake_host.ts";
import { poisson, requestOf, serviceName } from "../src/testing/stream.ts";
import { SHAPES, type Shape } from "../test/quality/normal.ts";

const MINUTE = 60_000;
export const DAY = 1440 * MINUTE;
export const WEEK = 7 * DAY;
const STEP = 5 * MINUTE;
const SERVICES = 20;
const METRICS = 6;
/** Values of services differ by up to so many decades: some have more to do, or slower machines. */
const SCALES = 1;

/** Weeks: those in which detectors learn come first; from SILENT on the operator speaks, until JUDGED, in which many faults are planted and nobody speaks. */
export const LEARNING = 2;
export const SILENT = 3;
export const JUDGED = 7;
export const WEEKS = 8;
/** Planted in each week after those of learning, and in the last. */
const FAULTS = 6;
const FAULTS_AT_LAST = 80;

/** Something that moves the values of a series for a while. Rows from `first` to `last`, size in values. */
interface Event {
  readonly series: number;
  readonly first: number;
  readonly last: number;
  readonly size: number;
}

/** Times are Unix milliseconds. */
export interface Fault {
  readonly series: string;
  readonly kind: "spike" | "drop" | "shift";
  /** In spreads of the series. */
  readonly size: number;
  readonly begin: number;
  readonly end: number;
}

export interface World {
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** All that was raised, in order. */
  readonly anomalies: readonly Anomaly[];
}

/** "cart m2": of an anomaly, or of a series by its number. */
export const seriesOf = ({ labels }: Anomaly) => `${labels.resource["service.name"]} ${labels.name}`;
const nameOf = (series: number) => `${serviceName(Math.floor(series / METRICS))} m${series % METRICS}`;

type Random = () => number;
const between = (random: Random, low: number, high: number) => low + (high - low) * random();
const rowAt = (time: number) => Math.round(time / STEP);

/** What recurs and is nothing: jobs, hosts that flap, a busy hour on Mondays, deployments that touch the same metric everywhere. */
function nuisances(random: Random, shapes: readonly Shape[]): Event[] {
  const events: Event[] = [];
  const some = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)];
  const all = shapes.map((_, i) => i);
  const add = (series: number, time: number, rows: number, size: number) => {
    const first = rowAt(time);
    events.push({ series, first, last: first + rows - 1, size: size * shapes[series].spread });
  };
  const jittered = (size: number) => size * between(random, 0.85, 1.15);
  for (let job = 0; job < 4; job++) {
    const touched = [some(all), some(all)];
    const size = between(random, 6, 12);
    for (let week = 0; week < WEEKS; week++) {
      for (let i = poisson(random, 8); i > 0; i--) {
        const time = (week + random()) * WEEK;
        for (const series of touched) add(series, time, 1 + Math.floor(3 * random()), jittered(size));
      }
    }
  }
  const falling = all.filter((i) => shapes[i].drops);
  for (let host = 0; host < 5; host++) {
    const series = some(falling);
    const size = -between(random, 6, 12);
    for (let week = 0; week < WEEKS; week++) {
      for (let i = poisson(random, 8); i > 0; i--) {
        add(series, (week + random()) * WEEK, 1 + Math.floor(2 * random()), jittered(size));
      }
    }
  }
  for (let peak = 0; peak < 3; peak++) {
    const series = some(all);
    const size = between(random, 6, 12);
    for (let week = 0; week < WEEKS; week++)
      add(series, week * WEEK + DAY * 0.375 + between(random, 0, 30 * MINUTE), 12, jittered(size));
  }
  const metric = Math.floor(random() * METRICS);
  for (let week = 0; week < WEEKS; week++) {
    for (let i = poisson(random, 3); i > 0; i--) {
      const time = (week + random()) * WEEK;
      for (let service = 0; service < SERVICES; service++) {
        if (random() < 0.6) add(service * METRICS + metric, time + between(random, 0, 20 * MINUTE), 2, jittered(8));
      }
    }
  }
  return events;
}

/** Shapes whose own bursts are as large as faults: nothing could tell the two apart. */
const BURSTY = ["bursty latency"];
const KINDS = ["spike", "drop", "shift"] as const;

/** Faults of every kind on any series, three hours away from whatever else moves it. */
function faultsOf(random: Random, shapes: readonly Shape[], others: readonly Event[]) {
  const near = rowAt(180 * MINUTE);
  const taken = [...others];
  const planted: { event: Event; fault: Fault }[] = [];
  for (let week = LEARNING; week < WEEKS; week++) {
    for (let left = week === JUDGED ? FAULTS_AT_LAST : FAULTS; left > 0; ) {
      const series = Math.floor(random() * shapes.length);
      const kind = KINDS[Math.floor(random() * KINDS.length)];
      const size = between(random, 15, 40);
      const first = rowAt((week + random()) * WEEK);
      const last = first + (kind === "shift" ? 24 : 3) - 1;
      const overlaps = (each: Event) =>
        each.series === series && first <= each.last + near && last >= each.first - near;
      const lost = BURSTY.includes(shapes[series].name) || (kind === "drop" && !shapes[series].drops);
      if (lost || taken.some(overlaps)) continue;
      const event = { series, first, last, size: (kind === "drop" ? -size : size) * shapes[series].spread };
      taken.push(event);
      const fault = { series: nameOf(series), kind, size, begin: START + first * STEP, end: START + last * STEP };
      planted.push({ event, fault });
      left--;
    }
  }
  return planted;
}

/** The whole of its weeks through `auto` at its defaults; deterministic by seed. */
export function worldOf(seed: number): World {
  const random = seededRandom(seed);
  // one name is one thing: it looks alike on every service
  const order = SHAPES.map((shape) => ({ shape, at: random() })).sort((a, b) => a.at - b.at);
  const shapes = Array.from({ length: SERVICES * METRICS }, (_, i) => order[i % METRICS].shape);
  const nothing = nuisances(random, shapes);
  const planted = faultsOf(random, shapes, nothing);
  const events = Map.groupBy([...nothing, ...planted.map(({ event }) => event)], ({ series }) => series);
  const normal = shapes.map((shape, i) => shape.series(seededRandom(seed * 1000 + i), STEP));
  const scaling = seededRandom(seed + 177);
  const scales = Array.from({ length: SERVICES }, () => 10 ** between(scaling, -SCALES / 2, SCALES / 2));
  const measured = (series: number, row: number) => {
    let value = normal[series](START + row * STEP);
    for (const { first, last, size } of events.get(series) ?? []) if (row >= first && row <= last) value += size;
    return value * scales[Math.floor(series / METRICS)];
  };
  const anomalies: Anomaly[] = [];
  const intake = new Intake<"metrics">("metrics", 1, shapes.length);
  const options = optionsOf(auto).parse({}) as unknown as DetectorOptions;
  const host = fakeHost("auto");
  const detector = new Detector<"metrics">(auto, options, options, host, intake.table, (anomaly) =>
    anomalies.push(anomaly),
  );
  const batch = new PipelineBatch<"metrics">("metrics");
  for (let row = 0; row < (WEEKS * WEEK) / STEP; row++) {
    const time = START + row * STEP;
    host.time = time;
    for (let service = 0; service < SERVICES; service++) {
      const bytes = requestOf(service, (writer) => {
        for (let metric = 0; metric < METRICS; metric++)
          writeGauge(writer, `m${metric}`, time, measured(service * METRICS + metric, row));
      });
      intake.read(bytes);
      detector.process(batch.open(bytes, time, intake.scan, intake.rows(time)));
    }
  }
  return { seed, faults: planted.map(({ fault }) => fault), anomalies };
}

function writeGauge(writer: Writer, name: string, time: number, value: number): void {
  const metric = writer.open(2);
  writer.field(1, Wire.bytes).string(name);
  const data = writer.open(5);
  const point = writer.open(1);
  writer.field(3, Wire.fixed64).time(time);
  writer.field(4, Wire.fixed64).double(value);
  writer.close(point);
  writer.close(data);
  writer.close(metric);
}
