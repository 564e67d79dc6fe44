// The public API (`vedette`). Plugins import this, and `vedette/otlp` for the wire format; nothing else of the agent.

export { z } from "zod";
export * from "./anomaly.ts";
export * from "./anomaly_store.ts";
export * from "./cause.ts";
export * from "./certificates.ts";
export * from "./combination.ts";
export * from "./component.ts";
export * from "./condition.ts";
export * from "./detection.ts";
export * from "./detector.ts";
export * from "./deviation.ts";
export * from "./endpoint.ts";
export * from "./extension.ts";
export * from "./intervals.ts";
export * from "./plugin.ts";
export * from "./saved.ts";
export * from "./secret.ts";
export * from "./services.ts";
export * from "./signals.ts";
export * from "./templates.ts";
export { type ClientTls, clientTls, type ServerTls, serverTls } from "./tls.ts";
export * from "./tls_failure.ts";
export * from "./traces.ts";
export * from "./units.ts";
export * from "./vectors.ts";
export * from "./watched_file.ts";
