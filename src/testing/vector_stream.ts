// A labelled stream of metrics that move together: what is planted is odd only in combination, no metric leaves its range.
import { encodeAttributes } from "../otlp/encode.ts";
import { Wire, type Writer } from "../otlp/writer.ts";
import { seededRandom } from "./fake_host.ts";
import { complete, gaussian, type LabelledRequest, requestOf, type StreamOptions } from "./stream.ts";

/** Metrics of each service: unit, level at an ordinary load, how it grows with it, and its own scatter. */
const METRICS = [
  { name: "cpu.utilization", unit: "1", level: 0.4, power: 1, scatter: 0.05 },
  { name: "queue.depth", unit: "{item}", level: 30, power: 1.5, scatter: 0.08 },
  { name: "http.server.active_requests", unit: "{request}", level: 120, power: 1, scatter: 0.05 },
  { name: "jvm.memory.used", unit: "By", level: 8e8, power: 0.5, scatter: 0.03 },
  { name: "disk.io.time", unit: "s", level: 0.2, power: -1, scatter: 0.06 },
] as const;
/** How much of the logarithm of the load stays from one interval to the next, and its scatter over time. */
const INERTIA = 0.9;
const SWING = 0.4;
/** A metric is taken off the load when that is this far, in standard deviations, from ordinary; it stays within this many. */
const FAR = 1;
const FARTHEST = 2;
const LONGEST = 3;

/** Gauges of `services`, in each of which one load drives all; for some intervals one metric has the value of the opposite load. */
export function* vectors(given: StreamOptions = {}): Generator<LabelledRequest<"metrics">> {
  const { seed, points, step, start, services, anomalies } = complete(given, { services: 2 });
  const own = Array.from({ length: services }, (_, service) => {
    const random = seededRandom(seed * 1009 + service);
    return { random, load: 0, left: 0, metric: 0, next: points / 3 };
  });
  /** Intervals from one planted to the next, on average. */
  const pause = (points * (2 / 3) * services) / Math.max(1, anomalies);
  for (let point = 0; point < points; point++) {
    for (const [service, state] of own.entries()) {
      const { random } = state;
      state.load = INERTIA * state.load + Math.sqrt(1 - INERTIA ** 2) * gaussian(random);
      const load = Math.max(-FARTHEST, Math.min(FARTHEST, state.load));
      if (state.left > 0) state.left--;
      else if (anomalies > 0 && point >= state.next && Math.abs(load) > FAR) {
        state.left = 1 + Math.floor(random() * LONGEST);
        state.metric = Math.floor(random() * METRICS.length);
        state.next = point + pause * (0.5 + random());
      }
      const planted = new Uint8Array(METRICS.length).fill(state.left > 0 && Math.abs(load) > FAR ? 1 : 0);
      const bytes = requestOf(service, (writer) => {
        for (const [i, metric] of METRICS.entries()) {
          const of = planted[i] === 1 && i === state.metric ? -load : load;
          const value = metric.level * Math.exp(metric.power * SWING * of + metric.scatter * gaussian(random));
          writeGauge(writer, metric.name, metric.unit, start + point * step, value);
        }
      });
      yield { signal: "metrics", bytes, items: METRICS.length, planted };
    }
  }
}

function writeGauge(writer: Writer, name: string, unit: string, time: number, value: number): void {
  const metric = writer.open(2);
  writer.field(1, Wire.bytes).string(name);
  writer.field(3, Wire.bytes).string(unit);
  const data = writer.open(5);
  const point = writer.open(1);
  writer.field(3, Wire.fixed64).time(time);
  writer.field(4, Wire.fixed64).double(value);
  writer.append(encodeAttributes(7, { host: "a" }));
  writer.close(point);
  writer.close(data);
  writer.close(metric);
}
