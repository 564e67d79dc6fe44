// The metrics of a Nezha day as OTLP requests in the order of their time: a gauge a column of each pod, once a minute.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encodeAttributes } from "../src/otlp/encode.ts";
import { Wire, Writer } from "../src/otlp/writer.ts";
import { type Day, faultsIn, rowsOf, serviceOf, TRANSFER } from "./nezha_day.ts";

interface Scrape {
  readonly service: string;
  /** Unix milliseconds. */
  readonly time: number;
  readonly values: readonly (readonly [name: string, value: number])[];
}

/** Whether there are metrics in the folder. */
export const hasMetrics = (folder: string) => existsSync(join(folder, "faults", "metric"));

/** Those of the normal traffic are the same. */
export function readMetricDay(folder: string): Day {
  const all = scrapesIn(join(folder, "faults", "metric"));
  const bySecond = Map.groupBy(all, ({ time }) => Math.ceil((time + TRANSFER) / 1000) * 1000);
  const requests = [...bySecond]
    .sort(([a], [b]) => a - b)
    .map(([at, some]) => {
      return { at, bytes: request(some), rows: some.reduce((sum, { values }) => sum + values.length, 0) };
    });
  const services = [...new Set(all.map(({ service }) => service))].sort();
  return { requests, faults: faultsIn(join(folder, "faults")), services };
}

function scrapesIn(folder: string): Scrape[] {
  return readdirSync(folder).flatMap((file) => {
    const [head, ...lines] = rowsOf(gunzipSync(readFileSync(join(folder, file))).toString());
    // the last cell is the empty one behind the last comma
    return lines.flatMap((cells): Scrape[] => {
      if (cells.length < head.length || !cells[2].includes("-")) return [];
      const values = head.slice(3).flatMap((name, i) => {
        const value = Number(cells[i + 3]);
        return name === "" || cells[i + 3] === "" || !Number.isFinite(value) ? [] : [[name, value] as const];
      });
      return [{ service: serviceOf(cells[2]), time: 1000 * Number(cells[1]), values }];
    });
  });
}

function request(scrapes: readonly Scrape[]): Uint8Array {
  const writer = new Writer(65_536);
  for (const { service, time, values } of scrapes) {
    const resource = writer.open(1);
    const described = writer.open(1);
    writer.append(encodeAttributes(1, { "service.name": service }));
    writer.close(described);
    const scope = writer.open(2);
    for (const [name, value] of values) {
      const metric = writer.open(2);
      writer.field(1, Wire.bytes).string(name);
      const gauge = writer.open(5);
      const point = writer.open(1);
      writer.field(3, Wire.fixed64).time(time);
      writer.field(4, Wire.fixed64).double(value);
      writer.close(point);
      writer.close(gauge);
      writer.close(metric);
    }
    writer.close(scope);
    writer.close(resource);
  }
  return writer.finish();
}
