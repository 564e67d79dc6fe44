// Sends metrics with the OTLP exporters of OpenTelemetry's SDK, kept to what is configured and to the time they are given.
import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import type { Socket } from "node:net";
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from "@opentelemetry/exporter-metrics-otlp-http";
import { OTLPMetricExporter as ProtobufExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { type OtlpOptions, urlOf } from "./otlp_options.ts";

type ExporterOptions = NonNullable<ConstructorParameters<typeof ProtobufExporter>[0]>;

/** How long one push may go on. */
export interface Patience {
  /** Milliseconds, with what is tried again. */
  readonly limit: number;
  /** Once aborted, what failed is not tried again. */
  readonly hurry: AbortSignal;
  /** Once aborted, the push is over. */
  readonly cut: AbortSignal;
}

export class OtlpSender {
  /** Where to, without what may be secret in it. */
  readonly endpoint: string;
  readonly #options: OtlpOptions;
  readonly #url: URL;
  readonly #tls: https.AgentOptions;

  /** Throws when a file of its certificates cannot be read. */
  constructor(options: OtlpOptions) {
    this.#options = options;
    this.#url = urlOf(options.endpoint, options.insecure)!;
    this.endpoint = this.#url.origin + this.#url.pathname;
    const fileOf = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
    const { certificate, client_certificate, client_key } = options;
    this.#tls = { ca: fileOf(certificate), cert: fileOf(client_certificate), key: fileOf(client_key) };
  }

  /**
   * Rejects when it failed, also after the exporter's own retries. The exporter cannot be stopped and its timers run out by
   * themselves; so each push has an agent of its own, which opens no connection once the push is over.
   */
  async send(metrics: ResourceMetrics, { limit, hurry, cut }: Patience): Promise<void> {
    const { promise: given, reject: giveUp } = Promise.withResolvers<never>();
    const { Agent } = this.#url.protocol === "https:" ? https : http;
    const agent = new Agent(this.#tls);
    const connect = agent.createConnection.bind(agent);
    let over = false;
    /** Why the last attempt failed, while none is under way. */
    let failed: Error | undefined;
    agent.createConnection = (...args) => {
      if (over) throw new Error("the push is over");
      failed = undefined;
      let reason = new Error("it has no room at the moment");
      const socket = connect(...args) as Socket;
      socket.once("error", (error) => {
        reason = error;
      });
      socket.once("close", () => {
        failed = reason;
        // after the exporter's callback, if that was all
        if (hurry.aborted) setImmediate(giveUp, reason);
      });
      return socket;
    };
    const onHurry = () => failed && giveUp(failed);
    const onCut = () => giveUp(cut.reason);
    hurry.addEventListener("abort", onHurry);
    cut.addEventListener("abort", onCut);
    if (cut.aborted) onCut();
    const timer = setTimeout(() => giveUp(new Error(`no answer within ${limit} ms`)), limit);
    try {
      await Promise.race([given, this.#export(metrics, agent, limit)]);
    } finally {
      over = true;
      clearTimeout(timer);
      hurry.removeEventListener("abort", onHurry);
      cut.removeEventListener("abort", onCut);
      agent.destroy();
    }
  }

  #export(metrics: ResourceMetrics, agent: http.Agent, limit: number): Promise<void> {
    const { protocol, compression, headers } = this.#options;
    const Exporter = protocol === "http/json" ? JsonExporter : ProtobufExporter;
    const exporter = withoutEnvironment(
      () =>
        new Exporter({
          url: this.#url.href,
          headers,
          compression: compression as ExporterOptions["compression"],
          timeoutMillis: limit,
          temporalityPreference: AggregationTemporalityPreference.CUMULATIVE,
          httpAgentOptions: () => agent,
          userAgent: "vedette",
        }),
    );
    return new Promise((resolve, reject) => {
      exporter.export(metrics, ({ error }) => (error ? reject(error) : resolve()));
    });
  }
}

/**
 * The exporters add headers, certificates and more from OTEL_EXPORTER_OTLP_* to what they are given. They read them when they
 * are made and never later, so it is enough that there are none for that moment.
 */
function withoutEnvironment<T>(make: () => T): T {
  const hidden = Object.entries(process.env).filter(([name]) => /^OTEL_EXPORTER_OTLP_/i.test(name));
  for (const [name] of hidden) delete process.env[name];
  try {
    return make();
  } finally {
    Object.assign(process.env, Object.fromEntries(hidden));
  }
}
