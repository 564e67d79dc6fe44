// What a command of the command line is, what it is handed, and how it ends.

export const EXIT = { done: 0, bad: 1, usage: 2, internal: 70 } as const;

/** The command line cannot be understood: its message and the usage are shown, exit code 2. */
export class UsageError extends Error {}

export interface Arguments {
  /** What follows the command's name and is no option. */
  readonly words: readonly string[];
  readonly config: readonly string[];
  readonly set: readonly string[];
  /** One of the command's formats; the first of them unless given. */
  readonly format: string;
  readonly kind: string | undefined;
  readonly dir: string | undefined;
  readonly input: readonly string[];
  readonly scores: string | undefined;
  readonly anomalies: string | undefined;
  readonly labels: string | undefined;
  readonly export: boolean;
  readonly "save-state": boolean;
  readonly quiet: boolean;
  readonly endpoint: string | undefined;
  readonly header: readonly string[];
  readonly note: string | undefined;
  readonly until: string | undefined;
  readonly undo: boolean;
  readonly list: boolean;
  readonly agent: boolean;
  readonly faults: string | undefined;
  readonly speed: string | undefined;
  readonly seed: string | undefined;
  readonly duration: string | undefined;
}

/** Options that commands may take, with their line of help. */
export const OPTIONS = {
  config: ["-c, --config FILE", "a YAML file, or yaml:TEXT, or env:NAME; repeatable, files merge, the later wins"],
  set: ["--set PATH=VALUE", "one value, as in --set receivers.otlp.protocols.http.endpoint=127.0.0.1:5318"],
  format: ["--format FORMAT", "how the answer is written"],
  kind: ["--kind KIND", "detector, processor, exporter, receiver or extension"],
  dir: ["--dir FOLDER", "where the plugin's folder is made; the current folder unless given"],
  input: ["--input PATH", "a file, or a directory with all files below it; repeatable"],
  scores: ["--scores DIR", "write the scores of each input there, as a CSV file of its own"],
  anomalies: ["--anomalies FILE", "write the anomalies there, a line of JSON each; - is standard output"],
  labels: ["--labels FILE", "what was abnormal and when: JSON or CSV; the inputs' own column of labels unless given"],
  export: ["--export", "let the exporters of the configuration send"],
  "save-state": ["--save-state", "keep what was learnt in service.state.directory, for the next run"],
  quiet: ["--quiet", "say nothing of progress, and no summary"],
  endpoint: [
    "--endpoint URL",
    "where the agent listens: 127.0.0.1:4320, its API, unless given; of demo 127.0.0.1:4318, OTLP over HTTP",
  ],
  header: ["--header LINE", "a header of each request, where the API wants credentials; repeatable"],
  note: ["--note TEXT", "why, for others"],
  until: ["--until WHEN", "when it ends to count: a time, or a duration from now"],
  undo: ["--undo", "take back what was said"],
  list: ["--list", "all that was said and holds, and what it changes"],
  agent: ["--agent", "start an agent too, with a dashboard"],
  faults: ["--faults NAMES", "which faults come, with commas between them; all unless given"],
  speed: [
    "--speed N",
    "days, and the pauses between faults, pass so many times as fast; at 1, the default, a day takes four hours",
  ],
  seed: ["--seed N", "the same number makes the same world; any unless given"],
  duration: ["--duration TIME", "end after so long, as 10m; never unless given"],
} as const;

export interface Command {
  /** What follows its name in a usage line. */
  readonly synopsis: string;
  /** One line. */
  readonly summary: string;
  /** What `--help` says beside that. */
  readonly details?: string;
  readonly options: readonly (keyof typeof OPTIONS)[];
  /** What `--format` takes, the default first. */
  readonly formats?: readonly string[];
  /** Most words that it takes. */
  readonly words?: number;
  /** Resolves to the exit code. Throws UsageError and ConfigError. */
  run(args: Arguments): Promise<number>;
}

export function print(text: string): number {
  process.stdout.write(text);
  return EXIT.done;
}

export const printJson = (value: unknown): number => print(`${JSON.stringify(value, null, 2)}\n`);
