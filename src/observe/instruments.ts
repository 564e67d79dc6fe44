// Every number that the agent tells about itself: one table by name, with kind, unit and meaning.
import type { Measurement, Telemetry } from "../api/index.ts";

/** What a metric is. `unit` is UCUM; those in seconds and in decades may have fractions, all others are whole. */
export interface Instrument {
  readonly kind: "counter" | "gauge";
  readonly unit: string;
  readonly description: string;
  /** Least `metrics.level` that shows it. */
  readonly level: "basic" | "normal";
}

/** How the Collector's names call what each signal counts: `otelcol_exporter_sent_${ITEMS.logs}`. */
export const ITEMS = { traces: "spans", metrics: "metric_points", logs: "log_records" } as const satisfies Record<
  Telemetry,
  string
>;

const UNITS = { spans: "{spans}", metric_points: "{datapoints}", log_records: "{records}" };
const WORDS = { spans: "spans", metric_points: "metric points", log_records: "log records" };
type Items = keyof typeof UNITS;

const counter = (unit: string, description: string): Instrument => ({
  kind: "counter",
  unit,
  description,
  level: "normal",
});
const gauge = (unit: string, description: string): Instrument => ({ ...counter(unit, description), kind: "gauge" });
const basic = (instrument: Instrument): Instrument => ({ ...instrument, level: "basic" });

/** One counter for each signal; `%` in the description stands for what is counted. */
function perSignal<P extends string>(prefix: P, description: string): Record<`${P}_${Items}`, Instrument> {
  const one = (items: Items) => [
    `${prefix}_${items}`,
    basic(counter(UNITS[items], description.replace("%", WORDS[items]))),
  ];
  return Object.fromEntries((Object.keys(UNITS) as Items[]).map(one));
}

