// What a metric detector costs a point and a series, beside the plain scan of the same bytes.
import { PipelineBatch } from "../src/pipeline/batch.ts";
import { Detector } from "../src/pipeline/detect.ts";
import { Intake } from "../src/pipeline/intake.ts";
import type { DetectorOptions } from "../src/pipeline/options.ts";
import { optionsOf } from "../src/registry.ts";
import { fakeHost, seededRandom } from "../src/testing/fake_host.ts";
import { gaussian } from "../src/testing/stream.ts";
import type { AnyDetector } from "../test/quality/trial.ts";
import { metricRequests } from "./payloads.ts";

export interface Cost {
  readonly series: number;
  /** CPU nanoseconds a point: of the scan and the series table alone, and of the detector on top. */
  readonly scan: number;
  readonly detector: number;
  /** Bytes a series that the detector and its calibration hold. */
  readonly memory: number;
}

const POINTS = 1000;
const STEP = 60_000;
/** Tags of a NumberDataPoint's time_unix_nano and as_double, which follow each other. */
const TIME = 0x19;
const DOUBLE = 0x21;

/** Each round every series has one point, a minute later, with another value; the first `young` rounds are not counted. */
export function costOf(plugin: AnyDetector, series: number, rounds: number, young: number): Cost {
  const requests = metricRequests(series, POINTS).map((bytes) => ({ bytes, places: placesOf(bytes) }));
  const intake = new Intake<"metrics">("metrics", 42, 2 * series);
  const options = optionsOf(plugin).parse({ max_series: series });
  const host = fakeHost(plugin.type);
  const settings = options as unknown as DetectorOptions;
  const detector = new Detector<"metrics">(plugin, options, settings, host, intake.table, () => {});
  const batch = new PipelineBatch<"metrics">("metrics");
  const random = seededRandom(1);
  const noise = Float64Array.from({ length: 4096 }, () => 50 + 5 * gaussian(random));
  let scan = 0;
  let judging = 0;
  for (let round = 0; round < rounds; round++) {
    const time = host.time + STEP;
    host.time = time;
    for (const { bytes, places } of requests) {
      renew(bytes, places, time, noise, round * 31 + Math.floor(random() * noise.length));
      const began = spent();
      intake.read(bytes);
      const rows = intake.rows(time);
      const scanned = spent();
      detector.process(batch.open(bytes, time, intake.scan, rows));
      if (round < young) continue;
      scan += scanned - began;
      judging += spent() - scanned;
    }
  }
  const points = (rounds - young) * series;
  const memory = detector.stateBytes / series;
  return { series, scan: (1000 * scan) / points, detector: (1000 * judging) / points, memory };
}

/** CPU microseconds of this process. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Where the time of each point lies in a request; its value is 9 bytes on. */
function placesOf(bytes: Uint8Array): number[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const places: number[] = [];
  for (let at = buffer.indexOf(TIME); at >= 0; at = buffer.indexOf(TIME, at + 1)) {
    if (bytes[at + 9] === DOUBLE && bytes[at - 9] === 0x11) places.push(at + 1);
  }
  if (places.length !== POINTS) throw new Error(`found ${places.length} points of ${POINTS}`);
  return places;
}

function renew(bytes: Uint8Array, places: readonly number[], time: number, noise: Float64Array, first: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const nanoseconds = BigInt(time) * 1_000_000n;
  for (let i = 0; i < places.length; i++) {
    view.setBigUint64(places[i], nanoseconds, true);
    view.setFloat64(places[i] + 9, noise[(first + i) % noise.length], true);
  }
}
