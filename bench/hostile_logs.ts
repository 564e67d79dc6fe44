// Log records that were made to cost as much as they can.
import { seededRandom } from "../src/testing/fake_host.ts";
import { requestOf, requestOfBytes, type Scanned } from "./drained.ts";

const MIB = 2 ** 20;
const random = seededRandom(7);
const letters = (length: number) =>
  Array.from({ length }, () => "abcdefghijklmnopqrstuvwxyz"[Math.floor(random() * 26)]).join("");
const noise = (length: number) => Uint8Array.from({ length }, () => 32 + Math.floor(random() * 224));
const nested = (depth: number): string => `${'{"key":'.repeat(depth)}1${"}".repeat(depth)}`;
const wide = (keys: number) => Object.fromEntries(Array.from({ length: keys }, () => [letters(8), letters(8)]));
const many = (count: number, body: () => string): Scanned[] =>
  Array.from({ length: count / 1000 }, () => requestOf(Array.from({ length: 1000 }, body)));

/** Requests by what is in them. */
export const HOSTILE: readonly (readonly [name: string, make: (smoke: boolean) => Scanned[]])[] = [
  ["a line of 1 MiB, words", () => [requestOf(["some words ".repeat(MIB / 11)])]],
  ["a line of 1 MiB, one word", () => [requestOf(["x".repeat(MIB)])]],
  ["a line of 1 MiB, brackets", () => [requestOf(["a=(".repeat(MIB / 3)])]],
  ["a line of 1 MiB, quotes that never end", () => [requestOf([`k="${"a ".repeat(100)}`.repeat(MIB / 204)])]],
  ["1 MiB of JSON, one value", () => [requestOf([`{"msg":"hello","v":"${"x".repeat(MIB)}"}`])]],
  ["1 MiB of JSON, nested 100,000 deep", () => [requestOf([nested(100_000)])]],
  ["1 MiB of JSON, 50,000 keys", () => [requestOf([JSON.stringify(wide(50_000))])]],
  ["1 MiB of JSON, cut", () => [requestOf([`{"a":"${'\\"'.repeat(MIB / 2)}`])]],
  ["a map of 20,000 keys", () => [requestOf([wide(20_000)])]],
  ["1 MiB of logfmt", () => [requestOf(["key=value ".repeat(MIB / 10)])]],
  ["1 MiB of stack", () => [requestOf([`boom\n${"\tat a.b.C.d(C.java:1)\n".repeat(MIB / 23)}`])]],
  ["1 MiB of bytes as a bytes body", () => [requestOf([noise(MIB)])]],
  ["1 MiB of noise as text, no UTF-8", () => [requestOfBytes(noise(MIB))]],
  [
    "lines of noise, 200 bytes each",
    (smoke) => many(smoke ? 1000 : 100_000, () => Buffer.from(noise(200)).toString("latin1")),
  ],
  [
    "lines of random words, 200 bytes each",
    (smoke) => many(smoke ? 1000 : 100_000, () => Array.from({ length: 25 }, () => letters(7)).join(" ")),
  ],
  [
    "a million distinct words, one a line",
    (smoke) => many(smoke ? 1000 : 1_000_000, () => `user went to ${letters(12)} again`),
  ],
  [
    "a million distinct values of a key",
    (smoke) => many(smoke ? 1000 : 1_000_000, () => `done status=${letters(12)} ok`),
  ],
  ["a million distinct keys", (smoke) => many(smoke ? 1000 : 1_000_000, () => `{"${letters(12)}":1,"msg":"hello"}`)],
];
