// What the two protocols have in common as servers.
import { byteSize, duration, endpoint, serverTls, z } from "vedette";
import { authOptions } from "./auth.ts";

/** The longest delay of a timer, 24 days; a longer one would be over at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** A duration option that a timer can measure. */
export const delay = () =>
  duration().refine((milliseconds) => milliseconds <= LONGEST_DELAY, {
    error: "longer than 24 days; write 0 for no limit",
  });

/** Options that both protocols have; `port` is that of the default endpoint. */
export const serverOptions = (port: number) => ({
  endpoint: endpoint().default(`127.0.0.1:${port}`).describe("Address and port to listen on; port 0 takes a free one."),
  transport: z.enum(["tcp"]).default("tcp").describe("Accepted as in the Collector; there are no others."),
  tls: serverTls().optional().describe("Transport security; absent: plaintext."),
  auth: authOptions.optional().describe("Who may send; absent: anyone who can connect."),
  include_metadata: z
    .boolean()
    .default(false)
    .describe(
      "Accepted as in the Collector, and without effect: no component of this agent reads a request's headers.",
    ),
});

/** An option for the size of a buffer, which Node chooses by itself. */
export const bufferSize = () =>
  byteSize().optional().describe("Accepted as in the Collector, and without effect: Node sizes its buffers itself.");

export interface Listener {
  readonly protocol: "grpc" | "http";
  /** Whether what is sent can be read, and who sends can be anyone. */
  readonly plaintext: boolean;
  readonly anonymous: boolean;
  /** Resolves to the endpoint with its real port; rejects with an error for the user. */
  listen(): Promise<string>;
  /** Requests in flight are answered, within STOP_GRACE; idle connections go at once, unless a successor listens already. Safe twice. */
  close(): Promise<void>;
}

/** Milliseconds. */
export const STOP_GRACE = 5000;

/** Of each server; more are turned away. */
export const MAX_CONNECTIONS = 4096;

/** Of one request. */
export const MAX_HEADER_BYTES = 16 * 1024;

/** Milliseconds for which a sender whose request is refused may go on sending it. */
export const LINGER = 1000;
