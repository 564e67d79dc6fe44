// Listening at an endpoint: the newest server of an owner gets the connections, and nobody is cut by the change.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, get, type ServerResponse } from "node:http";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { type Listening, listen } from "vedette";

const OWNER = "otlp http";
const GRACE = 10_000;

/** An echo that puts its name before what it says, at `endpoint`. */
async function serve(scope: TestContext, name: string, endpoint: string, owner = OWNER): Promise<Listening> {
  const server = createServer((socket) =>
    socket.on("data", (text) => socket.write(`${name} ${text}`)).on("error", () => {}),
  );
  const listening = await listen(server, endpoint, { option: "endpoint", owner });
  scope.after(() => listening.close(0));
  return listening;
}

const portOf = ({ endpoint }: Listening) => Number(endpoint.split(":")[1]);

async function open(scope: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  scope.after(() => socket.destroy());
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function ask(socket: Socket, text = "hello"): Promise<string> {
  const answer = once(socket, "data");
  socket.write(text);
  return String((await answer)[0]);
}

/** A port that was free a moment ago: a takeover needs the same text twice. */
async function freeEndpoint(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

test("new connections go to the newest server, open ones stay with theirs until they end", async (scope) => {
  const endpoint = await freeEndpoint();
  const older = await serve(scope, "older", endpoint);
  const early = await open(scope, portOf(older));
  assert.equal(await ask(early), "older hello");

  const newer = await serve(scope, "newer", endpoint);
  assert.equal(newer.endpoint, older.endpoint);
  const late = await open(scope, portOf(older));
  assert.equal(await ask(late), "newer hello");

  const closed = older.close(GRACE);
  assert.equal(await ask(early), "older hello", "served while its server closes");
  early.end();
  await closed;
  assert.equal(await ask(late), "newer hello");
});

test("what is under way when the grace of a server with a successor ends is answered all the same", async (scope) => {
  const endpoint = await freeEndpoint();
  const held = Promise.withResolvers<ServerResponse>();
  const server = createHttpServer((_, response) => held.resolve(response));
  const older = await listen(server, endpoint, { option: "endpoint", owner: OWNER });
  const answered = new Promise<number>((resolve, reject) => {
    get(`http://${endpoint}`, { agent: false }, ({ statusCode }) => resolve(statusCode!)).on("error", reject);
  });
  const response = await held.promise;
  await serve(scope, "newer", endpoint);
  const closing = once(server, "close");
  const closed = older.close(1000);
  // the grace is over: the server itself is closed now
  server.close = new Proxy(server.close, {
    apply(close, self, args) {
      setTimeout(() => response.end(), 50);
      return Reflect.apply(close, self, args);
    },
  });
  assert.equal(await answered, 200);
  await Promise.all([closing, closed]);
});

test("the older server gets the place back when the newer closes first", async (scope) => {
  const endpoint = await freeEndpoint();
  const older = await serve(scope, "older", endpoint);
  const newer = await serve(scope, "newer", endpoint);
  await newer.close(GRACE);
  assert.equal(await ask(await open(scope, portOf(older))), "older hello");
});

test("the place is free once the last server has closed, and closing twice does no harm", async (scope) => {
  const endpoint = await freeEndpoint();
  const first = await serve(scope, "first", endpoint);
  await Promise.all([first.close(GRACE), first.close(GRACE)]);
  const other = await serve(scope, "other", endpoint, "somebody else");
  assert.equal(await ask(await open(scope, portOf(other))), "other hello");
});

test("another owner does not get a place that is taken", async (scope) => {
  const endpoint = await freeEndpoint();
  await serve(scope, "first", endpoint);
  await assert.rejects(
    serve(scope, "other", endpoint, "otlp/2 http"),
    /cannot listen on .*this agent listens on that port itself.*EADDRINUSE/,
  );
});

test("a connection that was ended here is cut when the other side goes on with it", async (scope) => {
  const server = createServer({ allowHalfOpen: true }, (socket) => void socket.end("bye").on("error", () => {}));
  const listening = await listen(server, "127.0.0.1:0", { option: "endpoint", owner: OWNER });
  scope.after(() => listening.close(0));
  const [[accepted]] = await Promise.all([
    once(server, "connection"),
    new Promise((resolve) => {
      const socket = connect({ port: portOf(listening), host: "127.0.0.1", allowHalfOpen: true }, () =>
        resolve(socket),
      );
      socket.on("error", () => {}).resume();
      scope.after(() => socket.destroy());
    }),
  ]);
  await once(accepted, "close");
});

test("a connection that does not end is cut after the grace", async (scope) => {
  const only = await serve(scope, "only", "127.0.0.1:0");
  const socket = await open(scope, portOf(only));
  await ask(socket);
  const closed = once(socket, "close");
  await only.close(1);
  await closed;
});
