// The agent's own log: one line an event, to standard error; a message that repeats is counted, not repeated.
import type { Logger } from "../api/index.ts";

export type Level = "debug" | "info" | "warn" | "error";

const ORDER: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };
/** A warning or error of one component is written once in this many milliseconds, with how often it came since. */
const QUIET = 60_000;
/** Messages that are watched for repetition; beyond it the oldest is forgotten. */
const MOST_WATCHED = 1000;

export interface LogOptions {
  readonly level: Level;
  readonly encoding: "console" | "json";
  readonly write?: (line: string) => void;
  readonly now?: () => number;
}

export class Log {
  readonly #options: LogOptions;
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #repeats = new Map<string, { since: number; times: number }>();

  constructor(options: LogOptions) {
    this.#options = options;
    this.#write = options.write ?? ((line) => process.stderr.write(line));
    this.#now = options.now ?? Date.now;
  }

  /** The logger of one component; messages are constant texts, what varies goes into the fields. */
  for(component: string): Logger {
    return {
      debug: (message, fields) => this.#log("debug", component, message, fields),
      info: (message, fields) => this.#log("info", component, message, fields),
      warn: (message, fields) => this.#log("warn", component, message, fields),
      error: (message, fields) => this.#log("error", component, message, fields),
    };
  }

  #log(level: Level, component: string, message: string, fields: object = {}): void {
    if (ORDER[level] < ORDER[this.#options.level]) return;
    const time = this.#now();
    const repeated = ORDER[level] >= ORDER.warn ? this.#repeated(`${component}\n${message}`, time) : 0;
    if (repeated < 0) return;
    const more = repeated > 0 ? { ...fields, repeated } : fields;
    const head = { time: new Date(time).toISOString(), level, component, message };
    this.#write(
      this.#options.encoding === "json"
        ? `${escaped(json({ ...head, ...more }, head), "\\u00")}\n`
        : `${head.time} ${level.padEnd(5)} ${component}: ${message}${inline(more)}\n`,
    );
  }

  /** -1 when the message is to be kept back, else how often it was since it was last written. */
  #repeated(key: string, time: number): number {
    const entry = this.#repeats.get(key);
    if (entry && time - entry.since < QUIET && time >= entry.since) {
      entry.times++;
      return -1;
    }
    if (!entry && this.#repeats.size >= MOST_WATCHED) this.#repeats.delete(this.#repeats.keys().next().value as string);
    this.#repeats.set(key, { since: time, times: 0 });
    return entry?.times ?? 0;
  }
}

function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

/** A log line is no place to fail: of what JSON cannot write, `rest` is written, and why. */
function json(value: unknown, rest: object = {}): string {
  try {
    return JSON.stringify(value, plain);
  } catch (error) {
    return JSON.stringify({ ...rest, unwritable: String(error) });
  }
}

/** Control characters are escaped, so that what came over the network cannot forge a line or move the cursor. */
function escaped(text: string, by: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => by + c.charCodeAt(0).toString(16).padStart(2, "0"));
}

function inline(fields: object): string {
  const parts = Object.entries(fields).filter(([, value]) => value !== undefined);
  if (parts.length === 0) return "";
  const shown = parts.map(([key, value]) => `${key}=${typeof value === "number" ? value : json(value)}`);
  return `  ${escaped(shown.join(" "), "\\x")}`;
}
