// Which file keeps the records of a name.
import { createHash } from "node:crypto";

/** What file systems allow is 255 bytes; the rest is for suffixes. */
const LONGEST = 180;

/**
 * A name for a file that no other name maps to, also where upper and lower case are the same: what is not a lower-case
 * letter, digit, "-" or "_" is written as "~" and its byte in hex; what is then too long ends in its hash.
 */
export function fileNameOf(name: string): string {
  const safe = name.replace(/[^a-z0-9_-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `~${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  if (safe.length <= LONGEST) return `${safe}.db`;
  return `${safe.slice(0, LONGEST - 65)}~~${createHash("sha256").update(name).digest("hex")}.db`;
}
