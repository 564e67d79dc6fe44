// A request from its first byte to its answer: whose it is, what it may do, what it asks for.
import type { IncomingMessage, ServerResponse } from "node:http";
import { assertNotRebound } from "./access.ts";
import {
  type Answer,
  badRequest,
  Failure,
  GUARDS,
  json,
  notFound,
  refusedMethod,
  send,
  unavailable,
} from "./answer.ts";
import { smallJson } from "./body.ts";
import { type Parts, routesOf, sessionOf } from "./routes.ts";

const LONGEST_URL = 8 * 1024;
/** Requests that are answered at a time. */
const MOST = 64;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join("; ");

/** What anomaly_store answers, under the same paths. */
const STORED = /^\/api\/v1\/(incidents|episodes|feedback|effects|audit)(\/|$)/;

/** Answers any request; never rejects. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export function handlerOf(parts: Parts): Handler {
  const { host, access, files } = parts;
  const routes = routesOf(parts);
  let running = 0;

  return async (request, response) => {
    running++;
    const isHead = request.method === "HEAD";
    try {
      if (running > MOST) throw unavailable("the agent", "too many requests are being answered", "ask again later");
      const answer = await answerTo(request, response);
      if (answer) send(response, answer, isHead);
    } catch (error) {
      send(response, failureOf(error), isHead);
    } finally {
      running--;
      // a body that nobody read would hold the connection
      request.resume();
    }
  };

  /** Undefined where it has been answered. */
  async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    const { url = "/" } = request;
    if (url.length > LONGEST_URL) throw badRequest("the URL", "it is too long", `at most ${LONGEST_URL} characters`);
    const asking = /^\//.test(url) ? URL.parse(`http://localhost${url}`) : null;
    if (!asking) throw badRequest("the URL", "it cannot be read", "ask for a path, as /");
    const { pathname: path, searchParams: query } = asking;
    if (path === "/login" || path === "/logout") return loggedInOrOut(path, request);
    if (!path.startsWith("/api/")) return page(path, request, response);
    access.assertOwnSite(request);
    if (STORED.test(path)) return stored(request, response);
    // also for who is not logged in yet
    const isSession = path === "/api/v1/session";
    const answering = routes.find((each) => each.path.test(path));
    if (!answering && !isSession) {
      throw notFound(path.slice(0, 200), "there is no such path", "docs/dashboard_api.md lists all");
    }
    assertMethod(request, path, ["GET", "HEAD"]);
    if (!answering) return sessionOf(await access.callerOf(request), parts);
    const caller = await access.known(request);
    return answering.answer({ id: idOf(answering.path, path), query, request, response, caller });
  }

  async function loggedInOrOut(path: string, request: IncomingMessage): Promise<Answer> {
    access.assertOwnSite(request);
    assertMethod(request, path, ["POST"]);
    if (path === "/logout") {
      const caller = await access.callerOf(request);
      if (caller) access.assertToken(request, caller);
      return { status: 204, body: "", headers: { "set-cookie": access.logOut(request) } };
    }
    if (!access.login) throw notFound(path, "there is nothing to log in to", "set the option token to have a login");
    const { token } = (await smallJson(request)) as { token?: unknown };
    if (typeof token !== "string" || token === "") {
      throw badRequest("token", "it is missing", 'send {"token": "..."}');
    }
    const { caller, cookie } = access.logIn(token, request);
    return { ...sessionOf(caller, parts), headers: { "set-cookie": cookie } };
  }

  async function stored(request: IncomingMessage, response: ServerResponse): Promise<undefined> {
    const caller = await access.callerOf(request).catch((error) => {
      // whoever signs shows nothing else
      if (error instanceof Failure && isSigned(request)) return undefined;
      throw error;
    });
    if (!caller && !isSigned(request)) await access.known(request);
    if (caller && request.method !== "GET" && request.method !== "HEAD") access.assertMayChange(request, caller);
    const store = parts.store();
    if (!store)
      throw unavailable(
        "anomaly_store",
        "this agent has none",
        "add the extension anomaly_store to keep incidents and feedback",
      );
    await store.answer(request, response, caller && "dashboard");
  }

  async function page(path: string, request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    assertNotRebound(request);
    assertMethod(request, path, ["GET", "HEAD"]);
    // where there is no login, a browser asks for a password itself
    if (!access.login) await access.known(request);
    const accepts = request.headers["accept-encoding"];
    const served = await files.get(path, typeof accepts === "string" ? accepts : "");
    if (!served) throw notFound(path.slice(0, 200), "there is no such page", "ask for /");
    const headers = {
      ...GUARDS,
      "cache-control": "no-cache",
      "content-security-policy": POLICY,
      "content-type": served.type,
      etag: served.etag,
      vary: "accept-encoding",
      ...(served.encoding !== "identity" && { "content-encoding": served.encoding }),
    };
    if (isKnown(request.headers["if-none-match"], served.etag)) {
      response.writeHead(304, headers).end();
      return undefined;
    }
    response.writeHead(200, { ...headers, "content-length": served.body.length });
    response.end(request.method === "HEAD" ? undefined : served.body);
    return undefined;
  }

  function failureOf(error: unknown): Answer {
    if (error instanceof Failure) return error.answer;
    host.log.error("a request could not be answered", { error: error instanceof Error ? error.stack : String(error) });
    const fault = { code: "internal", place: "the agent", cause: "it failed", remedy: "its log says why" };
    return json({ error: fault }, 500);
  }
}

const isSigned = ({ method, headers }: IncomingMessage) =>
  method === "POST" && headers["x-vedette-signature"] !== undefined && headers.cookie === undefined;

const isKnown = (known: string | undefined, etag: string) =>
  known?.split(",").some((each) => each.trim().replace(/^W\//, "") === etag || each.trim() === "*");

function assertMethod({ method = "GET" }: IncomingMessage, path: string, methods: readonly string[]): void {
  if (!methods.includes(method)) throw refusedMethod(path.slice(0, 200), methods);
}

function idOf(pattern: RegExp, path: string): string {
  try {
    return decodeURIComponent(pattern.exec(path)?.[1] ?? "");
  } catch {
    throw badRequest(path.slice(0, 200), "the id cannot be decoded", "write a % in it as %25");
  }
}
