// What the otlp exporters do about TLS and credentials, against real servers with certificates made by OpenSSL.
import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test, { after, type TestContext } from "node:test";
import { fakeHost } from "vedette/testing";
import grpcExporter from "../../plugins/exporters/otlp_grpc/index.ts";
import httpExporter from "../../plugins/exporters/otlp_http/index.ts";
import basicauth from "../../plugins/extensions/basicauth/index.ts";
import bearertokenauth from "../../plugins/extensions/bearertokenauth/index.ts";
import { eventually, folderWith } from "../agent.ts";
import { authority, type Issued, shown, withoutOpenssl } from "../certificates.ts";
import { failure, patience, requestOf } from "../exporting.ts";
import { grpcSink, httpSink, type Sink } from "../sinks.ts";

const PROTOCOLS = {
  http: { plugin: httpExporter, sink: httpSink, at: (place: string) => `https://${place}` },
  grpc: { plugin: grpcExporter, sink: grpcSink, at: (place: string) => place },
} as const;

const folder = folderWith({ after });
const ours = withoutOpenssl ? undefined : authority(folder, "ours");
const theirs = withoutOpenssl ? undefined : authority(folder, "theirs");
const issued = (made: Issued | undefined) => made!;
const server = ours && shown(ours.issue("server"));
const expired = ours && shown(ours.issue("expired", -1));
const [client, foreign] = [ours?.issue("client"), theirs?.issue("client")];
const options = { skip: withoutOpenssl };

