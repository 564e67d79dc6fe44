// Whole numbers that are written in digits alone: told by eight of them at once.

/** In so many digits at most. */
export const MOST_DIGITS = 8;
const [ZERO, NINE] = Buffer.from("09");
const UPPER = 0xf0f0f0f0 | 0;
const DIGITS = 0x30303030;

/** The length of the whole number that is bytes[start, end), which does not begin with a zero; 0 where it is none. `view` is of the same bytes. */
export function lengthOfPlain(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  const length = end - start;
  if (length < 1 || length > MOST_DIGITS || bytes[start] <= ZERO) return 0;
  if (length >= 4) return isDigits(view.getInt32(start)) && isDigits(view.getInt32(end - 4)) ? length : 0;
  for (let p = start; p < end; p++) if (bytes[p] < ZERO || bytes[p] > NINE) return 0;
  return length;
}

/** Of four bytes: whether the upper half of each is that of a digit, and stays it when 6 is added. */
const isDigits = (four: number) => (four & UPPER) === DIGITS && ((four + 0x06060606) & UPPER) === DIGITS;
