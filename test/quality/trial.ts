// A detector over a corpus through the agent's own code, and the scores that it gave.
import type { Batch, DetectorPlugin, Telemetry } from "../../src/api/index.ts";
import type { JudgedSeries } from "../../src/backtest/series.ts";
import { PipelineBatch } from "../../src/pipeline/batch.ts";
import { Detector } from "../../src/pipeline/detect.ts";
import { Intake } from "../../src/pipeline/intake.ts";
import type { DetectorOptions } from "../../src/pipeline/options.ts";
import type { Judgement } from "../../src/pipeline/tap.ts";
import { optionsOf } from "../../src/registry.ts";
import { fakeHost, START } from "../../src/testing/fake_host.ts";
import { type Corpus, requestsOf } from "./corpus.ts";

/** Any metric detector, its types lost at this border. */
export type AnyDetector = { readonly kind: "detector" } & DetectorPlugin<any, any, any>;

/** Scores by series and row, in the order of the corpus; NaN where a row was not judged. */
export function scored(plugin: AnyDetector, corpus: Corpus, options: object = {}): JudgedSeries[] {
  const time = Float64Array.from({ length: corpus.rows }, (_, row) => START + row * corpus.step);
  const judged = corpus.series.map(({ shape, fault, size, events }): JudgedSeries => {
    const score = new Float64Array(corpus.rows).fill(Number.NaN);
    return { name: `${shape.name}, ${fault?.type ?? "normal"} ${size}`, time, score, events };
  });
  const intake = new Intake<"metrics">("metrics", 1, corpus.series.length);
  const parsed = optionsOf(plugin).parse(options);
  const tap = {
    judged({ rows }: Batch<Telemetry>, { count, source, score }: Judgement) {
      for (let i = 0; i < count; i++) {
        const row = source[i];
        // a series' row of the table is its place in the corpus, since they first come in that order
        judged[rows.series[row]].score[(rows.time[row] - START) / corpus.step] = score[i];
      }
    },
    found() {},
  };
  const settings = parsed as unknown as DetectorOptions;
  const host = fakeHost(plugin.type);
  const detector = new Detector<"metrics">(plugin, parsed, settings, host, intake.table, () => {}, undefined, tap);
  const batch = new PipelineBatch<"metrics">("metrics");
  for (const { time, bytes } of requestsOf(corpus)) {
    host.time = time;
    intake.read(bytes);
    const rows = intake.rows(time);
    detector.process(batch.open(bytes, time, intake.scan, rows));
  }
  return judged;
}
