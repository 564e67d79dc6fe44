// One run of a detector over recorded rows through the agent's own code, its raw scores and anomalies written down.
import type { Anomaly, DetectorPlugin, StateShape, Telemetry, Verdicts } from "../api/index.ts";
import { Detector } from "../pipeline/detect.ts";
import type { DetectorOptions } from "../pipeline/options.ts";
import type { SeriesTable } from "../series/table.ts";
import { fakeHost } from "./fake_host.ts";
import { cut, type Recording } from "./recording.ts";

export type AnyDetector = DetectorPlugin<any, any, StateShape>;
type ScoreThenLearn = AnyDetector["scoreThenLearn"];

/** Options of a component as the agent parses them; called anew for each run, so that none shares an object. */
export type Parse = () => Record<string, unknown>;

export class Trial {
  /** By row, in order. */
  readonly scores: number[] = [];
  /** What the anomalies say, one text each. */
  readonly anomalies: string[] = [];
  /** Rarity by row of the recording, where one was found. */
  readonly rarity = new Map<number, number>();
  readonly detector: Detector<any>;

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
    const watched: AnyDetector = {
      ...plugin,
      scoreThenLearn: (rows, state, verdicts, config) => {
        called(rows, state, verdicts, config);
        for (let i = 0; i < rows.length; i++) this.scores.push(verdicts.score[i]);
      },
    };
    const settings = options as DetectorOptions;
    this.detector = new Detector(watched, options, settings, fakeHost(plugin.type), table, (anomaly) =>
      this.anomalies.push(text(anomaly)),
    );
  }

  /** Rows [from, to) in batches that end at `ends`, which ascend, and at `to`. */
  feed<S extends Telemetry>(recording: Recording<S>, from: number, to: number, ends: readonly number[] = []): this {
    let start = from;
    for (const end of [...ends, to]) {
      if (end < start || end > to) continue;
      this.detector.process(
        cut(recording, start, end, (row, { "anomaly.rarity": r }) => this.rarity.set(row, Number(r))),
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

function text({ time, type, score, rarity, observed, expected, lower, upper, fingerprint }: Anomaly): string {
  return JSON.stringify([fingerprint, time, type, `${score} ${rarity} ${observed} ${expected} ${lower} ${upper}`]);
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
