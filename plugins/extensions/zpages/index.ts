// Serves pages for people about the running agent: its service, pipelines and extensions.
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type AgentView,
  defineExtension,
  endpoint,
  httpService,
  isLoopback,
  isRebound,
  parseEndpoint,
  z,
} from "vedette";
import { PAGES } from "./pages.ts";

/** A reader asks rarely and for little; whatever is slow is cut after this many milliseconds. */
const TIMEOUT = 5000;
const MAX_CONNECTIONS = 64;
const MAX_HEADER_BYTES = 8 * 1024;

const ABSENT: Readonly<Record<string, string>> = {
  "/debug/tracez": "this agent does not trace itself",
  "/debug/rpcz": "this agent keeps no statistics of single calls; /debug/pipelinez counts what came in",
  "/debug/featurez": "this agent has no feature gates",
  "/debug/expvarz": "set expvar.enabled to have it served",
};

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

interface Answer {
  readonly status: number;
  readonly type: "text/html" | "text/plain" | "application/json";
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const json = (data: object): Answer => ({
  status: 200,
  type: "application/json",
  body: `${JSON.stringify(data, null, 2)}\n`,
});

const plain = (status: number, text: string, headers?: Answer["headers"]): Answer => ({
  status,
  type: "text/plain",
  body: `${text}\n`,
  headers,
});

function answerTo(request: IncomingMessage, agent: AgentView, now: number, expvar: boolean): Answer {
  if (isRebound(request))
    return plain(403, "these pages are served under an address, localhost or this machine's name only");
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "GET only", { allow: "GET, HEAD" });
  const [path, query = ""] = request.url!.split("?", 2);
  if (path === "/" || path === "/debug" || path === "/debug/") {
    return plain(302, "see /debug/servicez", { location: "/debug/servicez" });
  }
  if (path === "/debug/expvarz" && expvar) return json({ measurements: agent.measurements() });
  const page = PAGES.get(path)?.(agent, now);
  if (page) {
    const asJson = new URLSearchParams(query).get("format") === "json";
    return asJson ? json(page.data) : { status: 200, type: "text/html", body: page.html };
  }
  const why = Object.hasOwn(ABSENT, path) ? `${path} is not served: ${ABSENT[path]}. ` : "";
  return plain(404, `${why}There is ${[...PAGES.keys()].join(", ")}.`);
}

function respond(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response
    .writeHead(status, {
      ...HEADERS,
      ...headers,
      "content-type": `${type}; charset=utf-8`,
      "content-length": Buffer.byteLength(body),
    })
    .end(body);
}

export default defineExtension({
  type: "zpages",
  stability: "beta",
  summary: "Serves pages about the running agent: its service, pipelines and extensions.",
  config: z.object({
    endpoint: endpoint().default("127.0.0.1:55679").describe("Address and port to listen on; port 0 takes a free one."),
    expvar: z
      .object({
        enabled: z.boolean().default(false).describe("Whether `/debug/expvarz` gives all the agent's numbers as JSON."),
      })
      .prefault({})
      .describe("The agent's numbers for programs."),
  }),
  create({ endpoint, expvar }, host) {
    const limits = { timeout: TIMEOUT, maxConnections: MAX_CONNECTIONS, maxHeaderBytes: MAX_HEADER_BYTES };
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      try {
        respond(response, answerTo(request, host.agent, host.now(), expvar.enabled));
      } catch (error) {
        host.log.error("a page could not be made", { error: error instanceof Error ? error.stack : String(error) });
        respond(response, plain(500, "the page could not be made; the agent's log says why"));
      }
    };
    const service = httpService({ endpoint, ...limits }, answer, host);

    return {
      async start() {
        const listening = await service.start();
        host.log.info("listening", { protocol: "http", endpoint: listening.endpoint, page: "/debug/servicez" });
        if (isLoopback(parseEndpoint(listening.endpoint)?.host)) return;
        host.log.warn(
          "these pages are open to whoever reaches this address; listen on 127.0.0.1 unless that is meant",
          {
            endpoint: listening.endpoint,
          },
        );
      },
      stop: () => service.stop(0),
    };
  },
});
