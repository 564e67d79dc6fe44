// One point of a series through all channels, and what they say together: its rarity.
import { goesBack } from "./direction.ts";
import { count, decadesBeyond, type Events, WILD } from "./events.ts";
import { forecast } from "./forecast.ts";
import { beginIncident } from "./incident.ts";
import {
  at,
  COUNTS,
  DAY,
  DRIFT_AGE,
  DRIFT_PEAK,
  DRIFTS,
  FIRST,
  INCIDENT,
  LEAST,
  LEVELS,
  type Memory,
  MISS_AGE,
  MISS_PEAK,
  MISSES,
  MOST,
  NOVELTY_AGE,
  NOVELTY_PEAK,
  type Point,
  SPREADS,
  TIRED,
} from "./memory.ts";
import { noveltyOf } from "./novelty.ts";
import { arrive } from "./pace.ts";
import { once } from "./peak.ts";
import { isDue, pass } from "./rhythm.ts";

/** Rarity at the line: of stationary noise about one row in three thousand passes it. */
export const LINE = 3.5;

type Range = readonly [fine: number, hourly: number];
/** Fire once in so many points, to twice as many, but for one that is larger by this factor. */
const MISS_BLOCK: Range = [20, 5];
const MARGIN = 1.1;
const NOVELTY_BLOCK = 80;
const DRIFT_BLOCK: Range = [300, 20];
/** One event in so many points is the line; where there were some drifts before, one in more. */
const MISS_BUDGET: Range = [250, 50];
const DRIFT_BUDGET: Range = [1000, 100];
const SOME = 3;
/** Events imagined before the first: this many, divided by a size, were as large. */
const PRIOR: Range = [80, 12];
/** Deviations below which nothing reaches the line, and the part of the running range. */
const MISS_FLOOR: Range = [4.5, 3.6];
const DRIFT_FLOOR: Range = [8, 6];
const EFFECT = 0.01;
/**
 * Part of its variance that a forecast must explain for its misses to count in full, and the least that they count; a wild one counts in full
 * where they are a smaller share of the points than this.
 */
const EXPLAINED = 0.7;
const TRUST = 0.45;
/** A run of misses that is so many times as telling as its last one is a shift of the level. */
const RUN = 1.25;
const TAME = 0.0005;
/** Distance from all values seen that is the line, once a series has so many points; before, the fewer the farther. */
const NOVEL = 0.007;
const GROWN: Range = [600, 100];
/**
 * Spreads that a new value must be away from all that was seen, since that far is no noise: in a young series, and in a fine one of which
 * the forecast explains less than this part. Coarse series are too short to judge that.
 */
const YOUNG_NOISE = 3;
const NOISE = 0.5;
const UNEXPLAINED = 0.1;
/** What each novelty of late adds to that line, and the half-life of its memory. */
const TIRE = 0.2;
const FADE_DAYS = 7;
const FADE_POINTS = 2000;
/** Decades of rarity for a decade of distance beyond the line, at least, and for one of drift beyond all before. */
const NOVEL_DECADES = 0.2;
const DRIFT_DECADES = 1;
/** Deviations within which a value is as usual. */
const BAND = 3;
/** Points after which what lies beyond all of them is not usual. */
const KNOWN = 500;

/** What was found: 0 by the side of the expectation, or 1 and up for the plugin's `finds.more`. */
export const FINDS = ["level_shift", "drift", "outlier"] as const;
const BY_SIDE = 0;
const LEVEL_SHIFT = 1;
const DRIFT = 2;
const OUTLIER = 3;

/** The point that was judged last. */
export const point: Point & { finding: number } = {
  time: 0.5,
  value: 0.5,
  n: 0,
  step: 0.5,
  coarse: 0.5,
  oneWay: false,
  tiny: 0.5,
  miss: 0.5,
  deviations: 0.5,
  away: false,
  explained: 0.5,
  gap: 0.5,
  drift: 0.5,
  sudden: false,
  expected: 0.5,
  lower: 0.5,
  upper: 0.5,
  usual: 0.5,
  spread: 0.5,
  basis: 0,
  finding: BY_SIDE,
};
/** What the channels say of the point: 1 is the line, and the decades of rarity beyond it. */
const said = { line: 0.5, decades: 0.5 };
const events: Events = { rarity: 0.5, known: 0, beyond: 1.5, wild: 0.5, cell: 0 };

/** The rarity of the next point of series s, which it then learns; `point` holds what was found of it. Seconds; a finite value. */
export function judge(memory: Memory, s: number, time: number, value: number): number {
  const { levels, spreads, counts } = memory;
  const f = s * LEVELS;
  const g = s * SPREADS;
  const c = s * COUNTS;
  arrive(memory, s, time, value, point);
  point.finding = BY_SIDE;
  const { n, coarse } = point;

  const back = goesBack(memory, s, point);
  if (n === 1) return noveltyOf(memory, s, point);
  forecast(memory, s, point);
  let far = noveltyOf(memory, s, point);
  let { drift, deviations } = point;
  if (point.oneWay) far = drift = 0;
  if (back) deviations = 0;
  deviations = once(spreads, g + MISS_PEAK, counts, c + MISS_AGE, deviations, at(MISS_BLOCK, coarse), MARGIN);
  far = once(spreads, g + NOVELTY_PEAK, counts, c + NOVELTY_AGE, far, NOVELTY_BLOCK, 1);
  drift = once(spreads, g + DRIFT_PEAK, counts, c + DRIFT_AGE, drift, at(DRIFT_BLOCK, coarse), MARGIN);

  said.line = 0;
  said.decades = 0;
  const range = levels[f + MOST] - levels[f + LEAST];
  judgeMiss(counts, c + MISSES, deviations, range);
  pass(counts, c);
  // an event as large as some before, when it was to be expected
  if (said.line >= 1 && isDue(counts, c) && events.known > 1) said.line = said.decades = 0;
  judgeNovelty(spreads, g, counts, c + MISSES, far, range, counts[c + INCIDENT] > 1, time - levels[f + FIRST] < DAY);
  if (said.line >= 1) beginIncident(memory, s, point);
  // a shift that began with a told miss is told
  judgeDrift(counts, c + DRIFTS, counts[c + INCIDENT] > 1 ? 0 : drift, range);
  if (said.line < 1) point.finding = BY_SIDE;
  boundUsual(levels, f);
  return said.line < 1 ? LINE * said.line : LINE + said.decades;
}

