// What can be asked of the dashboard's own API, and what is answered.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnomalyStore, ExtensionHost, History } from "vedette";
import type { Access, Caller } from "./access.ts";
import { type Answer, json, notFound } from "./answer.ts";
import type { Session, Trace } from "./contract.ts";
import type { Events } from "./events.ts";
import type { PageFiles } from "./page_files.ts";
import { Parameters } from "./parameters.ts";
import { pipelinesOf } from "./pipelines.ts";
import type { Prometheus } from "./prometheus.ts";
import { quality } from "./quality.ts";
import type { Samples } from "./samples.ts";
import { listSeries, oneSeries } from "./series.ts";
import type { StatusBoard } from "./status.ts";

/** Milliseconds that numbers of a status may be old. */
const FRESH = 900;

/** Everything that an answer is made of. */
export interface Parts {
  readonly host: ExtensionHost;
  readonly access: Access;
  readonly files: PageFiles;
  readonly events: Events;
  readonly samples: Samples;
  readonly board: StatusBoard;
  readonly history: () => History;
  readonly store: () => AnomalyStore | undefined;
  readonly prometheus?: Prometheus | undefined;
}

/** Of a caller who is known. */
export interface Asked {
  /** What stands behind the route's path. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly caller: Caller;
}

/** For GET and HEAD. */
export interface Route {
  readonly path: RegExp;
  /** Undefined where it has been answered. */
  answer(asked: Asked): Promise<Answer | undefined>;
}

export function routesOf(parts: Parts): readonly Route[] {
  const { host, events, samples, board } = parts;
  return [
    {
      path: /^\/api\/v1\/status$/,
      async answer({ query }) {
        new Parameters(query, []);
        await board.count();
        return json(board.now(FRESH));
      },
    },
    {
      path: /^\/api\/v1\/events$/,
      async answer({ request, response, caller }) {
        if (request.method === "HEAD") return { status: 204, body: "" };
        await board.count();
        events.join(request, response, caller, board.now(FRESH));
        return undefined;
      },
    },
    { path: /^\/api\/v1\/series$/, answer: async ({ query }) => listSeries(query, parts) },
    { path: /^\/api\/v1\/series\/([^/]+)$/, answer: ({ id, query }) => oneSeries(id, query, parts) },
    {
      path: /^\/api\/v1\/traces\/([^/]+)$/,
      async answer({ id, query }) {
        new Parameters(query, []);
        return json(traceOf(id, parts.history()));
      },
    },
    { path: /^\/api\/v1\/quality$/, answer: ({ query }) => quality(query, host, parts.store()) },
    {
      path: /^\/api\/v1\/pipelines$/,
      async answer({ query }) {
        new Parameters(query, []);
        return json(pipelinesOf(host.agent, samples));
      },
    },
  ];
}

/** `caller` is undefined where nobody is logged in. */
export function sessionOf(caller: Caller | undefined, { host, access, store }: Parts): Answer {
  const session: Session = {
    role: caller?.role ?? null,
    login: access.login,
    csrf: caller?.csrf ?? "",
    version: host.agent.version,
    store: store() !== undefined,
  };
  return json(session);
}

function traceOf(id: string, history: History): Trace {
  const trace = history.trace(id.toLowerCase());
  if (!trace) {
    const remedy = "only traces that an anomaly names, and the latest, are kept; a backend of traces may have it";
    throw notFound(`/api/v1/traces/${id.slice(0, 100)}`, "it is not kept, or not any more", remedy);
  }
  return { trace_id: trace.traceId, spans: trace.spans.map(({ spanId, ...span }) => ({ span_id: spanId, ...span })) };
}
