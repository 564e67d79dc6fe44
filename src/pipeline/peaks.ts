// How often clusters of surprises reach which rarity, over all series of a detector, and the line that follows from it and from a budget.

const MINUTE = 60_000;
const HOUR = 3_600_000;
export const DAY = 86_400_000;

/** Rarity from which a row opens a cluster, and the lowest that the line can lie. */
export const LOW = 1.5;
/** The highest, where rarity orders nothing any more. */
const RAREST = 40;
/** Peaks are counted in cells of 1/64 decade. */
const PER_DECADE = 64;
const CELLS = RAREST * PER_DECADE;
const LOWEST = LOW * PER_DECADE;

/**
 * Peaks whose number and mean excess give the line, where the budget itself does not ask for more; so many times more, farther
 * down, say what mean excess is usual here; and how many peaks what is usual, or honest, is worth.
 */
const ENOUGH = 10;
const WIDER = 4;
const PRIOR = 4;
/** What a peak of honest rarity exceeds any level by in the mean: it falls off by ten a decade. */
const HONEST = Math.LOG10E * PER_DECADE;
/** A peak counts as at most so far beyond the level: an incident says nothing of how the tail falls off. */
const FARTHEST = 4 * PER_DECADE;
/** Beyond what was measured tails are drawn so much longer than it, since those of real scores mostly are. */
const CAUTION = 1.2;
/** Clusters that honest rarity is worth while next to none were seen. */
const FIRST = 3;

/** Told and asked are compared as if so many more had been both, and one may make up for the other by this factor at most. */
const PATIENCE = 3;
const MAKE_UP = 2;
/**
 * What a day may tell can be told in the first hour, up to so many, since who tries an agent looks at once; later days make up
 * for it. The line is lowered for it no further than to this rarity.
 */
const LENT = 5;
const LENT_FROM = 3.5;
/** The line is drawn at most so many times as high as it would lie if all rarity were honest. */
const HIGHEST = 4;

/** Half-life of the counts: that of so many false alarms, within bounds; while young, this share of the age of the line. */
const MEMORY = 7;
const SHORTEST = 2 * DAY;
const LONGEST = 90 * DAY;
const YOUNG = 0.5;
/** Share of what is remembered that may come until the line is drawn anew. */
const STEP = 1 / 64;

/**
 * Told clusters that begin within GAP of the one before, in whatever series, are one bunch and count as one. A bunch lasts no
 * longer than LONGEST_BUNCH, nor than this share of the time that a false alarm is given.
 */
const GAP = 10 * MINUTE;
const LONGEST_BUNCH = HOUR;
const BUNCH_SHARE = 0.05;

/** So many more rows further than a day from the clock than rows near it, and the clock is set by them. */
const STRAYS = 64;

export const PEAKS_SHAPE = { counts: ["f64", CELLS, "shared"], numbers: ["f64", 16, "shared"] } as const;

// The shared numbers; times in milliseconds. Elapsed time, rows and bunches are forgotten as the counts are.
export const CLOCK = 0;
export const STRAYED = 1;
const AGE = 2;
const ELAPSED = 3;
const ROWS = 4;
/** Rows since the first surprise, and whether there was one: what came before was warming. */
const JUDGED = 5;
const OPENED = 13;
/** Since the line was last drawn, and not in the others yet; and so many rows after which it is drawn anew. */
const NEW_TIME = 6;
const NEW_ROWS = 7;
const NEXT_ROWS = 14;
const BUNCH_BEGAN = 8;
const BUNCH_LAST = 9;
const BUNCHES = 10;
/** Rarity where the line lies, and the budget that it was drawn for. */
export const LINE = 11;
export const BUDGET = 12;
/** Bunches ever. */
const TOLD = 15;

export interface Peaks {
  readonly counts: Float64Array;
  readonly numbers: Float64Array;
}

/** The cell that a peak of this rarity is counted in; 0 is none. */
export function cellOf(rarity: number): number {
  const cell = Math.floor(rarity * PER_DECADE);
  return cell < CELLS ? cell : CELLS - 1;
}

/** Lets event time go on, never back. A day without rows or more is no time in which something could have been told. */
export function tick(numbers: Float64Array, time: number): void {
  const step = time - numbers[CLOCK];
  if (step >= -DAY && step <= DAY) {
    if (numbers[STRAYED] > 0) numbers[STRAYED]--;
    if (step <= 0) return;
    numbers[CLOCK] = time;
    numbers[AGE] += step;
    numbers[ELAPSED] += step;
    numbers[NEW_TIME] += step;
  } else if (Number.isFinite(step) && (numbers[CLOCK] === 0 || ++numbers[STRAYED] >= STRAYS)) {
    numbers[CLOCK] = time;
    numbers[STRAYED] = 0;
  }
}

