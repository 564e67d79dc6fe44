// Rejection thresholds of OpenTelemetry's consistent probability sampling: a span is in the sample where its randomness is not below.

/**
 * Both are 56-bit numbers; here fractions of 2^56, with the last 3 bits left out so that a double holds them: a threshold is 1 - probability.
 * No randomness reaches 1.
 */
export const NEVER = 1;

const DIGITS = 14;
const SMALLEST = 2 ** -53;
const WHOLE = 2 ** 56;

/** The threshold to `precision` hexadecimal digits, more near 0 and 1 so that the relative error stays, as the Collector counts them. */
export function thresholdOf(probability: number, precision: number): number {
  if (probability >= 1) return 0;
  if (!(probability >= SMALLEST)) return NEVER;
  const digits = Math.min(DIGITS, precision + Math.max(leading(probability), leading(1 - probability)));
  const unit = 16 ** Math.min(digits, 13);
  return Math.min(1 - SMALLEST, Math.floor((1 - probability) * unit + 0.5) / unit);
}

/** Leading hexadecimal zeros of a fraction, or one less. */
function leading(fraction: number): number {
  return Math.floor(Math.max(0, -(Math.floor(Math.log2(fraction)) + 1)) / 4);
}

/** As in `th:`: hexadecimal without the zeros at its end. */
export function digitsOf(threshold: number): string {
  const digits = BigInt(threshold * WHOLE)
    .toString(16)
    .padStart(DIGITS, "0");
  return digits.replace(/0+$/, "") || "0";
}

/** Of 1 to 14 hexadecimal digits. */
export function fractionOf(digits: string): number {
  return Number(BigInt(`0x${digits.padEnd(DIGITS, "0")}`) & ~7n) / WHOLE;
}

/** The randomness of the trace id that starts at `at`: its last 7 bytes (W3C Trace Context Level 2). */
export function randomnessOf(bytes: Uint8Array, at: number): number {
  const high = (bytes[at + 9] << 20) | (bytes[at + 10] << 12) | (bytes[at + 11] << 4) | (bytes[at + 12] >> 4);
  const low = ((bytes[at + 12] & 15) << 24) | (bytes[at + 13] << 16) | (bytes[at + 14] << 8) | (bytes[at + 15] & 248);
  return high / 2 ** 28 + low / WHOLE;
}
