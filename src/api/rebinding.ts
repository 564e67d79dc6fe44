// Tells pages of this machine from those of a web site whose host name was made to lead to it (DNS rebinding).
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { isLoopback } from "./endpoint.ts";

/** Whether a request over loopback names a host that a stranger may own: a browser would show him the answer. */
export function isRebound({ headers: { host = "" }, socket: { localAddress } }: IncomingMessage): boolean {
  if (!isLoopback(localAddress)) return false;
  const name = host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
  const own = name === "" || isIP(name) !== 0 || /(^|\.)localhost\.?$/.test(name) || name === hostname().toLowerCase();
  return !own;
}
