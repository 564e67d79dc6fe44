// How often a template's share claimed to be this rare: what claims so once an hour is no rarer than that.

/** Decades from which claims are counted together. */
const LEVELS = [1.4, 2, 3, 4, 6, 8, 11, 15];
/** A claim is one with those of the past that were at least this share of it. */
const ALIKE = 0.7;
/** From so many decades on an event is under way, until there was none for so many looks. */
const EVENT = 2;
const CALM = 3;
/** Looks that tell one thing, since they overlap; and as how many of them a claim is believed at first: ten days. */
const OVERLAP = 6;
const BELIEVED = 5000;
/** Looks after which what was claimed weighs less by a factor e: a week. */
const MEMORY = 20_160;

/** Of the templates of one service, by slot. */
export class Claims {
  /** Discounted: looks; and by slot and level, events. */
  looks = 0;
  events: Float64Array<ArrayBuffer> = new Float64Array(0);
  /** Of the event under way: the largest claim, and looks since there was one; of the look under way, the largest. */
  largest: Float64Array<ArrayBuffer> = new Float64Array(0);
  calm: Float64Array<ArrayBuffer> = new Float64Array(0);
  claimed: Float64Array<ArrayBuffer> = new Float64Array(0);

  grow(slots: number): void {
    this.events = grown(this.events, slots * LEVELS.length);
    this.largest = grown(this.largest, slots);
    this.calm = grown(this.calm, slots);
    this.claimed = grown(this.claimed, slots);
  }

  /** The slot is another template's. */
  clear(slot: number): void {
    this.events.fill(0, slot * LEVELS.length, (slot + 1) * LEVELS.length);
    this.largest[slot] = this.calm[slot] = this.claimed[slot] = 0;
  }

  /** What a claim of so many decades is to be believed as. Noted. */
  believed(slot: number, rarity: number): number {
    if (!(rarity > 0)) return 0;
    this.claimed[slot] = Math.max(this.claimed[slot], rarity);
    let level = -1;
    while (level + 1 < LEVELS.length && LEVELS[level + 1] <= ALIKE * rarity) level++;
    if (level < 0) return rarity;
    const events = this.events[slot * LEVELS.length + level];
    const shown = this.looks / OVERLAP + BELIEVED;
    return Math.min(rarity, Math.log10(shown / (events + BELIEVED * 10 ** -rarity)));
  }

  /** All of a look was claimed. */
  learn(slots: number): void {
    this.looks += 1 - this.looks / MEMORY;
    const keep = 1 - 1 / MEMORY;
    for (let at = 0; at < slots * LEVELS.length; at++) this.events[at] *= keep;
    for (let slot = 0; slot < slots; slot++) {
      const claimed = this.claimed[slot];
      this.claimed[slot] = 0;
      this.largest[slot] = Math.max(this.largest[slot], claimed);
      this.calm[slot] = claimed >= EVENT ? 0 : this.calm[slot] + 1;
      if (this.calm[slot] < CALM || this.largest[slot] === 0) continue;
      if (this.largest[slot] >= EVENT) this.#count(slot);
      this.largest[slot] = 0;
    }
  }

  #count(slot: number): void {
    for (const [level, least] of LEVELS.entries()) {
      if (this.largest[slot] >= least) this.events[slot * LEVELS.length + level]++;
    }
  }
}

function grown(values: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  if (values.length >= size) return values;
  const larger = new Float64Array(size);
  larger.set(values);
  return larger;
}
