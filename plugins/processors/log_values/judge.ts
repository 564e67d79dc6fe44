// Judges the fields of statements: numbers that are high, low or far beyond too often, one that is far beyond all before, and values that are new.
import { type Batch, type Detection, type Labels, serviceName } from "vedette";
import { betaBinomialAbove, Columns, discoveryRate, judgeRatio, RATIO_STATE, ratio, ratioLasts } from "vedette/counts";
import { BUSY, isOrdinary } from "./blocks.ts";
import { type Field, SIDES, type Side } from "./field.ts";
import { DECADE, LEAST, needsExample, type Parameters } from "./parameters.ts";
import type { Service } from "./service.ts";
import { BINS, edge, PER_DECADE, type Spread } from "./spread.ts";
import type { Statement } from "./statement.ts";
import type { Value } from "./values.ts";
import { excessSentence, farSentence, valueSentence } from "./words.ts";

/** Milliseconds of an interval. */
export const INTERVAL = 20_000;
/** Intervals that have no more on a side than usual are judged as one, up to so many. */
const MOST_APART = 6;
/** What is less rare is no matter, whatever the line; from so much on, an example is kept. */
const LEAST_RARITY = 3;
const WANTED = 2;
/** An incident is told again when it is so many times as surprising. */
const AGAIN = 3;
/** Were all numbers 1.6 times as large, or as small, that would be no news: what is must be rarer by so much, where numbers vary together so much. */
const TOLERANCE = 2;
const EVIDENT = 3;
const TOGETHER = 0.01;
/** A number is far beyond all before when so many above zero came before. */
const MANY = 1000;
/** Decades of rarity that a decade of size is worth at most, and at least: how steeply the numbers before thin out. */
const STEEP = 3;
const FLAT = 0.5;
/** What so many parameters that are all looked at take from it, and the most that so many decades of numbers claim. */
const LOOKS = 1;
const FARTHEST = 2;
const MOST_USUAL = 4;
/** A row of later than this ahead of the clock is taken for one of now. Milliseconds. */
const AHEAD = 600_000;

/** A field, and what it is a field of. */
export interface Place {
  readonly service: Service;
  /** Undefined for an attribute, which is one of all records of the service. */
  readonly statement: Statement | undefined;
  readonly field: Field;
}

export class Judge {
  readonly #detection: Detection;
  readonly #learning: number;
  /** By place of a side. */
  columns = SIDES.map(() => new Columns(RATIO_STATE));
  /** Rows of the columns that nothing uses. */
  free = SIDES.map((): number[] => []);

  constructor(detection: Detection, learning: number) {
    this.#detection = detection;
    this.#learning = learning;
  }

  /** What its fields had since they were judged last. `now` is the end of an interval, Unix milliseconds. */
  judgeAll(own: Parameters, now: number, hidden: boolean): void {
    for (let k = 0, left = own.watched; left !== 0; k++, left >>= 1) {
      if ((left & 1) === 0 || !own.isDue(k)) continue;
      own.settle(k);
      const field = own.fields[k];
      const { high, low } = field;
      const shows = field.sides.some(needsExample);
      this.#judge(own.statement, field, now, hidden);
      own.expect(k, this.#share(high), this.#share(low));
      own.heat(k, high.wanted || low.wanted || field.huge.wanted || field.tiny.wanted);
      if (shows || field.sides.some(needsExample)) own.draw(k);
    }
  }

  #judge(statement: Statement, field: Field, now: number, hidden: boolean): void {
    for (const side of field.sides) {
      if (field.isWatched && this.#isDue(field, side, now)) this.#excess(statement, field, side, now, hidden);
      side.count = 0;
      // one is enough for as long as something may have to be told
      if (!side.wanted) side.labels = undefined;
    }
    field.close();
  }

  /** Whether a side is to be judged: the intervals that had no more there than usual are judged as one when the next has, or after some minutes. */
  #isDue(field: Field, side: Side, now: number): boolean {
    // most have never had a number there
    if (side.row < 0 && side.count === 0) return false;
    const line = side.lineOf(field.spread!);
    if (side.isBelow ? line <= 0 : line >= BINS - 1) return false;
    if (side.row < 0) return true;
    side.clean += field.clean;
    const { numbers } = field;
    const isUsual = numbers >= BUSY && isOrdinary(side.count, numbers * this.#share(side));
    if (!isUsual || side.wanted || Math.abs(now - side.judged) >= MOST_APART * INTERVAL) return numbers > 0;
    side.clean += numbers;
    side.mild += side.count;
    return false;
  }

  /** Of the numbers: how many usually are there; 0 where that was not judged yet. */
  #share({ place, row }: Side): number {
    if (row < 0) return 0;
    const { calls, errors } = this.columns[place].state;
    return calls[row] > 0 ? Math.min(1, errors[row] / calls[row]) : 0;
  }

