// Certificates for tests of TLS, made by the openssl command: an authority, what it issues, expired ones too.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** For `skip`: false where openssl is on PATH, or why a test that needs it is skipped. */
export const withoutOpenssl: false | string =
  spawnSync("openssl", ["version"]).status === 0 ? false : "needs openssl (apt-get install openssl)";

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:agent.example";

/** A certificate with its key, as files and as options call them. */
export interface Issued {
  readonly cert_file: string;
  readonly key_file: string;
}

export interface Authority {
  /** The file with its own certificate. */
  readonly ca_file: string;
  /** Good for localhost, 127.0.0.1 and agent.example; `days` below 0 makes one that has expired. */
  issue(name: string, days?: number): Issued;
}

/** Keeps its files in a folder `name` of `folder`. */
export function authority(folder: string, name: string): Authority {
  const home = join(folder, name);
  mkdirSync(home);
  const openssl = (...args: string[]) => void execFileSync("openssl", args, { cwd: home, stdio: "pipe" });
  openssl("req", "-x509", ...NEW_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-days", "30", "-subj", `/CN=${name}`);
  return {
    ca_file: join(home, "ca.crt"),
    issue(name, days = 30) {
      const [key, request, cert] = ["key", "csr", "crt"].map((ending) => `${name}.${ending}`);
      openssl("req", ...NEW_KEY, "-keyout", key, "-out", request, "-subj", `/CN=${name}`, "-addext", NAMES);
      const signing = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copyall"];
      openssl("x509", "-req", "-in", request, ...signing, "-days", String(days), "-out", cert);
      return { cert_file: join(home, cert), key_file: join(home, key) };
    },
  };
}

/** What node:tls wants of a client that shows `issued`. */
export const shown = ({ cert_file, key_file }: Issued) => ({
  cert: readFileSync(cert_file),
  key: readFileSync(key_file),
});
