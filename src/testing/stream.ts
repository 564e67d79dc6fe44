// What the generated streams have in common: options, planted incidents, seasons and noise, the outer messages.
import type { Telemetry } from "../api/index.ts";
import { encodeAttributes } from "../otlp/encode.ts";
import { Wire, Writer } from "../otlp/writer.ts";
import { START } from "./fake_host.ts";

export interface StreamOptions {
  /** The same options give the same bytes. */
  readonly seed?: number;
  /** Metric series; operations, of two spans each; services that log. */
  readonly series?: number;
  /** Intervals: a metric has one data point in each. */
  readonly points?: number;
  /** Length of an interval in milliseconds. */
  readonly step?: number;
  /** Unix milliseconds of the first interval. */
  readonly start?: number;
  readonly services?: number;
  /** Spans of an operation, or records of a service, in an ordinary interval; not for metrics. */
  readonly rate?: number;
  /** Planted in the whole stream, after its first third. */
  readonly anomalies?: number;
}

/** One Export*ServiceRequest: what one service sent in one interval. */
export interface LabelledRequest<S extends Telemetry = Telemetry> {
  readonly signal: S;
  readonly bytes: Uint8Array;
  readonly items: number;
  /** By item in the order of the bytes: 1 where an anomaly is planted. */
  readonly planted: Uint8Array;
}

/** A planted deviation of one series in intervals [from, to). */
export interface Incident {
  readonly kind: number;
  readonly from: number;
  readonly to: number;
  /** The level is multiplied by this. */
  readonly factor: number;
}

/** Of `kinds`, each with its longest duration in intervals; by series. */
export function incidents(
  random: () => number,
  options: Required<StreamOptions>,
  kinds: readonly Kind[],
): Incident[][] {
  const { series, points, anomalies } = options;
  const planned: Incident[][] = Array.from({ length: series }, () => []);
  for (let i = 0; i < anomalies; i++) {
    const kind = i % kinds.length;
    const { longest, factor } = kinds[kind];
    const from = Math.floor(points * (1 / 3 + (random() * 2) / 3));
    const to = from + 1 + Math.floor(random() * longest);
    planned[Math.floor(random() * series)].push({ kind, from, to, factor: factor(random()) });
  }
  return planned;
}

export interface Kind {
  readonly longest: number;
  readonly factor: (random: number) => number;
}

export function complete(options: StreamOptions, usual: Partial<StreamOptions>): Required<StreamOptions> {
  const {
    seed = 1,
    series = 12,
    points = 1000,
    step = 60_000,
    start = START,
    services = 3,
    rate = 4,
  } = {
    ...usual,
    ...options,
  };
  return { seed, series, points, step, start, services, rate, anomalies: options.anomalies ?? series };
}

const DAY = 86_400_000;

/** Load at a time of day, around 1; each phase is another time zone. */
export function season(time: number, phase: number): number {
  return 1 + 0.4 * Math.sin((2 * Math.PI * time) / DAY + phase);
}

export function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export function poisson(random: () => number, mean: number): number {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * gaussian(random)));
  const floor = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > floor; product *= random()) count++;
  return count;
}

/** Lower-case words that differ, for names. */
const SERVICES = ["checkout", "cart", "catalog", "payment", "search", "shipping", "login", "mail"];
export const serviceName = (i: number) => SERVICES[i] ?? `service-${i}`;

/** A request of one resource and scope; `rows` writes the fields of the Scope* message that hold its rows. */
export function requestOf(service: number, rows: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(4096);
  const ofResource = writer.open(1);
  const resource = writer.open(1);
  writer.append(
    encodeAttributes(1, {
      "service.name": serviceName(service),
      "service.namespace": "shop",
      "service.instance.id": `${serviceName(service)}-0`,
      "telemetry.sdk.language": "nodejs",
    }),
  );
  writer.close(resource);
  const ofScope = writer.open(2);
  const scope = writer.open(1);
  writer.field(1, Wire.bytes).string("vedette.generate");
  writer.field(2, Wire.bytes).string("1.0.0");
  writer.close(scope);
  rows(writer);
  writer.close(ofScope);
  writer.close(ofResource);
  return writer.finish();
}
