// Who may do what: sessions of the page, tokens and authenticators of programs, and requests that pages of other sites send.
import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Host, isRebound, sameSecret } from "vedette";
import { Failure, forbidden } from "./answer.ts";
import type { Options } from "./options.ts";
import { type Role, type Session, Sessions } from "./sessions.ts";

/** Milliseconds that an authenticator may take. */
const PATIENCE = 5000;

/** Whoever sent a request. */
export interface Caller {
  readonly role: Role;
  /** What it must send with changes, where it is a browser's page. */
  readonly csrf: string;
  readonly session?: Session;
}

export class Access {
  readonly #options: Pick<Options, "auth" | "token" | "read_only_token" | "tls">;
  readonly #host: Host;
  readonly #sessions = new Sessions();
  /** Of pages where nobody logs in. */
  readonly #csrf = randomBytes(32).toString("base64url");
  readonly #cookie: string;

  constructor(options: Options, host: Host) {
    this.#options = options;
    this.#host = host;
    // with this prefix no other name below the same domain can set it
    this.#cookie = options.tls ? "__Host-vedette_session" : "vedette_session";
  }

  /** Whether there is something to log in to. */
  get login(): boolean {
    return this.#options.token !== undefined || this.#options.read_only_token !== undefined;
  }

  /** Refuses what was sent by a page of another site, or to a name that a stranger owns. */
  assertOwnSite(request: IncomingMessage): void {
    assertNotRebound(request);
    const { origin, host, "sec-fetch-site": site } = request.headers;
    const foreign = origin !== undefined && URL.parse(origin)?.host !== host;
    if (foreign || (site !== undefined && site !== "same-origin" && site !== "none")) {
      throw forbidden(
        "it comes from a page of another site",
        "ask from no page, or from the one that this server serves",
      );
    }
  }

  /** Undefined: nobody is known. Rejects credentials that are wrong. */
  async callerOf(request: IncomingMessage): Promise<Caller | undefined> {
    const now = this.#host.now();
    const id = this.#idOf(request);
    const session = id === undefined ? undefined : this.#sessions.find(id, now);
    if (session) return { role: session.role, csrf: session.csrf, session };
    const { auth } = this.#options;
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (bearer !== undefined && this.login) {
      const role = this.#check(bearer, request, !auth);
      if (role) return { role, csrf: this.#csrf };
      if (!auth) throw unauthenticated("the token is wrong", undefined);
    }
    if (auth) {
      const why = await within(this.#host.extension(auth.authenticator).authenticate!(request.headers));
      if (why === undefined) return { role: "operator", csrf: this.#csrf };
      if (!this.login || request.headers.authorization !== undefined) throw unauthenticated(why, auth.authenticator);
    }
    return auth || this.login ? undefined : { role: "operator", csrf: this.#csrf };
  }

  /** Who sent a request; rejects where nobody is known. */
  async known(request: IncomingMessage): Promise<Caller> {
    const caller = await this.callerOf(request);
    if (!caller) throw unauthenticated("nobody is logged in", undefined);
    return caller;
  }

  /** Refuses changes by who may only look, and those that a page sends without its token. */
  assertMayChange({ headers }: IncomingMessage, { role, csrf, session }: Caller): void {
    if (role === "reader") {
      throw forbidden(
        "this login may look at everything and change nothing",
        "log in with a token that is not read-only",
      );
    }
    this.assertToken({ headers }, { csrf, session });
  }

  /** A browser says where a change comes from, or sends a cookie; programs do neither. */
  assertToken(
    { headers }: Pick<IncomingMessage, "headers">,
    { csrf, session }: Pick<Caller, "csrf" | "session">,
  ): void {
    const fromPage = session || headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
    if (!fromPage) return;
    const sent = headers["x-csrf-token"];
    if (typeof sent === "string" && sameSecret(sent, csrf)) return;
    throw forbidden(
      "the token of the page is missing or old",
      "send csrf of /api/v1/session as x-csrf-token; load the page again",
    );
  }

  /** A session for who knows a token, with the header that hands its id to the browser. */
  logIn(token: string, request: IncomingMessage): { caller: Caller; cookie: string } {
    const role = this.#check(token, request, true);
    if (!role) throw unauthenticated("the token is wrong", undefined);
    const old = this.#idOf(request);
    if (old !== undefined) this.#sessions.end(old);
    const { id, session } = this.#sessions.begin(role, this.#host.now());
    return { caller: { role, csrf: session.csrf, session }, cookie: this.#written(id, "") };
  }

  /** The header that makes the browser forget. */
  logOut(request: IncomingMessage): string {
    const id = this.#idOf(request);
    if (id !== undefined) this.#sessions.end(id);
    return this.#written("", "; Max-Age=0");
  }

  /** Whether what this caller was let see may still be shown to it. */
  stillHolds({ session }: Caller): boolean {
    return !session || this.#sessions.holds(session, this.#host.now());
  }

  /** The role that a token stands for. Counts failures by address, and refuses addresses that had too many. */
  #check(token: string, { socket }: IncomingMessage, counts: boolean): Role | undefined {
    const { token: operator, read_only_token: reader } = this.#options;
    const address = socket.remoteAddress ?? "";
    const now = this.#host.now();
    const wait = this.#sessions.waitOf(address, now);
    if (wait > 0) {
      const error = {
        code: "too-many-requests",
        place: "the token",
        cause: "wrong ones came too often",
        remedy: `try again in ${wait} s`,
      };
      throw new Failure(429, error, { "retry-after": String(wait) });
    }
    // both are compared, whichever it is
    const [isOperator, isReader] = [operator, reader].map((each) => each !== undefined && sameSecret(token, each));
    if (isOperator) return "operator";
    if (isReader) return "reader";
    if (counts) {
      this.#sessions.failed(address, now);
      this.#host.log.warn("a login with a wrong token", { address });
    }
    return undefined;
  }

  #idOf({ headers: { cookie = "" } }: IncomingMessage): string | undefined {
    for (const each of cookie.split(";")) {
      const [name, value] = each.trim().split("=", 2);
      if (name === this.#cookie && /^[\w-]{43}$/.test(value ?? "")) return value;
    }
    return undefined;
  }

  #written(id: string, rest: string): string {
    return `${this.#cookie}=${id}; Path=/; HttpOnly; SameSite=Strict${this.#options.tls ? "; Secure" : ""}${rest}`;
  }
}

export function assertNotRebound(request: IncomingMessage): void {
  if (isRebound(request))
    throw forbidden("the host is another's", "ask by an address, localhost or this machine's name");
}

function unauthenticated(cause: string, authenticator: string | undefined): Failure {
  const remedy =
    authenticator === undefined
      ? "log in on the page, or send a token"
      : "send the credentials that the agent's configuration names";
  const error = { code: "unauthenticated", place: "the request's headers", cause, remedy };
  // without it browsers ask for no password
  const challenge = authenticator && {
    "www-authenticate": /^basic/.test(authenticator) ? 'Basic realm="vedette"' : 'Bearer realm="vedette"',
  };
  return new Failure(401, error, challenge || undefined);
}

async function within<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const error = {
    code: "unavailable",
    place: "the authenticator",
    cause: "it took too long",
    remedy: "ask again later",
  };
  const timer = setTimeout(() => late.reject(new Failure(503, error)), PATIENCE);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
