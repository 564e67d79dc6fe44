// Whole numbers that are written in digits alone: four of them at once.

/** In so many digits at most. */
const MOST_DIGITS = 8;
const ZEROS = 0x30303030;
/** What adds up to 128 or more with anything but a digit's value. */
const BEYOND_NINE = 0x76767676;
const TOP_BITS = 0x80808080;

/** The whole number that bytes[start, end) of the view are, -1 where they are not one to eight digits. What lies so early that less precedes it is not read. */
export function readPlain(view: DataView, start: number, end: number): number {
  const length = end - start;
  if (length < 1 || length > MOST_DIGITS || end < MOST_DIGITS) return -1;
  if (length <= 4) return digitsOf(view.getInt32(end - 4), length);
  const upper = digitsOf(view.getInt32(end - 8), length - 4);
  const lower = digitsOf(view.getInt32(end - 4), 4);
  return (upper | lower) < 0 ? -1 : upper * 10_000 + lower;
}

/** Of the last so many of four bytes; -1 where one of them is no digit. */
function digitsOf(four: number, length: number): number {
  const digits = (four ^ ZEROS) & (-1 >>> (32 - 8 * length));
  if (((digits | (digits + BEYOND_NINE)) & TOP_BITS) !== 0) return -1;
  // two and two: 10 a + b stands in the upper half, 10 c + d in the lower
  const pairs = digits + Math.imul(digits >>> 8, 10);
  return ((pairs >>> 16) & 0xff) * 100 + (pairs & 0xff);
}
