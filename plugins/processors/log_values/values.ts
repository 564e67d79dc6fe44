// The values that a field had, while they are few: hashes to recognise them, texts for people, and how surprising it is that one is new and comes again.
import { betaBinomialAbove } from "vedette/counts";

/** A field of more values than this is none of few. */
const MOST = 20;
const LONGEST = 48;
/** Sights of a value within so long are one look. Milliseconds. */
const APART = 10_000;
/** Looks after which another value is a surprise. */
const ENOUGH = 100;
/** A value is new for so long; what its coming again is worth at most, in decades. */
const WATCHED = 3_600_000;
const MOST_ADDED = 8;
/** It has come to stay when its coming again is worth so much. */
const STAYS = 2;
/** A field that values came into to stay so often within so long gets them now and then: versions, names of instances. Those within minutes are one. */
const OFTEN = 3;
/** So many of the values that it got in the newer half of its looks came again: then so does the next. */
const LATE = 2;
const AGAIN = 3;
const TOGETHER = 600_000;
const LONG = 14 * 86_400_000;

export interface Value {
  /** Unix milliseconds of its first sight. */
  readonly first: number;
  /** "" where it is not to be told. */
  text: string;
  /** Whether it came when the values of the field were known, an hour ago at most. */
  isNew: boolean;
  /** Looks at the field, and sights of any value, before it came. */
  readonly looks: number;
  readonly before: number;
  /** Looks that showed it; the number of the latest, which is its time. */
  shown: number;
  look: number;
  /** The latest look that it was judged at. */
  judged: number;
  /** Sights. */
  seen: number;
  /** How rare it was that something new came, in decades; the rarity that was tried and not raised. */
  base: number;
  tried: number;
  /** Whether it is part of something that was told. */
  isPart: boolean;
}

/** The number of the look that a time is in; times are Unix milliseconds, by the clock. */
export const lookOf = (now: number) => Math.floor(now / APART);

export class Values {
  /** By hash; undefined once there were too many. */
  known: Map<number, Value> | undefined = new Map();
  /** Looks, and the number of the latest. */
  looks = 0;
  look = Number.NaN;
  /** Sights of any value. */
  total = 0;
  /** When a value came to stay that was new, the oldest first. */
  stayed: number[] = [];

  /** What is known of a value that is seen now; undefined where it was never seen. `look` is that of now. */
  see(hash: number, look: number): Value | undefined {
    if (look !== this.look) {
      this.look = look;
      this.looks++;
    }
    this.total++;
    const value = this.known?.get(hash);
    if (value === undefined) return undefined;
    value.seen++;
    if (look !== value.look) {
      value.look = look;
      value.shown++;
    }
    return value;
  }

  /** So many more sights of a value that is known, in so many more looks, the latest of which is `look`; no other was seen in these. */
  repeat(hash: number, count: number, looks: number, look: number): void {
    this.total += count;
    const value = this.known?.get(hash);
    if (value) value.seen += count;
    if (looks === 0) return;
    this.looks += looks;
    this.look = look;
    if (!value) return;
    value.shown += looks;
    value.look = look;
  }

  /** A value that was just seen for the first time; undefined where there are too many. `now` is in Unix milliseconds, by the clock. */
  add(hash: number, now: number, text: string): Value | undefined {
    const { known, look, total } = this;
    if (!known) return undefined;
    if (known.size >= MOST) {
      this.known = undefined;
      return undefined;
    }
    const looks = this.looks - 1;
    const short = text.slice(0, LONGEST);
    const counts = {
      looks,
      before: total - 1,
      shown: 1,
      look,
      judged: look,
      seen: 1,
      base: 0,
      tried: 0,
      isPart: false,
    };
    const value = { first: now, text: short, isNew: looks >= ENOUGH, ...counts };
    known.set(hash, value);
    return value;
  }

  /**
   * How surprising a value that is new has become, in decades; 0 where that is no news. That something new came is worth `base`; that it came again so soon is
   * judged by the share of looks that it can have had, of which it was not seen in all before: a beta distribution, as of a discovery in a Dirichlet process.
   */
  surprise(value: Value, now: number): number {
    if (now - value.first > WATCHED || now < value.first) value.isNew = false;
    if (!value.isNew) return 0;
    const { looks, shown, base } = value;
    const since = this.looks - looks - 1;
    const added = Math.min(MOST_ADDED, betaBinomialAbove(shown - 1, since, 1 / (looks + 1), 1 / (looks + 2)));
    if (added >= STAYS && !(value.first - this.stayed[this.stayed.length - 1] < TOGETHER)) {
      this.stayed.push(value.first);
      if (this.stayed.length > OFTEN) this.stayed.shift();
    }
    const isUsual = this.stayed.length === OFTEN && now - this.stayed[0] < LONG;
    return isUsual || this.#late(value) >= LATE ? 0 : base + added;
  }

  /** Values that came in the newer half of the looks before this one, and came again. */
  #late(value: Value): number {
    let count = 0;
    for (const { looks, shown } of this.known?.values() ?? []) {
      if (looks >= value.looks / 2 && looks < value.looks && shown >= AGAIN) count++;
    }
    return count;
  }

  /** The commonest, the most common first. */
  usual(most: number): string[] {
    const all = [...(this.known?.values() ?? [])].filter(({ isNew, text }) => !isNew && text !== "");
    return all
      .sort((a, b) => b.seen - a.seen)
      .slice(0, most)
      .map(({ text }) => text);
  }

  /** Forgets what they were. */
  hide(): void {
    for (const value of this.known?.values() ?? []) value.text = "";
  }
}

/** Of the bytes: FNV-1a. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  return h;
}
