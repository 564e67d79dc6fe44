// The TLS options of servers and clients, with the names of the Collector's configtls.
import { z } from "zod";
import { duration } from "./units.ts";

/** Each cipher suite that may be chosen, by its IANA name as in the Collector, and what OpenSSL calls it. */
const CIPHERS = {
  TLS_AES_128_GCM_SHA256: "TLS_AES_128_GCM_SHA256",
  TLS_AES_256_GCM_SHA384: "TLS_AES_256_GCM_SHA384",
  TLS_CHACHA20_POLY1305_SHA256: "TLS_CHACHA20_POLY1305_SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
} as const;
type CipherSuite = keyof typeof CIPHERS;
const CIPHER_SUITES = Object.keys(CIPHERS) as [CipherSuite, ...CipherSuite[]];
const OF_TLS_1_3 = CIPHER_SUITES.filter((name) => CIPHERS[name] === name);

const CURVES = { P256: "P-256", P384: "P-384", P521: "P-521", X25519: "X25519", X25519MLKEM768: "X25519MLKEM768" };
type Curve = keyof typeof CURVES;

/** YAML reads 1.2 without quotes as a number. */
const version = () => z.enum(["1.2", "1.3"], { error: 'write "1.2" or "1.3", in quotes' });

const optional = (what: string) => z.string().optional().describe(what);

const shared = {
  cert_file: optional("PEM file with the certificate to show, and those between it and its root."),
  cert_pem: optional("The same as text."),
  key_file: optional("PEM file with the key of that certificate, without a passphrase."),
  key_pem: z.string().optional().meta({ secret: true }).describe("The same as text."),
  min_version: version().default("1.2").describe("Oldest version of TLS to speak."),
  max_version: version().optional().describe("Newest version of TLS to speak; absent: the newest there is."),
  cipher_suites: z
    .array(z.enum(CIPHER_SUITES))
    .default([])
    .describe("Cipher suites to allow, by their IANA names; those of TLS 1.3 always are. Empty: a safe choice."),
  curve_preferences: z
    .array(z.enum(Object.keys(CURVES) as [Curve, ...Curve[]]))
    .default([])
    .describe("Curves for the key exchange, best first. Empty: a safe choice."),
  reload_interval: duration()
    .refine((milliseconds) => milliseconds < 2 ** 31, { error: "longer than 24 days; write 0 for never" })
    .prefault("1m")
    .describe("How often the files are looked at; new ones are used without a restart. 0: never."),
};

type Shared = z.output<z.ZodObject<typeof shared>> & { readonly ca_file?: string; readonly ca_pem?: string };

/** Whether an option was given; a variable that is not set leaves it empty. */
const given = (text: string | undefined) => text !== undefined && text !== "";

function check(options: Shared, context: z.core.$RefinementCtx): void {
  const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  for (const what of ["ca", "cert", "key"] as const) {
    const [file, pem] = [`${what}_file`, `${what}_pem`] as const;
    if (given(options[file]) && given(options[pem])) refuse(pem, `write either ${file} or ${pem}, not both`);
  }
  const certificate = given(options.cert_file) ? "cert_file" : given(options.cert_pem) ? "cert_pem" : undefined;
  const key = given(options.key_file) ? "key_file" : given(options.key_pem) ? "key_pem" : undefined;
  if (certificate && !key) refuse(certificate, "a certificate needs its key; write key_file (or key_pem) as well");
  if (key && !certificate) refuse(key, "a key needs its certificate; write cert_file (or cert_pem) as well");
  if (options.max_version && options.max_version < options.min_version) {
    refuse("max_version", "older than min_version; there would be no version left to speak");
  }
}

/** Options of a server that speaks TLS: it needs a certificate with its key. `Certificates` reads the files. */
export const serverTls = () =>
  z
    .object({
      ...shared,
      client_ca_file: optional(
        "PEM file with the roots that clients' certificates must come from; absent: clients need none.",
      ),
      client_ca_file_reload: z
        .boolean()
        .default(true)
        .describe("Accepted as in the Collector; every file is looked at again at each `reload_interval`."),
      ca_file: optional(
        "Accepted as in the Collector, where a server has no use for it: clients are checked by `client_ca_file`.",
      ),
      ca_pem: optional("The same as text."),
      include_system_ca_certs_pool: z
        .boolean()
        .default(false)
        .describe("Accepted as in the Collector, where a server has no use for it."),
    })
    .superRefine((options, context) => {
      check(options, context);
      const bare = ![options.cert_file, options.cert_pem, options.key_file, options.key_pem].some(given);
      if (bare)
        context.addIssue({ code: "custom", message: "a server needs a certificate; write cert_file and key_file" });
    });

/** Options of a client; it speaks TLS unless `insecure`. `Certificates` reads the files. */
export const clientTls = () =>
  z
    .object({
      insecure: z.boolean().default(false).describe("Plaintext instead of TLS, unless the endpoint says https://."),
      insecure_skip_verify: z
        .boolean()
        .default(false)
        .describe("Speaks TLS with anyone, without checking the server's certificate: for tests only."),
      server_name_override: optional(
        "Host name that is asked for and that the server's certificate must bear; absent: the endpoint's.",
      ),
      ca_file: optional(
        "PEM file with the roots that the server's certificate must come from; absent: those of the system.",
      ),
      ca_pem: optional("The same as text."),
      include_system_ca_certs_pool: z
        .boolean()
        .default(false)
        .describe("Whether the roots of the system count besides those of `ca_file`."),
      ...shared,
    })
    .superRefine(check);

export type ServerTls = z.output<ReturnType<typeof serverTls>>;
export type ClientTls = z.output<ReturnType<typeof clientTls>>;

/** What the options say about the protocol itself, as node:tls wants it. */
export function protocolOf({ min_version, max_version, cipher_suites, curve_preferences }: ServerTls | ClientTls) {
  return {
    minVersion: `TLSv${min_version}` as const,
    ...(max_version ? { maxVersion: `TLSv${max_version}` as const } : {}),
    // OpenSSL would take a list without them for the wish to do without TLS 1.3.
    ...(cipher_suites.length > 0
      ? { ciphers: [...new Set([...OF_TLS_1_3, ...cipher_suites])].map((name) => CIPHERS[name]).join(":") }
      : {}),
    ...(curve_preferences.length > 0 ? { ecdhCurve: curve_preferences.map((name) => CURVES[name]).join(":") } : {}),
  };
}