for (const [name, { plugin, sink, at }] of Object.entries(PROTOCOLS)) {
  /** An exporter that has started, to a server that is known as `host`. */
  async function exporterTo(t: TestContext, { endpoint }: Pick<Sink, "endpoint">, config: object, host = "localhost") {
    const fake = fakeHost();
    const place = at(endpoint.replace("127.0.0.1", host));
    const exporter = plugin.create(plugin.config.parse({ endpoint: place, ...config }) as never, fake);
    t.after(() => exporter.stop?.());
    await exporter.start?.();
    return { host: fake, exporter, send: () => exporter.export(requestOf("logs"), patience()) };
  }

  test(
    `${name}: a server whose root is named is trusted, by its name, its address, or one that is given`,
    options,
    async (t) => {
      const { ca_file } = ours!;
      const backend = await sink(t, server);
      await (await exporterTo(t, backend, { tls: { ca_file } })).send();
      await (await exporterTo(t, backend, { tls: { ca_pem: readFileSync(ca_file, "utf8") } })).send();
      await (await exporterTo(t, backend, { tls: { ca_file, min_version: "1.3" } }, "127.0.0.1")).send();
      await (await exporterTo(t, backend, { tls: { ca_file, server_name_override: "agent.example" } })).send();
      await (await exporterTo(t, backend, { tls: { insecure_skip_verify: true } })).send();
      assert.equal(backend.received.length, 5);
    },
  );

  test(`${name}: what is wrong with a server's certificate is said, and nothing is sent`, options, async (t) => {
    const { ca_file } = ours!;
    const backend = await sink(t, server);
    const old = await sink(t, expired);
    const cases: [to: Sink, tls: object, message: RegExp][] = [
      [backend, {}, /its certificate comes from a root that is not trusted here; name that root with tls\.ca_file$/],
      [backend, { ca_file: theirs!.ca_file }, /comes from a root that is not trusted here/],
      [
        backend,
        { ca_file, server_name_override: "other.example" },
        /its certificate is for another host; correct the endpoint/,
      ],
      [old, { ca_file }, /its certificate has expired; renew it there/],
      [
        backend,
        { ca_file, max_version: "1.2", cipher_suites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"] },
        /no cipher suite is known to both/,
      ],
    ];
    for (const [to, tls, message] of cases) {
      const error = await failure((await exporterTo(t, to, { tls })).send());
      assert.match(error.message, message);
      assert.equal(error.retryable, true);
    }
    assert.deepEqual([...backend.received, ...old.received], []);
  });

  test(
    `${name}: a server that wants a client's certificate gets it, and says when it does not like it`,
    options,
    async (t) => {
      const { ca_file } = ours!;
      const backend = await sink(t, { ...server!, ca: readFileSync(ca_file) });
      await (await exporterTo(t, backend, { tls: { ca_file, ...issued(client) } })).send();
      assert.equal(backend.received.length, 1);
      const without = await failure((await exporterTo(t, backend, { tls: { ca_file } })).send());
      assert.match(without.message, /it wants a certificate from its clients; give one with tls\.cert_file/);
      const wrong = await failure((await exporterTo(t, backend, { tls: { ca_file, ...issued(foreign) } })).send());
      assert.match(wrong.message, /is that of tls\.cert_file one that it trusts\?$/);
      assert.equal(backend.received.length, 1);
    },
  );

  test(`${name}: new certificates serve new connections, and requests under way end`, options, async (t) => {
    const home = folderWith(t);
    const files = { ca_file: join(home, "ca.crt"), cert_file: join(home, "tls.crt"), key_file: join(home, "tls.key") };
    const install = (ca: string, made: Issued) => {
      copyFileSync(ca, files.ca_file);
      copyFileSync(made.cert_file, files.cert_file);
      copyFileSync(made.key_file, files.key_file);
    };
    install(ours!.ca_file, issued(client));
    const backend = await sink(t, { ...server!, ca: readFileSync(ours!.ca_file) });
    const { send, host } = await exporterTo(t, backend, { tls: { ...files, reload_interval: "20ms" } });
    await send();

    backend.delay = 300;
    const underWay = send();
    await eventually("the request under way", () => backend.arrived === 2);
    install(theirs!.ca_file, issued(foreign));
    await eventually("the new certificates", () => host.logged.some(({ message }) => message.startsWith("new cert")));
    await underWay;
    backend.delay = 0;
    assert.match((await failure(send())).message, /comes from a root that is not trusted here/);

    await backend.close();
    await backend.open({ ...shown(theirs!.issue(`server-${name}`)), ca: readFileSync(theirs!.ca_file) });
    let done = false;
    t.after(() => {
      done = true;
    });
    const trying = async () => {
      while (!done) {
        await send().then(
          () => {
            done = true;
          },
          () => new Promise((resolve) => setTimeout(resolve, 20)),
        );
      }
    };
    void trying();
    await eventually("the next delivery", () => done);
  });

  test(`${name}: certificates that cannot be read end the start`, options, async (t) => {
    const tls = { ca_file: join(folder, "none.crt") };
    await assert.rejects(
      exporterTo(t, { endpoint: "127.0.0.1:1" }, { tls }),
      /tls\.ca_file: .*none\.crt cannot be read: there is no such file/,
    );
  });

  test(`${name}: each request bears what the authenticator says at that moment`, async (t) => {
    const backend = await sink(t);
    const { send, host } = await exporterTo(t, backend, PLAIN[name as "http" | "grpc"](backend, "auth"));
    assert.match((await failure(send())).message, /^auth gives no credentials: there is no extension auth$/);
    const secrets = fakeHost();
    host.extensions.set("auth", bearertokenauth.create(bearertokenauth.config.parse({ token: "sesame" }), secrets));
    await send();
    const client_auth = { username: "anna", password: "sesame" };
    host.extensions.set("auth", basicauth.create(basicauth.config.parse({ client_auth }), secrets));
    await send();
    assert.deepEqual(
      backend.received.map(({ headers }) => headers.authorization),
      ["Bearer sesame", `Basic ${Buffer.from("anna:sesame").toString("base64")}`],
    );
    assert.ok(!JSON.stringify([host.logged, secrets.logged]).includes("sesame"));
  });

  test(`${name}: no header goes out that was not configured, but what the protocol needs`, async (t) => {
    const backend = await sink(t);
    const { send } = await exporterTo(t, backend, {
      ...PLAIN[name as "http" | "grpc"](backend),
      headers: { "X-Tenant": "a" },
    });
    await send();
    const [{ headers }] = backend.received;
    const expected = {
      http: ["connection", "content-encoding", "content-length", "content-type", "host", "user-agent", "x-tenant"],
      grpc: ["user-agent", "x-tenant"],
    };
    assert.deepEqual(Object.keys(headers).sort(), expected[name as "http" | "grpc"]);
    assert.match(headers["user-agent"]!, name === "http" ? /^vedette$/ : /^vedette grpc-node-http2\/[\d.]+$/);
  });
}

/** Options for a backend in plaintext. */
const PLAIN = {
  http: ({ endpoint }: Sink, auth?: string) => ({ endpoint: `http://${endpoint}`, ...named(auth) }),
  grpc: ({ endpoint }: Sink, auth?: string) => ({ endpoint, tls: { insecure: true }, ...named(auth) }),
};
const named = (authenticator?: string) => (authenticator ? { auth: { authenticator } } : {});
