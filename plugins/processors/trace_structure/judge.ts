// Judges what callers did of late against what is usual, and lets them learn it.
import { Call, type Caller, type Learning, type Novelty, Step, type Way, young } from "./caller.ts";
import { type Change, type Changes, type Facts, keyOf, type Source, type Type } from "./changes.ts";
import type { Reader } from "./reader.ts";
import { RING } from "./share.ts";
import { accustomed, RAREST, rarityOfNew } from "./sighting.ts";

/** Below this no change is noted; below the other one it is over. */
const NOTABLE = 2;
const OVER = 1;
/** A bucket is full after so many milliseconds and spans; or after so many milliseconds with any. */
const SHORTEST = 30_000;
const FEWEST = 5;
const LONGEST = 600_000;
/** Spans that must have been learnt, and be in the ring, before shares are judged. */
const ENOUGH = 50;
const LEAST = 5;
/** The last buckets that are judged together. */
const WINDOWS = [2, RING] as const;
/** A call that fewer spans make is not missed; one that becomes so many times as frequent, and is in such a share, is news. */
const EXPECTED = 0.5;
const MORE_BY = 3;
const FREQUENT = 0.1;
/** In decades: what many looks at many calls find by chance. */
const LOOKS = 1.5;
/** A change by the inverse of this part counts in full. */
const TELLING = 1.5;
/** Of sampled traces: less than this part of what is usual is missing. */
const PART = 0.25;
/** What is rarer than this teaches nothing; it is adopted or goes by. */
const ODD = 4;
/** Half of what was learnt is forgotten in a week. */
const HALF_LIFE = 7 * 86_400_000;
/** Milliseconds after which what was new, and did not come again, is over. */
const GONE = 600_000;
/** And so many times what lay between two of them, where few came. */
const PACE = 8;
/** Of all spans that could have it, a new order or way is in such a share or it is no news; and how much less it is than a new call. */
const COMMON = 0.05;
const WEAK = 0.7;

const shareOf = (spans: number, of: number): Facts => ({
  observed: spans / of,
  expected: Number.NaN,
  lower: Number.NaN,
  upper: Number.NaN,
  spans,
  of,
  since: Number.NaN,
});

export class Judge implements Source {
  changes!: Changes;
  readonly #reader: Reader;
  readonly #learning: Learning;

  constructor(reader: Reader, learning: Learning) {
    this.#reader = reader;
    this.#learning = learning;
  }

