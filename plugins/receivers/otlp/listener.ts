// What the two protocols have in common as servers.
import { duration } from "vedette";

/** The longest delay of a timer, 24 days; a longer one would be over at once. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** A duration option that a timer can measure. */
export const delay = () =>
  duration().refine((milliseconds) => milliseconds <= LONGEST_DELAY, {
    error: "longer than 24 days; write 0 for no limit",
  });

export interface Listener {
  readonly protocol: "grpc" | "http";
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
