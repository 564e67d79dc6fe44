// Looks after an HTTP/2 connection: closes it when it is idle or old, pings it, cuts it when the ping is not answered.
import { constants, type ServerHttp2Session } from "node:http2";
import { type Host, z } from "vedette";
import { delay } from "./listener.ts";

const serverParameters = z.object({
  max_connection_idle: delay().prefault("0").describe("Closes a connection without calls after this time; 0: never."),
  max_connection_age: delay()
    .prefault("0")
    .describe("Closes a connection of this age, within 10 %, so that senders spread anew; 0: never."),
  max_connection_age_grace: delay()
    .prefault("0")
    .describe("How long the calls of a connection that became too old may still take; 0: until they are done."),
  time: delay().prefault("2h").describe("How often the other side is asked whether it is there; 0: never."),
  timeout: delay().prefault("20s").describe("How long it may take to answer that."),
});

const enforcementPolicy = z.object({
  min_time: delay().prefault("5m").describe("Shortest time between the pings of a sender with calls."),
  permit_without_stream: z
    .boolean()
    .default(false)
    .describe("Whether a sender without calls may ping as often; else once in two hours."),
});

export const keepAliveOptions = z.object({
  server_parameters: serverParameters.prefault({}).describe("As in gRPC: what this side does with connections."),
  enforcement_policy: enforcementPolicy
    .prefault({})
    .describe("As in gRPC: a sender that pings too often is told so, and its connection closed."),
});

export function keepAlive(
  session: ServerHttp2Session,
  options: z.output<typeof keepAliveOptions>,
  host: Pick<Host, "now" | "random">,
): void {
  enforce(session, options.enforcement_policy, () => host.now());
  const parameters = options.server_parameters;
  if (parameters.max_connection_idle > 0) closeWhenIdle(session, parameters.max_connection_idle);
  if (parameters.max_connection_age > 0) {
    const age = parameters.max_connection_age * (0.9 + 0.2 * host.random());
    closeWhenOld(session, age, parameters.max_connection_age_grace);
  }
  if (parameters.time > 0) ping(session, parameters.time, parameters.timeout);
}

function closeWhenIdle(session: ServerHttp2Session, longest: number): void {
  const rest = () => setTimeout(() => session.close(), longest).unref();
  let timer = rest();
  let calls = 0;
  session.on("stream", (stream) => {
    calls++;
    clearTimeout(timer);
    stream.once("close", () => {
      if (--calls === 0 && !session.closed) timer = rest();
    });
  });
  session.once("close", () => clearTimeout(timer));
}

function closeWhenOld(session: ServerHttp2Session, age: number, grace: number): void {
  let timer = setTimeout(() => {
    session.close();
    if (grace > 0) timer = setTimeout(() => session.destroy(), grace).unref();
  }, age).unref();
  session.once("close", () => clearTimeout(timer));
}

function ping(session: ServerHttp2Session, interval: number, timeout: number): void {
  let unanswered: NodeJS.Timeout | undefined;
  const timer = setInterval(() => {
    if (session.closed || unanswered) return;
    unanswered = setTimeout(() => session.destroy(), timeout).unref();
    session.ping(() => {
      clearTimeout(unanswered);
      unanswered = undefined;
    });
  }, interval).unref();
  session.once("close", () => {
    clearInterval(timer);
    clearTimeout(unanswered);
  });
}

/** As every gRPC server has it. */
const IDLE_MIN_TIME = 2 * 3_600_000;
const FORGIVEN = 2;

function enforce(session: ServerHttp2Session, policy: z.output<typeof enforcementPolicy>, now: () => number): void {
  let calls = 0;
  let strikes = 0;
  let last = Number.NEGATIVE_INFINITY;
  session.on("stream", (stream) => {
    calls++;
    stream.once("close", () => {
      calls--;
      strikes = 0;
      last = Number.NEGATIVE_INFINITY;
    });
  });
  session.on("ping", () => {
    const shortest = calls > 0 || policy.permit_without_stream ? policy.min_time : IDLE_MIN_TIME;
    if (now() - last < shortest) strikes++;
    last = now();
    if (strikes <= FORGIVEN || session.destroyed) return;
    if (session.closed) return session.destroy();
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from("too_many_pings"));
    session.close();
  });
}
