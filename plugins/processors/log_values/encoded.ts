// Numbers and truth values of a key-value list body, which are not written as text: an AnyValue begins where their empty range is.

/** KeyValue { AnyValue value = 2 }; AnyValue { bool = 2; int = 3; double = 4 }. */
const VALUE = 0x12;
const [TRUTH, WHOLE, DOUBLE] = [0x10, 0x18, 0x21];
const LENGTH_OF_DOUBLE = 9;
const LONGEST_WHOLE = 11;

const double = new Float64Array(1);
const bytesOfDouble = new Uint8Array(double.buffer);

/** Where the value ends that begins at the empty range at `start`; `start` where there is none, as for a text without a letter. */
export function endOfEncoded(bytes: Uint8Array, start: number): number {
  if (start < 2 || bytes[start - 2] !== VALUE) return start;
  const length = bytes[start - 1];
  const end = start + length;
  const type = bytes[start];
  if (type === DOUBLE) return length === LENGTH_OF_DOUBLE ? end : start;
  if ((type !== WHOLE && type !== TRUTH) || length < 2 || length > LONGEST_WHOLE) return start;
  for (let p = start + 1; p < end - 1; p++) if (bytes[p] < 0x80) return start;
  return bytes[end - 1] < 0x80 ? end : start;
}

/** The number in bytes[start, end), which `endOfEncoded` found; NaN where it is no number. */
export function readEncoded(bytes: Uint8Array, start: number, end: number): number {
  const type = bytes[start];
  if (type === DOUBLE) {
    for (let i = 0; i < 8; i++) bytesOfDouble[i] = bytes[start + 1 + i];
    return Number.isFinite(double[0]) ? double[0] : Number.NaN;
  }
  if (type !== WHOLE) return Number.NaN;
  // what is negative has all ten bytes: the bits of what is one less than its size, turned over
  const isNegative = end - start === LONGEST_WHOLE;
  const turned = isNegative ? 127 : 0;
  let value = 0;
  let factor = 1;
  for (let p = start + 1; p < end && p < start + 10; p++, factor *= 128) value += ((bytes[p] & 127) ^ turned) * factor;
  return isNegative ? -value - 1 : value;
}

/** For people. */
export function textOfEncoded(bytes: Uint8Array, start: number, end: number): string {
  if (bytes[start] === TRUTH) return String(bytes[start + 1] !== 0);
  return String(readEncoded(bytes, start, end));
}
