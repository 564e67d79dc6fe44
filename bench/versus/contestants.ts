// The agents that are compared: how each is found, configured and started.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Telemetry } from "../../src/api/index.ts";
import { NODE_FLAGS } from "../end_to_end.ts";
import type { Encoding } from "./traffic.ts";

export interface Task {
  readonly signal: Telemetry;
  readonly protocol: "http" | "grpc";
  /** What comes in, and what goes out unless `out` says otherwise. */
  readonly encoding: Encoding;
  readonly out?: Encoding;
  readonly work: "pass-through" | "detection" | "span metrics";
}

export interface Ports {
  /** Where the agent is to listen. */
  readonly http: number;
  readonly grpc: number;
  /** Where it is to send. */
  readonly sink: number;
}

export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** What is to be known of its figures, in a sentence. */
  readonly note?: string;
  /** What it does of a task, in words; undefined where it cannot do it. */
  does(task: Task): string | undefined;
  command(task: Task, ports: Ports): readonly [program: string, ...args: string[]];
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** All detectors of the example configuration that judge the signal itself. */
const DETECTORS: Readonly<Record<Telemetry, readonly string[]>> = {
  metrics: ["auto"],
  traces: ["span_duration", "span_errors", "span_rate", "trace_structure", "service_graph"],
  logs: ["drain", "new_template", "template_rate", "log_sequence", "log_values", "log_schema"],
};

/** So that it watches as many series as are sent. */
const OPTIONS: Readonly<Record<string, object>> = { auto: { max_series: 1_000_000 } };

/** Receivers and exporters are configured alike in both, but for what listens to anomalies. */
function configuration(
  { signal, protocol, encoding, out = encoding, work }: Task,
  { http, grpc, sink }: Ports,
  detectors: readonly string[],
): Record<string, any> {
  const exporter = protocol === "http" ? "otlp_http" : "otlp_grpc";
  const endpoint = protocol === "http" ? `http://127.0.0.1:${sink}` : `127.0.0.1:${sink}`;
  const processors = work === "detection" ? detectors : [];
  const counts = work === "span metrics";
  return {
    receivers: {
      otlp: { protocols: { http: { endpoint: `127.0.0.1:${http}` }, grpc: { endpoint: `127.0.0.1:${grpc}` } } },
    },
    processors: Object.fromEntries(processors.map((type) => [type, OPTIONS[type] ?? {}])),
    exporters: {
      [exporter]: {
        endpoint,
        compression: out === "identity" ? "none" : out,
        tls: { insecure: true },
        // nothing is lost at saturation: senders wait
        sending_queue: { queue_size: 100, block_on_overflow: true },
      },
    },
    connectors: counts ? { span_metrics: {} } : {},
    service: {
      pipelines: {
        [signal]: { receivers: ["otlp"], processors, exporters: counts ? [exporter, "span_metrics"] : [exporter] },
        ...(counts && { "metrics/spans": { receivers: ["span_metrics"], exporters: [exporter] } }),
      },
    },
  };
}

function vedette(): Contestant {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return {
    name: "Vedette",
    version: `${version} on Node ${process.version}`,
    does: ({ signal, work }) => (work === "detection" ? DETECTORS[signal].join(", ") : work),
    command(task, ports) {
      const config = configuration(task, ports, DETECTORS[task.signal]);
      config.exporters.debug = {};
      config.service.pipelines.anomalies = { exporters: ["debug"] };
      const main = join(root, "src/main.ts");
      return [process.execPath, ...NODE_FLAGS, main, "run", "--config", `yaml:${JSON.stringify(config)}`];
    },
  };
}

function collector(path: string): Contestant {
  const components = spawnSync(path, ["components"]).stdout.toString();
  const forest = /isolationforest\b/.test(components);
  const connects = /\bspan_metrics\b/.test(components);
  const version = /otlpreceiver (v[\d.]+)/.exec(components)?.[1] ?? "of unknown version";
  return {
    name: "Collector (Go)",
    version,
    does({ work }) {
      if (work === "span metrics") return connects ? work : undefined;
      if (work === "pass-through") return work;
      return forest ? "isolationforest" : "pass-through: this build has no isolationforest";
    },
    command(task, ports) {
      const config = configuration(task, ports, forest ? ["isolationforest"] : []);
      return [path, "--config", `yaml:${JSON.stringify(config)}`];
    },
  };
}

function rotel(path: string): Contestant {
  const version = spawnSync(path, ["--version"])
    .stdout.toString()
    .trim()
    .replace(/^rotel /, "");
  return {
    name: "Rotel (Rust)",
    version,
    note: "It compresses what it sends with gzip, also where it is told not to (0.0.1-alpha10): its figures of plain work hold that.",
    does: ({ work, encoding }) => (work === "pass-through" && encoding !== "zstd" ? work : undefined),
    command({ protocol, encoding, out = encoding }, { http, grpc, sink }) {
      const options = {
        "otlp-http-endpoint": `127.0.0.1:${http}`,
        "otlp-grpc-endpoint": `127.0.0.1:${grpc}`,
        "otlp-exporter-endpoint": `http://127.0.0.1:${sink}`,
        "otlp-exporter-protocol": protocol,
        "otlp-exporter-compression": out === "identity" ? "none" : out,
      };
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
      return [path, "start", "--exporter", "otlp", "--disable-batching", ...args];
    },
  };
}

/** The program that the variable names, or one of these names on PATH. */
function found(variable: string, names: readonly string[]): string | undefined {
  const named = process.env[variable];
  if (named !== undefined) {
    if (!existsSync(named)) throw new Error(`${variable}=${named}: there is no such file`);
    return named;
  }
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
}

/** Vedette first; the others where they are at hand, else a sentence each on what is missing. */
export function contestants(): { present: Contestant[]; missing: string[] } {
  const otelcol = found("OTELCOL", ["otelcol", "otelcol-contrib"]);
  const rust = found("ROTEL", ["rotel", "rotel-agent"]);
  const missing: string[] = [];
  if (!otelcol)
    missing.push("no OpenTelemetry Collector: name one by OTELCOL=/path/to/otelcol, or put otelcol on PATH");
  if (!rust) missing.push("no Rotel: name one by ROTEL=/path/to/rotel, or put rotel on PATH");
  return {
    present: [vedette(), ...(otelcol ? [collector(otelcol)] : []), ...(rust ? [rotel(rust)] : [])],
    missing,
  };
}
