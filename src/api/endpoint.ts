// Where a server listens: reads "host:port", binds it, and says in plain words why it could not.
import { lookup } from "node:dns/promises";
import type { AddressInfo, Server } from "node:net";
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

/** Binds `server` and resolves to the endpoint it got, with the real port. `option` is named in the error. */
export async function listen(server: Server, text: string, option: string): Promise<string> {
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
    throw new Error(`cannot listen on ${text} (${option}): ${REMEDY[code] ?? message} (${code})`, { cause: error });
  }
  const bound = server.address() as AddressInfo;
  return `${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`;
}
