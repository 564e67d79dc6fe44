// The values that a field had, while they are few: hashes to recognise them, and texts for people.
/** A field of more values than this is none of few. */
const MOST = 20;
const LONGEST = 48;

export interface Value {
  /** Unix milliseconds of its first sight, and of the latest that counted. */
  readonly first: number;
  counted: number;
  /** What its coming again added to its rarity; the rarity that was tried and not raised. */
  added: number;
  tried: number;
  seen: number;
  /** "" where it is not to be told. */
  readonly text: string;
  /** Whether there were few values, seen often enough, when it came. */
  readonly novel: boolean;
}

export class Values {
  /** By hash; undefined once there were too many. */
  known: Map<number, Value> | undefined = new Map();
  /** Sights of any value. */
  total = 0;

  /** Undefined where there are too many values. `enough` sights make another value a surprise. */
  see(hash: number, time: number, enough: number, text: () => string): Value | undefined {
    const { known } = this;
    if (!known) return undefined;
    this.total++;
    let value = known.get(hash);
    if (!value) {
      if (known.size >= MOST) {
        this.known = undefined;
        return undefined;
      }
      const novel = this.total > enough;
      value = { first: time, counted: time, added: 0, tried: 0, seen: 0, text: text().slice(0, LONGEST), novel };
      known.set(hash, value);
    }
    value.seen++;
    return value;
  }

  /** The commonest, the most common first. */
  usual(most: number): string[] {
    const all = [...(this.known?.values() ?? [])].filter(({ novel, text }) => !novel && text !== "");
    return all
      .sort((a, b) => b.seen - a.seen)
      .slice(0, most)
      .map(({ text }) => text);
  }
}

/** Of the bytes: FNV-1a. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  return h;
}
