// From evidence to an anomaly: described, written onto its row, raised, counted. One for each component that finds.
import type { Anomaly, Batch, Host, Labels, Telemetry } from "../api/index.ts";
import { anomalyAttributes } from "../otlp/encode.ts";
import { describe, type Evidence } from "./finding.ts";
import type { DetectorOptions } from "./options.ts";

/** Anomalies that one request may raise in one component: beyond it they are counted, no longer described. */
const MOST_FINDINGS = 1000;

/** Totals since the agent started: rows judged, anomalies raised, series forgotten. */
export type DetectorCounts = Record<"rows" | "anomalies" | "evicted" | "undescribed", number>;

/** What was measured, where it is not the row's own value. */
type Measure = (labels: Labels) => Evidence["measure"];

export class Reporter {
  readonly counts: DetectorCounts;
  readonly #host: Host;
  readonly #options: Pick<DetectorOptions, "annotate" | "companions">;
  readonly #raise: (anomaly: Anomaly) => void;
  readonly #measure: Measure | undefined;
  #findings = 0;

  /** `counts` are those of the component that it replaces, so that they only ever grow. */
  constructor(
    host: Host,
    options: Pick<DetectorOptions, "annotate" | "companions">,
    raise: (anomaly: Anomaly) => void,
    counts: DetectorCounts = { rows: 0, anomalies: 0, evicted: 0, undescribed: 0 },
    measure?: Measure,
  ) {
    this.counts = counts;
    this.#host = host;
    this.#options = options;
    this.#raise = raise;
    this.#measure = measure;
  }

  /** A request, or a tick, begins. */
  begin(): void {
    this.#findings = 0;
  }

  /** The anomaly, undefined when there were too many in this request. `row` is the row of the batch that it is written onto. */
  report(
    evidence: Omit<Evidence, "detector" | "companions" | "measure">,
    labels: () => Labels,
    batch?: Batch<Telemetry>,
    row = -1,
  ): Anomaly | undefined {
    this.counts.anomalies++;
    if (this.#findings++ >= MOST_FINDINGS) {
      this.counts.undescribed++;
      if (this.#findings === MOST_FINDINGS + 1) {
        this.#host.log.warn("too many anomalies in one request: the rest is counted, not described", {
          limit: MOST_FINDINGS,
        });
      }
      return undefined;
    }
    const { annotate, companions } = this.#options;
    const named = labels();
    const measure = this.#measure?.(named);
    const anomaly = describe({ ...evidence, measure, detector: this.#host.id, companions }, named);
    if (batch && row >= 0 && annotate !== "none") batch.annotate(row, anomalyAttributes(anomaly), annotate);
    this.#raise(anomaly);
    return anomaly;
  }
}
