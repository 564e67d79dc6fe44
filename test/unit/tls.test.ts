// TLS options and certificates: what is refused in which words, and what happens when the files change.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { Certificates, clientTls, serverTls } from "vedette";
import { fakeHost } from "vedette/testing";
import { eventually } from "../agent.ts";
import { authority, withoutOpenssl } from "../certificates.ts";

const faults = (result: { success: boolean; error?: { issues: { path: PropertyKey[]; message: string }[] } }) =>
  result.error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

describe("options", () => {
  test("a server needs a certificate with its key, each in one place", () => {
    const server = serverTls();
    assert.match(faults(server.safeParse({}))![0], /a server needs a certificate; write cert_file and key_file/);
    assert.match(faults(server.safeParse({ cert_file: "a" }))![0], /^cert_file: a certificate needs its key/);
    assert.match(faults(server.safeParse({ key_pem: "a" }))![0], /^key_pem: a key needs its certificate/);
    const both = { cert_file: "a", cert_pem: "b", key_file: "c" };
    assert.match(faults(server.safeParse(both))![0], /^cert_pem: write either cert_file or cert_pem/);
  });

  test("an empty text, as of a variable that is not set, is none", () => {
    assert.ok(clientTls().safeParse({ cert_file: "", key_file: "", ca_file: "" }).success);
    assert.ok(!serverTls().safeParse({ cert_file: "", key_file: "" }).success);
  });

  test("a client needs nothing at all", () => {
    assert.equal(clientTls().parse({}).min_version, "1.2");
    assert.match(faults(clientTls().safeParse({ min_version: "1.3", max_version: "1.2" }))![0], /^max_version: older/);
  });

  test("cipher suites bear the names that the Collector has for them, and others are refused", async () => {
    const suites = ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"];
    const context = await new Certificates(clientTls().parse({ cipher_suites: suites }), "tls", fakeHost()).load();
    const [chosen] = [context.ciphers!.split(":")];
    assert.ok(chosen.includes("ECDHE-RSA-CHACHA20-POLY1305") && !chosen.includes("ECDHE-RSA-AES128-GCM-SHA256"));
    assert.ok(chosen.includes("TLS_AES_128_GCM_SHA256"), "TLS 1.3 stays possible");
    assert.ok(!clientTls().safeParse({ cipher_suites: ["TLS_RSA_WITH_RC4_128_SHA"] }).success);
  });

  test("every cipher suite and curve that may be chosen is one that this runtime has", async () => {
    const { shape } = clientTls();
    const suites = shape.cipher_suites.unwrap().element.options;
    const curves = shape.curve_preferences.unwrap().element.options;
    for (const suite of suites) {
      const options = clientTls().parse({ cipher_suites: [suite], curve_preferences: curves });
      createSecureContext(await new Certificates(options, "tls", fakeHost()).load());
    }
  });
});

