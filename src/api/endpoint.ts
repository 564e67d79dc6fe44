// Where a server listens: reads "host:port", binds it, and says in plain words why it could not.
import { lookup } from "node:dns/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import { z } from "zod";

/** `host` is undefined for ":4317", every address of the machine. */
export interface Endpoint {
  readonly host: string | undefined;
  readonly port: number;
}

/** Reads "127.0.0.1:4317", "localhost:4317", "[::1]:0" or ":4317"; undefined when the text is no endpoint. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const part = /^(?:\[([0-9a-f:.%\w]+)\]|([^:[\]\s/]*)):(\d{1,5})$/i.exec(text);
  if (!part || Number(part[3]) > 65_535) return undefined;
  return { host: part[1] || part[2] || undefined, port: Number(part[3]) };
}

/** Whether only this machine reaches an address, given without port and brackets. */
export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(127\..*|::1|::ffff:127\..*|localhost)$/i.test(address);

/** An option type for an endpoint; it stays text once parsed. */
export const endpoint = () =>
  z.string().refine((text) => parseEndpoint(text) !== undefined, {
    error: 'not an endpoint; write host:port as in "127.0.0.1:4317", "[::1]:4317" or ":4317"',
  });

const REMEDY: Record<string, string> = {
  EADDRINUSE: "another program listens there; stop it, or choose another port",
  EADDRNOTAVAIL: "this machine has no such address; choose one that it has",
  EACCES: "it takes more rights to listen on this port; choose one above 1023",
  ENOTFOUND: "the host name is not known; write an address",
};

/** A reload binds what is new before it lets go of what was. */
const OWN_PORT =
  "this agent listens on that port itself; give each server a port of its own, and to move one to another address of the same port, start the agent anew";

/** A server's place on the network. */
export interface Listening {
  /** host:port with the real port. */
  readonly endpoint: string;
  /**
   * Takes no more connections; resolves once those there are have ended, cut after `grace` milliseconds. Where a successor took the
   * place over, open connections are still served until then, so that nobody is refused, and what is under way by then has half
   * as long again. Safe twice.
   */
  close(grace: number): Promise<void>;
}

export interface Place {
  /** Named in errors: "protocols.grpc.endpoint". */
  readonly option: string;
  /** Who listens: "otlp grpc". The same owner may listen at the same endpoint again: the newest server then gets the connections. */
  readonly owner: string;
}

/** A bound address, and the servers that share it; the last one gets the connections. */
class Shared {
  readonly listener: Server;
  readonly servers: Server[] = [];
  endpoint = "";

  constructor() {
    this.listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      const server = this.servers.at(-1);
      if (!server) return void socket.destroy();
      socket.allowHalfOpen = (server as Server & { allowHalfOpen: boolean }).allowHalfOpen;
      server.emit("connection", socket);
    });
  }
}

const places = new Map<string, Shared>();

/** Serves connections to the endpoint `text` with `server`, which is never bound itself: `server.listening` stays false. */
export async function listen(server: Server, text: string, { option, owner }: Place): Promise<Listening> {
  const key = `${owner} at ${text}`;
  let shared = places.get(key);
  if (!shared) {
    shared = new Shared();
    shared.endpoint = await bind(shared.listener, text, option);
    places.set(key, shared);
  }
  const place = shared;
  place.listener.maxConnections = server.maxConnections;
  place.servers.push(server);
  const sockets = new Set<Socket>();
  server.prependListener("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    cutOnceEnded(socket);
  });
  // Of a TLS server: the connections whose handshake is done, each over the socket with the same peer.
  const secured = new Map<string, Socket>();
  server.prependListener("secureConnection", (socket: Socket) => {
    const peer = peerOf(socket);
    secured.set(peer, socket);
    socket.once("close", () => secured.delete(peer));
    cutOnceEnded(socket);
  });
  /** Nothing was ever asked on it, so that nobody waits for an answer. */
  const unused = (socket: Socket) =>
    (server instanceof TlsServer ? (secured.get(peerOf(socket))?.bytesRead ?? 0) : socket.bytesRead) === 0;
  server.emit("listening"); // an HTTP server begins to enforce its timeouts
  let closing: Promise<void> | undefined;

  async function close(grace: number): Promise<void> {
    place.servers.splice(place.servers.indexOf(server), 1);
    const succeeded = place.servers.length > 0;
    if (succeeded) await ended(sockets, grace);
    else {
      places.delete(key);
      place.listener.close();
    }
    server.close();
    for (const socket of sockets) if (unused(socket)) socket.destroy();
    await ended(sockets, succeeded ? grace / 2 : grace);
    for (const socket of sockets) socket.destroy();
  }

  return {
    endpoint: place.endpoint,
    close(grace) {
      closing ??= close(grace);
      return closing;
    },
  };
}

/** Milliseconds that the other side has to end what this side has ended. */
const FAREWELL = 1000;

/** HTTP/2 waits without end for a peer that goes on with a connection which was closed in order: it would hold its place. */
function cutOnceEnded(socket: Socket): void {
  socket.once("finish", () => {
    const timer = setTimeout(() => socket.destroy(), FAREWELL).unref();
    socket.once("close", () => clearTimeout(timer));
  });
}

const peerOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;

/** Settles when every socket has closed, or after `longest` milliseconds. */
async function ended(sockets: ReadonlySet<Socket>, longest: number): Promise<void> {
  const all = Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))));
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, longest);
  await Promise.race([all, late.promise]);
  clearTimeout(timer);
}

/** Binds `server` and resolves to the endpoint it got. */
async function bind(server: Server, text: string, option: string): Promise<string> {
  const { host, port } = parseEndpoint(text)!;
  try {
    const address = host && (await lookup(host, { order: "ipv4first" })).address;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: address, port }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    const own = code === "EADDRINUSE" && [...places.values()].some((place) => place.endpoint.endsWith(`:${port}`));
    if (own) throw new Error(`cannot listen on ${text} (${option}): ${OWN_PORT} (${code})`, { cause: error });
    throw new Error(`cannot listen on ${text} (${option}): ${REMEDY[code] ?? message} (${code})`, { cause: error });
  }
  const bound = server.address() as AddressInfo;
  return `${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
