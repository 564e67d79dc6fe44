// The authenticators between our own exporters and our own receiver: who gets in, over both protocols.
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { hashSync } from "bcryptjs";
import type { ExportError, Extension } from "vedette";
import { fakeHost } from "vedette/testing";
import grpcExporter from "../../plugins/exporters/otlp_grpc/index.ts";
import httpExporter from "../../plugins/exporters/otlp_http/index.ts";
import basicauth from "../../plugins/extensions/basicauth/index.ts";
import bearertokenauth from "../../plugins/extensions/bearertokenauth/index.ts";
import otlpReceiver from "../../plugins/receivers/otlp/index.ts";
import { eventually, startAgent } from "../agent.ts";
import { patience, requestOf } from "../exporting.ts";
import { httpSink } from "../sinks.ts";

const bearer = (token: string) => bearertokenauth.create(bearertokenauth.config.parse({ token }), fakeHost());
const basic = (options: object) => basicauth.create(basicauth.config.parse(options), fakeHost());
const inline = `anna:${hashSync("sesame", 6)}`;

const KINDS: Readonly<Record<string, { server: () => Extension; right: Extension; wrong: Extension }>> = {
  bearertokenauth: { server: () => bearer("sesame"), right: bearer("sesame"), wrong: bearer("hunter2") },
  basicauth: {
    server: () => basic({ htpasswd: { inline } }),
    right: basic({ client_auth: { username: "anna", password: "sesame" } }),
    wrong: basic({ client_auth: { username: "anna", password: "hunter2" } }),
  },
};

const PROTOCOLS = {
  http: { exporter: httpExporter, at: (endpoint: string) => ({ endpoint: `http://${endpoint}` }) },
  grpc: { exporter: grpcExporter, at: (endpoint: string) => ({ endpoint, tls: { insecure: true } }) },
} as const;

/** A receiver that asks `extension` about each request. */
async function receiver(t: TestContext, protocol: keyof typeof PROTOCOLS, id: string, extension: Extension) {
  const host = fakeHost("otlp");
  host.extensions.set(id, extension);
  const options = { endpoint: "127.0.0.1:0", auth: { authenticator: id } };
  let taken = 0;
  const emit = (_: Uint8Array, release?: () => void) => {
    taken++;
    release?.();
    return true;
  };
  const part = otlpReceiver.create(otlpReceiver.config.parse({ protocols: { [protocol]: options } }), host, {
    logs: emit,
  });
  t.after(async () => {
    await part.stop?.();
    await extension.stop?.();
  });
  await extension.start?.();
  await part.start?.();
  const { endpoint } = host.logged.find(({ message }) => message === "listening")!.fields as { endpoint: string };
  return { endpoint, host, taken: () => taken };
}

for (const [protocol, { exporter, at }] of Object.entries(PROTOCOLS)) {
  for (const [id, { server, right, wrong }] of Object.entries(KINDS)) {
    test(`${protocol}, ${id}: the right secret gets in; a wrong one, or none, is refused for good`, async (t) => {
      const { endpoint, host, taken } = await receiver(t, protocol as "http" | "grpc", id, server());
      const send = async (extension: Extension | undefined) => {
        const sending = fakeHost();
        if (extension) sending.extensions.set("me", extension);
        const auth = extension ? { auth: { authenticator: "me" } } : {};
        const part = exporter.create(exporter.config.parse({ ...at(endpoint), ...auth }) as never, sending);
        t.after(() => part.stop?.());
        await part.start?.();
        await part.export(requestOf("logs"), patience());
      };
      await send(right);
      await send(right);
      assert.equal(taken(), 2);
      for (const extension of [wrong, undefined]) {
        await assert.rejects(send(extension), (error: ExportError) => {
          assert.match(error.message, /check auth and the headers$/);
          assert.ok(!error.message.includes("hunter2"));
          return error.retryable === false;
        });
      }
      assert.equal(taken(), 2);
      assert.ok(!/sesame|hunter2/.test(JSON.stringify([host.logged, host.reported])));
    });
  }
}

test("an agent takes requests that bear its token, and sends them on under its own name", async (t) => {
  const sink = await httpSink(t);
  const agent = await startAgent(
    t,
    `
receivers:
  otlp:
    protocols: {http: {endpoint: "127.0.0.1:0", auth: {authenticator: bearertokenauth}}}
exporters:
  otlphttp: {endpoint: "http://${sink.endpoint}", auth: {authenticator: basicauth/client}}
extensions:
  bearertokenauth: {tokens: [one, sesame]}
  basicauth/client: {client_auth: {username: anna, password: hunter2}}
service:
  extensions: [bearertokenauth, basicauth/client]
  telemetry: {logs: {level: debug}}
  pipelines: {logs: {receivers: [otlp], exporters: [otlphttp]}}
`,
  );
  const { bytes } = requestOf("logs");
  const send = (authorization: string) =>
    fetch(`http://${agent.at("otlp", "http")}/v1/logs`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf", authorization },
      body: Buffer.from(bytes),
    });
  assert.equal((await send("Bearer two")).status, 401);
  assert.equal((await send("Bearer sesame")).status, 200);
  await eventually("the request", () => sink.received.length === 1);
  assert.equal(sink.received[0].headers.authorization, `Basic ${Buffer.from("anna:hunter2").toString("base64")}`);
  assert.equal(await agent.stop(), 0);
  assert.ok(!/sesame|hunter2/.test(agent.output.stderr + agent.output.stdout));
});
