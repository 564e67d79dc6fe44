// What a replay without a configuration runs: a detector for every signal, on all there is.

/** A source for `readDraft`. */
export const DEFAULT_CONFIG = `yaml:
receivers: {otlp: {protocols: {http: {}}}}
processors: {auto: {}, span_duration: {}, span_errors: {}, span_rate: {}, trace_structure: {}, service_graph: {}, log_rate: {}}
exporters: {debug: {}}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [auto], exporters: [debug]}
    traces:
      receivers: [otlp]
      processors: [span_duration, span_errors, span_rate, trace_structure, service_graph]
      exporters: [debug]
    logs: {receivers: [otlp], processors: [log_rate], exporters: [debug]}
`;
