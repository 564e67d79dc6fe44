// `vedette demo`: a small world of services with faults that come and go, into a running agent or one of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Agent } from "../agent/agent.ts";
import { type AgentView, parseDuration } from "../api/index.ts";
import { effectiveConfig } from "../config/effective.ts";
import { ConfigError } from "../config/problems.ts";
import { startAgent } from "../demo/agent.ts";
import { Clock, HISTORY } from "../demo/clock.ts";
import { configFor } from "../demo/config.ts";
import { FAULTS, type Fault } from "../demo/faults.ts";
import { type Command, EXIT, print, UsageError } from "./command.ts";
import { Interruption } from "./interruption.ts";
import { load } from "./load.ts";
import { version } from "./version.ts";

const NAMES = [...new Set(FAULTS.map(({ name }) => name))];
const MINUTES = HISTORY / 60_000;
const ENDPOINT = "http://127.0.0.1:4318";

export const demo: Command = {
  synopsis:
    "[--agent [--set PATH=VALUE]...] [--endpoint URL] [--faults all|NAME,...] [--speed N] [--seed N] [--duration TIME]",
  summary: "a small world with faults, into a running agent",
  details: `Eight services of a shop send metrics, traces and logs to --endpoint, ${ENDPOINT} unless given: first ${MINUTES} minutes of
history, as fast as they go, then what happens now. One fault comes after another: ${NAMES.join(", ")}.
With --agent an agent of the demo's own takes it, which forgets everything at the end. Ctrl-C ends both.`,
  options: ["agent", "set", "endpoint", "faults", "speed", "seed", "duration"],
  async run(args) {
    const faults = faultsOf(args.faults);
    const speed = numberOf("speed", args.speed, 1, 0.1, 100);
    const seed = numberOf("seed", args.seed, Math.floor(Math.random() * 1e6), 0, 2 ** 31);
    const duration = durationOf(args.duration);
    if (args.set.length > 0 && !args.agent) throw new UsageError("--set is of the agent that --agent starts");
    if (args.agent && args.endpoint !== undefined)
      throw new UsageError("--endpoint names an agent that runs, --agent starts one");
    // the SDK is loaded by nobody else
    const [{ Demo }, { knock }] = await Promise.all([import("../demo/demo.ts"), import("../demo/mail.ts")]);
    const interruption = new Interruption();
    const own = args.agent ? await OwnAgent.start(args.set) : undefined;
    if (args.agent && !own) return EXIT.bad;
    const endpoint = own?.endpoint ?? endpointOf(args.endpoint ?? ENDPOINT);
    const { signal } = interruption;
    const world = new Demo({ endpoint, faults, speed, seed, clock: own?.clock, signal, say });
    try {
      await knock(endpoint);
      if (own) print(`Look at ${own.dashboard} (your own services may send OTLP to ${endpoint}).\n`);
      print(
        `A shop of eight services, seed ${seed}: its last ${MINUTES} minutes are being told, which takes some seconds.\n`,
      );
      await world.playHistory();
      if (!signal.aborted) say("from here on it happens now; Ctrl-C ends it");
      await world.live(duration);
      return EXIT.done;
    } catch (error) {
      const remedy = "start an agent with npm start, name one with --endpoint, or give --agent";
      process.stderr.write(`${endpoint} does not take telemetry (${reason(error)}): ${remedy}\n`);
      return EXIT.bad;
    } finally {
      await world.close();
      await own?.stop();
      interruption.end();
    }
  },
};

class OwnAgent {
  readonly clock: Clock;
  /** Of OTLP over HTTP. */
  readonly endpoint: string;
  readonly dashboard: string;
  readonly #agent: Agent;
  readonly #directory: string;

  private constructor(agent: Agent, clock: Clock, directory: string) {
    this.#agent = agent;
    this.clock = clock;
    this.#directory = directory;
    const { receivers, extensions } = agent.config;
    const otlp = receivers.get("otlp")?.options as { protocols: { http: { endpoint: string } } };
    this.endpoint = `http://${otlp.protocols.http.endpoint}`;
    const page = extensions.get("dashboard")?.options as { endpoint: string };
    this.dashboard = `http://${page.endpoint}`;
  }

  /** Undefined when it could not start, which the log has said why. Throws ConfigError. */
  static async start(set: readonly string[]): Promise<OwnAgent | undefined> {
    const directory = mkdtempSync(join(tmpdir(), "vedette-demo-"));
    try {
      const { config, registry, problems, draft } = await load({ config: [configFor(directory)], set });
      if (!config) throw new ConfigError(problems);
      const clock = new Clock(Date.now() - HISTORY);
      const effective: Record<string, any> = effectiveConfig(draft, registry.schemaOf);
      const configOf: AgentView["configOf"] = (section, id) => effective[section]?.[id];
      const agent = await startAgent({ config, plugins: registry, configOf }, clock, version());
      return new OwnAgent(agent, clock, directory);
    } catch (error) {
      rmSync(directory, { recursive: true, force: true });
      if (error instanceof ConfigError) throw error;
      const remedy = "without --agent the demo sends to one that runs";
      process.stderr.write(`The agent of the demo could not start (${reason(error)}); ${remedy}.\n`);
      return undefined;
    }
  }

  async stop(): Promise<void> {
    await this.#agent.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const say = (line: string) => print(`${new Date().toTimeString().slice(0, 8)}  ${line}\n`);
const reason = (error: unknown) => (error as { code?: string }).code ?? (error as Error).message;

function faultsOf(names = "all"): readonly Fault[] {
  if (names === "all") return FAULTS;
  const wanted = names.split(",").map((name) => name.trim());
  const unknown = wanted.find((name) => !NAMES.includes(name));
  if (unknown === undefined) return FAULTS.filter(({ name }) => wanted.includes(name));
  throw new UsageError(`there is no fault ${JSON.stringify(unknown)}; there are ${NAMES.join(", ")}`);
}

function numberOf(option: string, text: string | undefined, otherwise: number, least: number, most: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text.trim() !== "" && value >= least && value <= most) return value;
  throw new UsageError(`--${option} ${JSON.stringify(text)} is no number from ${least} to ${most}`);
}

function durationOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  if (duration !== undefined) return duration;
  throw new UsageError(`--duration ${JSON.stringify(text)} is no duration; write 90s or 10m`);
}

function endpointOf(text: string): string {
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (!URL.canParse(url)) throw new UsageError(`--endpoint ${JSON.stringify(text)} is no address; write ${ENDPOINT}`);
  return url.replace(/\/$/, "");
}
