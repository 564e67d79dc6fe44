// Certificates and keys of a TLS server or client: read, judged in words for the user, and read again when they change.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createSecureContext, getCACertificates, type SecureContextOptions } from "node:tls";
import type { Host } from "./component.ts";
import { unreadable } from "./file_failure.ts";
import { type ClientTls, protocolOf, type ServerTls } from "./tls.ts";

/** A bundle of every public root has about a tenth of it. */
const LARGEST_FILE = 4 * 1024 ** 2;
const HOUR = 3_600_000;
/** A certificate is warned about in the last tenth of its life, and not before its last week. */
const LAST_DAYS = 7 * 24 * HOUR;
const LAST_PART = 10;

/** PEM texts, without those that are not set; `ca` is what the other side is checked by. */
type Material = Readonly<Partial<Record<"ca" | "cert" | "key", Pem>>>;
interface Pem {
  /** For messages: the option's full path, and the file if there is one. */
  readonly origin: string;
  readonly text: string;
}

/** The certificates that `options` name. Every error says which option and file, why, and what to do. */
export class Certificates {
  readonly #options: ServerTls | ClientTls;
  readonly #option: string;
  readonly #host: Pick<Host, "log" | "report" | "now">;
  #material: Material | undefined;
  #leaf: X509Certificate | undefined;
  /** The warning about `#leaf` that was given last. */
  #warned = "";
  /** Why the files as they are now cannot be used. */
  #trouble = "";
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** `option` is where the options stand: "protocols.grpc.tls". */
  constructor(options: ServerTls | ClientTls, option: string, host: Pick<Host, "log" | "report" | "now">) {
    this.#options = options;
    this.#option = option;
    this.#host = host;
  }

