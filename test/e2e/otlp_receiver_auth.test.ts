// Authentication on both ports of the otlp receiver: who is let in, what the others are told, and what is counted.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { describe, test } from "node:test";
import type { Extension, Host } from "vedette";
import { authentication } from "../../plugins/receivers/otlp/auth.ts";
import { requestOf } from "../exporting.ts";
import { call, framed, post, type Running, startReceiver, withSession } from "./otlp_clients.ts";

const BODY = Buffer.from(requestOf("metrics").bytes);
const RIGHT = { authorization: "Bearer open-sesame" };

/** A host with one extension, "bearertokenauth/senders", that remembers what is counted. */
function hostWith(authenticate: Extension["authenticate"]) {
  const counted: string[] = [];
  const host: Partial<Host> = {
    extension(id) {
      if (id !== "bearertokenauth/senders") throw new Error(`there is no extension ${id}`);
      return { authenticate };
    },
    meter: {
      createCounter: (name: string) => ({
        add: (_: number, { transport, reason }: Record<string, string>) =>
          counted.push(`${name} ${transport} ${reason}`),
      }),
    } as unknown as Host["meter"],
  };
  return { host, counted };
}

const bearer: Extension["authenticate"] = async ({ authorization }) =>
  authorization === RIGHT.authorization ? undefined : authorization ? "wrong token" : "no token";

function start({ host }: { host: Partial<Host> }, more: { http?: object } = {}): Promise<Running> {
  const auth = { authenticator: "bearertokenauth/senders" };
  return startReceiver({ http: { auth, ...more.http }, grpc: { auth }, host });
}

const grpc = (to: Running, headers: object) =>
  withSession(to, (session) => call(session, [framed(BODY)], { ...headers }));

describe("otlp receiver with an authenticator", () => {
  test("lets in whom it allows", async () => {
    const receiver = await start(hostWith(bearer));
    assert.equal((await post(receiver, BODY, { headers: RIGHT })).status, 200);
    assert.equal((await grpc(receiver, RIGHT)).trailers["grpc-status"], "0");
    assert.equal(receiver.taken.length, 2);
    await receiver.stop();
  });

  test("tells everybody else why not, takes nothing from them and counts them", async () => {
    const agent = hostWith(bearer);
    const receiver = await start(agent);
    const strangers = { "no token": {}, "wrong token": { authorization: "Bearer guess" } };
    for (const [why, headers] of Object.entries(strangers)) {
      const answer = await post(receiver, BODY, { headers });
      assert.deepEqual([answer.status, answer.headers["www-authenticate"]], [401, 'Bearer realm="otlp"']);
      assert.ok(answer.body.toString().includes(why));
      const { trailers } = await grpc(receiver, headers);
      assert.deepEqual([trailers["grpc-status"], trailers["grpc-message"]], ["16", why]);
    }
    assert.equal((await post(receiver, BODY, { path: "/admin" })).status, 401, "nor what is served");
    assert.deepEqual(receiver.taken, []);
    assert.equal(agent.counted.filter((each) => each === "vedette_receiver_rejected_requests http auth").length, 3);
    assert.equal(agent.counted.filter((each) => each === "vedette_receiver_rejected_requests grpc auth").length, 2);
    await receiver.stop();
  });

  test("answers a stranger before the body has come", async () => {
    const receiver = await start(hostWith(bearer));
    const request = http.request({ ...receiver.http, path: "/v1/metrics", method: "POST", agent: false });
    request.on("error", () => {});
    request.write("the beginning of something endless");
    const [response] = await once(request, "response");
    assert.equal(response.statusCode, 401);
    const polite = http.request({
      ...receiver.http,
      path: "/v1/metrics",
      method: "POST",
      agent: false,
      headers: { expect: "100-continue", "content-length": 10 },
    });
    polite.on("error", () => {});
    polite.on("continue", () => assert.fail("is asked for the body"));
    polite.flushHeaders();
    assert.equal((await once(polite, "response"))[0].statusCode, 401);
    for (const each of [request, polite]) each.destroy();
    await receiver.stop();
  });

  const faulty: Record<string, Extension["authenticate"]> = {
    "that throws": () => {
      throw new Error("secret database is down");
    },
    "that rejects": () => Promise.reject(new Error("secret database is down")),
    "that is none": undefined,
  };
  for (const [what, authenticate] of Object.entries(faulty)) {
    test(`lets nobody in through an authenticator ${what}, and tells only its log why`, async () => {
      const agent = hostWith(authenticate);
      const receiver = await start(agent);
      const answer = await post(receiver, BODY, { headers: RIGHT });
      assert.deepEqual([answer.status, answer.body.includes("secret")], [503, false]);
      assert.ok(answer.headers["retry-after"], "who may send will be let in later");
      assert.equal((await grpc(receiver, RIGHT)).trailers["grpc-status"], "14");
      assert.deepEqual(receiver.taken, []);
      assert.deepEqual(
        receiver.logged.filter(({ level }) => level === "error").map(({ message }) => message),
        ["a request failed"],
      );
      assert.deepEqual(
        agent.counted.map((each) => each.split(" ").slice(1).join(" ")),
        ["http failed", "grpc failed"],
      );
      await receiver.stop();
    });
  }

  test("lets nobody in through an authenticator that never answers", async (scope) => {
    scope.mock.timers.enable({ apis: ["setTimeout"] });
    const { host } = hostWith(() => new Promise(() => {}));
    const asked = authentication({ authenticator: "bearertokenauth/senders" }, host as Host)({});
    scope.mock.timers.tick(10_000);
    await assert.rejects(asked, ({ cause }: Error) => /bearertokenauth\/senders did not answer/.test(String(cause)));
  });

  test("lets a browser ask first without a token", async () => {
    const cors = { allowed_origins: ["https://shop.example"] };
    const receiver = await start(hostWith(bearer), { http: { cors } });
    const headers = { origin: "https://shop.example", "access-control-request-method": "POST" };
    assert.equal((await post(receiver, Buffer.alloc(0), { method: "OPTIONS", headers })).status, 204);
    await receiver.stop();
  });
});

describe("otlp receiver beyond loopback", () => {
  const warnings = (of: Running) => of.logged.filter(({ level }) => level === "warn");

  test("warns once for each open port, with what to do about it", async () => {
    const everywhere = { endpoint: "0.0.0.0:0" };
    const auth = { authenticator: "bearertokenauth/senders" };
    const receiver = await startReceiver({ http: everywhere, grpc: { ...everywhere, auth } });
    const [grpc, http] = warnings(receiver);
    assert.equal(http.message, "listens beyond this machine without encryption and without authentication");
    assert.match(String(http.fields.remedy), /set tls and auth below protocols\.http/);
    assert.equal(grpc.message, "listens beyond this machine without encryption");
    await receiver.stop();
  });

  test("has nothing to say on loopback", async () => {
    const receiver = await startReceiver({ http: { endpoint: "localhost:0" } });
    assert.deepEqual(warnings(receiver), []);
    await receiver.stop();
  });
});
