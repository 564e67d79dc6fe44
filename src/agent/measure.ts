// The agent's numbers about itself, read where they are counted, at the moment somebody asks.
import type { Measurement, Signal, Telemetry } from "../api/index.ts";
import { ITEMS, measure } from "../observe/instruments.ts";
import { Detector } from "../pipeline/detect.ts";
import type { Intake } from "../pipeline/intake.ts";
import { IntervalDetector } from "../pipeline/interval_detector.ts";
import { VectorDetector } from "../pipeline/vector_detector.ts";
import type { Board } from "./board.ts";
import type { Graph, Outlet, Staged } from "./graph.ts";
import type { Inlet } from "./inlets.ts";
import type { SavedState } from "./memory.ts";

export interface Measured {
  readonly graph: Graph;
  readonly inlets: readonly Inlet[];
  readonly intakes: Iterable<Intake<Telemetry>>;
  readonly board: Board;
  readonly saved: SavedState | undefined;
  readonly now: number;
}

export function measurementsOf({ graph, inlets, intakes, board, saved, now }: Measured): Measurement[] {
  return [
    ...inlets.filter(({ id }) => graph.receivers.has(id)).flatMap(received),
    ...[...graph.exporters.values()].flatMap(exported),
    ...[...graph.processors.values()].flatMap(processed),
    ...graph.anomalies.map(({ pipeline: { id, counts } }) =>
      measure("vedette_anomalies_dropped", counts.dropped, { pipeline: id }),
    ),
    ...[...intakes].flatMap(remembered),
    ...board.list().map(({ section, id, pipeline, status }) => {
      const place = { section, component: id, ...(pipeline !== undefined && { pipeline }) };
      return measure("vedette_component_status", 1, { ...place, status });
    }),
    ...(saved
      ? [
          measure("vedette_snapshot_seconds", saved.seconds),
          measure("vedette_snapshot_bytes", saved.bytes),
          measure("vedette_snapshot_age_seconds", (now - saved.at) / 1000),
        ]
      : []),
  ];
}

function received({ id, signal, route }: Inlet): Measurement[] {
  const labels = { receiver: id };
  return [
    measure(`otelcol_receiver_accepted_${ITEMS[signal]}`, route.counts.accepted, labels),
    measure(`otelcol_receiver_refused_${ITEMS[signal]}`, route.counts.refused, labels),
  ];
}

function exported({ id, queue }: Outlet): Measurement[] {
  const labels = { exporter: id };
  const found = [
    measure("otelcol_exporter_queue_size", queue.size, labels),
    measure("otelcol_exporter_queue_capacity", queue.capacity, labels),
  ];
  for (const signal of Object.keys(queue.counts) as Signal[]) {
    const counts = queue.counts[signal];
    const { permanent, retries, overflow, shutdown } = counts.dropped;
    const failed = permanent + retries + shutdown;
    if (counts.accepted + counts.restored + counts.refused === 0) continue;
    if (signal === "anomalies") {
      found.push(
        measure("vedette_exporter_sent_anomalies", counts.sent, labels),
        measure("vedette_exporter_send_failed_anomalies", failed, labels),
        measure("vedette_exporter_enqueue_failed_anomalies", counts.refused + overflow, labels),
      );
    } else {
      found.push(
        measure(`otelcol_exporter_sent_${ITEMS[signal]}`, counts.sent, labels),
        measure(`otelcol_exporter_send_failed_${ITEMS[signal]}`, failed, labels),
        measure(`otelcol_exporter_enqueue_failed_${ITEMS[signal]}`, counts.refused + overflow, labels),
      );
    }
    const ours = { ...labels, otel_signal: signal };
    found.push(
      measure("vedette_exporter_failed_attempt_items", counts.send_failed, ours),
      measure("vedette_exporter_queued_items", counts.held, ours),
      measure("vedette_exporter_restored_items", counts.restored, ours),
    );
    for (const [reason, items] of Object.entries(counts.dropped)) {
      found.push(measure("vedette_exporter_dropped_items", items, { ...ours, reason }));
    }
  }
  return found;
}

function processed({ id, pipeline, part, stage, findings }: Staged<any>): Measurement[] {
  const place = { processor: id, pipeline: pipeline! };
  const collectors = { ...place, otel_signal: pipeline!.split("/")[0] };
  const { counts } = stage;
  const found = [
    measure("otelcol_processor_incoming_items", counts.incoming, collectors),
    measure("otelcol_processor_outgoing_items", counts.outgoing, collectors),
  ];
  if (findings) {
    found.push(
      measure("vedette_detector_rows", counts.incoming, place),
      measure("vedette_detector_anomalies", findings.reporter.counts.anomalies, place),
      measure("vedette_detector_threshold", findings.threshold, place),
      measure("vedette_detector_seconds", counts.seconds, place),
      measure("vedette_detector_errors", counts.errors, place),
    );
    return found;
  }
  if (part instanceof VectorDetector) {
    const { metrics, points } = part.leftOut;
    found.push(
      measure("vedette_detector_left_out_metrics", metrics, place),
      measure("vedette_detector_late_points", points, place),
    );
  } else if (part instanceof IntervalDetector) {
    found.push(measure("vedette_detector_late_rows", part.late, place));
  } else if (!(part instanceof Detector)) {
    found.push(
      measure("vedette_processor_rows", counts.incoming, place),
      measure("vedette_processor_seconds", counts.seconds, place),
      measure("vedette_processor_errors", counts.errors, place),
    );
    return found;
  }
  found.push(
    measure("vedette_detector_rows", part.counts.rows, place),
    measure("vedette_detector_anomalies", part.counts.anomalies, place),
    ...(part.threshold > 0 ? [measure("vedette_detector_threshold", part.threshold, place)] : []),
    measure("vedette_detector_series", part.series, place),
    measure("vedette_detector_warming_series", part.warming, place),
    measure("vedette_detector_evicted_series", part.counts.evicted, place),
    measure("vedette_detector_state_bytes", part.stateBytes, place),
    measure("vedette_detector_seconds", counts.seconds, place),
    measure("vedette_detector_errors", counts.errors, place),
  );
  return found;
}

function remembered({ signal, table, assembler }: Intake<Telemetry>): Measurement[] {
  const labels = { otel_signal: signal };
  const traces = assembler && [
    measure("vedette_traces_open", assembler.open.traces),
    measure("vedette_traces_open_spans", assembler.open.spans),
    measure("vedette_traces_completed", assembler.counts.traces),
    measure("vedette_traces_completed_early", assembler.counts.early),
    measure("vedette_traces_left_out_spans", assembler.counts.left),
    measure("vedette_traces_bytes", assembler.byteLength),
  ];
  return [
    ...(traces ?? []),
    measure("vedette_series", table.length, labels),
    measure("vedette_series_evicted", table.evicted, labels),
    measure("vedette_series_limit", table.limit, labels),
  ];
}
