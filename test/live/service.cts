// One of two small HTTP services, instrumented with OpenTelemetry's own SDK: `front` calls `stock`. Behaves as told on POST /behave.
const { context, propagation, trace } = require("@opentelemetry/api") as typeof import("@opentelemetry/api");
const { AsyncLocalStorageContextManager } =
  require("@opentelemetry/context-async-hooks") as typeof import("@opentelemetry/context-async-hooks");
const { W3CTraceContextPropagator } = require("@opentelemetry/core") as typeof import("@opentelemetry/core");
const { OTLPTraceExporter } =
  require("@opentelemetry/exporter-trace-otlp-http") as typeof import("@opentelemetry/exporter-trace-otlp-http");
const { registerInstrumentations } =
  require("@opentelemetry/instrumentation") as typeof import("@opentelemetry/instrumentation");
const { HttpInstrumentation } =
  require("@opentelemetry/instrumentation-http") as typeof import("@opentelemetry/instrumentation-http");
const { resourceFromAttributes } = require("@opentelemetry/resources") as typeof import("@opentelemetry/resources");
const { BatchSpanProcessor, TracerProvider } =
  require("@opentelemetry/sdk-trace") as typeof import("@opentelemetry/sdk-trace");

const [, , name, endpoint, other] = process.argv as string[];

propagation.setGlobalPropagator(new W3CTraceContextPropagator());
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces` });
const provider = new TracerProvider({
  resource: resourceFromAttributes({ "service.name": name as string }),
  spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 500 })],
});
trace.setGlobalTracerProvider(provider);
registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation({
      ignoreIncomingRequestHook: ({ url }) => url === "/behave",
      ignoreOutgoingRequestHook: ({ port }) => String(port) === new URL(endpoint as string).port,
      requestHook: (span, request) => {
        const path = "url" in request ? request.url : (request as { path?: string }).path;
        span.updateName(`${request.method} ${path}`);
      },
    }),
  ],
});

const http = require("node:http") as typeof import("node:http");

/** How long an endpoint takes, in milliseconds, and what else it calls. */
const behaviour: { slow: number; audit: boolean } = { slow: 0, audit: false };

const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function call(path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    http.get(`${other}${path}`, (response) => response.resume().once("end", resolve)).once("error", reject);
  });
}

const ENDPOINTS: Record<string, (() => Promise<unknown>) | undefined> = {
  "/cart": async () => {
    await wait(2 + 2 * Math.random());
    await call("/stock");
    if (behaviour.audit) await call("/audit");
  },
  "/pay": async () => {
    await wait(2 + 2 * Math.random());
    await call("/reserve");
  },
  "/stock": () => wait(3 + 3 * Math.random()),
  "/reserve": () => wait(4 + 4 * Math.random() + behaviour.slow),
  "/audit": () => wait(1),
  "/health": async () => {},
};

const server = http.createServer(async (request, response) => {
  const url = request.url as string;
  if (url === "/behave") {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    Object.assign(behaviour, JSON.parse(Buffer.concat(chunks).toString()));
    response.end();
    return;
  }
  const endpoint = ENDPOINTS[url];
  response.statusCode = endpoint ? 200 : 404;
  await endpoint?.();
  response.end();
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as import("node:net").AddressInfo).port}\n`);
});
