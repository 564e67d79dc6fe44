// The meters of components: each labelled, bounded and gone with its component.
import { createNoopMeter, type Meter } from "@opentelemetry/api";
import { MeterProvider, MetricReader, type ScopeMetrics } from "@opentelemetry/sdk-metrics";
import type { ComponentStatus, Logger } from "../api/index.ts";

export type MeterSection = ComponentStatus["section"];

/** Series of one instrument; what is beyond is added up under `otel.metric.overflow`. */
const MAX_SERIES = 500;
/** Names of instruments of one component. */
const MAX_INSTRUMENTS = 100;
/** Milliseconds that a component's observable instruments have to answer. */
const PATIENCE = 1000;
/** How the Collector labels what it tells of a component. */
const LABEL = {
  receivers: "receiver",
  processors: "processor",
  connectors: "connector",
  exporters: "exporter",
  extensions: "extension",
} as const satisfies Record<MeterSection, string>;

type Labels = Readonly<Record<string, string>>;

class OnDemand extends MetricReader {
  constructor() {
    super({ cardinalitySelector: () => MAX_SERIES });
  }
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

/** The instruments of one component, from when it is made until it is stopped. */
export interface ComponentMeter {
  readonly meter: Meter;
  /** Its metrics are told no more. Safe twice. */
  close(): void;
}

interface Instrumented {
  readonly reader: MetricReader;
  readonly labels: Labels;
}

/** All of them, as long as the process lives. */
export class ComponentMeters {
  readonly #version: string;
  readonly #log: Logger;
  /** By place in the configuration; of those made for the same place the last is told. */
  readonly #made = new Map<string, Instrumented[]>();

  constructor(version: string, log: Logger) {
    this.#version = version;
    this.#log = log;
  }

  /**
   * A meter whose every measurement is labelled with the component, and with the pipeline of a processor. A successor in the
   * same place is told instead of it, with counters that begin anew, until it is closed.
   */
  meterFor(section: MeterSection, id: string, pipeline?: string): ComponentMeter {
    const reader = new OnDemand();
    const provider = new MeterProvider({ readers: [reader] });
    const labels = { [LABEL[section]]: id, ...(pipeline !== undefined && { pipeline }) };
    const key = JSON.stringify([section, id, pipeline]);
    const one: Instrumented = { reader, labels };
    this.#made.set(key, [...(this.#made.get(key) ?? []), one]);
    return {
      meter: this.#limited(provider.getMeter("vedette", this.#version), labels),
      close: () => {
        const others = (this.#made.get(key) ?? []).filter((other) => other !== one);
        if (others.length > 0) this.#made.set(key, others);
        else this.#made.delete(key);
      },
    };
  }

  /** What they all measure now. */
  async collect(): Promise<ScopeMetrics[]> {
    const told = [...this.#made.values()].map((made) => made.at(-1)!);
    return (await Promise.all(told.map((one) => this.#metricsOf(one)))).flat();
  }

  /** Past MAX_INSTRUMENTS names, the meter gives instruments that measure nothing. */
  #limited(meter: Meter, labels: Labels): Meter {
    const names = new Set<string>();
    const nothing = createNoopMeter();
    let told = false;
    const choose = (name: string): Meter => {
      const known = name.toLowerCase();
      if (names.has(known)) return meter;
      if (names.size < MAX_INSTRUMENTS) {
        names.add(known);
        return meter;
      }
      if (!told) {
        this.#log.warn("a component has too many instruments; those beyond the limit measure nothing", {
          ...labels,
          instrument: name,
          limit: MAX_INSTRUMENTS,
        });
      }
      told = true;
      return nothing;
    };
    return {
      createGauge: (name, options) => choose(name).createGauge(name, options),
      createHistogram: (name, options) => choose(name).createHistogram(name, options),
      createCounter: (name, options) => choose(name).createCounter(name, options),
      createUpDownCounter: (name, options) => choose(name).createUpDownCounter(name, options),
      createObservableGauge: (name, options) => choose(name).createObservableGauge(name, options),
      createObservableCounter: (name, options) => choose(name).createObservableCounter(name, options),
      createObservableUpDownCounter: (name, options) => choose(name).createObservableUpDownCounter(name, options),
      addBatchObservableCallback: (...args) => meter.addBatchObservableCallback(...args),
      removeBatchObservableCallback: (...args) => meter.removeBatchObservableCallback(...args),
    };
  }

  async #metricsOf({ reader, labels }: Instrumented): Promise<ScopeMetrics[]> {
    const { resourceMetrics, errors } = await reader.collect({ timeoutMillis: PATIENCE });
    if (errors.length > 0) {
      this.#log.warn("an instrument could not be read", { ...labels, error: String(errors[0]) });
    }
    for (const { metrics } of resourceMetrics.scopeMetrics) {
      for (const { dataPoints } of metrics) {
        for (const [i, point] of dataPoints.entries()) {
          dataPoints[i] = { ...point, attributes: { ...point.attributes, ...labels } } as (typeof dataPoints)[number];
        }
      }
    }
    return resourceMetrics.scopeMetrics;
  }
}
