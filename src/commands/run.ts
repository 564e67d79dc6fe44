// The agent from its start to its end: reloads on SIGHUP and when a file changes, drains and stops on SIGTERM and SIGINT.
import { isDeepStrictEqual } from "node:util";
import { Agent } from "../agent/agent.ts";
import { effectiveConfig } from "../config/effective.ts";
import { ConfigError, formatProblem, isError } from "../config/problems.ts";
import type { Config } from "../config/shape.ts";
import { measure } from "../observe/instruments.ts";
import { Log } from "../observe/log.ts";
import { OwnMetrics } from "../observe/meter.ts";
import { rehearseAgent } from "../rehearsal/index.ts";
import { StateStore } from "../series/store.ts";
import { type Arguments, type Command, EXIT } from "./command.ts";
import { type Loaded, load } from "./load.ts";
import { version } from "./version.ts";
import { type Watch, watchFiles } from "./watch.ts";

type Service = Config["service"];

export const run: Command = {
  synopsis: "--config FILE... [--set PATH=VALUE]...",
  summary: "run the agent (the default command)",
  details: `SIGHUP and every change of a configuration file reload: what did not change keeps running, what cannot be
used changes nothing. SIGTERM and SIGINT deliver what was accepted, then stop; a second one stops at once.`,
  options: ["config", "set"],
  run: async (args) => {
    const loaded = await load(args);
    if (!loaded.config) throw new ConfigError(loaded.problems);
    for (const problem of loaded.problems) process.stderr.write(`${formatProblem(problem)}\n`);
    return new Run(args, loaded.config.service).run(loaded);
  },
};

/** Milliseconds within which the same signal is one. */
const TWICE = 500;

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

class Run {
  readonly #args: Arguments;
  readonly #log: Log;
  readonly #asked = Promise.withResolvers<void>();
  readonly #metrics: OwnMetrics;
  readonly #reloads = { success: 0, failure: 0 };
  #store: StateStore | undefined;
  /** The start, then one reload after the other. */
  #busy: Promise<unknown> = Promise.resolve();
  /** A reload is asked for that has not read its files yet. */
  #waiting = false;
  /** Asked to stop. */
  #ending = false;
  #watch: Watch | undefined;
  #agent: Agent | undefined;
  /** Of the configuration that runs. */
  #registry: Loaded["registry"] | undefined;
  /** What runs, as a user would write it; made when somebody asks. */
  #effective: () => Record<string, any> = () => ({});
  #service: Service;