/** By name; the first half is the Collector's, the second ours. */
export const INSTRUMENTS = {
  ...perSignal("otelcol_receiver_accepted", "Number of % successfully pushed into the pipeline."),
  ...perSignal("otelcol_receiver_refused", "Number of % that could not be pushed into the pipeline."),
  ...perSignal("otelcol_exporter_sent", "Number of % successfully sent to destination."),
  ...perSignal("otelcol_exporter_send_failed", "Number of % in failed attempts to send to destination."),
  ...perSignal("otelcol_exporter_enqueue_failed", "Number of % failed to be added to the sending queue."),
  otelcol_exporter_queue_size: basic(
    gauge("{batches}", "Current size of the sending queue, in the unit of its sizer."),
  ),
  otelcol_exporter_queue_capacity: basic(
    gauge("{batches}", "Fixed capacity of the sending queue, in the unit of its sizer."),
  ),
  otelcol_processor_incoming_items: counter("{items}", "Number of items passed to the processor."),
  otelcol_processor_outgoing_items: counter("{items}", "Number of items emitted from the processor."),
  otelcol_process_uptime: basic(counter("s", "Uptime of the process.")),
  otelcol_process_cpu_seconds: basic(counter("s", "Total CPU user and system time in seconds.")),
  otelcol_process_memory_rss: basic(gauge("By", "Total physical memory (resident set size).")),
  otelcol_process_runtime_heap_alloc_bytes: basic(gauge("By", "Bytes of JavaScript objects on V8's heap.")),
  otelcol_process_runtime_total_alloc_bytes: basic(
    counter("By", "Cumulative bytes allocated for JavaScript objects, where this Node counts them."),
  ),
  otelcol_process_runtime_total_sys_memory_bytes: basic(
    gauge("By", "Bytes that the runtime holds: V8's heap with its free part, and buffers outside of it."),
  ),

  vedette_exporter_sent_anomalies: basic(
    counter("{anomalies}", "Number of anomalies successfully sent to destination."),
  ),
  vedette_exporter_send_failed_anomalies: basic(
    counter("{anomalies}", "Number of anomalies in failed attempts to send to destination."),
  ),
  vedette_exporter_enqueue_failed_anomalies: basic(
    counter("{anomalies}", "Number of anomalies failed to be added to the sending queue."),
  ),
  vedette_exporter_failed_attempt_items: basic(
    counter("{items}", "Items in attempts to send that failed, whether tried again or not."),
  ),
  vedette_exporter_queued_items: basic(gauge("{items}", "Items in the sending queue or being sent.")),
  vedette_exporter_dropped_items: basic(counter("{items}", "Items given up after they were accepted, by reason.")),
  vedette_exporter_restored_items: basic(counter("{items}", "Items found in the queue's storage at start.")),
  vedette_anomalies_dropped: basic(counter("{anomalies}", "Anomalies that a full queue had no room for.")),
  vedette_detector_rows: counter("{rows}", "Rows judged by the detector."),
  vedette_detector_anomalies: counter("{rows}", "Rows past the detector's threshold."),
  vedette_detector_threshold: gauge("{decades}", "Rarity from which a row is an anomaly at present."),
  vedette_detector_series: gauge("{series}", "Series that the detector remembers."),
  vedette_detector_warming_series: gauge("{series}", "Series that are learnt but not judged yet."),
  vedette_detector_evicted_series: counter("{series}", "Series that the detector forgot to make room for others."),
  vedette_detector_state_bytes: gauge("By", "Memory that the detector's state takes."),
  vedette_detector_left_out_metrics: gauge("{metrics}", "Metrics that their resource's vectors have no dimension for."),
  vedette_detector_late_points: counter(
    "{datapoints}",
    "Points that came after the interval of their vector was over.",
  ),
  vedette_detector_late_rows: counter("{rows}", "Spans or records that came after their interval was judged."),
  vedette_detector_seconds: counter("s", "Time spent in the detector."),
  vedette_detector_errors: counter("{errors}", "Batches that the detector failed on; they went on without it."),
  vedette_processor_rows: counter("{rows}", "Rows passed to the processor."),
  vedette_processor_seconds: counter("s", "Time spent in the processor."),
  vedette_processor_errors: counter("{errors}", "Batches that the processor failed on; they went on without it."),
  vedette_traces_open: gauge("{trace}", "Traces that are being put together."),
  vedette_traces_open_spans: gauge("{span}", "Spans in them, those included that were only named as a parent yet."),
  vedette_traces_completed: counter("{trace}", "Traces that were handed over."),
  vedette_traces_completed_early: counter("{trace}", "Of these, the ones that had to make room for others."),
  vedette_traces_left_out_spans: counter("{span}", "Spans that there was no room for in a trace."),
  vedette_traces_bytes: gauge("By", "Memory held to put traces together, room to grow included."),
  vedette_series: gauge("{series}", "Series remembered for the signal."),
  vedette_series_evicted: counter("{series}", "Series forgotten to make room for others."),
  vedette_series_limit: gauge("{series}", "Most series that are remembered for the signal."),
  vedette_component_status: basic(gauge("{status}", "Always 1, for the status that the component has.")),
  vedette_config_reloads: basic(counter("{reloads}", "Reloads of the configuration, by result.")),
  vedette_log_messages: counter("{messages}", "Messages of the agent's own log, written or held back."),
  vedette_log_messages_held_back: counter("{messages}", "Messages of the agent's own log held back as repetitions."),
  vedette_snapshot_seconds: gauge("s", "Time that the last snapshot of the state took."),
  vedette_snapshot_bytes: gauge("By", "Size of the last snapshot of the state."),
  vedette_snapshot_age_seconds: gauge("s", "Time since the last snapshot of the state."),
} satisfies Record<string, Instrument>;

export type InstrumentName = keyof typeof INSTRUMENTS;

/** One number under a name of the table. */
export function measure(
  name: InstrumentName,
  value: number,
  attributes: Readonly<Record<string, string>> = {},
): Measurement {
  return { name, value, attributes };
}