/** Fills `expected`, `lower` and `upper` of the point: not where the series never was, and not below 0 if it never was. */
function boundUsual(levels: Float64Array, f: number): void {
  const { finding, n, spread, tiny } = point;
  const least = levels[f + LEAST];
  const most = levels[f + MOST];
  const shifted = finding === LEVEL_SHIFT || finding === DRIFT;
  point.expected = Math.max(least, Math.min(most, shifted ? point.usual : point.expected));
  const half = spread > 2 * tiny ? BAND * spread : 0;
  const floor = n >= KNOWN ? least : least < 0 ? -Infinity : 0;
  const ceiling = n >= KNOWN ? most : most > 0 ? Infinity : 0;
  point.lower = Math.max(floor, point.expected - half);
  point.upper = Math.min(ceiling, point.expected + half);
}

function judgeMiss(counts: Uint16Array, h: number, deviations: number, range: number): void {
  const { coarse, miss, spread } = point;
  count(counts, h, deviations, deviations > 0 ? at(PRIOR, coarse) : 0, events);
  if (events.rarity === 0) return;
  const tame = events.wild <= TAME && deviations >= WILD;
  const trust = tame ? 1 : Math.max(TRUST, Math.min(1, point.explained / EXPLAINED));
  const weight = trust ** ((1 - coarse) / 2);
  const floor = deviations / at(MISS_FLOOR, coarse);
  const budget = Math.log10(at(MISS_BUDGET, coarse));
  said.line = weight * Math.min(events.rarity / budget, floor * floor, miss / (EFFECT * range));
  if (said.line >= 1) {
    const farther = decadesBeyond(counts, h, events.cell, Math.min(floor, events.beyond));
    said.decades = Math.max(0, weight * events.rarity - LINE) + farther;
  }
  if (deviations > RUN * (miss / spread)) point.finding = LEVEL_SHIFT;
}

function judgeNovelty(
  spreads: Float32Array,
  g: number,
  counts: Uint16Array,
  h: number,
  far: number,
  range: number,
  incident: boolean,
  firstDay: boolean,
): void {
  const { n, step, coarse, spread } = point;
  const fades = Math.max(1 / FADE_POINTS, step / (DAY * FADE_DAYS));
  const tired = spreads[g + TIRED] * Math.max(0, 1 - Math.LN2 * fades);
  spreads[g + TIRED] = tired;
  if (far === 0) return;
  const grown = at(GROWN, coarse);
  const novel = (far / NOVEL) * Math.min(1, n / grown);
  if (novel >= 1) spreads[g + TIRED] = tired + 1;
  const within = point.miss < BAND * spread;
  // an incident was told and this is within it; or the range of a day is not known yet
  if (within && (incident || firstDay)) return;
  const noise = n < grown ? YOUNG_NOISE : point.explained < UNEXPLAINED ? NOISE * (1 - coarse) : 0;
  const line = Math.min(novel / (1 + TIRE * tired), (far * range) / (noise * spread));
  if (line > said.line) {
    said.line = line;
    point.finding = !within ? BY_SIDE : point.drift > at(DRIFT_FLOOR, coarse) ? parted() : OUTLIER;
  }
  if (line < 1) return;
  // what misses its forecast no farther than others before is as rare as those, however new
  const times = Math.min(line, (far * range) / (YOUNG_NOISE * spread));
  const decades = events.known > 0 ? events.rarity - LINE : decadesBeyond(counts, h, events.cell, times);
  said.decades = Math.max(said.decades, decades, NOVEL_DECADES * Math.log10(line));
}

function judgeDrift(counts: Uint16Array, h: number, drift: number, range: number): void {
  const { coarse } = point;
  count(counts, h, drift, drift > 0 ? at(PRIOR, coarse) : 0, events);
  if (events.rarity === 0) return;
  const floor = drift / at(DRIFT_FLOOR, coarse);
  const budget = Math.log10(at(DRIFT_BUDGET, coarse) * (1 + Math.min(SOME, events.known)));
  const line = Math.min(events.rarity / budget, floor * floor, point.gap / (EFFECT * range));
  if (line > said.line) {
    if (said.line < 1) point.finding = parted();
    said.line = line;
  }
  if (line >= 1) {
    const farther = DRIFT_DECADES * Math.log10(Math.max(1, Math.min(floor, events.beyond)));
    said.decades = Math.max(said.decades, events.rarity - LINE + farther, farther);
  }
}

/** What it is called that the level has parted from the slow one. */
function parted(): number {
  return point.sudden ? LEVEL_SHIFT : DRIFT;
}
