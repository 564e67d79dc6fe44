// Spans that deviate one after the other: when it began, what of it is told, and when it is how things are now.

import { isWanted, type LineOptions } from "vedette";
import { outline } from "./learn.ts";
import type { Memory } from "./memory.ts";
import * as layout from "./memory.ts";
import * as fields from "./span.ts";
import { move } from "./spread.ts";
import { clear } from "./windows.ts";

// constants of its own are folded into the code, those of another module are read each time
const {
  CLOCK,
  DURATION,
  FACTS,
  HELD,
  HOLDS,
  LEVEL,
  MEAN_CHILDREN,
  MEAN_SELF,
  NUMBERS,
  RUN,
  RUN_ROWS,
  RUN_SINCE,
  SELF,
  SINCE,
  TOLD,
} = layout;
const { DEVIATIONS, EXPECTED, GOES_ON, LINE, LN_SELF, OBSERVED, SCORE, START, span, verdict, WARM } = fields;

/** A run adds up deviations beyond this, in standard deviations (Page 1954), and stops growing here. */
const SLACK = 0.5;
const MOST = 8;
/** A rare span is worth so much of a run. */
const RARE = 2;
/** Rarity from which a span begins an excursion, or adds to one. */
export const OPENS = 4;
/** Rarity told of an excursion of which nothing was told. */
const NOTHING = 1e-6;
/** It is told again when it is so many times as rare. */
const AGAIN = 2;
/** What was told scores just below the line. */
const BELOW = 0.99;
/** An excursion that has lasted so long, with so many spans, is how things are now. */
const LASTS = 3_600_000;
const ENOUGH = 20;
/** Spans over which its level is the mean. */
const LEVEL_OVER = 64;

/** The span at hand joins the run; ends it, and the excursion with it, when deviations have made up for each other. */
export function run(memory: Memory, s: number): void {
  const u = span[DEVIATIONS];
  const { numbers, facts } = memory;
  const f = s * FACTS;
  const was = facts[f + RUN];
  if (was === 0) {
    if (u > SLACK || u < -SLACK) {
      facts[f + RUN] = u > 0 ? u - SLACK : u + SLACK;
      facts[f + RUN_ROWS] = 1;
      numbers[s * NUMBERS + RUN_SINCE] = span[START];
    }
    return;
  }
  const side = was < 0 ? -1 : 1;
  const sum = side * was + side * u - SLACK;
  if (sum > 0) {
    facts[f + RUN] = side * (sum < MOST ? sum : MOST);
    if (side * u > SLACK) facts[f + RUN_ROWS]++;
    return;
  }
  facts[f + RUN] = 0;
  facts[f + RUN_ROWS] = 0;
  if (facts[f + TOLD] === 0) return;
  facts[f + TOLD] = 0;
  clear(memory, s);
}

/**
 * Whether `verdict[SCORE]`, on this side, is told: where the line does not decluster by itself, what belongs to an excursion that was told scores just
 * below it, unless it has become far rarer. What the user's options leave out is not told.
 */
export function tell({ numbers, facts }: Memory, s: number, side: number, options: LineOptions): void {
  const rarity = verdict[SCORE];
  if (rarity < OPENS) return;
  const line = span[LINE];
  const f = s * FACTS;
  const n = s * NUMBERS;
  const told = facts[f + TOLD];
  if (side * facts[f + RUN] <= 0) {
    facts[f + RUN] = side * RARE;
    facts[f + RUN_ROWS] = 1;
    numbers[n + RUN_SINCE] = span[START];
  } else if (side * facts[f + RUN] < RARE) facts[f + RUN] = side * RARE;
  const passes = !(rarity < line) && span[WARM] === 1 && isWanted(options, verdict[OBSERVED], verdict[EXPECTED]);
  if (side * told <= 0) {
    numbers[n + SINCE] = numbers[n + RUN_SINCE];
    facts[f + TOLD] = side * (passes ? rarity : NOTHING);
    facts[f + LEVEL] = 0;
    return;
  }
  if (Number.isNaN(line)) return;
  const before = side * told;
  // one of which nothing was told is told when it gets there
  if (passes && (before < line || rarity >= AGAIN * before)) facts[f + TOLD] = side * rarity;
  else {
    verdict[SCORE] = Math.min(rarity, BELOW * line);
    verdict[GOES_ON] = before >= line ? 1 : 0;
  }
}

/** The span at hand is part of the excursion; one that has lasted long enough is over, and how things are now. */
export function follow(memory: Memory, s: number): void {
  const { numbers, facts } = memory;
  const f = s * FACTS;
  const n = s * NUMBERS;
  const rows = facts[f + RUN_ROWS];
  const part = 1 / Math.max(1, Math.min(rows, LEVEL_OVER));
  facts[f + LEVEL] += part * (span[LN_SELF] - numbers[n + MEAN_SELF] - facts[f + LEVEL]);
  if (numbers[n + CLOCK] - numbers[n + SINCE] < LASTS || rows < ENOUGH) return;
  numbers[n + HELD] = numbers[n + MEAN_SELF];
  facts[f + HOLDS] = 1;
  const usual = Math.exp(numbers[n + MEAN_SELF]);
  const grown = usual * (Math.exp(facts[f + LEVEL]) - 1);
  numbers[n + MEAN_SELF] += facts[f + LEVEL];
  move(memory, 2 * s + SELF, facts[f + LEVEL]);
  move(memory, 2 * s + DURATION, Math.log1p(grown / (usual + numbers[n + MEAN_CHILDREN])));
  facts[f + TOLD] = 0;
  facts[f + RUN] = 0;
  facts[f + RUN_ROWS] = 0;
  clear(memory, s);
  outline(memory, s);
}