describe("certificates", { skip: withoutOpenssl }, () => {
  const folder = mkdtempSync(join(tmpdir(), "vedette-tls-"));
  after(() => rmSync(folder, { recursive: true }));
  const ca = withoutOpenssl ? undefined! : authority(folder, "ca");
  const server = (options: object) => serverTls().parse(options);
  const good = ca?.issue("good");
  const path = (name: string, text = "") => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const load = (options: object, host = fakeHost()) =>
    new Certificates(server(options), "protocols.http.tls", host).load();

  test("are given as files or as text", async () => {
    const files = await load({ ...good, client_ca_file: ca.ca_file });
    const texts = await load({ cert_pem: await readFile(good.cert_file, "utf8"), key_pem: String(files.key) });
    assert.equal(files.cert, texts.cert);
    assert.equal(files.ca, await readFile(ca.ca_file, "latin1"));
  });

  const bad: [what: string, options: () => object, error: RegExp][] = [
    [
      "a file that is not there",
      () => ({ ...good, cert_file: "/no/such.crt" }),
      /^protocols\.http\.tls\.cert_file: \/no\/such\.crt cannot be read: there is no such file; correct the path/,
    ],
    ["a folder", () => ({ ...good, key_file: folder }), /tls\.key_file: .* is not a file; correct the path/],
    [
      "a file that is no certificate",
      () => ({ ...good, cert_file: path("text", "hello") }),
      /tls\.cert_file: .* holds no PEM certificate .* write it in PEM/,
    ],
    [
      "a damaged certificate",
      () => ({ ...good, cert_file: path("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") }),
      /its certificate number 1 is damaged/,
    ],
    [
      "the key of another certificate",
      () => ({ ...good, key_file: ca.issue("other").key_file }),
      /key_file: .* is not the key of the certificate in .*good\.crt; put both/,
    ],
    ["a certificate for a key", () => ({ ...good, key_file: good.cert_file }), /key_file: .* holds no PEM private key/],
    [
      "a key with a passphrase",
      () => ({ ...good, key_file: encrypted() }),
      /key_file: .* has a passphrase, which cannot be given; take it off/,
    ],
    [
      "roots that are none",
      () => ({ ...good, client_ca_file: path("none") }),
      /tls\.client_ca_file: .* holds no PEM certificate/,
    ],
    [
      "a far too large file",
      () => ({ ...good, cert_file: path("large", "x".repeat(5_000_000)) }),
      /has 5000000 bytes, more than any PEM file/,
    ],
  ];
  for (const [what, options, error] of bad) {
    test(`${what} is refused in words that say where, why and what to do`, async () => {
      await assert.rejects(load(options()), { message: error });
    });
  }

  function encrypted(): string {
    const file = join(folder, "encrypted.key");
    execFileSync("openssl", ["pkey", "-in", good.key_file, "-aes256", "-passout", "pass:x", "-out", file]);
    return file;
  }

  test("are warned about once they have expired, or when they soon will", async () => {
    const host = fakeHost();
    host.time = Date.now();
    const messages = () => host.logged.map(({ level, message }) => `${level} ${message}`);
    await load(good, host);
    assert.deepEqual(messages(), []);
    host.time += 28 * 24 * 3_600_000;
    await load(good, host);
    assert.deepEqual(messages(), ["warn the certificate expires soon; renew it"]);
    await load(ca.issue("expired", -1), host);
    assert.equal(messages()[1], "warn the certificate has expired; renew it");
  });

  test("of clients are not checked by ca_file, and a server that has only that says so", async () => {
    const host = fakeHost();
    host.time = Date.now();
    assert.equal((await load({ ...good, ca_file: ca.ca_file }, host)).ca, undefined);
    assert.match(host.logged[0].message, /write client_ca_file/);
  });

  test("a client trusts the roots that it names and no others, unless told otherwise", async () => {
    const roots = async (options: object) =>
      (await new Certificates(clientTls().parse(options), "tls", fakeHost()).load()).ca as string[];
    assert.equal((await roots({ ca_file: ca.ca_file })).length, 1);
    assert.ok((await roots({})).length > 50);
    assert.ok((await roots({ ca_file: ca.ca_file, include_system_ca_certs_pool: true })).length > 50);
  });

  /** A server's certificate in files of its own, watched. */
  async function watched(name: string) {
    const [cert_file, key_file] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
    copyFileSync(good.cert_file, cert_file);
    copyFileSync(good.key_file, key_file);
    const host = fakeHost();
    host.time = Date.now();
    const certificates = new Certificates(server({ cert_file, key_file, reload_interval: "5ms" }), "tls", host);
    const contexts: SecureContextOptions[] = [await certificates.load()];
    certificates.watch((context) => contexts.push(context));
    return { cert_file, key_file, host, certificates, contexts };
  }

  test("that change are handed on", async () => {
    const { cert_file, key_file, certificates, contexts } = await watched("renewed");
    const renewed = ca.issue("renewed");
    copyFileSync(renewed.key_file, key_file);
    copyFileSync(renewed.cert_file, cert_file);
    await eventually("the new certificate to be handed on", () => contexts.length === 2);
    assert.equal(contexts.at(-1)!.cert, await readFile(renewed.cert_file, "latin1"));
    certificates.close();
  });

  test("that become bad are not handed on: it is logged once and reported, until they are good again", async () => {
    const { cert_file, host, certificates, contexts } = await watched("spoilt");
    writeFileSync(cert_file, "rubbish");
    await eventually("a complaint", () => host.reported.length > 0);
    assert.equal(contexts.length, 1);
    assert.match(host.logged[0].message, /cannot be used; those in use stay/);
    assert.deepEqual(
      [host.reported[0].status, /tls\.cert_file: .* no PEM/.test(host.reported[0].reason!)],
      ["recoverable_error", true],
    );
    const spare = ca.issue("spare");
    copyFileSync(spare.key_file, cert_file.replace(".pem", ".key"));
    copyFileSync(spare.cert_file, cert_file);
    await eventually("the good one to be handed on", () => host.reported.length === 2);
    assert.deepEqual(host.reported.at(-1), { status: "ok" });
    certificates.close();
  });
});
