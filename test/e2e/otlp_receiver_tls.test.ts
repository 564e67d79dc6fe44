// TLS on both ports of the otlp receiver: who gets in, who does not, and certificates that are renewed or go bad meanwhile.
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import tls from "node:tls";
import { AggregationTemporality } from "@opentelemetry/sdk-metrics";
import type { Telemetry } from "vedette";
import { authority, type Issued, shown, withoutOpenssl } from "../certificates.ts";
import { requestOf } from "../exporting.ts";
import { exporters, instruments, records, Service, spans } from "../interop/sdk.ts";
import { call, framed, grpcPort, type Running, raw, startReceiver, until, withSession } from "./otlp_clients.ts";

const BODY = Buffer.from(requestOf("metrics").bytes);

describe("otlp receiver with TLS", { skip: withoutOpenssl }, () => {
  const folder = mkdtempSync(join(tmpdir(), "vedette-tls-"));
  after(() => rmSync(folder, { recursive: true }));
  const ours = withoutOpenssl ? undefined! : authority(folder, "ours");
  const theirs = withoutOpenssl ? undefined! : authority(folder, "theirs");
  const server = ours?.issue("server");
  const trust = { ca: ours && readFileSync(ours.ca_file) };

  /** A receiver with the same `tls` on both ports. */
  async function start(
    options: object,
    more: { http?: object; grpc?: object } = {},
    answer?: Parameters<typeof startReceiver>[1],
  ) {
    const secured = { tls: { ...server, reload_interval: "10ms", ...options } };
    return startReceiver({ http: { ...secured, ...more.http }, grpc: { ...secured, ...more.grpc } }, answer);
  }

  /** Posts over HTTPS; rejects as the connection does. */
  function post(to: Running, options: https.RequestOptions = {}) {
    return new Promise<{ status: number; socket: tls.TLSSocket; served: string }>((resolve, reject) => {
      const request = https.request({
        host: "localhost",
        port: to.http.port,
        path: "/v1/metrics",
        method: "POST",
        agent: false,
        headers: { "content-type": "application/x-protobuf" },
        ...trust,
        ...options,
      });
      request.on("error", reject);
      request.on("response", (response) => {
        const socket = response.socket as tls.TLSSocket;
        const served = String(socket.getPeerCertificate().subject?.CN);
        response.resume().on("end", () => resolve({ status: response.statusCode!, socket, served }));
      });
      request.end(BODY);
    });
  }

  /** The status of a call over HTTP/2, undefined when it is cut; rejects as the connection does. */
  async function export_(to: Running, options: http2.SecureClientSessionOptions = {}) {
    const session = http2.connect(`https://localhost:${grpcPort(to)}`, { ...trust, ...options });
    const failed = Promise.withResolvers<never>();
    session.once("error", failed.reject);
    try {
      const answered = call(session, [framed(BODY)]).then(({ trailers }) => trailers["grpc-status"]);
      return await Promise.race([answered, failed.promise]);
    } finally {
      session.destroy();
    }
  }

  const complaints = (of: Running) => of.logged.filter(({ message }) => message === "a TLS handshake failed");

  test("takes requests over HTTPS and gRPC, and says so at its start", async () => {
    const receiver = await start({});
    assert.equal((await post(receiver)).status, 200);
    assert.equal(await export_(receiver), "0");
    assert.deepEqual(
      receiver.taken.map(({ bytes }) => bytes),
      [BODY, BODY],
    );
    const told = receiver.logged.map(({ fields }) => String(fields.exporters_set));
    assert.ok(
      told.every((text) => text.includes("=https://")),
      told.join(),
    );
    await receiver.stop();
  });

  test("lets in who shows a certificate of the right authority, and nobody else", async () => {
    const receiver = await start({ client_ca_file: ours.ca_file });
    const client = shown(ours.issue("client"));
    assert.equal((await post(receiver, client)).status, 200);
    assert.equal(await export_(receiver, client), "0");
    const strangers: Record<string, object> = {
      "no certificate": {},
      "that of another authority": shown(theirs.issue("client")),
      "an expired one": shown(ours.issue("late", -1)),
    };
    for (const [who, credentials] of Object.entries(strangers)) {
      await assert.rejects(post(receiver, credentials), `HTTP with ${who}`);
      assert.equal(await export_(receiver, credentials).catch(() => undefined), undefined, `gRPC with ${who}`);
      receiver.clock += 60_000;
    }
    assert.equal(receiver.taken.length, 2);
    assert.deepEqual(
      complaints(receiver).map(({ fields }) => fields.cause),
      ["ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_HAS_EXPIRED"],
      "logged once a minute",
    );
    await receiver.stop();
  });

  test("is not believed by a sender with another authority, nor once its certificate has expired", async () => {
    const elsewhere = { ca: readFileSync(theirs.ca_file) };
    const receiver = await start({});
    await assert.rejects(post(receiver, elsewhere), /unable to verify|self.signed|local issuer/);
    await assert.rejects(export_(receiver, elsewhere), /unable to verify|self.signed|local issuer/);
    await receiver.stop();
    const late = await startReceiver({ http: { tls: ours.issue("expired", -1) }, host: { now: () => Date.now() } });
    assert.ok(late.logged.some(({ level, message }) => level === "warn" && /has expired; renew it/.test(message)));
    await assert.rejects(post(late), { code: "CERT_HAS_EXPIRED" });
    await late.stop();
  });

  test("closes plaintext connections to its TLS ports and goes on", async () => {
    const receiver = await start({});
    assert.equal(await raw(receiver.http.port, "POST /v1/metrics HTTP/1.1\r\nhost: x\r\n\r\n"), "");
    await withSession(receiver, async (session) => {
      assert.deepEqual((await call(session, [framed(BODY)])).headers, {});
    });
    assert.equal((await post(receiver)).status, 200);
    assert.equal(await export_(receiver), "0");
    assert.equal(receiver.taken.length, 2);
    await receiver.stop();
  });

  test("without TLS does not answer a handshake and goes on", async () => {
    const receiver = await startReceiver();
    await assert.rejects(post(receiver));
    await assert.rejects(export_(receiver));
    await withSession(receiver, async (session) => {
      assert.equal((await call(session, [framed(BODY)])).trailers["grpc-status"], "0");
    });
    await receiver.stop();
  });

  test("speaks no older version than it is told", async () => {
    const receiver = await start({ min_version: "1.3" });
    await assert.rejects(post(receiver, { maxVersion: "TLSv1.2" }), /protocol version/);
    assert.equal((await post(receiver, { minVersion: "TLSv1.3" })).status, 200);
    await receiver.stop();
  });

  test("speaks only HTTP/2 on its gRPC port", async () => {
    const receiver = await start({});
    const connect = (ALPNProtocols?: string[]) =>
      tls.connect({ host: "localhost", port: grpcPort(receiver), servername: "localhost", ...trust, ALPNProtocols });
    const [error] = await once(connect(["http/1.1"]), "error");
    assert.match(String(error), /no application protocol/);
    const mute = connect();
    mute.resume();
    await once(mute, "close");
    await receiver.stop();
  });

  /** Puts `issued` where a receiver reads its certificate from. */
  function install(issued: Issued, at: Issued) {
    copyFileSync(issued.key_file, at.key_file);
    copyFileSync(issued.cert_file, at.cert_file);
  }

  function place(name: string): Issued {
    const at = { cert_file: join(folder, `${name}.pem`), key_file: join(folder, `${name}.key`) };
    install(server, at);
    return at;
  }

  const renewals = (of: Running) => of.logged.filter(({ message }) => message === "new certificates are in use").length;

  test("shows a renewed certificate to new connections while open ones go on", async () => {
    const files = place("rotated");
    const receiver = await start(files);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    const before = await post(receiver, { agent });
    const session = http2.connect(`https://localhost:${grpcPort(receiver)}`, trust);
    assert.equal((await call(session, [framed(BODY)])).trailers["grpc-status"], "0");

    install(ours.issue("renewed"), files);
    await until(() => renewals(receiver) === 2);

    const same = await post(receiver, { agent });
    assert.equal(same.socket.localPort, before.socket.localPort, "the connection is the same");
    assert.equal((await call(session, [framed(BODY)])).trailers["grpc-status"], "0");
    assert.deepEqual([before.served, (await post(receiver)).served], ["server", "renewed"]);
    const renewed = http2.connect(`https://localhost:${grpcPort(receiver)}`, trust);
    await once(renewed, "connect");
    assert.equal((renewed.socket as tls.TLSSocket).getPeerCertificate().subject.CN, "renewed");
    for (const each of [session, renewed]) each.destroy();
    agent.destroy();
    await receiver.stop();
  });

  test("takes a new client authority without a restart", async () => {
    const client_ca_file = join(folder, "clients.pem");
    copyFileSync(theirs.ca_file, client_ca_file);
    const receiver = await start({ client_ca_file });
    const client = shown(ours.issue("client"));
    await assert.rejects(post(receiver, client));
    copyFileSync(ours.ca_file, client_ca_file);
    await until(() => renewals(receiver) === 2);
    assert.equal((await post(receiver, client)).status, 200);
    await receiver.stop();
  });

  test("keeps its certificate when the new file is bad, and says so", async () => {
    const files = place("spoilt");
    const receiver = await start(files);
    writeFileSync(files.cert_file, "rubbish");
    const told = () =>
      receiver.logged.filter(({ level }) => level === "error").map(({ fields }) => String(fields.error));
    await until(() => told().length === 2);
    assert.match(told().join(), /protocols\.http\.tls\.cert_file: .*spoilt\.pem holds no PEM certificate/);
    assert.equal((await post(receiver)).served, "server");
    assert.equal(await export_(receiver), "0");
    await receiver.stop();
  });

  test("does not start without its certificate, and names the file", async () => {
    const missing = start({ cert_file: join(folder, "nowhere.pem") });
    await assert.rejects(
      missing,
      /protocols\.grpc\.tls\.cert_file: .*nowhere\.pem cannot be read: there is no such file/,
    );
  });

  test("cuts a handshake that takes too long", async () => {
    const receiver = await start({}, { http: { read_header_timeout: "50ms" }, grpc: { read_timeout: "50ms" } });
    for (const port of [receiver.http.port, grpcPort(receiver)]) {
      // the beginning of a ClientHello that never ends
      assert.equal(await raw(port, Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])), "");
    }
    await receiver.stop();
  });

  test("cuts a request whose headers take too long, as without TLS", async () => {
    const receiver = await start({}, { http: { read_header_timeout: "50ms" } });
    const slow = tls.connect({ port: receiver.http.port, host: "localhost", servername: "localhost", ...trust });
    slow.write("POST /v1/metrics HT");
    assert.match(String((await once(slow, "data"))[0]), /^HTTP\/1\.1 408 /);
    await once(slow, "close");
    await receiver.stop();
  });

  test("stops without waiting for connections on which nothing was asked", async () => {
    const held = Promise.withResolvers<boolean>();
    const receiver = await start({}, {}, (_, release) => {
      release();
      return held.promise;
    });
    const answered = post(receiver);
    await until(() => receiver.taken.length === 1);
    const shaking = net.connect(receiver.http.port, "127.0.0.1");
    shaking.write(Buffer.from([0x16, 0x03, 0x01]));
    await once(shaking, "connect");
    // What came first is read first: the other handshake has begun by now.
    const silent = tls.connect({ port: receiver.http.port, host: "localhost", servername: "localhost", ...trust });
    await once(silent, "secureConnect");
    const closed = (socket: net.Socket) =>
      new Promise((resolve) =>
        socket
          .on("error", () => {})
          .resume()
          .once("close", resolve),
      );
    const gone = Promise.all([closed(silent), closed(shaking)]);
    const stopped = receiver.stop();
    await gone;
    held.resolve(true);
    assert.equal((await answered).status, 200, "the request that was under way is still answered");
    await stopped;
  });

  test("takes all that the OpenTelemetry SDK sends with a certificate of its own", async () => {
    const receiver = await start({ client_ca_file: ours.ca_file });
    const identity = { ca: readFileSync(ours.ca_file), ...shown(ours.issue("sdk")) };
    const service = new Service("checkout", AggregationTemporality.CUMULATIVE, [
      exporters("grpc", `localhost:${grpcPort(receiver)}`, true, identity),
      exporters("http/protobuf", `localhost:${receiver.http.port}`, true, identity),
      exporters("http/json", `localhost:${receiver.http.port}`, false, identity),
    ]);
    instruments(service.meter)();
    spans(service.tracer);
    records(service.logger);
    await service.flush();
    const count = (wanted: Telemetry) => receiver.taken.filter(({ signal }) => signal === wanted).length;
    assert.deepEqual([count("metrics"), count("traces"), count("logs")], [3, 3, 3]);
    await service.shutdown();
    await receiver.stop();
  });
});
