// `vedette replay`: recorded telemetry through the detectors of a configuration; scores, anomalies and what was learnt as files.
import { readdirSync } from "node:fs";
import { ConfigError, formatProblem } from "../config/problems.ts";
import type { Config } from "../config/shape.ts";
import { Log } from "../observe/log.ts";
import { AnomalyLines } from "../replay/anomaly_lines.ts";
import { DEFAULT_CONFIG } from "../replay/default_config.ts";
import { InputError, type Loaded, replay as play, type Summary } from "../replay/replay.ts";
import { ScoreFiles } from "../replay/scores.ts";
import { StateStore } from "../series/store.ts";
import { type Arguments, type Command, EXIT, UsageError } from "./command.ts";
import { Interruption } from "./interruption.ts";
import { load } from "./load.ts";
import { ProgressLine } from "./progress_line.ts";

export const replay: Command = {
  synopsis: "[--config FILE...] --input PATH... [--scores DIR] [--anomalies FILE] [--export] [--save-state] [--quiet]",
  summary: "put recorded telemetry through the same detectors, as fast as it goes",
  details: `Inputs are CSV (timestamp,value[,label], or a column a series), OTLP in JSON lines or OTLP in protobuf, each plain or gzip.
Without a configuration every metric is watched by auto, and spans and log records by all detectors of traces and logs.`,
  options: ["config", "set", "input", "scores", "anomalies", "export", "save-state", "quiet"],
  async run(args) {
    if (args.input.length === 0) throw new UsageError("--input PATH is missing: a file, or a directory of files");
    const sources = args.config.length > 0 ? args.config : [DEFAULT_CONFIG];
    const { config, registry, problems } = await load({ config: sources, set: args.set });
    if (!config) throw new ConfigError(problems);
    for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
    try {
      return await run(args, { config, registry });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      process.stderr.write(`${error.message}\n`);
      return EXIT.bad;
    }
  },
};

async function run(args: Arguments, { config, registry }: Loaded): Promise<number> {
  const interruption = new Interruption();
  const log = new Log({ ...config.service.telemetry.logs, output_paths: ["stderr"] });
  const store = args["save-state"] ? await emptyStore(config, log) : undefined;
  const scores = args.scores === undefined ? undefined : new ScoreFiles(args.scores);
  const progress = new ProgressLine(!args.quiet);
  const lines = args.anomalies === undefined ? undefined : new AnomalyLines(args.anomalies);
  let whole = false;
  try {
    const summary = await play({
      config: { config, registry },
      inputs: args.input,
      onInputs(inputs) {
        scores?.plan(inputs);
        lines?.plan(inputs);
      },
      onRow: scores && ((row) => scores.row(row)),
      onAnomaly: lines && ((anomaly) => lines.add(anomaly)),
      async onBatch(sofar) {
        progress.show(sofar);
        await scores?.settle();
        await lines?.settle();
      },
      onInputEnd: (input) => scores?.finish(input),
      exports: args.export,
      store,
      signal: interruption.signal,
      log,
    });
    whole = !summary.interrupted;
    progress.clear();
    if (!args.quiet) process.stderr.write(told(summary));
    return summary.interrupted ? interruption.code : EXIT.done;
  } finally {
    progress.clear();
    await scores?.abandon();
    await lines?.close(whole);
    await store?.close();
    log.flush();
    interruption.end();
  }
}

/** The state directory, in which nothing learnt is overwritten. */
async function emptyStore({ service }: Config, log: Log): Promise<StateStore> {
  const { directory } = service.state;
  if (directory === undefined) {
    throw new InputError(
      "--save-state",
      "there is nowhere to save to; give the configuration a service.state.directory",
    );
  }
  const store = await StateStore.open(directory, log.for("vedette")).catch((error: Error) => {
    throw new InputError("--save-state", error.message);
  });
  if (!readdirSync(directory).some((file) => file.endsWith(".snapshot"))) return store;
  await store.close();
  const problem =
    "it holds what an agent has learnt, which a replay would replace; remove its *.snapshot files, or name another";
  throw new InputError(directory, problem);
}

function told({ inputs, rows, series, anomalies, seconds, interrupted, notes }: Summary): string {
  const number = new Intl.NumberFormat("en");
  const counted = (count: number, one: string) => `${number.format(count)} ${one}${count === 1 ? "" : "s"}`;
  const speed = number.format(Math.round(rows / Math.max(seconds, 1e-3)));
  const files = `${number.format(inputs)} ${inputs === 1 ? "file" : "files"}`;
  const end = interrupted
    ? "Interrupted: scores of files that were not read to their end and anomalies are not kept.\n"
    : "";
  return `${counted(rows, "row")} of ${number.format(series)} series in ${files}: ${
    anomalies === 1 ? "1 anomaly" : `${number.format(anomalies)} anomalies`
  }. It took ${seconds.toFixed(1)} s, ${speed} rows a second.\n${notes.map((note) => `${note}\n`).join("")}${end}`;
}
