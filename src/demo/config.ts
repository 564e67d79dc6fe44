// The configuration of the agent that the demo starts: every detector, and somewhere to look at what they find.

/** A source for `readDraft`; what the agent keeps goes into `directory`. */
export const configFor = (directory: string): string => `yaml:
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 127.0.0.1:4317}
      http: {endpoint: 127.0.0.1:4318}
processors:
  # a little above its usual line, since a shop of so few customers has noisy metrics
  auto: {threshold: 4.2}
  absence: {min_silence: 30s}
  span_duration:
  span_errors:
  span_rate:
  trace_structure:
  service_graph:
  drain:
  new_template:
  template_rate:
  log_sequence:
  log_values:
  log_schema:
  feedback: {store: anomaly_store}
  # a demo has no time to wait: what is over is over after a minute
  episodes: {resolve_after: 1m, cooldown: 2m}
  correlate: {linger: 30s}
  severity:
exporters:
  # takes the telemetry and prints nothing
  debug: {sampling_initial: 0, sampling_thereafter: 0}
  anomaly_store: {store: anomaly_store}
extensions:
  anomaly_store: {directory: ${JSON.stringify(directory)}}
  dashboard: {endpoint: 127.0.0.1:4320}
  self_test: {initial_delay: 2m, window: 1m, interval: 10m}
service:
  extensions: [anomaly_store, dashboard, self_test]
  telemetry:
    logs: {level: warn, output_paths: [stderr]}
  pipelines:
    metrics: {receivers: [otlp], processors: [auto, absence], exporters: [debug]}
    traces:
      receivers: [otlp]
      processors: [span_duration, span_errors, span_rate, trace_structure, service_graph]
      exporters: [debug]
    logs:
      receivers: [otlp]
      processors: [drain, new_template, template_rate, log_sequence, log_values, log_schema]
      exporters: [debug]
    anomalies: {processors: [feedback, episodes, correlate, severity], exporters: [anomaly_store]}
`;
