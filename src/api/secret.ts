// Comparing secrets in a time that says nothing about them.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const KEY = randomBytes(32);

/** 32 bytes that stand for `text` in this process only: for comparisons, and for caches of what must not be kept. */
export const keyedHash = (text: string | Uint8Array): Buffer => createHmac("sha256", KEY).update(text).digest();

/** Whether both are the same; how long it takes depends on their lengths, not on what they hold. */
export const sameSecret = (a: string | Uint8Array, b: string | Uint8Array): boolean =>
  timingSafeEqual(keyedHash(a), keyedHash(b));
