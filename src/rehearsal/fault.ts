// Faults that can be planted: into which rows, how, and which anomalies tell of them.
import { type Anomaly, type Batch, type Labels, type Spans, serviceName, type Telemetry } from "../api/index.ts";

/** A series of the copy as it was seen without a fault. */
export interface Seen {
  readonly signal: Telemetry;
  /** The same for the same series in another run. */
  readonly key: string;
  readonly labels: Labels;
  readonly about: string;
  rows: number;
  /** Of metrics. */
  least: number;
  most: number;
}

export interface Fault {
  readonly signal: Telemetry;
  readonly kind: string;
  readonly seen: Seen;
  /** Unix milliseconds of events. */
  readonly from: number;
  readonly until: number;
}

interface Kind {
  readonly name: string;
  readonly signal: Telemetry;
  /** anomaly.type of what tells of it: planted only where a detector of the pipeline may find one of these. */
  readonly types: readonly string[];
  /** Whether it would be a clear change of the series, of which there are so many rows a minute. */
  fits(seen: Seen, rate: number): boolean;
  /** Changes a row; "drop" takes it out. Of a fault that adds requests: absent. */
  readonly change?: (batch: Batch, row: number, seen: Seen) => "drop" | undefined;
}

/** Rows a minute of what must not fall silent, fail or slow down unnoticed. */
const STEADY = 12;
/** A value moves by so many times the range that it had. */
const FAR = 4;
/** A call takes so many times as long. */
const SLOWER = 5;

/** The range of the values, or where they stood still half of them. */
const range = ({ least, most }: Seen) => (most > least ? most - least : Math.abs(most) / 2 || 1);

const values = (batch: Batch) => batch.rows as unknown as { readonly value: Float64Array };
const spans = (batch: Batch) => batch.rows as unknown as Spans;

export const KINDS: readonly Kind[] = [
  {
    name: "rise",
    signal: "metrics",
    types: ["spike", "level_shift", "drift", "outlier", "novelty"],
    fits: () => true,
    change(batch, row, seen) {
      values(batch).value[row] = seen.most + FAR * range(seen);
      return undefined;
    },
  },
  {
    name: "fall",
    signal: "metrics",
    types: ["drop", "level_shift", "drift", "outlier", "novelty"],
    // what counts cannot fall below nothing: far enough down only where it kept well above
    fits: (seen) => seen.least > 2 * range(seen),
    change(batch, row, seen) {
      values(batch).value[row] = Math.max(0, seen.least - FAR * range(seen));
      return undefined;
    },
  },
  {
    name: "slow",
    signal: "traces",
    types: ["latency"],
    fits: (_, rate) => rate >= STEADY,
    change(batch, row) {
      spans(batch).duration[row] *= SLOWER;
      spans(batch).self[row] *= SLOWER;
      return undefined;
    },
  },
  {
    name: "errors",
    signal: "traces",
    types: ["error_rate"],
    fits: (_, rate) => rate >= STEADY,
    change(batch, row) {
      spans(batch).failed[row] = 1;
      spans(batch).status[row] = 2;
      spans(batch).inherited[row] = 0;
      return undefined;
    },
  },
  {
    name: "silence",
    signal: "traces",
    types: ["throughput", "absence"],
    fits: (_, rate) => rate >= STEADY,
    change: () => "drop",
  },
  {
    name: "silence",
    signal: "logs",
    types: ["template_rate", "absence", "throughput"],
    fits: (_, rate) => rate >= STEADY,
    change: () => "drop",
  },
  { name: "new_error", signal: "logs", types: ["new_template"], fits: () => true },
];

/** The series of a row: its key in any run, and its name for people. */
export function seriesOf(signal: Telemetry, labels: Labels): { key: string; about: string } {
  const service = serviceName(labels);
  const text = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}` : value);
  if (signal === "metrics") {
    const name = labels.statistic === "" ? labels.name : `${labels.name}.${labels.statistic}`;
    const key = JSON.stringify([labels.resource, labels.scope, name, labels.attributes], text);
    return { key, about: `${service} ${name}`.trimStart() };
  }
  const key = JSON.stringify([service, labels.name, labels.kind ?? ""]);
  return { key, about: service === "" ? labels.name : `${labels.name} of ${service}` };
}

/** Milliseconds after its end in which what tells of a fault may still come: interval detectors close their intervals late. */
export const LATE = 120_000;

/** Whether the anomaly tells of the fault: in its time, about its service, and of a metric about that. */
export function tells(anomaly: Anomaly, { signal, seen, from, until }: Fault): boolean {
  if (anomaly.signal !== signal || anomaly.time < from - 1000 || anomaly.time > until + LATE) return false;
  if (serviceName(anomaly.labels) !== serviceName(seen.labels)) return false;
  return signal !== "metrics" || anomaly.labels.name === seen.labels.name;
}
