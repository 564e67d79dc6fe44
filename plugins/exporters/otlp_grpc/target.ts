// What an endpoint names: the addresses to connect to, in gRPC's notation (https://github.com/grpc/grpc/blob/master/doc/naming.md).
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

export interface Target {
  /** What `:authority` says unless told otherwise. */
  readonly authority: string;
  /** Whose certificate the server has to show; undefined of a socket in the file system. */
  readonly host: string | undefined;
  /** Where it can be reached now. Rejects when its name cannot be resolved. */
  addresses(): Promise<readonly Address[]>;
}

const DEFAULT_PORT = 443;

function place(text: string): { host: string; port: number } | undefined {
  const part = /^(?:\[([^\]]+)\]|([^:]*|[0-9a-f:.%]*:[0-9a-f:.%]*:[0-9a-f:.%]*?))(?::(\d{1,5}))?$/i.exec(text);
  const host = part?.[1] ?? part?.[2];
  const port = Number(part?.[3] ?? DEFAULT_PORT);
  return host && port < 65536 ? { host, port } : undefined;
}

const written = ({ host, port }: { host: string; port: number }) =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** Undefined when the text names nothing: `dns:`, `unix:`, `ipv4:` or `ipv6:` and what follows. */
export function targetOf(text: string): Target | undefined {
  const [, scheme, rest] = /^(dns|unix|ipv4|ipv6):(.+)$/s.exec(text) ?? [];
  if (scheme === undefined) return undefined;
  if (scheme === "unix") {
    const path = rest.replace(/^\/\/(?=\/)/, "");
    return { authority: "localhost", host: undefined, addresses: async () => [{ path }] };
  }
  if (scheme === "dns") {
    // the authority of dns://authority/name is a name server, which is not asked
    const name = place(rest.replace(/^\/\/[^/]*\//, ""));
    if (!name) return undefined;
    return { authority: written(name), host: name.host, addresses: () => resolve(name) };
  }
  const places = rest.split(",").map(place);
  if (!places.every((each) => each !== undefined && isIP(each.host) === Number(scheme.slice(3)))) return undefined;
  const [first] = places as { host: string; port: number }[];
  return { authority: written(first), host: first.host, addresses: async () => places as Address[] };
}

async function resolve({ host, port }: { host: string; port: number }): Promise<Address[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => ({ host: address, port }));
}
