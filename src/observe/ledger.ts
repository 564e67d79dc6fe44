// Turns the agent's numbers into OpenTelemetry metric data, with a start time for each counter.
import { type HrTime, ValueType } from "@opentelemetry/api";
import { AggregationTemporality, type DataPoint, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import type { Measurement } from "../api/index.ts";
import { INSTRUMENTS, type Instrument, type InstrumentName } from "./instruments.ts";

interface Entry {
  start: number;
  value: number;
}

const hrTime = (milliseconds: number): HrTime => [
  Math.floor(milliseconds / 1000),
  Math.round((milliseconds % 1000) * 1e6),
];

/**
 * The counters seen last, as many as there are now. The SDK's observable instruments are not used for them: they go on
 * telling the last value of a component that is gone, and each status that a component ever had.
 */
export class Ledger {
  #seen = new Map<string, Entry>();
  /** Unix milliseconds of the last collection; the start of what was not there then. */
  #last: number;

  constructor(now: number) {
    this.#last = now;
  }

  /** Measurements under a name of the table; those of the same name and attributes are added up. */
  metrics(measurements: readonly Measurement[], level: Instrument["level"], now: number): MetricData[] {
    const families = Map.groupBy(measurements, ({ name }) => name);
    const seen = new Map<string, Entry>();
    const metrics: MetricData[] = [];
    for (const [name, instrument] of Object.entries(INSTRUMENTS) as [InstrumentName, Instrument][]) {
      const family = families.get(name);
      if (!family || (level === "basic" && instrument.level === "normal")) continue;
      const dataPoints = [...Map.groupBy(family, ({ attributes }) => JSON.stringify(attributes))].map(
        ([key, same]): DataPoint<number> => {
          const value = same.reduce((sum, one) => sum + one.value, 0);
          const start = instrument.kind === "gauge" ? now : this.#start(`${name}${key}`, value, seen);
          return { startTime: hrTime(start), endTime: hrTime(now), attributes: same[0].attributes, value };
        },
      );
      metrics.push(metricOf(name, instrument, dataPoints));
    }
    this.#seen = seen;
    this.#last = now;
    return metrics;
  }

  /** When the counter began to count: anew after the last collection where it fell since. */
  #start(key: string, value: number, seen: Map<string, Entry>): number {
    const before = this.#seen.get(key);
    const start = before && value >= before.value ? before.start : this.#last;
    seen.set(key, { start, value });
    return start;
  }
}

function metricOf(name: string, { kind, unit, description }: Instrument, dataPoints: DataPoint<number>[]): MetricData {
  const valueType = unit === "s" || unit === "{decades}" ? ValueType.DOUBLE : ValueType.INT;
  const common = {
    descriptor: { name, unit, description, valueType },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints,
  };
  return kind === "gauge"
    ? { ...common, dataPointType: DataPointType.GAUGE }
    : { ...common, dataPointType: DataPointType.SUM, isMonotonic: true };
}
