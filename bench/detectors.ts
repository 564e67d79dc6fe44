// Which detectors of traces and of logs are measured, as far as they are there.
import { present } from "./trial.ts";

export const TRACE_DETECTORS = [
  "span_duration",
  "span_errors",
  "span_rate",
  "trace_structure",
  "service_graph",
] as const;
export const LOG_DETECTORS = ["new_template", "template_rate", "log_sequence", "log_values", "log_schema"] as const;
/** Those of logs that say mostly what `correlate` hears below their lines. */
export const LOG_EVIDENCE = ["log_mix"] as const;
/** What those of logs need before them. */
export const MINER = "drain";

/** Those whose folder has another name. */
const FOLDERS: Readonly<Record<string, string>> = { log_schema: "schema_drift" };

/** Those of the detectors that are there. */
export const presentDetectors = (only: readonly string[] = TRACE_DETECTORS) => present(only);
export const presentLogs = (only: readonly string[] = LOG_DETECTORS) =>
  only.filter((type) => present([FOLDERS[type] ?? type]).length > 0);
