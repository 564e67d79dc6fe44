// One command run to its end: no shell, its own process group, a limit of time, and bounded output.
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";

/** Bytes of each of its two outputs that are kept; the rest is read and thrown away, so that the command never waits for us. */
const MOST_OUTPUT = 4096;
/** Milliseconds between asking a command to end and killing it, and for which output is awaited after its end. */
const GRACE = 2000;
const LINGER = 500;

export interface Run {
  /** The executable, then its arguments. */
  readonly argv: readonly string[];
  readonly stdin: string;
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds. */
  readonly timeout: number;
}

export interface Outcome {
  readonly done: boolean;
  /** How it ended. */
  readonly how: string;
  /** The beginning of what it said, errors last. */
  readonly output: string;
}

/** Never rejects. An abort kills it at once, with all that it started and that did not leave its process group. */
export function runCommand({ argv, stdin, env, timeout }: Run, signal: AbortSignal): Promise<Outcome> {
  if (signal.aborted) return Promise.resolve({ done: false, how: "not started: the agent is stopping", output: "" });
  const [file, ...args] = argv;
  let child: ChildProcess;
  try {
    child = spawn(file, args, { detached: true, shell: false, stdio: "pipe", env, cwd: "/" });
  } catch (error) {
    return Promise.resolve({ done: false, how: `could not be started: ${(error as Error).message}`, output: "" });
  }
  return new Promise((resolve) => {
    const outputs = [new Output(child.stdout!), new Output(child.stderr!)];
    let ended: string | undefined;
    const kill = (name: NodeJS.Signals) => killGroup(child, name);
    const late = setTimeout(() => {
      ended = `killed: not done within ${timeout / 1000} s`;
      kill("SIGTERM");
      hard = setTimeout(kill, GRACE, "SIGKILL");
    }, timeout);
    let hard: NodeJS.Timeout | undefined;
    const abort = () => {
      ended = "killed: the agent is stopping";
      kill("SIGKILL");
    };
    signal.addEventListener("abort", abort, { once: true });
    const settle = (done: boolean, how: string) => {
      clearTimeout(late);
      clearTimeout(hard);
      signal.removeEventListener("abort", abort);
      resolve({ done, how, output: outputs.map((output) => output.end()).join("") });
    };
    child.once("error", (error) => settle(false, `could not be started: ${error.message}`));
    child.once("exit", (code, by) => {
      clearTimeout(late);
      // what it started may live on when it was not done
      if (ended !== undefined) kill("SIGKILL");
      const how = ended ?? (by === null ? `exit code ${code}` : `ended by ${by}`);
      const linger = setTimeout(settle, LINGER, ended === undefined && code === 0, how);
      child.once("close", () => {
        clearTimeout(linger);
        settle(ended === undefined && code === 0, how);
      });
    });
    // a command need not read what it is told
    child.stdin!.on("error", () => {});
    child.stdin!.end(stdin);
  });
}

/** The beginning of what comes from one stream. */
class Output {
  readonly #stream: Readable;
  readonly #kept: Buffer[] = [];
  #bytes = 0;
  #more = 0;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      // a copy: the rest of the chunk is not kept alive
      const part = Buffer.from(chunk.subarray(0, MOST_OUTPUT - this.#bytes));
      if (part.length > 0) this.#kept.push(part);
      this.#bytes += part.length;
      this.#more += chunk.length - part.length;
    });
  }

  end(): string {
    this.#stream.destroy();
    const more = this.#more > 0 ? `\n(${this.#more} more bytes)\n` : "";
    return Buffer.concat(this.#kept).toString() + more;
  }
}

function killGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // nobody is left of the group, or the system has none
    if (child.exitCode === null && child.signalCode === null) child.kill(name);
  }
}