  /** The lines were drawn anew: what was high may not be. */
  begin(field: Field): void {
    this.release(field);
    field.close();
    for (const side of field.sides) side.begin();
  }

  /** The field is forgotten. */
  release(field: Field): void {
    for (const side of field.sides) {
      if (side.row >= 0) this.free[side.place].push(side.row);
      side.row = -1;
    }
  }

  /** A row for a side, which begins with what the spread of the field knows. */
  #row(field: Field, side: Side): number {
    const columns = this.columns[side.place];
    if (side.row >= 0) return side.row;
    side.row = this.free[side.place].pop() ?? columns.add();
    columns.clear(side.row);
    columns.state.calls[side.row] = Math.max(0, field.spread!.total - field.numbers);
    columns.state.errors[side.row] = Math.max(0, beyond(field.spread!, side, 0) - side.count);
    return side.row;
  }

  #excess(statement: Statement, field: Field, side: Side, now: number, hidden: boolean): void {
    const spread = field.spread!;
    const row = this.#row(field, side);
    const { state } = this.columns[side.place];
    if (side.clean > 0) judgeRatio(state, row, now - INTERVAL, INTERVAL, side.clean, side.mild, LEAST);
    side.clean = side.mild = 0;
    side.judged = now;
    judgeRatio(state, row, now, INTERVAL, field.numbers, side.count, LEAST);
    const since = state.since[row];
    if (since === 0) side.told = side.tried = 0;
    const { errors, calls, expected, length } = ratio;
    side.wanted = ratio.rarity >= WANTED || since > 0;
    const { service, labels } = statement;
    const isSlight = !(ratio.rarity >= LEAST_RARITY);
    if (isSlight && side.told === 0) return;
    const about = `${statement.id} ${field.name} ${side.isBelow ? "low" : "high"}`;
    if (side.told > 0 && ratioLasts(state, row)) this.#detection.lasts("logs", side.labels ?? labels, about, now);
    if (isSlight || (side.told > 0 && ratio.rarity < AGAIN * side.told)) return;
    const rarity = Math.min(ratio.rarity, tolerated(spread, side, errors, calls));
    if (!this.#mayTell(service, about, rarity, now)) return;
    const done = this.#detection.find({
      type: "outlier",
      signal: "logs",
      labels: side.labels ?? labels,
      about,
      time: now,
      since: since > 0 ? since : now - length * INTERVAL,
      rarity,
      tried: side.tried,
      observed: (100 * errors) / calls,
      expected: 100 * expected,
      reason: excessSentence({
        low: side.isBelow,
        service: serviceName(labels),
        template: statement.labels.template ?? "",
        field,
        count: errors,
        records: calls,
        line: hidden ? undefined : edge(side.lineOf(spread)),
        usual: expected,
      }),
    });
    if (done) {
      side.told = rarity;
      service.cause.tell(about, rarity, now);
    } else side.tried = Math.max(side.tried, rarity);
  }

  /** A number that is further beyond all before than these make likely; `bin` is its own, `largest` the largest bin before. */
  far(
    batch: Batch<"logs">,
    row: number,
    { service, statement, field }: Place,
    { value, bin, largest, time, now }: { value: number; bin: number; largest: number; time: number; now: number },
  ): void {
    const { spread } = field;
    if (!spread || !statement || bin - largest < DECADE || spread.positive < MANY || !field.isNumeric) return;
    const total = field.before + field.clean + field.numbers;
    const decades = Math.log10((total * spread.positive) / spread.total);
    // from where nine in ten are below to where all were
    const apart = Math.max(1, largest - spread.binAt(0.9)) / PER_DECADE;
    const steep = Math.max(FLAT, Math.min(STEEP, (decades - 1) / apart));
    const rarity = Math.min(FARTHEST * decades, decades + (steep * (bin - largest)) / PER_DECADE) - LOOKS;
    const about = `${statement.id} ${field.name} high`;
    if (!this.#mayTell(service, about, rarity, now)) return;
    const hidden = batch.mined?.templates.hidden ?? false;
    const labels = shown(batch, row);
    const before = { value, largest: edge(largest + 1), total, hidden };
    const done = this.#detection.find(
      {
        type: "outlier",
        signal: "logs",
        labels,
        about,
        time,
        rarity,
        ...(!hidden && { observed: value, upper: before.largest }),
        reason: farSentence(serviceName(labels), labels.template ?? "", field, before),
      },
      batch,
      row,
    );
    if (done) service.cause.tell(about, rarity, now);
  }

  /** How rare it was at that time that something new came up in the service, in decades of minutes. */
  base(service: Service, now: number, all: Iterable<Service>): number {
    return Math.max(0, -Math.log10(discoveryRate(service, 0, now, all)));
  }

  /** One more look that shows a value that is new. */
  value(
    batch: Batch<"logs">,
    row: number,
    { service, statement, field }: Place,
    value: Value,
    time: number,
    now: number,
  ): void {
    const rarity = field.values.surprise(value, now);
    const about = `${statement?.id ?? "attribute"} ${field.name} new`;
    if (value.isPart || value.first - service.began < this.#learning || rarity < LEAST_RARITY) return;
    value.isPart = !service.cause.isNews(about, rarity, now);
    if (value.isPart) return;
    const labels = shown(batch, row);
    const hidden = batch.mined?.templates.hidden ?? false;
    const finding = {
      type: "new_value",
      signal: "logs",
      labels,
      about,
      time,
      since: Math.min(value.first, time),
      rarity,
      tried: value.tried,
      reason: valueSentence(serviceName(labels), statement && (labels.template ?? ""), field, {
        text: hidden ? "" : value.text,
        total: value.before,
        usual: hidden ? [] : field.values.usual(MOST_USUAL),
      }),
    } as const;
    if (this.#detection.find(finding, batch, row)) service.cause.tell(about, rarity, now);
    else value.tried = Math.max(value.tried, rarity);
  }

  #mayTell(service: Service, about: string, rarity: number, now: number): boolean {
    return rarity >= LEAST_RARITY && now - service.began >= this.#learning && service.cause.isNews(about, rarity, now);
  }
}

