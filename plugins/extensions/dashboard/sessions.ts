// Who is logged in on the page, and who has failed to log in too often.
import { createHash, randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";

export type Role = "operator" | "reader";

/** Unix milliseconds. */
export interface Session {
  readonly role: Role;
  /** To be sent with each request that changes something. */
  readonly csrf: string;
  readonly began: number;
  used: number;
}

/** Beyond it the one used longest ago ends. */
const MOST = 256;
/** Milliseconds without use, and in all. */
const IDLE = 12 * 3_600_000;
const LONGEST = 30 * 86_400_000;

/** Failures in a minute after which an address has to wait for its end. */
const MOST_FAILURES = 10;
const MINUTE = 60_000;
const MOST_ADDRESSES = 1000;

export class Sessions {
  /** By the hash of the id, which browsers alone hold; the one used last at the end. */
  readonly #byHash = new Map<string, Session>();
  readonly #failures = new Map<string, { count: number; readonly until: number }>();

  /** A new session and its id: 256 random bits. */
  begin(role: Role, now: number): { id: string; session: Session } {
    if (this.#byHash.size >= MOST) this.#byHash.delete(this.#byHash.keys().next().value!);
    const id = randomBytes(32).toString("base64url");
    const session = { role, csrf: randomBytes(32).toString("base64url"), began: now, used: now };
    this.#byHash.set(hashOf(id), session);
    return { id, session };
  }

  find(id: string, now: number): Session | undefined {
    const hash = hashOf(id);
    const session = this.#byHash.get(hash);
    if (!session) return undefined;
    this.#byHash.delete(hash);
    if (!isAlive(session, now)) return undefined;
    session.used = now;
    this.#byHash.set(hash, session);
    return session;
  }

  /** Whether it has neither ended nor expired; one that is looked at all the time is used. */
  holds(session: Session, now: number): boolean {
    if (!isAlive(session, now) || ![...this.#byHash.values()].includes(session)) return false;
    session.used = now;
    return true;
  }

  end(id: string): void {
    this.#byHash.delete(hashOf(id));
  }

  /** Seconds that this address has to wait before it may try again; 0: none. */
  waitOf(address: string, now: number): number {
    const failures = this.#failures.get(networkOf(address));
    if (!failures || failures.until <= now || failures.count < MOST_FAILURES) return 0;
    return Math.ceil((failures.until - now) / 1000);
  }

  failed(address: string, now: number): void {
    const network = networkOf(address);
    const before = this.#failures.get(network);
    this.#failures.delete(network);
    if (this.#failures.size >= MOST_ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!);
    const going = before && before.until > now ? before : { count: 0, until: now + MINUTE };
    this.#failures.set(network, { count: going.count + 1, until: going.until });
  }
}

const isAlive = ({ began, used }: Session, now: number) => now - used < IDLE && now - began < LONGEST;

const hashOf = (id: string) => createHash("sha256").update(id).digest("base64url");

/** One machine has a whole /64 of IPv6 addresses. */
const networkOf = (address: string) =>
  isIPv6(address) && !address.startsWith("::ffff:") ? address.split(":").slice(0, 4).join(":") : address;
