// The values that a series has shown, as a set of 512 bits over a range that doubles when a value lies outside.

const BITS = 512;
/** Entries of 32 bits that a set takes. */
export const WORDS = BITS / 32;

/** Columns of all series. The range of one is [low, low + 512 width); width 0 means that it has shown one value only: low. */
export interface SeenValues {
  readonly seen: Uint32Array;
  readonly low: Float64Array;
  readonly width: Float64Array;
  /** Smallest and largest value shown, as far as the range has grown to hold them. */
  readonly least: Float64Array;
  readonly most: Float64Array;
}

export function begin({ low, least, most }: SeenValues, s: number, v: number): void {
  low[s] = least[s] = most[s] = v;
}

/**
 * Marks v. The number of bits from its own to the nearest that was marked before, and the sign of the direction in which that
 * one lies; 0 for a value seen before. The range doubles at most once a call, so that one wild value does not make all
 * others one.
 */
export function mark(values: SeenValues, s: number, v: number): number {
  const { seen, low, width, least, most } = values;
  const at = s * WORDS;
  if (width[s] === 0) {
    const only = low[s];
    const apart = Math.abs(v - only);
    if (apart / BITS === 0) return 0;
    width[s] = (2 * apart) / BITS;
    low[s] = Math.min(v, only) - apart / 2;
    set(seen, at, binOf(only, low[s], width[s]));
  }
  if (v < low[s]) {
    halveUp(seen, at);
    low[s] -= BITS * width[s];
    width[s] *= 2;
  } else if (v >= low[s] + BITS * width[s]) {
    halveDown(seen, at);
    width[s] *= 2;
  }
  const end = low[s] + (BITS - 0.5) * width[s];
  const within = v < low[s] ? low[s] : v > end ? end : v;
  if (within < least[s]) least[s] = within;
  if (within > most[s]) most[s] = within;
  const bin = binOf(within, low[s], width[s]);
  const steps = nearest(seen, at, bin);
  set(seen, at, bin);
  return steps;
}

function binOf(v: number, low: number, width: number): number {
  const bin = Math.floor((v - low) / width);
  return bin < 0 ? 0 : bin < BITS ? bin : BITS - 1;
}

function set(seen: Uint32Array, at: number, bin: number): void {
  seen[at + (bin >> 5)] |= 1 << (bin & 31);
}

/** Of each two bits one, in the low half of the word. */
function paired(word: number): number {
  let x = (word | (word >>> 1)) & 0x55555555;
  x = (x | (x >>> 1)) & 0x33333333;
  x = (x | (x >>> 2)) & 0x0f0f0f0f;
  x = (x | (x >>> 4)) & 0x00ff00ff;
  return (x | (x >>> 8)) & 0xffff;
}

/** What was the whole range becomes the lower half of it. */
function halveDown(seen: Uint32Array, at: number): void {
  for (let w = 0; w < WORDS / 2; w++) {
    seen[at + w] = paired(seen[at + 2 * w]) | (paired(seen[at + 2 * w + 1]) << 16);
  }
  seen.fill(0, at + WORDS / 2, at + WORDS);
}

/** What was the whole range becomes the upper half of it. */
function halveUp(seen: Uint32Array, at: number): void {
  for (let w = WORDS / 2 - 1; w >= 0; w--) {
    seen[at + WORDS / 2 + w] = paired(seen[at + 2 * w]) | (paired(seen[at + 2 * w + 1]) << 16);
  }
  seen.fill(0, at, at + WORDS / 2);
}

/** Bits from `bin` to the nearest marked one, negative where that lies below; 0 when it is marked itself or none is. */
function nearest(seen: Uint32Array, at: number, bin: number): number {
  const home = bin >> 5;
  let word = home;
  let bits = seen[at + word] & (-1 << (bin & 31));
  while (bits === 0 && ++word < WORDS) bits = seen[at + word];
  const up = bits === 0 ? BITS : (word << 5) + 31 - Math.clz32(bits & -bits) - bin;
  if (up === 0) return 0;
  word = home;
  bits = seen[at + word] & ((1 << (bin & 31)) - 1);
  while (bits === 0 && --word >= 0) bits = seen[at + word];
  const down = bits === 0 ? BITS : bin - ((word << 5) + 31 - Math.clz32(bits));
  return up < down ? up : down < BITS ? -down : 0;
}
