// What a replay without a configuration runs: a detector for every signal, on all there is.

/** A source for `readDraft`. */
export const DEFAULT_CONFIG = `yaml:
receivers: {otlp: {protocols: {http: {}}}}
processors:
  {auto: , span_duration: , span_errors: , span_rate: , trace_structure: , service_graph: ,
   drain: , new_template: , template_rate: , log_sequence: , log_values: , log_schema: }
exporters: {debug: {}}
service:
  pipelines:
    metrics: {receivers: [otlp], processors: [auto], exporters: [debug]}
    traces:
      receivers: [otlp]
      processors: [span_duration, span_errors, span_rate, trace_structure, service_graph]
      exporters: [debug]
    logs:
      receivers: [otlp]
      processors: [drain, new_template, template_rate, log_sequence, log_values, log_schema]
      exporters: [debug]
`;
