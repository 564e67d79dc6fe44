// Series of every shape, with faults of every size or none, as OTLP requests: one each interval, a data point of each series.
import type { Span } from "../../src/backtest/series.ts";
import { encodeAttributes } from "../../src/otlp/encode.ts";
import { Wire, type Writer } from "../../src/otlp/writer.ts";
import { START, seededRandom } from "../../src/testing/fake_host.ts";
import { requestOf } from "../../src/testing/stream.ts";
import { FAULTS, type Fault } from "./faults.ts";
import type { Shape } from "./normal.ts";

export interface Planted {
  readonly shape: Shape;
  readonly fault: Fault | undefined;
  readonly size: number;
  /** Rows in which the fault is to be found. */
  readonly events: readonly Span[];
  /** Its values from the first row on, asked for in order; the same each time it is begun. */
  begin(): (row: number, time: number) => number;
}

export interface Corpus {
  readonly step: number;
  readonly rows: number;
  readonly series: readonly Planted[];
}

/** Faults come after this share of a series. */
const LEARNING = 0.5;

function planted(
  shape: Shape,
  fault: Fault | undefined,
  size: number,
  seed: number,
  { rows, step }: Omit<Corpus, "series">,
): Planted {
  const normal = () => {
    const value = shape.series(seededRandom(seed), step);
    return (_: number, time: number) => value(time);
  };
  if (!fault) return { shape, fault, size, events: [], begin: normal };
  const random = seededRandom(-seed);
  const part = (rows * (1 - LEARNING)) / fault.times;
  const events = Array.from({ length: fault.times }, (_, i): Span => {
    const first = Math.floor(rows * LEARNING + part * i + random() * (part - 1 - fault.rows));
    return [first, first + fault.rows - 1];
  });
  const begin = () => {
    const value = normal();
    let next = 0;
    return (row: number, time: number) => {
      while (next + 1 < events.length && row >= events[next + 1][0]) next++;
      const since = row - events[next][0];
      return value(row, time) + (since < 0 ? 0 : size * shape.spread * fault.share(since));
    };
  };
  return { shape, fault, size, events, begin };
}

/** `normal` series of each shape without a fault, and `faulty` of each shape, fault and size. */
export function corpusOf(
  shapes: readonly Shape[],
  { days, step, normal, faulty }: { days: number; step: number; normal: number; faulty: number },
): Corpus {
  const dimensions = { step, rows: Math.floor((days * 86_400_000) / step) };
  const series: Planted[] = [];
  let seed = 1;
  for (const shape of shapes) {
    for (let i = 0; i < normal; i++) series.push(planted(shape, undefined, 0, seed++, dimensions));
    for (const fault of faulty > 0 ? FAULTS : []) {
      if (fault.type === "drop" && !shape.drops) continue;
      for (const size of fault.sizes) {
        for (let i = 0; i < faulty; i++) series.push(planted(shape, fault, size, seed++, dimensions));
      }
    }
  }
  return { ...dimensions, series };
}

const CUMULATIVE = 2;

/** The requests in the order of time, each made when it is asked for. */
export function* requestsOf({ step, rows, series }: Corpus): Generator<{ time: number; bytes: Uint8Array }> {
  const attributes = series.map((_, i) => encodeAttributes(7, { part: BigInt(i) }));
  const values = series.map((each) => each.begin());
  const totals = new Float64Array(series.length);
  for (let row = 0; row < rows; row++) {
    const time = START + row * step;
    const bytes = requestOf(0, (writer) => {
      for (let i = 0; i < series.length; i++) {
        const now = values[i](row, time);
        if (series[i].shape.form === "gauge") writePoint(writer, time, now, attributes[i]);
        else {
          totals[i] += Math.max(0, Math.round((now * step) / 1000));
          writePoint(writer, time, totals[i], attributes[i], true);
        }
      }
    });
    yield { time, bytes };
  }
}

/** A Metric of one data point. */
function writePoint(writer: Writer, time: number, value: number, attributes: Uint8Array, counter = false): void {
  const metric = writer.open(2);
  writer.field(1, Wire.bytes).string(counter ? "requests" : "gauge");
  const data = writer.open(counter ? 7 : 5);
  const point = writer.open(1);
  if (counter) writer.field(2, Wire.fixed64).time(START - 1000);
  writer.field(3, Wire.fixed64).time(time);
  writer.field(4, Wire.fixed64).double(value);
  writer.append(attributes);
  writer.close(point);
  if (counter) {
    writer.field(2, Wire.varint).varint(CUMULATIVE);
    writer.field(3, Wire.varint).varint(1);
  }
  writer.close(data);
  writer.close(metric);
}
