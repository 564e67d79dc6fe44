// Lets in who bears one of a few tokens, and shows one to the servers that exporters send to.
import { timingSafeEqual } from "node:crypto";
import { validateHeaderName } from "node:http";
import { defineExtension, type Extension, type Host, keyedHash, watchFile, z } from "vedette";

/** Each request is compared with every token. */
const MOST_TOKENS = 1000;

const isLegal = (token: string) => /^[!-~](?:[ -~]*[!-~])?$/.test(token);
const token = () =>
  z.string().refine(isLegal, { error: "not a token: it is empty, or holds what cannot stand in a header" });

/** Headers that belong to a server or client, not to who it speaks for. */
const TAKEN = /^(connection|content-.*|host|te|transfer-encoding|upgrade|:.*|grpc-.*)$/i;

const header = z.string().refine((name) => isHeaderName(name) && !TAKEN.test(name), {
  error: "not the name of a header that can carry a token",
});

function isHeaderName(name: string): boolean {
  try {
    validateHeaderName(name);
    return true;
  } catch {
    return false;
  }
}

const SOURCES = ["token", "tokens", "filename"] as const;

const options = z
  .object({
    header: header.default("Authorization").describe("Header that carries the token."),
    scheme: z
      .string()
      .regex(/^[!-~]*$/)
      .default("Bearer")
      .describe("Word before the token; empty: the header holds the token alone."),
    token: token().meta({ secret: true }).optional().describe("The token."),
    tokens: z
      .array(token().meta({ secret: true }))
      .min(1)
      .max(MOST_TOKENS)
      .optional()
      .describe("Several tokens: each is accepted, the first is sent."),
    filename: z
      .string()
      .min(1)
      .optional()
      .describe("File with a token on each line, read again when it changes: each is accepted, the first is sent."),
  })
  .superRefine((options, context) => {
    const given = SOURCES.filter((name) => options[name] !== undefined);
    if (given.length === 1) return;
    const message =
      given.length === 0 ? "is missing; give it, or tokens, or filename" : `give either ${given[0]} or this`;
    context.addIssue({ code: "custom", path: [given[1] ?? "token"], message });
  });

class BearerToken implements Extension {
  readonly #filename: string | undefined;
  readonly #host: Host;
  readonly #header: string;
  readonly #prefix: string;
  #accepted: readonly Buffer[] = [];
  #sent: Readonly<Record<string, string>> | undefined;
  #file: { close(): void } | undefined;

  constructor({ header, scheme, token, tokens, filename }: z.output<typeof options>, host: Host) {
    this.#filename = filename;
    this.#host = host;
    this.#header = header.toLowerCase();
    this.#prefix = scheme === "" ? "" : `${scheme} `;
    if (filename === undefined) this.#use(tokens ?? [token!]);
  }

  async start(): Promise<void> {
    if (this.#filename === undefined) return;
    this.#file = await watchFile(this.#filename, "filename", this.#host, (text) => this.#use(tokensIn(text)));
  }

  async stop(): Promise<void> {
    this.#file?.close();
  }

  #use(tokens: readonly string[]): void {
    this.#accepted = tokens.map((token) => keyedHash(token));
    this.#sent = { [this.#header]: this.#prefix + tokens[0] };
  }

  async authenticate(headers: Readonly<Record<string, string | readonly string[] | undefined>>) {
    const written = headers[this.#header];
    const value = typeof written === "string" ? written : written?.[0];
    const { length } = this.#prefix;
    if (value?.slice(0, length).toLowerCase() !== this.#prefix.toLowerCase()) {
      return `a token is missing: send the header "${this.#header}: ${this.#prefix}<token>"`;
    }
    const token = keyedHash(value.slice(length).trim());
    let known = false;
    for (const accepted of this.#accepted) if (timingSafeEqual(accepted, token)) known = true;
    return known ? undefined : "the token is not one of those that are accepted";
  }

  credentials() {
    if (!this.#sent) throw new Error(`${this.#host.id} has not read its token yet`);
    return this.#sent;
  }
}

/** The tokens of a file; throws what is wrong with it. */
export function tokensIn(text: string): string[] {
  const tokens: string[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    const token = line.trim();
    if (token === "") continue;
    if (!isLegal(token)) throw new Error(`line ${i + 1} holds what cannot stand in a header; write one token a line`);
    tokens.push(token);
  }
  if (tokens.length === 0) throw new Error("it holds no token; write one a line");
  if (tokens.length > MOST_TOKENS) throw new Error(`it holds more than ${MOST_TOKENS} tokens; take some out`);
  return tokens;
}

export default defineExtension({
  type: "bearertokenauth",
  summary: "Checks the bearer token of those who send to a receiver, and sends one along from an exporter.",
  stability: "beta",
  offers: ["server_auth", "client_auth"],
  config: options,
  create: (options, host) => new BearerToken(options, host),
});
