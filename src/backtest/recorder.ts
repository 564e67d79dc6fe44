// What a replay said, row by row, kept until it can be judged: 17 bytes a row, and room to grow.
import type { ReplayedRow } from "../replay/row.ts";
import type { LabelKind } from "./judgement.ts";
import { isAbout, type Labels } from "./labels.ts";
import { eventsOfLabels, eventsOfWindows, type JudgedSeries } from "./series.ts";

/** One series; its columns have room to grow. */
class Recorded {
  readonly input: string;
  readonly series: string;
  length = 0;
  time = new Float64Array(256);
  score = new Float64Array(256);
  label = new Uint8Array(256);
  /** Whether any row came with a label of its own, of whatever value. */
  labelled = false;

  constructor({ input, series }: ReplayedRow) {
    this.input = input;
    this.series = series;
  }

  push({ time, score, label }: ReplayedRow): void {
    if (this.length === this.time.length) this.#grow();
    this.time[this.length] = time;
    this.score[this.length] = score;
    this.label[this.length++] = label ? 1 : 0;
    if (label !== undefined) this.labelled = true;
  }

  #grow(): void {
    const { time, score, label } = this;
    this.time = new Float64Array(2 * time.length);
    this.score = new Float64Array(2 * time.length);
    this.label = new Uint8Array(2 * time.length);
    this.time.set(time);
    this.score.set(score);
    this.label.set(label);
  }
}

export interface Recording {
  readonly kind: LabelKind;
  readonly series: readonly JudgedSeries[];
  /** Names that labels are about and no series bears; series without labels, which count as normal throughout. */
  readonly unmatched: readonly string[];
  readonly unnamed: readonly string[];
}

export class Recorder {
  readonly #series = new Map<string, Recorded>();

  /** Rows of one series come in order. */
  push(row: ReplayedRow): void {
    const key = `${row.input}\n${row.series}`;
    let own = this.#series.get(key);
    if (!own) {
      own = new Recorded(row);
      this.#series.set(key, own);
    }
    own.push(row);
  }

  /** Whether any row came with a label of its own, of whatever value. */
  get labelled(): boolean {
    return this.#series.values().some(({ labelled }) => labelled);
  }

  /** All there is, beside the labels of a file, or those that came with the rows. */
  finish(labels?: Labels): Recording {
    const used = new Set<string>();
    const unnamed: string[] = [];
    const series = [...this.#series.values()].map((own): JudgedSeries => {
      const name = own.series === "" ? own.input : `${own.input} ${own.series}`;
      const time = own.time.subarray(0, own.length);
      const score = own.score.subarray(0, own.length);
      if (!labels) {
        if (!own.labelled) unnamed.push(name);
        return { name, time, score, events: eventsOfLabels(own.label.subarray(0, own.length)) };
      }
      const about = [...labels.intervals.keys()].filter((each) => isAbout(each, own.input, own.series));
      if (about.length === 0) unnamed.push(name);
      for (const each of about) used.add(each);
      const intervals = about.flatMap((each) => labels.intervals.get(each) ?? []);
      if (labels.kind === "windows") return { name, time, score, events: eventsOfWindows(time, intervals) };
      const instants = new Set(intervals.map(([instant]) => instant));
      return { name, time, score, events: eventsOfLabels(Uint8Array.from(time, (each) => Number(instants.has(each)))) };
    });
    const unmatched = labels ? [...labels.intervals.keys()].filter((name) => !used.has(name)) : [];
    return { kind: labels?.kind ?? "points", series, unmatched, unnamed };
  }
}
