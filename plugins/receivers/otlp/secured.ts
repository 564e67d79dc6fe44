// TLS on a server of the receiver: its options for node:tls, certificates that are renewed while it runs, failed handshakes told.
import type { Server, TLSSocket } from "node:tls";
import { Certificates, type Host, type ServerTls } from "vedette";
import type { Intake } from "./intake.ts";

/** Milliseconds; `limit` shortens it where it is less and not 0. */
const LONGEST_HANDSHAKE = 10_000;

export class Secured {
  readonly #certificates: Certificates;
  readonly #intake: Intake;
  /** For `createServer` and `createSecureServer`. */
  readonly serverOptions: { handshakeTimeout: number; requestCert: boolean; rejectUnauthorized: true };

  /** `option` is where `tls` stands, `limit` the milliseconds for which a sender may keep us waiting, 0 for any. */
  constructor(tls: ServerTls, option: string, limit: number, intake: Intake, host: Host) {
    this.#certificates = new Certificates(tls, option, host);
    this.#intake = intake;
    this.serverOptions = {
      handshakeTimeout: Math.min(LONGEST_HANDSHAKE, limit || LONGEST_HANDSHAKE),
      requestCert: Boolean(tls.client_ca_file),
      rejectUnauthorized: true,
    };
  }

  /** Gives `server` its certificate, and each that follows; connections that there are go on with theirs. */
  async begin(server: Server): Promise<void> {
    server.setSecureContext(await this.#certificates.load());
    this.#certificates.watch((context) => server.setSecureContext(context));
    server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      // Its address is gone once it is closed.
      const from = socket.remoteAddress;
      const cause = socket.authorizationError ?? error.code ?? error.message;
      this.#intake.complain("warn", "a TLS handshake failed", { cause: String(cause), from });
      socket.destroy();
    });
  }

  close(): void {
    this.#certificates.close();
  }
}
