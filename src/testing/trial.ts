// One run of a detector over recorded rows through the agent's own code, its raw scores and anomalies written down.
import type {
  Anomaly,
  DetectorPlugin,
  IntervalDetectorPlugin,
  StateShape,
  Telemetry,
  VectorDetectorPlugin,
  Verdicts,
} from "../api/index.ts";
import { Detector } from "../pipeline/detect.ts";
import type { DetectorOptions } from "../pipeline/options.ts";
import { VectorDetector } from "../pipeline/vector_detector.ts";
import type { SeriesTable } from "../series/table.ts";
import { fakeHost } from "./fake_host.ts";
import { cut, type Recording } from "./recording.ts";

export type AnyDetector =
  | DetectorPlugin<any, any, StateShape>
  | VectorDetectorPlugin<any, StateShape>
  | IntervalDetectorPlugin<any, any, StateShape>;
/** Of either kind of rows. */
export type ScoreThenLearn = (rows: any, state: any, verdicts: any, config: any) => void;

/** Options of a component as the agent parses them; called anew for each run, so that none shares an object. */
export type Parse = () => Record<string, unknown>;

export class Trial {
  /** By row, or vector, in order. */
  readonly scores: number[] = [];
  /** What the anomalies say, one text each. */
  readonly anomalies: string[] = [];
  /** Score by row of the recording, where one was found: its rarity where the line is 1. */
  readonly rarity = new Map<number, number>();
  /** All that was found. */
  readonly found: Anomaly[] = [];
  readonly detector: Detector<any> | VectorDetector;

  /** `around` stands between the agent and the detector's function. */
  constructor(
    plugin: AnyDetector,
    options: object,
    table: SeriesTable,
    around?: (inner: ScoreThenLearn) => ScoreThenLearn,
  ) {
    const inner: ScoreThenLearn = (rows, state, verdicts, config) =>
      plugin.scoreThenLearn(rows, state, verdicts, config);
    const called = around ? around(inner) : inner;
    const scoreThenLearn: ScoreThenLearn = (rows, state, verdicts, config) => {
      called(rows, state, verdicts, config);
      for (let i = 0; i < rows.length; i++) this.scores.push(verdicts.score[i]);
    };
    const host = fakeHost(plugin.type);
    const raise = (anomaly: Anomaly) => {
      this.found.push(anomaly);
      this.anomalies.push(text(anomaly));
    };
    this.detector =
      plugin.rows === "vectors"
        ? new VectorDetector({ ...plugin, scoreThenLearn }, options, host, table, raise)
        : new Detector({ ...plugin, scoreThenLearn } as never, options, options as DetectorOptions, host, table, raise);
  }

  /** Rows [from, to) in batches that end at `ends`, which ascend, and at `to`. */
  feed<S extends Telemetry>(recording: Recording<S>, from: number, to: number, ends: readonly number[] = []): this {
    let start = from;
    for (const end of [...ends, to]) {
      if (end < start || end > to) continue;
      this.detector.process(
        cut<any>(recording, start, end, (row, { "anomaly.score": score }) => this.rarity.set(row, Number(score))),
      );
      start = end;
    }
    return this;
  }

  /** Ends it: its table tells it of nothing any more. */
  end(): void {
    void this.detector.stop();
  }
}

function text({ time, type, score, rarity, observed, expected, lower, upper, reason, ...rest }: Anomaly): string {
  const numbers = `${score} ${rarity} ${observed} ${expected} ${lower} ${upper}`;
  return JSON.stringify([rest.fingerprint, time, type, numbers, rest.contributors, reason]);
}

/** Lends every array to the detector for one call only: what it keeps of them is empty afterwards. */
export const lending =
  (inner: ScoreThenLearn): ScoreThenLearn =>
  (rows, state, verdicts, config) => {
    const lent = { rows: copied(rows), state: copied(state), verdicts: copied(verdicts) as unknown as Verdicts };
    try {
      inner(lent.rows, lent.state, lent.verdicts, config);
      handBack(lent.state, state);
      handBack(lent.verdicts, verdicts);
    } finally {
      for (const columns of Object.values(lent)) {
        for (const column of Object.values(columns)) {
          if (ArrayBuffer.isView(column)) (column.buffer as ArrayBuffer).transfer();
        }
      }
    }
  };

function copied<T extends object>(columns: T): T {
  const copy: Record<string, unknown> = {};
  for (const [name, column] of Object.entries(columns)) {
    copy[name] = ArrayBuffer.isView(column) ? (column as Float64Array).slice() : column;
  }
  return copy as T;
}

function handBack(from: object, to: object): void {
  for (const [name, column] of Object.entries(to)) {
    if (ArrayBuffer.isView(column)) (column as Float64Array).set((from as Record<string, Float64Array>)[name]);
  }
}
