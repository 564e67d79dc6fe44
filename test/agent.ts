// The agent as a user starts it: a process, its log, its exit code.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Longest that anything may take before the test fails and says what it waited for; milliseconds. */
const PATIENCE = 20_000;

/** A test context, or `{ after }` of node:test for a whole file. */
export interface Scope {
  after(cleanUp: () => unknown): unknown;
}

export interface Running {
  readonly pid: number;
  /** So far. */
  readonly output: { stdout: string; stderr: string };
  /** Where a component listens, as its log line says: `at("otlp", "http")` is "127.0.0.1:40123". */
  at(component: string, protocol: string): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves to the exit code; rejects when a signal ended it. */
  readonly exited: Promise<number>;
  /** SIGTERM, then the exit code. */
  stop(): Promise<number>;
}

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Resolves once `condition` holds; fails with `what` when it does not in time. */
export async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A folder that is gone after the test, with the files named. */
export function folderWith(scope: Scope, files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "vedette-test-"));
  scope.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** Starts an agent and does not wait for anything. */
export function launch(scope: Scope, args: readonly string[], cwd?: string): ChildProcess & Running {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]!.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  const closed = once(child, "close") as Promise<[code: number | null, signal: string | null]>;
  child.once("close", () => process.off("exit", kill));
  scope.after(async () => {
    kill();
    await closed;
  });
  const exited = closed.then(([code, signal]) => {
    if (code === null) throw new Error(`the agent was ended by ${signal}\n${output.stderr}`);
    return code;
  });
  exited.catch(() => {});
  return Object.assign(child, {
    pid: child.pid as number,
    output,
    exited,
    at(component: string, protocol: string) {
      for (const [, who, what, endpoint] of output.stderr.matchAll(LISTENING)) {
        if (who === component && what === protocol) return endpoint;
      }
      throw new Error(`${component} does not say where it listens for ${protocol}:\n${output.stderr}`);
    },
    signal: (name: NodeJS.Signals) => void child.kill(name),
    stop() {
      child.kill("SIGTERM");
      const late = new Promise<never>((_, reject) =>
        setTimeout(() => reject(new Error(`the agent does not stop\n${output.stderr}`)), PATIENCE).unref(),
      );
      return Promise.race([exited, late]);
    },
  });
}

const LISTENING = / (\S+): listening {2}protocol="(\w+)" endpoint="([^"]+)"/g;

/** Runs one command to its end. */
export async function vedette(scope: Scope, args: readonly string[], cwd?: string) {
  const child = launch(scope, args, cwd);
  let ended = false;
  child.exited.finally(() => (ended = true)).catch(() => {});
  await eventually(`the end of vedette ${args[0] ?? ""}`, () => ended);
  return { code: await child.exited, ...child.output };
}

/** Starts an agent with these arguments and waits until it runs; rejects with what it said when it does not. */
export async function startWith(scope: Scope, args: readonly string[], cwd?: string): Promise<Running> {
  const child = launch(scope, args, cwd);
  let code: number | undefined;
  child.exited.then((ended) => (code = ended)).catch(() => (code = -1));
  await eventually("the agent to start", () => code !== undefined || child.output.stderr.includes(" is running"));
  if (code !== undefined) throw new Error(`the agent ended with ${code} instead of running\n${child.output.stderr}`);
  return child;
}

/** Starts an agent with this configuration, a YAML text, in a file of its own. */
export function startAgent(scope: Scope, config: string): Promise<Running> {
  return startWith(scope, ["run", "--config", join(folderWith(scope, { "config.yaml": config }), "config.yaml")]);
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** POSTs protobuf, or GETs where there is no body, on a connection of its own. */
export async function request(endpoint: string, path: string, body?: Uint8Array): Promise<Answer> {
  const sent = http.request(`http://${endpoint}${path}`, {
    method: body ? "POST" : "GET",
    agent: false,
    headers: body && { "content-type": "application/x-protobuf", "content-length": body.length },
  });
  sent.end(body);
  const [response] = (await once(sent, "response", { signal: AbortSignal.timeout(PATIENCE) })) as [
    http.IncomingMessage,
  ];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) };
}
