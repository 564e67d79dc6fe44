// Public labelled series through `replay`, judged whole and in two halves.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Judgement, judgementOf } from "../src/backtest/judgement.ts";
import { readLabels } from "../src/backtest/labels.ts";
import { Recorder } from "../src/backtest/recorder.ts";
import type { JudgedSeries } from "../src/backtest/series.ts";
import { loadSources, replay } from "../src/replay/replay.ts";

export interface Corpus {
  readonly name: string;
  /** Below the data's folder. */
  readonly folder: string;
  /** Absent where the series bring their own labels. */
  readonly labels?: string;
}

export const CORPORA: readonly Corpus[] = [
  { name: "NAB", folder: "nab/data", labels: "nab/windows.json" },
  { name: "AIOps KPI", folder: "aiops_kpi" },
  { name: "Microsoft cloud", folder: "msft_cloud" },
];

export interface Judged {
  readonly whole: Judgement;
  /** Every other series by name, the first one first, and the rest: what is chosen on one is confirmed on the other. */
  readonly halves: readonly [Judgement, Judgement];
  /** Each series in a run of its own, where that scores any row differently. */
  readonly alone: Judgement | undefined;
}

/** One detector on every metric, with its default options. */
export const only = (detector: string) => [
  `yaml: {receivers: {otlp: {protocols: {http: {}}}}, processors: {${detector}: {}}, exporters: {debug: {}},
  service: {pipelines: {metrics: {receivers: [otlp], processors: [${detector}], exporters: [debug]}}}}`,
];

export const present = (data: string, { folder }: Corpus) => existsSync(join(data, folder));

/** `config` as `--config` takes it; none: what `replay` runs without one. With `apart` each series also in a run of its own. */
export async function judged(data: string, corpus: Corpus, config: readonly string[], apart: boolean): Promise<Judged> {
  const labels = corpus.labels === undefined ? undefined : await readLabels(join(data, corpus.labels));
  const folder = join(data, corpus.folder);
  const checked = config.length > 0 ? await loadSources(config) : undefined;
  const run = async (input: string): Promise<{ series: readonly JudgedSeries[]; recorder: Recorder }> => {
    const recorder = new Recorder();
    await replay({ inputs: [input], onRow: (row) => recorder.push(row), ...(checked && { config: checked }) });
    return { series: byName(recorder.finish(labels).series), recorder };
  };
  const { series } = await run(folder);
  const kind = labels?.kind ?? "points";
  const half = (which: number) =>
    judgementOf(
      series.filter((_, i) => i % 2 === which),
      kind,
    );
  const alone = apart ? await eachAlone(series, folder, async (input) => (await run(input)).series) : undefined;
  return { whole: judgementOf(series, kind), halves: [half(0), half(1)], alone: alone && judgementOf(alone, kind) };
}

const byName = (series: readonly JudgedSeries[]) => [...series].sort((a, b) => (a.name < b.name ? -1 : 1));

/** The series scored one by one; undefined where every score is the same. */
async function eachAlone(
  together: readonly JudgedSeries[],
  folder: string,
  run: (input: string) => Promise<readonly JudgedSeries[]>,
): Promise<JudgedSeries[] | undefined> {
  const alone: JudgedSeries[] = [];
  let differs = false;
  for (const one of together) {
    const path = [join(folder, one.name), join(folder, `${one.name}.gz`)].find(existsSync);
    if (!path) throw new Error(`there is no file of ${one.name}`);
    const [own] = await run(path);
    differs ||= one.score.some((score, row) => !Object.is(score, own.score[row]));
    // the labels of a file may go by a name that only its folder completes
    alone.push({ ...own, name: one.name, events: one.events });
  }
  return differs ? alone : undefined;
}