  /** `now` is the clock, in Unix milliseconds. */
  judge(now: number): void {
    const { fresh } = this.#reader;
    if (fresh.size > 0) this.#reader.settle();
    else this.#reader.teach();
    for (const novelty of fresh) this.#new(novelty, now);
    for (const caller of this.#reader.stirred) {
      caller.stirred = false;
      if (caller.watched && !young(caller, this.#learning, now)) this.#usual(caller, now);
      this.#roll(caller, now);
    }
    this.#reader.stirred.length = 0;
  }

  #new(novelty: Novelty, now: number): void {
    const { fresh, caller, chances } = novelty;
    if (!fresh) {
      this.#reader.fresh.delete(novelty);
      return;
    }
    const within = Math.max(fresh.count, chances - fresh.after);
    const weak = !(novelty instanceof Call);
    let rarity = rarityOfNew(fresh.after, within, fresh.count, caller.habits);
    if (weak) rarity = fresh.count < COMMON * within ? 0 : WEAK * rarity;
    if (rarity < NOTABLE) {
      // what comes so seldom is no news any more
      const over = within > fresh.after || now - fresh.last > GONE;
      if (over && !this.changes.find(keyOf(this.#named(novelty)))) this.#known(novelty, now);
      return;
    }
    const { count: spans, since, traceId, spanId } = fresh;
    const facts = { ...shareOf(spans, within), expected: 0, of: fresh.after, since };
    this.changes.suspect({ ...this.#named(novelty), facts, rarity }, now, traceId, spanId);
  }

  #named(novelty: Novelty): Pick<Change, "type" | "caller" | "to" | "after" | "entry"> {
    const { caller, to } = novelty;
    if (novelty instanceof Call) return { type: "new_edge", caller, to };
    if (novelty instanceof Step) return { type: "new_path", caller, to, after: novelty.after.to };
    return { type: "new_path", caller, to, entry: (novelty as Way).entry };
  }

  #known(novelty: Novelty, now: number): void {
    const { fresh, caller } = novelty;
    novelty.fresh = undefined;
    this.#reader.fresh.delete(novelty);
    if (fresh && fresh.count > 2) caller.inure(now);
  }

  #usual(caller: Caller, now: number): void {
    const spans = WINDOWS.map((buckets) => lately(caller.recent, caller.bucket, buckets));
    for (const call of caller.calls.values()) {
      if (call.fresh) continue;
      call.odd = 0;
      if (call.share.of >= ENOUGH) {
        for (let w = 0; w < WINDOWS.length; w++) if (spans[w] >= LEAST) this.#share(call, WINDOWS[w], spans[w], now);
      }
      const many = call.counts?.excess();
      if (many && call.counts) {
        const type = call.counts.atOnce > 0 ? "fan_out" : "repeated_call";
        this.#note(type, call, many.rarity, { ...shareOf(many.spans, many.of), ...figures(many) }, now);
      }
      const again = call.retries?.excess();
      if (again)
        this.#note("retry_storm", call, again.rarity, { ...shareOf(again.spans, again.of), ...figures(again, 1) }, now);
    }
  }

  /** Of `n` spans in the last `buckets`. */
  #share(call: Call, buckets: number, n: number, now: number): void {
    const { caller, share } = call;
    const k = lately(share.recent, caller.bucket, buckets);
    const usual = share.usual;
    const rate = k / n;
    const fewer = rate < usual;
    if (
      fewer
        ? usual < EXPECTED || (this.#learning.sampled && rate > PART * usual)
        : rate < MORE_BY * usual || rate < FREQUENT
    )
      return;
    const effect = Math.abs(rate - usual) / Math.max(rate, usual);
    const surprise = Math.max(0, Math.min(RAREST, share.rarity(k, n)) - LOOKS) * Math.min(1, TELLING * effect);
    const rarity = accustomed(surprise, caller.habits);
    const spread = 2 * Math.sqrt(usual * (1 - usual) * (1 / n + share.rho));
    const lower = Math.max(0, usual - spread);
    const facts = { ...shareOf(k, n), expected: usual, lower, upper: Math.min(1, usual + spread) };
    this.#note(fewer ? "missing_edge" : "fan_out", call, rarity, facts, now);
  }

  #note(type: Type, call: Call, rarity: number, facts: Facts, now: number): void {
    call.odd = Math.max(call.odd, rarity);
    if (rarity < NOTABLE) return;
    // none of what is in the ring
    if (rarity >= ODD) call.tainted = RING;
    const { caller, to } = call;
    const change = this.changes.suspect({ type, caller, to, facts, rarity }, now);
    if (change && change.traceId === "") caller.want(change);
  }

  /** Begins a new bucket when the present one is full; what the oldest holds is learnt. */
  #roll(caller: Caller, now: number): void {
    const spans = caller.recent[caller.bucket];
    const age = now - caller.begun;
    if (age >= 0 && age < SHORTEST) return;
    if (spans === 0 || (spans < FEWEST && age >= 0 && age < LONGEST)) return;
    const bucket = (caller.bucket + 1) % RING;
    const keep = 0.5 ** (Math.max(0, age) / HALF_LIFE);
    const left = caller.recent[bucket];
    for (const call of caller.calls.values()) {
      const weight = call.tainted > 0 ? 0 : 1;
      if (call.tainted > 0) call.tainted--;
      call.share.learn(bucket, left, weight, keep);
      call.counts?.learn(bucket, weight, keep);
      call.retries?.learn(bucket, weight, keep);
    }
    caller.learnt = caller.learnt * keep + left;
    caller.habits *= keep;
    caller.recent[bucket] = 0;
    caller.bucket = bucket;
    caller.begun = now;
  }

  holds(change: Change, now: number): boolean {
    const { type, caller, to } = change;
    const novelty = this.#noveltyOf(change);
    if (type === "new_edge" || type === "new_path") {
      if (!novelty?.fresh) return false;
      const { last, count } = novelty.fresh;
      return now - last < Math.max(GONE, (PACE * (last - change.began + GONE)) / count);
    }
    return caller.calls.has(to.id) && (novelty as Call).odd >= OVER;
  }

  lastSeen(change: Change, now: number): number {
    const isNew = change.type === "new_edge" || change.type === "new_path";
    return (isNew && this.#noveltyOf(change)?.fresh?.last) || now;
  }

  #noveltyOf({ type, caller, to, after, entry }: Change): Novelty | undefined {
    if (type !== "new_path") return caller.calls.get(to.id);
    if (after) return caller.calls.get(after.id)?.next.get(to.id);
    for (const novelty of this.#reader.fresh) {
      if (novelty.caller === caller && novelty.to === to && (novelty as Way).entry === entry) return novelty;
    }
    return undefined;
  }

  ended(change: Change, adopted: boolean, told: boolean, now: number): void {
    const { type, caller } = change;
    caller.unwant(change);
    const novelty = this.#noveltyOf(change);
    if (!novelty) return;
    if (type !== "new_edge" && type !== "new_path") {
      if (adopted) adopt(novelty as Call);
      return;
    }
    if (told && !adopted) {
      // it was an incident: when it comes again it is many spans that do what few ever did, or no news
      novelty.fresh = undefined;
      this.#reader.fresh.delete(novelty);
      if (novelty instanceof Call) novelty.share.adopt(0, caller.window);
      return;
    }
    this.#known(novelty, now);
    if (novelty instanceof Call) novelty.share.adopt(novelty.window, caller.window);
  }
}

/** Sum of the last `buckets` of a ring. */
function lately(recent: readonly number[], bucket: number, buckets: number): number {
  let sum = 0;
  for (let i = 0; i < buckets; i++) sum += recent[(bucket - i + RING) % RING];
  return sum;
}

function adopt(call: Call): void {
  call.share.adopt(call.window, call.caller.window);
  call.counts?.adopt();
  call.retries?.adopt();
  call.odd = call.tainted = 0;
}

/** `less`: what was counted beside what is told. */
const figures = ({ observed, usual }: { observed: number; usual: number }, less = 0) => ({
  observed: observed - less,
  expected: usual - less,
});