/** Counts rows that were judged. Whether it is time to draw the line anew. */
export function pass(numbers: Float64Array, rows: number): boolean {
  numbers[NEW_ROWS] += rows;
  return numbers[NEW_ROWS] > numbers[NEXT_ROWS] || numbers[NEW_TIME] > STEP * numbers[ELAPSED];
}

/** A row opens a cluster. */
export function open(numbers: Float64Array): void {
  if (numbers[OPENED] === 1) return;
  numbers[OPENED] = 1;
  numbers[JUDGED] = 1 - numbers[NEW_ROWS];
}

/** Whether a cluster that is told now is the first of its bunch; `budget` is in clusters a millisecond, here and below. */
export function opensBunch(numbers: Float64Array, budget: number): boolean {
  const now = numbers[CLOCK];
  const longest = Math.min(LONGEST_BUNCH, BUNCH_SHARE / budget);
  const since = now - numbers[BUNCH_LAST];
  const follows = since >= 0 && since < Math.min(GAP, longest) && now - numbers[BUNCH_BEGAN] < longest;
  numbers[BUNCH_LAST] = now;
  if (follows) return false;
  numbers[BUNCH_BEGAN] = now;
  numbers[BUNCHES]++;
  numbers[TOLD]++;
  return true;
}

/** Forgets by the time that has passed, and draws the line. */
export function redraw(peaks: Peaks, budget: number): void {
  const { numbers, counts } = peaks;
  const lasting = Math.min(LONGEST, Math.max(SHORTEST, MEMORY / budget));
  const memory = Math.min(lasting, Math.max(HOUR, YOUNG * numbers[AGE]));
  const kept = 2 ** (-numbers[NEW_TIME] / memory);
  for (let cell = LOWEST; cell < CELLS; cell++) counts[cell] *= kept;
  numbers[ELAPSED] *= kept;
  numbers[BUNCHES] *= kept;
  numbers[ROWS] = (numbers[ROWS] + numbers[NEW_ROWS]) * kept;
  numbers[JUDGED] = (numbers[JUDGED] + numbers[NEW_ROWS]) * kept;
  numbers[NEW_TIME] = 0;
  numbers[NEW_ROWS] = 0;
  numbers[NEXT_ROWS] = STEP * numbers[ROWS] + 1;
  draw(peaks, budget);
}

/**
 * From the highest level that enough peaks reached: how often it was reached, and on from there as these peaks fall off, by
 * the mean of their excesses (peaks over threshold) shrunk to that of honest rarity. What was told too often or too seldom of
 * late moves it a little further.
 */
export function draw({ numbers, counts }: Peaks, budget: number): void {
  const elapsed = Math.max(numbers[ELAPSED], MINUTE);
  const asked = budget * numbers[ELAPSED];
  const wanted = Math.max(ENOUGH, asked);
  let level = CELLS;
  let peaks = 0;
  while (level > LOWEST && peaks < wanted) peaks += counts[--level];
  let wide = level;
  let many = peaks;
  while (wide > LOWEST && many < WIDER * wanted) many += counts[--wide];
  const usual = meanExcess(counts, wide, many, HONEST);
  const excess = CAUTION * meanExcess(counts, level, peaks, usual);
  const rows = Math.max(1, numbers[ROWS]) / elapsed;
  const judged = numbers[OPENED] * numbers[JUDGED];
  const share = (peaks + FIRST) / (judged + FIRST * 10 ** LOW);
  const rate = peaks >= wanted ? peaks / elapsed : share * rows;
  const owed = (asked + PATIENCE) / (numbers[BUNCHES] + PATIENCE);
  const due = budget * Math.min(MAKE_UP, Math.max(1 / MAKE_UP, owed));
  const drawn = (level + excess * Math.log(rate / due)) / PER_DECADE;
  const left = budget * numbers[AGE] + Math.min(LENT, budget * DAY) - numbers[TOLD];
  const soon = left / Math.max(HOUR, numbers[AGE]);
  const lent = soon > due ? (level + excess * Math.log(rate / soon)) / PER_DECADE : RAREST;
  const highest = HIGHEST * Math.max(2, Math.log10(rows / budget));
  numbers[LINE] = Math.max(LOW, Math.min(drawn, Math.max(lent, LENT_FROM), highest));
  numbers[BUDGET] = budget;
}

/** In cells, of so many peaks at a level and beyond, as if some more had had the `usual` one. */
function meanExcess(counts: Float64Array, level: number, peaks: number, usual: number): number {
  let excesses = PRIOR * usual;
  for (let cell = level; cell < CELLS; cell++) excesses += counts[cell] * Math.min(cell + 0.5 - level, FARTHEST);
  return excesses / (peaks + PRIOR);
}
