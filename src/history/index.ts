// What the agent remembers of what its detectors saw, while somebody wants it: series and traces.
import type { Anomaly, History, HistoryOptions } from "../api/index.ts";
import type { Tap } from "../pipeline/tap.ts";
import type { CompletedTrace } from "../traces/completed.ts";
import { SeriesHistory } from "./series.ts";
import { TraceHistory } from "./traces.ts";

/** Switched on and off while detectors run; off, it costs them a call for each request. */
export class Remembering {
  #series: SeriesHistory | undefined;
  #traces: TraceHistory | undefined;
  /** Called when traces begin or end to be wanted. */
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Where complete traces go; undefined while nobody wants them. */
  get onTrace(): ((trace: CompletedTrace) => void) | undefined {
    const traces = this.#traces;
    return traces && ((trace) => traces.take(trace));
  }

  /** For one detector in one pipeline. */
  tap(pipeline: string): Tap {
    let of: SeriesHistory | undefined;
    let watching: ReturnType<SeriesHistory["watching"]> | undefined;
    const wanted = () => this.#series !== undefined;
    return {
      get wanted() {
        return wanted();
      },
      judged: (batch, judgement) => {
        if (of !== this.#series) {
          of = this.#series;
          watching = of?.watching(pipeline);
        }
        watching?.judged(batch, judgement);
      },
      forgot: (own) => watching?.forgot(own),
    };
  }

  found({ labels, incident }: Anomaly): void {
    if (!this.#traces) return;
    if (labels.traceId !== "") this.#traces.name(labels.traceId);
    for (const id of incident?.traces ?? []) this.#traces.name(id);
  }

  /** Ends what was remembered before. */
  begin({ maxMemory, span, maxTraceMemory }: HistoryOptions): History {
    const series = new SeriesHistory(maxMemory, span);
    const traces = new TraceHistory(maxTraceMemory);
    this.#series = series;
    this.#traces = traces;
    this.#changed();
    return {
      series: () => series.list(),
      find: (mark) => series.find(mark),
      points: (mark, from, until) => series.points(mark, from, until),
      trace: (id) => traces.get(id),
      get byteLength() {
        return series.byteLength + traces.byteLength;
      },
      close: () => {
        if (this.#series !== series) return;
        this.#series = undefined;
        this.#traces = undefined;
        this.#changed();
      },
    };
  }
}
