// A request of the API from its first byte to its answer: who may ask, what is asked, within which bounds.
import { createHmac } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AnomalyStore, type Host, isRebound, sameSecret } from "vedette";
import { type Answer, badRequest, Failure, send, unavailable } from "./answer.ts";
import { DatabaseError } from "./database.ts";
import type { Options } from "./options.ts";
import { routeOf } from "./routes.ts";
import type { KeptAnomalies } from "./store.ts";

const LARGEST_BODY = 64 * 1024;
const LONGEST_URL = 8 * 1024;
/** Milliseconds that an authenticator and an answer may take. */
const PATIENCE = 5000;
/** Requests that are answered at a time. */
const MOST = 32;
const SIGNATURE = "x-vedette-signature";

/** Answers requests whose path begins with "/api/"; never rejects. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface Api {
  /** For a server of its own: asks `auth` who sends. */
  readonly ask: Handler;
  readonly answer: AnomalyStore["answer"];
}

/** Who sends, as feedback will say; undefined: nobody knows. Rejects who may not. */
type Sender = (request: IncomingMessage) => Promise<string | undefined>;

export function apiOf(store: KeptAnomalies, { auth, secret }: Pick<Options, "auth" | "secret">, host: Host): Api {
  let running = 0;

  return {
    ask: (request, response) => handle(request, response, authenticate),
    answer: (request, response, by) => handle(request, response, async () => by),
  };

  async function handle(request: IncomingMessage, response: ServerResponse, sender: Sender): Promise<void> {
    running++;
    try {
      send(response, await answerTo(request, sender));
    } catch (error) {
      send(response, answerOf(error));
    } finally {
      running--;
      // a body that nobody read would hold the connection
      request.resume();
    }
  }

  async function answerTo(request: IncomingMessage, sender: Sender): Promise<Answer> {
    if (running > MOST) throw unavailable("too many requests are being answered", "ask again later");
    const { method = "GET", url = "/" } = request;
    if (url.length > LONGEST_URL) throw badRequest("the URL", "it is too long", `at most ${LONGEST_URL} characters`);
    assertOwnSite(request);
    const asking = URL.parse(url, "http://localhost");
    if (!asking) throw badRequest("the URL", "it cannot be read", "ask for a path, as /api/v1/incidents");
    const { pathname, searchParams } = asking;
    const signature = request.headers[SIGNATURE];
    const mayBeSigned = secret !== undefined && method === "POST" && signature !== undefined;
    const by = mayBeSigned ? "webhook" : await sender(request);
    if (by === undefined) throw refusedSender("nobody is known to ask", "log in, or show credentials");
    const { route, id } = routeOf(pathname);
    const answering = route.methods[(method === "HEAD" ? "GET" : method) as "GET"];
    if (!answering) throw refusedMethod(pathname, Object.keys(route.methods));
    const body = method === "POST" ? await bodyOf(request) : "";
    if (mayBeSigned) assertSigned(body, String(signature), secret);
    const asked = { query: searchParams, id, body, by };
    const answer = await within(answering(asked, store, host.now()));
    return method === "HEAD" ? { ...answer, body: "" } : answer;
  }

  async function authenticate({ headers }: IncomingMessage): Promise<string> {
    if (!auth) return "api";
    const extension = host.extension(auth.authenticator);
    const why = await within(extension.authenticate!(headers));
    if (why === undefined) return "api";
    const challenge = /^basic/.test(auth.authenticator) ? 'Basic realm="vedette"' : 'Bearer realm="vedette"';
    throw refusedSender(why, "send the credentials that the agent's configuration names", challenge);
  }

  function answerOf(error: unknown): Answer {
    if (error instanceof Failure) return error.answer;
    if (error instanceof DatabaseError)
      return unavailable(error.message, "ask again later; the agent's log may say more").answer;
    host.log.error("a request of the API failed", { error: error instanceof Error ? error.stack : String(error) });
    const fault = { code: "internal", place: "the agent", cause: "it failed", remedy: "its log says why" };
    return new Failure(500, fault).answer;
  }
}

/** Refuses what a page of another site had a browser send. */
function assertOwnSite(request: IncomingMessage): void {
  const { origin, host } = request.headers;
  const forbidden = (cause: string, remedy: string) =>
    new Failure(403, { code: "forbidden", place: "the request's headers", cause, remedy });
  if (isRebound(request)) {
    throw forbidden("the host is another's", "ask by an address, localhost or this machine's name");
  }
  if (origin !== undefined && URL.parse(origin)?.host !== host) {
    throw forbidden("it comes from a page of another site", "ask from no page, or from one that this server serves");
  }
}

const refusedSender = (cause: string, remedy: string, challenge?: string) =>
  new Failure(
    401,
    { code: "unauthenticated", place: "the request's headers", cause, remedy },
    challenge ? { "www-authenticate": challenge } : {},
  );

function refusedMethod(place: string, methods: readonly string[]): Failure {
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])).join(", ");
  const error = {
    code: "method-not-allowed",
    place,
    cause: "this path does not take the method",
    remedy: `use ${allow}`,
  };
  return new Failure(405, error, { allow });
}

/** "sha256=HEX" of the body, as GitHub and others sign. */
function assertSigned(body: string, signature: string, secret: string): void {
  const wanted = `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  if (!sameSecret(signature, wanted)) {
    throw refusedSender("the signature is wrong", `${SIGNATURE} is "sha256=" and the HMAC-SHA-256 of the body in hex`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const { "content-type": type = "", "content-encoding": encoding } = request.headers;
  // a form, which any page may send without asking, has another type
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    const error = {
      code: "unsupported-media-type",
      place: "content-type",
      cause: "it is not application/json",
      remedy: "send JSON",
    };
    throw new Failure(415, error);
  }
  if (encoding !== undefined && encoding !== "identity") {
    const error = {
      code: "unsupported-media-type",
      place: "content-encoding",
      cause: "it is compressed",
      remedy: "send it as it is",
    };
    throw new Failure(415, error);
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_BODY) {
      const error = {
        code: "too-large",
        place: "the body",
        cause: `it has more than ${LARGEST_BODY} bytes`,
        remedy: "send less",
      };
      throw new Failure(413, error, { connection: "close" });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function within<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(unavailable("the answer took too long", "ask for less, or later")),
    PATIENCE,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