  /** Reads the files; the result is for `createSecureContext`, `createServer` and `setSecureContext` alike. */
  async load(): Promise<SecureContextOptions> {
    const material = await this.#read();
    const context = this.#accept(material);
    this.#warnOfExpiry();
    const { ca_file, ca_pem } = this.#options;
    if (!("insecure" in this.#options) && !this.#options.client_ca_file && (ca_file || ca_pem)) {
      this.#host.log.warn("ca_file does not check clients; write client_ca_file for that", { option: this.#option });
    }
    return context;
  }

  /**
   * From now on hands what `load` would give to `onChange` whenever the files change, until `close`. New files that cannot be
   * used are logged and reported, and what is in use stays. Keeps no process alive.
   */
  watch(onChange: (context: SecureContextOptions) => void): void {
    const reload = this.#options.reload_interval;
    const next = () => {
      this.#timer = setTimeout(() => void look(), reload || HOUR).unref();
    };
    const look = async () => {
      if (reload > 0) await this.#refresh(onChange);
      if (this.#closed) return;
      this.#warnOfExpiry();
      next();
    };
    next();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #refresh(onChange: (context: SecureContextOptions) => void): Promise<void> {
    try {
      const material = await this.#read();
      if (this.#closed) return;
      if (!same(material, this.#material)) {
        onChange(this.#accept(material));
        this.#host.log.info("new certificates are in use", { option: this.#option, valid_until: this.#leaf?.validTo });
      }
      if (this.#trouble !== "") this.#host.report("ok");
      this.#trouble = "";
    } catch (error) {
      const { message } = error as Error;
      if (this.#closed || message === this.#trouble) return;
      this.#trouble = message;
      this.#host.log.error("the new certificates cannot be used; those in use stay so", { error: message });
      this.#host.report("recoverable_error", message);
    }
  }

  async #read(): Promise<Material> {
    const options = this.#options;
    const [ca, cert, key] = await Promise.all([
      "insecure" in options
        ? this.#pem("ca", options.ca_file, options.ca_pem)
        : this.#pem("client_ca", options.client_ca_file, undefined),
      this.#pem("cert", options.cert_file, options.cert_pem),
      this.#pem("key", options.key_file, options.key_pem),
    ]);
    return { ca, cert, key };
  }

  async #pem(name: string, file: string | undefined, text: string | undefined): Promise<Pem | undefined> {
    if (file) {
      const origin = `${this.#option}.${name}_file: ${file}`;
      return { origin, text: await textOf(file, origin) };
    }
    return text ? { origin: `${this.#option}.${name}_pem`, text } : undefined;
  }

  /** Throws when `material` cannot be used; else it is what is in use. */
  #accept(material: Material): SecureContextOptions {
    const { ca, cert, key } = material;
    const [leaf] = cert ? certificatesIn(cert) : [];
    if (leaf && key && !leaf.checkPrivateKey(keyIn(key))) {
      throw new Error(
        `${key.origin} is not the key of the certificate in ${cert!.origin}; put both from the same issue there`,
      );
    }
    const roots = "insecure" in this.#options ? this.#roots(ca) : ca && checked(ca);
    const context: SecureContextOptions = {
      ...protocolOf(this.#options),
      ...(cert ? { cert: cert.text } : {}),
      ...(key ? { key: key.text } : {}),
      ...(roots ? { ca: roots } : {}),
    };
    try {
      createSecureContext(context);
    } catch (error) {
      throw new Error(`${this.#option}: OpenSSL refuses them: ${(error as Error).message}`, { cause: error });
    }
    this.#material = material;
    this.#leaf = leaf;
    return context;
  }

  /** Whom a client trusts: the system's roots and those that come with Node, unless it names its own. */
  #roots(ca: Pem | undefined): string[] {
    const own = ca ? [checked(ca)] : [];
    if (ca && !this.#options.include_system_ca_certs_pool) return own;
    return [...new Set([...getCACertificates("system"), ...getCACertificates("default"), ...own])];
  }

  #warnOfExpiry(): void {
    if (!this.#leaf) return;
    const { validTo, validToDate, validFromDate, fingerprint256 } = this.#leaf;
    const left = validToDate.getTime() - this.#host.now();
    const life = validToDate.getTime() - validFromDate.getTime();
    if (left > Math.min(LAST_DAYS, life / LAST_PART)) return;
    const message = left <= 0 ? "the certificate has expired; renew it" : "the certificate expires soon; renew it";
    if (this.#warned === message + fingerprint256) return;
    this.#warned = message + fingerprint256;
    this.#host.log.warn(message, { certificate: this.#material?.cert?.origin, valid_until: validTo });
  }
}

function same(a: Material, b: Material | undefined): boolean {
  return (["ca", "cert", "key"] as const).every((name) => a[name]?.text === b?.[name]?.text);
}

async function textOf(file: string, origin: string): Promise<string> {
  let size: number;
  try {
    const about = await stat(file);
    if (!about.isFile()) throw new Error("it is not a file; correct the path");
    size = about.size;
    if (size <= LARGEST_FILE) return await readFile(file, "latin1");
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    const code = failure.code ? ` (${failure.code})` : "";
    throw new Error(`${origin} cannot be read: ${unreadable(failure)}${code}`, { cause: error });
  }
  throw new Error(`${origin} has ${size} bytes, more than any PEM file; correct the path`);
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

function certificatesIn({ origin, text }: Pem): X509Certificate[] {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) {
    throw new Error(
      `${origin} holds no PEM certificate (-----BEGIN CERTIFICATE-----); write it in PEM, not in DER or PKCS#12`,
    );
  }
  return blocks.map((block, i) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      throw new Error(`${origin}: its certificate number ${i + 1} is damaged; copy the file anew`, { cause: error });
    }
  });
}

/** The text, once it is known to hold certificates. */
function checked(pem: Pem): string {
  certificatesIn(pem);
  return pem.text;
}

function keyIn({ origin, text }: Pem) {
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) {
    throw new Error(`${origin} holds no PEM private key (-----BEGIN PRIVATE KEY-----); write it in PEM`);
  }
  if (/-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(text)) {
    throw new Error(
      `${origin} has a passphrase, which cannot be given; take it off (openssl pkey -in old.pem -out new.pem)`,
    );
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw new Error(`${origin}: the key in it is damaged or of an unknown kind; copy the file anew`);
  }
}
