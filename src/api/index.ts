// The public API (`vedette`). Plugins import this, and `vedette/otlp` for the wire format; nothing else of the agent.

export { z } from "zod";
export * from "./anomaly.ts";
export * from "./component.ts";
export * from "./detector.ts";
export * from "./endpoint.ts";
export * from "./extension.ts";
export * from "./plugin.ts";
export * from "./signals.ts";
export * from "./units.ts";
