// A system of services whose metrics belong together, with faults that no value of one series shows.
import type { Attributes } from "../../src/api/index.ts";
import { encodeAttributes } from "../../src/otlp/encode.ts";
import { Wire, type Writer } from "../../src/otlp/writer.ts";
import { START, seededRandom } from "../../src/testing/fake_host.ts";
import { gaussian, requestOf, season, serviceName } from "../../src/testing/stream.ts";

export type SystemFaultType = "absence" | "missing_field" | "outlier";

/** How strong it is: minutes of silence or without the field; of an outlier how far what belongs together comes apart: 0.5 is not at all related, 1 the reverse. */
export const SYSTEM_FAULTS: Readonly<Record<SystemFaultType, readonly number[]>> = {
  absence: [3, 10, 60],
  missing_field: [3, 10, 60],
  outlier: [0.25, 0.5, 1],
};

export interface Service {
  readonly name: string;
  readonly fault: SystemFaultType | undefined;
  readonly size: number;
  /** Intervals [from, to) of the fault. */
  readonly from: number;
  readonly to: number;
}

export interface System {
  readonly step: number;
  readonly intervals: number;
  readonly services: readonly Service[];
}

const STEP = 60_000;
const DAY = 1440;
const OUTLIER = 20;
const METRICS = ["http.requests", "cpu.utilization", "http.latency", "memory.used"] as const;

/** `each` services with every fault of every size, and as many times four without one, for two days of minutes. */
export function systemOf(each: number): System {
  const services: Service[] = [];
  const random = seededRandom(7);
  const add = (fault: SystemFaultType | undefined, size: number) => {
    const lasts = fault === "outlier" ? OUTLIER : size;
    const from = fault ? Math.floor(DAY * (1 + 0.9 * random())) : 0;
    services.push({ name: serviceName(services.length), fault, size, from, to: from + lasts });
  };
  for (let i = 0; i < 4 * each; i++) add(undefined, 0);
  for (const [fault, sizes] of Object.entries(SYSTEM_FAULTS)) {
    for (const size of sizes) for (let i = 0; i < each; i++) add(fault as SystemFaultType, size);
  }
  return { step: STEP, intervals: 2 * DAY, services };
}

/** A request in each interval, of the services one after the other; their points are some seconds apart. */
export function* systemRequests({
  intervals,
  services,
}: System): Generator<{ from: number; to: number; bytes: Uint8Array }> {
  const random = services.map((_, i) => seededRandom(1000 + i));
  const apart = Math.floor(STEP / 2 / services.length);
  const encoded = services.map((_, i) => {
    const host: Attributes = { "host.name": `node-${i % 5}` };
    return { usual: encodeAttributes(7, { ...host, "http.route": "/api" }), missing: encodeAttributes(7, host) };
  });
  for (let interval = 0; interval < intervals; interval++) {
    const from = START + interval * STEP;
    const parts: Uint8Array[] = [];
    for (const [i, { fault, size, from: first, to: end }] of services.entries()) {
      const at = interval >= first && interval < end ? fault : undefined;
      const time = from + i * apart;
      const values = valuesOf(random[i], time, i, at === "outlier" ? size : 0);
      if (at === "absence") continue;
      const attributes = at === "missing_field" ? encoded[i].missing : encoded[i].usual;
      parts.push(
        requestOf(i, (writer) => {
          for (const [m, name] of METRICS.entries()) writeGauge(writer, name, time, values[m], attributes);
        }),
      );
    }
    // requests joined byte by byte are one request of all that they held
    yield { from, to: from + (services.length - 1) * apart, bytes: Buffer.concat(parts) };
  }
}

/**
 * All follow the load, which goes up and down by the minute, each with a little noise of its own. When that is `broken` the processor
 * and the latency are busy when the load is low and idle when it is high: their values are everyday ones by themselves.
 */
function valuesOf(random: () => number, time: number, phase: number, broken: number): number[] {
  const noise = (spread: number) => 1 + spread * gaussian(random);
  const usual = season(time, phase);
  const load = Math.max(0.1, usual * noise(0.25));
  const felt = Math.max(0.1, load + broken * 2 * (usual - load));
  const used = 200 + 20 * load;
  return [1000 * load, 0.4 * felt * noise(0.03), 0.05 * felt ** 2 * noise(0.05), used * noise(0.02)];
}

/** A Metric of one data point. */
function writeGauge(writer: Writer, name: string, time: number, value: number, attributes: Uint8Array): void {
  const metric = writer.open(2);
  writer.field(1, Wire.bytes).string(name);
  const data = writer.open(5);
  const point = writer.open(1);
  writer.field(3, Wire.fixed64).time(time).field(4, Wire.fixed64).double(value).append(attributes);
  writer.close(point);
  writer.close(data);
  writer.close(metric);
}
