// The agent's own metrics: collects what the agent counts and what its components measure, for whoever reads it.
import { randomUUID } from "node:crypto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ResourceMetrics, ScopeMetrics } from "@opentelemetry/sdk-metrics";
import type { Logger, Measurement } from "../api/index.ts";
import { type ComponentMeter, ComponentMeters } from "./component_meters.ts";
import { Ledger } from "./ledger.ts";
import type { Log } from "./log.ts";
import { type PrometheusOptions, prometheusEndpoint, type TelemetryOptions } from "./options.ts";
import { processMeasurements } from "./process.ts";
import { Push } from "./push.ts";
import { type Reader, serveScrapes } from "./scrape.ts";

export type { ComponentMeter };

type Settings = Pick<TelemetryOptions, "metrics" | "resource">;
/** Longest that stopping waits for a last push, milliseconds. */
const LAST_PUSH = 5000;
/** What the Collector serves when nobody configured it. */
const PLAIN = {
  without_scope_info: true,
  without_type_suffix: true,
  without_units: true,
  with_resource_constant_labels: {},
};
const DEFAULT_READER: PrometheusOptions = { host: "127.0.0.1", port: 8888, ...PLAIN };

/** Lives as long as the process; readers come and go with the configuration. */
export class OwnMetrics {
  readonly #version: string;
  readonly #agentLog: Log;
  readonly #log: Logger;
  readonly #agent: () => readonly Measurement[];
  readonly #now: () => number;
  readonly #instance = randomUUID();
  readonly #components: ComponentMeters;
  readonly #ledger: Ledger;
  #settings: Settings | undefined;
  #readers: Reader[] = [];
  #collecting: Promise<ResourceMetrics> | undefined;
  /** One change of the readers at a time. */
  #change: Promise<unknown> = Promise.resolve();

  /** `measurements` are the agent's numbers at the moment it is asked, under names of INSTRUMENTS. */
  constructor(options: {
    readonly version: string;
    readonly log: Log;
    readonly measurements: () => readonly Measurement[];
    readonly now?: () => number;
  }) {
    this.#version = options.version;
    this.#agentLog = options.log;
    this.#log = options.log.for("telemetry");
    this.#agent = options.measurements;
    this.#now = options.now ?? Date.now;
    this.#ledger = new Ledger(this.#now());
    this.#components = new ComponentMeters(this.#version, this.#log);
  }

  /** The agent's numbers, and those of its log and its process. */
  measurements(): readonly Measurement[] {
    return [...this.#agent(), ...this.#agentLog.measurements(), ...processMeasurements()];
  }

  /** As ComponentMeters makes them. */
  meterFor(...place: Parameters<ComponentMeters["meterFor"]>): ComponentMeter {
    return this.#components.meterFor(...place);
  }

  /**
   * Starts the readers that are configured, then stops those there were. Rejects when one cannot start, and changes nothing
   * then. A port that is taken is no error for the reader that nobody wrote.
   */
  configure(settings: Settings): Promise<void> {
    return this.#inTurn(async () => {
      const before = this.#settings;
      this.#settings = settings;
      const started: Reader[] = [];
      try {
        await this.#start(settings.metrics, started);
      } catch (error) {
        this.#settings = before;
        await Promise.all(started.map((reader) => reader.stop(0)));
        throw error;
      }
      const old = this.#readers;
      this.#readers = started;
      await Promise.all(old.map((reader) => reader.stop(0)));
    });
  }

  /** Stops all readers; those that push do it once more, for 5 s at most. Safe twice. */
  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const readers = this.#readers;
      this.#readers = [];
      await Promise.all(readers.map((reader) => reader.stop(LAST_PUSH)));
    });
  }

  /** All there is to tell now; callers at the same time share one collection. */
  collect = (): Promise<ResourceMetrics> => {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  };

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#change.then(task);
    this.#change = turn.catch(() => {});
    return turn;
  }

  async #start({ level, readers, address }: Settings["metrics"], started: Reader[]): Promise<void> {
    if (level === "none") return;
    const scrapes = async (endpoint: string, option: string, options: Omit<PrometheusOptions, "host" | "port">) => {
      started.push(await serveScrapes({ ...options, endpoint, option }, this.collect, this.#log));
    };
    if (address !== undefined) return scrapes(address, "service.telemetry.metrics.address", PLAIN);
    if (readers === undefined) {
      const option = "the default of service.telemetry.metrics.readers";
      return scrapes(prometheusEndpoint(DEFAULT_READER), option, DEFAULT_READER).catch((error: Error) => {
        const remedy = "write service.telemetry.metrics.readers with another port, or metrics.level none";
        this.#log.warn("own metrics are not served", { error: error.message, remedy });
      });
    }
    for (const [i, { pull, periodic }] of readers.entries()) {
      const option = `service.telemetry.metrics.readers[${i}]`;
      if (pull) {
        const { prometheus } = pull.exporter;
        await scrapes(prometheusEndpoint(prometheus), option, prometheus);
      }
      if (periodic) {
        const { interval, timeout, exporter } = periodic;
        try {
          started.push(new Push({ interval, timeout, otlp: exporter.otlp }, this.collect, this.#log));
        } catch (error) {
          throw new Error(`${option}: ${(error as Error).message}`, { cause: error });
        }
      }
    }
  }

  async #collect(): Promise<ResourceMetrics> {
    const level = this.#settings?.metrics.level === "basic" ? "basic" : "normal";
    const own = this.#ledger.metrics(this.measurements(), level, this.#now());
    const scopeMetrics: ScopeMetrics[] = [{ scope: { name: "vedette", version: this.#version }, metrics: own }];
    if (level !== "basic") scopeMetrics.push(...(await this.#components.collect()));
    return { resource: this.#resource(), scopeMetrics };
  }

  #resource() {
    const attributes: Record<string, string | number | boolean> = {
      "service.name": "vedette",
      "service.version": this.#version,
      "service.instance.id": this.#instance,
    };
    for (const [key, value] of Object.entries(this.#settings?.resource ?? {})) {
      if (value === null) delete attributes[key];
      else attributes[key] = value;
    }
    return resourceFromAttributes(attributes);
  }
}
