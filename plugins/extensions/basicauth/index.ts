// HTTP's Basic authentication: checks who sends to a receiver, or says who an exporter is.
import { defineExtension, type Extension, type Host, watchFile } from "vedette";
import { parseHtpasswd } from "./htpasswd.ts";
import { type ClientOptions, onlyLine, options, type ServerOptions } from "./options.ts";
import { Passwords } from "./passwords.ts";

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Lets in the users of an htpasswd. */
class Server implements Extension {
  readonly #options: ServerOptions;
  readonly #host: Host;
  readonly #passwords = new Passwords();
  #file: { close(): void } | undefined;

  constructor(options: ServerOptions, host: Host) {
    this.#options = options;
    this.#host = host;
    if (options.file === undefined) this.#passwords.use(parseHtpasswd(options.inline!));
  }

  async start(): Promise<void> {
    const { file, inline = "" } = this.#options;
    if (file === undefined) return;
    this.#file = await watchFile(file, "htpasswd.file", this.#host, (text) => {
      const users = new Map([...parseHtpasswd(text), ...parseHtpasswd(inline)]);
      if (users.size === 0) throw new Error("it holds no user; write one with htpasswd -B");
      this.#passwords.use(users);
    });
  }

  async stop(): Promise<void> {
    this.#file?.close();
    await this.#passwords.close();
  }

  async authenticate(headers: Headers): Promise<string | undefined> {
    const written = headers.authorization;
    const value = (typeof written === "string" ? written : written?.[0]) ?? "";
    const encoded = /^basic +([a-z0-9+/_=-]+) *$/i.exec(value)?.[1];
    const text = encoded && Buffer.from(encoded, "base64").toString();
    const colon = text ? text.indexOf(":") : -1;
    if (!text || colon < 0)
      return 'a password is missing: send the header "authorization: Basic <base64 of name:password>"';
    const right = await this.#passwords.isRight(text.slice(0, colon), text.slice(colon + 1));
    return right ? undefined : "the user name or the password is wrong";
  }
}

/** Sends a name and a password. */
class Client implements Extension {
  readonly #options: ClientOptions;
  readonly #host: Host;
  readonly #files: { close(): void }[] = [];
  #username: string | undefined;
  #password: string | undefined;

  constructor(options: ClientOptions, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#username = options.username;
    this.#password = options.password;
  }

  async start(): Promise<void> {
    const { username_file, password_file } = this.#options;
    if (username_file !== undefined) {
      await this.#watch(username_file, "username_file", (text) => {
        this.#username = onlyLine(text, "name");
      });
    }
    if (password_file !== undefined) {
      await this.#watch(password_file, "password_file", (text) => {
        this.#password = onlyLine(text, "password");
      });
    }
  }

  async #watch(path: string, option: string, take: (text: string) => void): Promise<void> {
    this.#files.push(await watchFile(path, `client_auth.${option}`, this.#host, take));
  }

  async stop(): Promise<void> {
    for (const file of this.#files) file.close();
  }

  credentials(): Readonly<Record<string, string>> {
    if (this.#username === undefined || this.#password === undefined) {
      throw new Error(`${this.#host.id} has not read its name and password yet`);
    }
    const encoded = Buffer.from(`${this.#username}:${this.#password}`).toString("base64");
    return { authorization: `Basic ${encoded}` };
  }
}

export default defineExtension({
  type: "basicauth",
  summary: "Checks the user name and password of those who send to a receiver, or sends them from an exporter.",
  stability: "beta",
  offers: ({ htpasswd }) => [htpasswd ? "server_auth" : "client_auth"],
  config: options,
  create: ({ htpasswd, client_auth }, host) => (htpasswd ? new Server(htpasswd, host) : new Client(client_auth!, host)),
});
