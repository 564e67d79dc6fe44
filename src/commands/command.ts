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
}

/** Options that commands may take, with their line of help. */
export const OPTIONS = {
  config: ["-c, --config FILE", "a YAML file, or yaml:TEXT, or env:NAME; repeatable, files merge, the later wins"],
  set: ["--set PATH=VALUE", "one value, as in --set receivers.otlp.protocols.http.endpoint=127.0.0.1:5318"],
  format: ["--format FORMAT", "how the answer is written"],
  kind: ["--kind KIND", "detector, processor, exporter, receiver or extension"],
  dir: ["--dir FOLDER", "where the plugin's folder is made; the current folder unless given"],
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
