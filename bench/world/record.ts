// node bench/world/record.ts FILE [--seed 1] [--hours 2] ...: a world as a file that `vedette replay --input FILE` reads, and its faults beside it.
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import { FAULT_KINDS, planOf } from "./plan.ts";
import { arrivals, START, truthsOf, type WorldOptions } from "./world.ts";

const HOUR = 3_600_000;

/** Each request behind its length in 4 bytes, big-endian. Says how many spans there are. */
export function record(path: string, options: WorldOptions): number {
  const file = openSync(path, "w");
  const size = Buffer.alloc(4);
  let spans = 0;
  try {
    for (const arrival of arrivals(options)) {
      size.writeUInt32BE(arrival.bytes.length);
      writeSync(file, size);
      writeSync(file, arrival.bytes);
      spans += arrival.spans;
    }
  } finally {
    closeSync(file);
  }
  return spans;
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: "1" },
      hours: { type: "string", default: "2" },
      /** Of the day at which it begins. */
      at: { type: "string", default: "8" },
      rate: { type: "string", default: "5" },
      sampling: { type: "string", default: "1" },
      fault: { type: "string", multiple: true, default: [] },
      /** How many faults, in the second half. */
      faults: { type: "string", default: "0" },
    },
  });
  const [path] = positionals;
  if (path === undefined) throw new Error("name the file to write");
  const seed = Number(values.seed);
  const hours = Number(values.hours);
  const start = START + Number(values.at) * HOUR;
  const count = Number(values.faults);
  const every = (hours * HOUR) / 2 / Math.max(1, count);
  const kinds = FAULT_KINDS.filter((kind) => values.fault.length === 0 || values.fault.includes(kind));
  const faults = planOf({ seed, first: start + (hours * HOUR) / 2, lasts: every / 2, every, count, kinds });
  const options = {
    seed,
    hours,
    start,
    requestsPerSecond: Number(values.rate),
    sampling: Number(values.sampling),
    faults,
  };
  const spans = record(path, options);
  writeFileSync(`${path}.faults.json`, `${JSON.stringify(truthsOf(options), null, 1)}\n`);
  process.stdout.write(`${spans} spans in ${path}, ${count} faults in ${path}.faults.json\n`);
}
