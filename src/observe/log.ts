// The agent's own log: one line an event, to standard error; a message that repeats is counted, not repeated.
import type { Logger, Measurement } from "../api/index.ts";
import { measure } from "./instruments.ts";

export type Level = "debug" | "info" | "warn" | "error";

const ORDER: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };
const LEVELS = Object.keys(ORDER) as Level[];
/** Messages that are watched for repetition; beyond it the oldest is forgotten. */
const MOST_WATCHED = 1000;

/** How a warning or error of one component that repeats is held back. */
export interface Sampling {
  readonly enabled: boolean;
  /** Milliseconds in which `initial` of the same are written, and then every `thereafter`-th; 0: none. */
  readonly tick: number;
  readonly initial: number;
  readonly thereafter: number;
}

const SAMPLING: Sampling = { enabled: true, tick: 60_000, initial: 1, thereafter: 0 };

/** What a new configuration may change. */
export interface LogSettings {
  readonly level: Level;
  readonly encoding: "console" | "json";
  /** Where lines go; "stderr" unless told otherwise. */
  readonly output_paths?: readonly ("stderr" | "stdout")[];
  /** On every line, before its own fields. */
  readonly initial_fields?: Readonly<Record<string, unknown>>;
  readonly sampling?: Sampling;
}

export interface LogOptions extends LogSettings {
  /** Takes the lines instead of `output_paths`. */
  readonly write?: (line: string) => void;
  readonly now?: () => number;
}

/** One message of one component since it was first written. */
interface Watched {
  readonly level: Level;
  readonly component: string;
  readonly message: string;
  readonly since: number;
  seen: number;
  /** Of those seen: not written, and not told of yet. */
  heldBack: number;
}

export class Log {
  #settings: LogSettings;
  readonly #write: ((line: string) => void) | undefined;
  readonly #now: () => number;
  /** Oldest first. */
  readonly #watched = new Map<string, Watched>();
  readonly #counts = { written: { debug: 0, info: 0, warn: 0, error: 0 }, heldBack: { warn: 0, error: 0 } };

  constructor({ write, now, ...settings }: LogOptions) {
    this.#settings = settings;
    this.#write = write;
    this.#now = now ?? Date.now;
  }

  /** From the next line on; loggers that were handed out go on. */
  configure(settings: LogSettings): void {
    this.#settings = settings;
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

  /** Messages since the start, of those that the level lets through. */
  measurements(): Measurement[] {
    const { written, heldBack } = this.#counts;
    const held = (level: Level) => (level === "warn" || level === "error" ? heldBack[level] : 0);
    return LEVELS.flatMap((level) => [
      measure("vedette_log_messages", written[level] + held(level), { level }),
      measure("vedette_log_messages_held_back", held(level), { level }),
    ]);
  }

  /** Tells how often what was held back came since; for the end of the process. */
  flush(): void {
    for (const watched of this.#watched.values()) this.#tell(watched);
    this.#watched.clear();
  }

  #log(level: Level, component: string, message: string, fields: object = {}): void {
    if (ORDER[level] < ORDER[this.#settings.level]) return;
    const { sampling = SAMPLING } = this.#settings;
    const time = this.#now();
    let repeated = 0;
    if (sampling.enabled && (level === "warn" || level === "error")) {
      repeated = this.#repeated({ level, component, message, since: time, seen: 1, heldBack: 0 }, sampling);
      if (repeated < 0) {
        this.#counts.heldBack[level]++;
        return;
      }
    }
    this.#counts.written[level]++;
    this.#line(time, level, component, message, repeated > 0 ? { ...fields, repeated } : fields);
    this.#forget(time, sampling.tick);
  }

  #line(time: number, level: Level, component: string, message: string, fields: object): void {
    const { encoding, initial_fields, output_paths = ["stderr"] } = this.#settings;
    const all = { ...initial_fields, ...fields };
    const head = { time: new Date(time).toISOString(), level, component, message };
    const line =
      encoding === "json"
        ? `${escaped(json({ ...head, ...all }, head), "\\u00")}\n`
        : `${head.time} ${level.padEnd(5)} ${escaped(`${component}: ${message}`, "\\x")}${inline(all)}\n`;
    if (this.#write) this.#write(line);
    else for (const path of output_paths) process[path].write(line);
  }

  /** -1 when the message is to be held back, else how often it was since it was last written. */
  #repeated(first: Watched, { tick, initial, thereafter }: Sampling): number {
    const key = `${first.component}\n${first.message}`;
    const watched = this.#watched.get(key);
    if (watched && first.since - watched.since < tick && first.since >= watched.since) {
      watched.seen++;
      const beyond = watched.seen - initial;
      if (beyond > 0 && (thereafter === 0 || beyond % thereafter !== 0)) {
        watched.heldBack++;
        return -1;
      }
    } else {
      this.#watched.delete(key);
      if (this.#watched.size >= MOST_WATCHED) this.#drop(this.#watched.entries().next().value!);
      this.#watched.set(key, first);
    }
    const repeated = watched?.heldBack ?? 0;
    if (watched) watched.heldBack = 0;
    return repeated;
  }

  /** Lets go of what has not come again in time, and tells how often it was held back. */
  #forget(time: number, tick: number): void {
    for (const entry of this.#watched) {
      if (time - entry[1].since < tick) return;
      this.#drop(entry);
    }
  }

  #drop([key, watched]: [string, Watched]): void {
    this.#watched.delete(key);
    this.#tell(watched);
  }

  #tell({ level, component, message, heldBack }: Watched): void {
    if (heldBack > 0) this.#line(this.#now(), level, component, message, { repeated: heldBack });
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

/** What moves the cursor or turns the direction of text is escaped, so that what came over the network cannot forge a line. */
function escaped(text: string, by: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (c) => {
    const code = c.charCodeAt(0).toString(16).padStart(2, "0");
    return code.length > 2 ? `\\u${code}` : by + code;
  });
}

function inline(fields: object): string {
  const parts = Object.entries(fields).filter(([, value]) => value !== undefined);
  if (parts.length === 0) return "";
  const shown = parts.map(([key, value]) => `${key}=${typeof value === "number" ? value : json(value)}`);
  return `  ${escaped(shown.join(" "), "\\x")}`;
}
