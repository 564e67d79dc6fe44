// `vedette backtest`: recorded telemetry through the detectors, judged against labels.
import { judgementOf } from "../backtest/judgement.ts";
import { readLabels } from "../backtest/labels.ts";
import { Recorder, type Recording } from "../backtest/recorder.ts";
import { reportOf } from "../backtest/report.ts";
import { ConfigError, formatProblem } from "../config/problems.ts";
import { DEFAULT_CONFIG } from "../replay/default_config.ts";
import { some } from "../replay/notes.ts";
import { InputError, replay } from "../replay/replay.ts";
import { type Command, EXIT, print, printJson, UsageError } from "./command.ts";
import { Interruption } from "./interruption.ts";
import { load } from "./load.ts";
import { ProgressLine } from "./progress_line.ts";

export const backtest: Command = {
  synopsis: "[--config FILE]... [--set PATH=VALUE]... --input PATH... [--labels FILE] [--format text|json]",
  summary: "replay recorded telemetry and judge what was found against labels",
  details: `Labels are those of the CSV inputs themselves (a column "label"), or of a file: JSON {"NAME": [["START", "END"], ...]} as
the Numenta Anomaly Benchmark has it, or {"NAME": ["TIME", ...]}; or CSV with the columns start,end or timestamp,label, and
series where there are several. Names are those of inputs or of series in them. The scores are kept until the end: up
to 60 bytes a row. What is measured: docs/commands.md.`,
  options: ["config", "set", "input", "labels", "format"],
  formats: ["text", "json"],
  async run(args) {
    if (args.input.length === 0)
      throw new UsageError("--input PATH is missing: a file or a directory of recorded telemetry");
    const progress = new ProgressLine();
    const say = (sentence: string) => {
      progress.clear();
      process.stderr.write(`${sentence}\n`);
    };
    const sources = args.config.length > 0 ? args.config : [DEFAULT_CONFIG];
    const { config, registry, problems } = await load({ config: sources, set: args.set });
    if (!config) throw new ConfigError(problems);
    for (const problem of problems) say(formatProblem(problem));
    const interruption = new Interruption();
    try {
      const labels = args.labels === undefined ? undefined : await readLabels(args.labels);
      const recorder = new Recorder();
      const { notes, interrupted } = await replay({
        config: { config, registry },
        inputs: args.input,
        onRow: (row) => recorder.push(row),
        onBatch: (sofar) => progress.show(sofar),
        signal: interruption.signal,
      });
      progress.clear();
      if (interrupted) {
        say("Interrupted: nothing was judged.");
        return interruption.code;
      }
      for (const note of notes) say(note);
      if (!labels && !recorder.labelled) {
        say('no row came with a label: add a column "label" to the CSV files, or name a file of labels with --labels');
        return EXIT.bad;
      }
      const recording = recorder.finish(labels);
      const problem = labels && misfit(recording, args.labels!);
      if (problem) {
        say(problem);
        return EXIT.bad;
      }
      for (const warning of warningsOf(recording)) say(warning);
      const judgement = judgementOf(recording.series, recording.kind);
      return args.format === "json" ? printJson(judgement) : print(reportOf(judgement));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      say(error.message);
      return EXIT.bad;
    } finally {
      interruption.end();
    }
  },
};

/** Why the labels cannot be used on what was replayed. */
function misfit({ series, unnamed, unmatched }: Recording, path: string): string | undefined {
  if (series.length === 0 || unnamed.length < series.length) return undefined;
  return `${path}: no label is about any of the inputs: it names ${some(unmatched) || "nothing"}; the inputs are ${some(unnamed)}`;
}

function warningsOf({ unnamed, unmatched }: Recording): string[] {
  const warnings: string[] = [];
  if (unnamed.length > 0)
    warnings.push(`${unnamed.length} series have no labels and count as normal: ${some(unnamed)}.`);
  if (unmatched.length > 0) warnings.push(`${unmatched.length} labelled names are in no input: ${some(unmatched)}.`);
  return warnings;
}