  constructor(args: Arguments, service: Service) {
    this.#args = args;
    this.#service = service;
    this.#log = new Log(service.telemetry.logs);
    const measurements = () => [...(this.#agent?.measurements() ?? []), ...this.#measurements()];
    this.#metrics = new OwnMetrics({ version: version(), log: this.#log, measurements });
  }

  async run(loaded: Loaded): Promise<number> {
    const own = this.#log.for("vedette");
    this.#listen();
    const starting = this.#start(loaded);
    this.#busy = starting;
    const watch = watchFiles(loaded.draft.files, () => this.#ask("a configuration file has changed"));
    this.#watch = watch;
    const started = await starting;
    if (started) {
      own.info(`vedette ${version()} is running: point OTLP exporters at an endpoint listed above`);
      await this.#asked.promise;
    }
    watch.close();
    await this.#agent?.stop();
    await this.#metrics.stop();
    await this.#store?.close();
    if (this.#ending) own.info("stopped");
    this.#log.flush();
    return started || this.#ending ? EXIT.done : EXIT.bad;
  }

  /** Whether it runs; why not is logged. */
  async #start({ config, draft, registry }: Loaded): Promise<boolean> {
    const own = this.#log.for("vedette");
    const { state, telemetry } = this.#service;
    this.#registry = registry;
    this.#effective = once(() => effectiveConfig(draft, registry.schemaOf));
    try {
      if (state.directory !== undefined) this.#store = await StateStore.open(state.directory, own);
      await this.#metrics.configure(telemetry);
      if (this.#ending) return false;
      this.#agent = new Agent(config!, registry, {
        log: this.#log,
        version: version(),
        now: Date.now,
        meterFor: (...place) => this.#metrics.meterFor(...place),
        measurements: () => this.#metrics.measurements(),
        store: this.#store,
        configOf: (section, id) => this.#effective()[section]?.[id],
        rehearse: (agent, options, signal) => {
          const stage = { plugins: this.#registry!, log: this.#log, now: Date.now, random: Math.random };
          return rehearseAgent(agent, stage, options, signal);
        },
      });
      await this.#agent.start();
      return true;
    } catch (error) {
      if (!this.#ending) own.error("the agent could not start", { error: (error as Error).message });
      return false;
    }
  }

  #measurements() {
    return (["success", "failure"] as const).map((result) =>
      measure("vedette_config_reloads", this.#reloads[result], { result }),
    );
  }

  #listen(): void {
    for (const [signal, number] of [
      ["SIGTERM", 15],
      ["SIGINT", 2],
    ] as const) {
      let since = 0;
      process.on(signal, () => {
        // from a terminal it comes to the whole group, and npm passes it on: twice for one key
        if (this.#ending && performance.now() - since < TWICE) return;
        if (this.#ending) process.exit(128 + number);
        since = performance.now();
        this.#ending = true;
        this.#log.for("vedette").info(`${signal}: stopping; what was accepted is being delivered`);
        void this.#agent?.stop();
        this.#asked.resolve();
      });
    }
    // heard from the start to the end: without a listener it would end the process
    process.on("SIGHUP", () => this.#ask("SIGHUP"));
    // a plugin's timer or promise fails outside of any call that could catch it: told, and survived
    const astray = (error: unknown) =>
      this.#log.for("vedette").error("an error that nobody caught; the agent goes on", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    process.on("uncaughtException", astray);
    process.on("unhandledRejection", astray);
  }

  /** Reloads after what is under way. */
  #ask(why: string): void {
    if (this.#ending) this.#log.for("vedette").info(`not reloaded, since the agent is stopping: ${why}`);
    if (this.#ending || this.#waiting) return;
    this.#waiting = true;
    this.#busy = this.#busy.then(() => {
      this.#waiting = false;
      this.#watch?.settle();
      return this.#ending ? undefined : this.#reload(why);
    });
  }

  /** What it says is numbered: the log holds repetitions back, and every reload was asked for. */
  async #reload(why: string): Promise<void> {
    const own = this.#log.for("vedette");
    const name = `reload ${this.#reloads.success + this.#reloads.failure + 1}`;
    own.info(`${name} begins: ${why}`);
    try {
      const { config, draft, registry, problems } = await load(this.#args);
      for (const problem of problems) {
        if (isError(problem)) own.error(`${name}: ${formatProblem(problem)}`);
        else own.warn(`${name}: ${formatProblem(problem)}`);
      }
      if (!config) throw new Error("the new configuration cannot be used");
      await this.#change(config, registry);
      this.#effective = once(() => effectiveConfig(draft, registry.schemaOf));
      this.#reloads.success++;
      own.info(`${name} is done`);
    } catch (error) {
      this.#reloads.failure++;
      own.error(`${name} failed; the agent goes on as before`, { error: (error as Error).message });
    }
  }

  async #change(config: NonNullable<Loaded["config"]>, registry: Loaded["registry"]): Promise<void> {
    const before = this.#service;
    const { telemetry, state } = config.service;
    const sameReaders = isDeepStrictEqual(before.telemetry, telemetry);
    if (!sameReaders) await this.#metrics.configure(telemetry);
    try {
      await this.#agent!.reload(config, registry);
      this.#registry = registry;
    } catch (error) {
      if (!sameReaders) await this.#metrics.configure(before.telemetry);
      throw error;
    }
    this.#log.configure(telemetry.logs);
    this.#service = config.service;
    if (state.directory !== before.state.directory)
      this.#log
        .for("vedette")
        .warn("service.state.directory has changed: the new value holds once the agent is started anew");
  }
}