/** Numbers beyond the line of a side, or beyond one that is so many bins nearer. */
function beyond(spread: Spread, side: Side, nearer: number): number {
  const line = side.lineOf(spread);
  return side.isBelow ? spread.before(line + nearer) : spread.from(line - nearer);
}

/** How rare so many numbers beyond a line were, if all numbers were larger, or smaller, by what is no news. Infinity where it is plain that they were more. */
function tolerated(spread: Spread, side: Side, count: number, numbers: number): number {
  const others = Math.max(1, spread.total - numbers);
  const usual = Math.max(0, beyond(spread, side, TOLERANCE) - count) / others;
  const rarity = betaBinomialAbove(count, numbers, Math.min(1, usual), TOGETHER);
  return rarity >= EVIDENT ? Number.POSITIVE_INFINITY : rarity;
}

/** When it happened, Unix milliseconds. */
export function timeOf({ rows, receivedAt }: Batch, row: number): number {
  const time = rows.time[row];
  return time > 0 && time <= receivedAt + AHEAD ? time : receivedAt;
}

/** Of a record, as it may be shown. */
export function shown(batch: Batch<"logs">, row: number): Labels {
  const labels = batch.labels(row);
  return batch.mined?.templates.hidden ? { ...labels, attributes: {} } : labels;
}
