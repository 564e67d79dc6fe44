// The format of Apache's htpasswd: a user on each line, and what its password is compared with.
import { createHash } from "node:crypto";
import { sameSecret } from "vedette";

/** What is written after each user's name. */
export type Htpasswd = ReadonlyMap<string, string>;

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
/** About a second of a core. */
const HIGHEST_COST = 14;
const MOST_USERS = 10_000;

const REFUSED: readonly (readonly [prefix: RegExp, name: string])[] = [
  [/^\$apr1\$/, "$apr1$ (Apache's MD5)"],
  [/^\$1\$/, "$1$ (MD5)"],
  [/^\$5\$/, "$5$ (SHA-256 crypt)"],
  [/^\$6\$/, "$6$ (SHA-512 crypt)"],
  [/^\$|^\{/, "this kind of hash"],
];

export const isBcrypt = (hash: string): boolean => BCRYPT.test(hash);

/** Reads the lines; throws an error that names the first wrong one and holds nothing of it. The last line of a user counts. */
export function parseHtpasswd(text: string): Map<string, string> {
  const users = new Map<string, string>();
  for (const [i, whole] of text.split("\n").entries()) {
    const line = whole.trim();
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const hash = line.slice(colon + 1);
    const fault = colon < 1 || hash === "" ? "is not user:password; write it with htpasswd -B" : faultOf(hash);
    if (fault) throw new Error(`line ${i + 1} ${fault}`);
    users.set(line.slice(0, colon), hash);
  }
  if (users.size > MOST_USERS) throw new Error(`it holds more than ${MOST_USERS} users; take some out`);
  return users;
}

function faultOf(hash: string): string | undefined {
  const cost = BCRYPT.exec(hash)?.[1];
  if (cost) {
    const within = Number(cost) >= 4 && Number(cost) <= HIGHEST_COST;
    return within
      ? undefined
      : `has a bcrypt cost of ${cost}; make it anew with htpasswd -B -C 10 (4 to ${HIGHEST_COST})`;
  }
  if (/^\$2[abxy]\$/.test(hash)) return "has a damaged bcrypt hash; make it anew with htpasswd -B";
  if (hash.startsWith("{SHA}")) return digestOf(hash, 5).length === 20 ? undefined : damaged("{SHA}");
  if (hash.startsWith("{SSHA}")) return digestOf(hash, 6).length > 20 ? undefined : damaged("{SSHA}");
  const name = REFUSED.find(([prefix]) => prefix.test(hash))?.[1];
  return name && `is hashed with ${name}, which is not supported; make it anew with htpasswd -B`;
}

const damaged = (kind: string) => `has a damaged ${kind} hash; make it anew with htpasswd -B`;
const digestOf = (hash: string, start: number) => Buffer.from(hash.slice(start), "base64");
const sha1 = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha1")).digest();

/** Whether the password is the one behind a hash of any kind but bcrypt. */
export function matches(hash: string, password: string): boolean {
  if (hash.startsWith("{SHA}")) return sameSecret(digestOf(hash, 5), sha1(password));
  if (!hash.startsWith("{SSHA}")) return sameSecret(hash, password);
  const digest = digestOf(hash, 6);
  return sameSecret(digest.subarray(0, 20), sha1(password, digest.subarray(20)));
}
