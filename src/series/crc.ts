// The CRC-32 of two pieces of a file from those of each: pieces may be read and written in any order.

/** Polynomials modulo that of CRC-32, bits reversed: the highest bit is the coefficient of x^0. */
const MODULUS = 0xedb88320;
const ONE = 0x80000000;

/** x^(2^n) for n = 0, 1, ... */
const POWERS = new Uint32Array(32);
POWERS[0] = ONE >>> 1;
for (let n = 1; n < POWERS.length; n++) POWERS[n] = product(POWERS[n - 1], POWERS[n - 1]);

function product(a: number, b: number): number {
  let sum = 0;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) sum ^= b;
    b = b & 1 ? (b >>> 1) ^ MODULUS : b >>> 1;
  }
  return sum >>> 0;
}

/** The CRC-32 of bytes with `first`, followed by `length` bytes with `second`. */
export function joinedCrc(first: number, second: number, length: number): number {
  let shift = ONE;
  // x^(8 length); from x^(2^32) on the powers repeat
  for (let n = 3, rest = length; rest > 0; n++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shift = product(POWERS[n & 31], shift);
  }
  return (product(shift, first) ^ second) >>> 0;
}
