// The agent from its start to its end: reloads on SIGHUP and when a file changes, drains and stops on SIGTERM and SIGINT.
import { isDeepStrictEqual } from "node:util";
import { Agent } from "../agent/agent.ts";
import { ConfigError, formatProblem, isError } from "../config/problems.ts";
import type { Config } from "../config/shape.ts";
import { measure } from "../observe/instruments.ts";
import { Log } from "../observe/log.ts";
import { OwnMetrics } from "../observe/meter.ts";
import { StateStore } from "../series/store.ts";
import { type Arguments, type Command, EXIT } from "./command.ts";
import { type Loaded, load } from "./load.ts";
import { version } from "./version.ts";
import { watchFiles } from "./watch.ts";

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

class Run {
  readonly #args: Arguments;
  readonly #log: Log;
  readonly #asked = Promise.withResolvers<NodeJS.Signals>();
  readonly #metrics: OwnMetrics;
  readonly #reloads = { success: 0, failure: 0 };
  #agent: Agent | undefined;
  #service: Service;

  constructor(args: Arguments, service: Service) {
    this.#args = args;
    this.#service = service;
    this.#log = new Log(service.telemetry.logs);
    const measurements = () => [...(this.#agent?.measurements() ?? []), ...this.#measurements()];
    this.#metrics = new OwnMetrics({ version: version(), log: this.#log, measurements });
  }

  async run({ config, registry, draft }: Loaded): Promise<number> {
    const own = this.#log.for("vedette");
    this.#listen();
    const { state, telemetry } = this.#service;
    let store: StateStore | undefined;
    try {
      if (state.directory !== undefined) store = await StateStore.open(state.directory, own);
      await this.#metrics.configure(telemetry);
      this.#agent = new Agent(config!, registry, {
        log: this.#log,
        version: version(),
        now: Date.now,
        meterFor: (...place) => this.#metrics.meterFor(...place),
        measurements: () => this.#metrics.measurements(),
        store,
      });
      await this.#agent.start();
    } catch (error) {
      own.error("the agent could not start", { error: (error as Error).message });
      await this.#end(store);
      return EXIT.bad;
    }
    own.info(`vedette ${version()} is running: point OTLP exporters at an endpoint listed above`);
    let reloading = Promise.resolve();
    const reload = (why: string) => {
      reloading = reloading.then(() => this.#reload(why));
    };
    const hangup = () => reload("SIGHUP");
    process.on("SIGHUP", hangup);
    const watch = watchFiles(draft.files, () => reload("a configuration file has changed"));
    const signal = await this.#asked.promise;
    watch.close();
    process.off("SIGHUP", hangup);
    own.info(`${signal}: stopping; what was accepted is being delivered`);
    await this.#agent.stop();
    await this.#end(store);
    own.info("stopped");
    return EXIT.done;
  }

  async #end(store: StateStore | undefined): Promise<void> {
    await this.#metrics.stop();
    await store?.close();
    this.#log.flush();
  }

  #measurements() {
    return (["success", "failure"] as const).map((result) =>
      measure("vedette_config_reloads", this.#reloads[result], { result }),
    );
  }

  #listen(): void {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(128 + (signal === "SIGINT" ? 2 : 15)));
        this.#asked.resolve(signal);
      });
    }
    // a plugin's timer or promise fails outside of any call that could catch it: told, and survived
    const astray = (error: unknown) =>
      this.#log.for("vedette").error("an error that nobody caught; the agent goes on", {
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    process.on("uncaughtException", astray);
    process.on("unhandledRejection", astray);
  }

  /** What it says is numbered: the log holds repetitions back, and every reload was asked for. */
  async #reload(why: string): Promise<void> {
    const own = this.#log.for("vedette");
    const name = `reload ${this.#reloads.success + this.#reloads.failure + 1}`;
    own.info(`${name} begins: ${why}`);
    try {
      const { config, registry, problems } = await load(this.#args);
      for (const problem of problems) {
        if (isError(problem)) own.error(`${name}: ${formatProblem(problem)}`);
        else own.warn(`${name}: ${formatProblem(problem)}`);
      }
      if (!config) throw new Error("the new configuration cannot be used");
      await this.#change(config, registry);
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
