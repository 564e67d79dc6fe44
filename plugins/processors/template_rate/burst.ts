// Sudden bursts of what is rare, as most templates are: minutes with records, and how many they have, against those before.
import type { StateOf } from "vedette";

/** Minutes that a series is watched, and minutes with records of it, before it is judged. */
const WARM = 30;
const ENOUGH = 5;
/** Of what has records in more than this share of the minutes the rate says enough. */
const RARE = 0.7;
/** Minutes that this share, and minutes with records that their size, is remembered for. */
const MEMORY = 1440;
const SIZES = 50;
/** From so many times the usual size on a minute surprises, by a factor e with each so many times it more; and what it takes from the sum. */
const LARGE = 2;
const TAIL = 1.5;
const FADES = 0.4;
/** What has records in a smaller share of the minutes is watched for having them in so large a share: no daily course does that. */
const SELDOM = 0.05;
const MOSTLY = 0.8;
/** Share of the minutes after one with records that has some too, as believed at first, and the minutes behind that; never more than the last. */
const AFTER = 0.3;
const AFTER_PRIOR = 5;
const AFTER_MEMORY = 100;
const AFTER_MOST = 0.7;
/** A minute is learnt as one of so many times the usual size at most; and from this sum on none is, for so many minutes. */
const LEARNT = 3;
const OPENS = 4;
const LONGEST = 60;
const MOST = 15;
const MOST_RECORDS = 1e9;
/** Of several ways to be surprised; runs begin anew all the time. */
const LOOKS = 0.5;
const LOOKS_OFTEN = 1;

export const BURST_STATE = {
  /** Records of the minute under way; minutes watched; the share of them with records; how many those are, and their mean size. */
  burstCount: "f32",
  burstMinutes: "f32",
  burstShare: "f32",
  /** Whether the last minute had some; minutes after such a one, discounted, and those of them with records. */
  burstBusy: "u8",
  burstNext: "f32",
  burstAfter: "f32",
  burstSizes: "f32",
  burstSize: "f32",
  /** Sums of what sizes, and what minutes with records, say, in decades; minutes for which they have been large. */
  burstLarge: "f32",
  burstOften: "f32",
  burstOpen: "u8",
  /** Of the run of such minutes under way: how many, and records in them. */
  burstRun: "u8",
  burstCame: "f32",
} as const;

export type BurstState = StateOf<typeof BURST_STATE>;

/** What was found of the minute that ended: rarity 0 where nothing is, or none ended. In records a minute, of the last so many. */
export const burst = { rarity: 0, observed: 0, expected: 0, minutes: 1 };

/**
 * Takes an interval of y records, the last of its minute where `ends`, and fills `burst`: by cumulative sums (Page 1954) of the tail of sizes, taken for
 * exponential, and, where it may be `seldom`, of log-likelihood ratios of minutes with records, which come in runs as they usually do.
 */
export function judgeBurst(state: BurstState, s: number, y: number, ends: boolean, seldom: boolean): void {
  const { burstCount, burstMinutes, burstShare, burstSizes, burstSize, burstLarge, burstOften, burstOpen } = state;
  const { burstRun, burstCame } = state;
  burst.rarity = 0;
  if (y > 0) burstCount[s] += Math.min(y, MOST_RECORDS);
  if (!ends) return;
  const count = burstCount[s];
  burstCount[s] = 0;
  const minutes = Math.min(MEMORY, burstMinutes[s]);
  const share = (burstShare[s] * minutes + 1) / (minutes + 2);
  const size = Math.max(1, burstSize[s]);
  const known = burstMinutes[s] >= WARM && burstSizes[s] >= ENOUGH && share < RARE;
  if (known) {
    const excess = Math.max(0, (count - LARGE * size) / (TAIL * size)) * Math.LOG10E;
    const often = oftenness(state, s, share, count > 0);
    burstLarge[s] = Math.min(MOST, Math.max(0, burstLarge[s] + excess - FADES));
    burstOften[s] = seldom && share < SELDOM ? Math.min(MOST, Math.max(0, burstOften[s] + often)) : 0;
    burstRun[s] = burstOften[s] > 0 ? Math.min(LONGEST, burstRun[s] + 1) : 0;
    burstCame[s] = burstOften[s] > 0 ? Math.min(MOST_RECORDS, burstCame[s] + count) : 0;
    const large = excess > 0 ? burstLarge[s] - Math.log10(share) : 0;
    const run = burstOften[s] - LOOKS_OFTEN;
    burst.rarity = count > 0 ? Math.max(0, large - LOOKS, run) : 0;
    burst.minutes = run > large - LOOKS ? burstRun[s] : 1;
    burst.observed = run > large - LOOKS ? burstCame[s] / burstRun[s] : count;
    burst.expected = share * size;
  }
  const wasBusy = state.burstBusy[s];
  state.burstBusy[s] = count > 0 ? 1 : 0;
  const open = Math.max(burstLarge[s], burstOften[s]) >= OPENS;
  if (open && burstOpen[s] < LONGEST) {
    burstOpen[s]++;
    return;
  }
  burstOpen[s] = 0;
  // what lasts is usual
  if (open) burstLarge[s] = burstOften[s] = 0;
  burstMinutes[s]++;
  if (wasBusy === 1) {
    state.burstNext[s] += 1 - state.burstNext[s] / AFTER_MEMORY;
    state.burstAfter[s] += (count > 0 ? 1 : 0) - state.burstAfter[s] / AFTER_MEMORY;
  }
  burstShare[s] += ((count > 0 ? 1 : 0) - burstShare[s]) / Math.min(MEMORY, burstMinutes[s]);
  if (count === 0) return;
  burstSizes[s]++;
  const learnt = known ? Math.min(count, LEARNT * (size + 1)) : count;
  burstSize[s] += (learnt - burstSize[s]) / Math.min(SIZES, burstSizes[s]);
}

/** What a minute with records, or without, says for most minutes having them, in decades: of a chain of minutes that remembers the last one. */
function oftenness({ burstBusy, burstNext, burstAfter }: BurstState, s: number, share: number, busy: boolean): number {
  const after = (burstAfter[s] + AFTER_PRIOR * AFTER) / (burstNext[s] + AFTER_PRIOR);
  const usual = burstBusy[s] === 1 ? Math.min(AFTER_MOST, Math.max(share, after)) : share;
  return Math.log10(busy ? MOSTLY / usual : (1 - MOSTLY) / (1 - usual));
}
