// The sampler in a pipeline as the agent wires it: spans in, spans out as the independent decoder reads them, anomalies in between.
import plugin from "../../../plugins/processors/anomaly_sampling/index.ts";
import type { ExportRequest, Processor } from "../../../src/api/index.ts";
import { emitInto, flush, Turn } from "../../../src/pipeline/hub.ts";
import { Intake } from "../../../src/pipeline/intake.ts";
import { TelemetryPipeline } from "../../../src/pipeline/pipeline.ts";
import type { Queue } from "../../../src/pipeline/queue.ts";
import { anomalyOf, fakeHost } from "../../exporting.ts";
import { stage } from "../../wired.ts";
import { type Json, oracle, oracleDecode, oracleEncode } from "../otlp/otlp_json.ts";

export interface SpanJson {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name?: string;
  readonly service?: string;
  readonly kind?: number;
  readonly traceState?: string;
  readonly attributes?: Json[];
}

/** A span that came out, with the service and scope that it came out under. */
export type Sent = Json & { readonly spanId: string; readonly service: string; readonly scope: string };

export const int = (key: string, intValue: number | string) => ({ key, value: { intValue } });

/** A trace id whose randomness is that share of all. */
export function traceId(share: number, n = 0): string {
  const random = BigInt(Math.floor(share * 2 ** 53)) << 3n;
  return n.toString(16).padStart(18, "0") + random.toString(16).padStart(14, "0");
}

let spans = 1;
export const newSpanId = () => (spans++).toString(16).padStart(16, "0");

/** One request, a ResourceSpans for each service. */
export function requestOf(list: readonly SpanJson[]): Uint8Array {
  const services = [...new Set(list.map(({ service = "shop" }) => service))];
  const resourceSpans = services.map((name) => ({
    resource: { attributes: [{ key: "service.name", value: { stringValue: name } }] },
    scopeSpans: [
      {
        scope: { name: `scope of ${name}`, version: "1" },
        schemaUrl: "https://example/1",
        spans: list
          .filter(({ service = "shop" }) => service === name)
          .map(({ service, name = "GET /", kind = 2, ...span }) => ({ name, kind, ...span })),
      },
    ],
  }));
  return oracleEncode("traces", { resourceSpans });
}

export function spansOf(bytes: Uint8Array): Sent[] {
  const { resourceSpans = [] } = oracleDecode(oracle.traces, bytes);
  return resourceSpans.flatMap(({ resource, scopeSpans }: Json) =>
    scopeSpans.flatMap(({ scope, spans }: Json) =>
      spans.map((span: Json) => ({
        ...span,
        service: resource?.attributes?.[0].value.stringValue,
        scope: scope?.name,
      })),
    ),
  );
}

export function sampled(options: object = {}, after: readonly Processor<"traces">[] = []) {
  const host = fakeHost();
  const intake = new Intake<"traces">("traces", 1, 1000);
  const turn = new Turn();
  const requests: ExportRequest[] = [];
  const queue = {
    full: false,
    room: () => !queue.full,
    push(request: ExportRequest, _: unknown, release: () => void) {
      // the received buffer is overwritten once it is given back
      requests.push({ ...request, bytes: Uint8Array.from(request.bytes) });
      release();
      return true;
    },
  };
  const part = plugin.create(plugin.config.parse(options), host);
  intake.table.own({ grow() {}, recycle: (series) => part.forget!("traces", series) });
  const sampler = stage(part, host);
  const processors = [sampler, ...after.map((each) => stage(each, host))];
  const pipeline = new TelemetryPipeline<"traces">("traces", "traces", {
    processors,
    queues: [queue as unknown as Queue],
    connectors: [],
  });
  turn.listeners = [sampler];
  const route = { pipelines: [pipeline], counts: { accepted: 0, refused: 0, failed: 0 } };
  const emit = emitInto(intake, route, turn, () => host.now());
  return {
    host,
    part,
    queue,
    sampler,
    requests,
    /** All spans that came out, in order. */
    get sent(): Sent[] {
      return requests.flatMap(({ bytes }) => spansOf(bytes));
    },
    send(list: readonly SpanJson[]) {
      const bytes = requestOf(list);
      if (emit(bytes, () => bytes.fill(0xff)) !== true) throw new Error("refused");
    },
    anomaly(traceId: string, state: "open" | "resolved" = "open") {
      const { labels } = anomalyOf();
      turn.raise(anomalyOf({ state, labels: { ...labels, traceId } }));
    },
    /** What the agent does each second. */
    tick() {
      part.tick!(host.now());
      while (flush(intake, pipeline, host.now()));
    },
  };
}
