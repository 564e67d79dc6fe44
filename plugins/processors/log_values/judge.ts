// Judges the fields of statements: numbers that are high, low or far beyond too often, one that is far beyond all before, and values that are new.
import { type Batch, type Detection, type Labels, serviceName } from "vedette";
import { betaBinomialAbove, Columns, discoveryRate, judgeRatio, RATIO_STATE, ratio, ratioLasts } from "vedette/counts";
import { BUSY } from "./blocks.ts";
import { type Field, SIDES, type Side, type SideName } from "./field.ts";
import { needsExample, type Parameters } from "./parameters.ts";
import type { Service } from "./service.ts";
import { BINS, edge, PER_DECADE, type Spread } from "./spread.ts";
import type { Statement } from "./statement.ts";
import type { Value } from "./values.ts";
import { excessSentence, farSentence, valueSentence } from "./words.ts";

/** Milliseconds of an interval. */
export const INTERVAL = 20_000;
/** Intervals that have none on a side are judged as one, up to so many. */
const MOST_APART = 6;
/** Fewer numbers than this are never told for being high or low. */
const LEAST = 3;
/** What is less rare is no matter, whatever the line; from so much on, an example is kept. */
const LEAST_RARITY = 3;
const WANTED = 2;
/** An incident is told again when it is so many times as surprising. */
const AGAIN = 3;
/** Were all numbers 1.6 times as large, or as small, that would be no news: what is must be rarer by so much, where numbers vary together so much. */
const TOLERANCE = 2;
const EVIDENT = 3;
const TOGETHER = 0.01;
/** A number is far beyond all before from a decade on, when so many above zero came before. */
const DECADE = PER_DECADE;
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
  readonly columns = eachSide(() => new Columns(RATIO_STATE));
  /** Rows of the columns that nothing uses. */
  free = eachSide((): number[] => []);

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
      const shows = needsExample(high) || needsExample(low);
      this.#judge(own.statement, field, now, hidden);
      own.heat(
        k,
        SIDES.some((name) => field[name].wanted),
      );
      if (shows || needsExample(high) || needsExample(low)) own.draw(k);
    }
  }

  #judge(statement: Statement, field: Field, now: number, hidden: boolean): void {
    for (const name of SIDES) {
      const side = field[name];
      if (field.isWatched && this.#isDue(field, name, now)) this.#excess(statement, field, name, now, hidden);
      side.count = 0;
      side.labels = undefined;
    }
    field.close();
  }

  /** Whether a side is to be judged: the intervals that had none there are judged as one when the next has, or after some minutes. */
  #isDue(field: Field, name: SideName, now: number): boolean {
    const side = field[name];
    const line = field.spread![name];
    if (isBelow(name) ? line <= 0 : line >= BINS - 1) return false;
    // most have never had a number there
    if (side.row < 0) return side.count > 0;
    side.clean += field.clean;
    const { numbers } = field;
    if (numbers < BUSY || side.count > 0 || side.wanted || Math.abs(now - side.judged) >= MOST_APART * INTERVAL) {
      return numbers > 0;
    }
    side.clean += field.numbers;
    return false;
  }

  /** The lines were drawn anew: what was high may not be. */
  begin(field: Field): void {
    this.release(field);
    field.close();
    for (const name of SIDES) field[name].begin();
  }

  /** The field is forgotten. */
  release(field: Field): void {
    for (const name of SIDES) {
      const side = field[name];
      if (side.row >= 0) this.free[name].push(side.row);
      side.row = -1;
    }
  }

  /** A row for a side, which begins with what the spread of the field knows. */
  #row(field: Field, name: SideName): number {
    const columns = this.columns[name];
    const side = field[name];
    if (side.row >= 0) return side.row;
    side.row = this.free[name].pop() ?? columns.add();
    columns.clear(side.row);
    columns.state.calls[side.row] = Math.max(0, field.spread!.total - field.numbers);
    columns.state.errors[side.row] = Math.max(0, beyond(field.spread!, name, 0) - side.count);
    return side.row;
  }

  #excess(statement: Statement, field: Field, name: SideName, now: number, hidden: boolean): void {
    const side: Side = field[name];
    const spread = field.spread!;
    const row = this.#row(field, name);
    const { state } = this.columns[name];
    if (side.clean > 0) judgeRatio(state, row, now - INTERVAL, INTERVAL, side.clean, 0, LEAST);
    side.clean = 0;
    side.judged = now;
    judgeRatio(state, row, now, INTERVAL, field.numbers, side.count, LEAST);
    const since = state.since[row];
    if (since === 0) side.told = side.tried = 0;
    const { errors, calls, expected, length } = ratio;
    side.wanted = ratio.rarity >= WANTED || since > 0;
    const { service, labels } = statement;
    const isSlight = !(ratio.rarity >= LEAST_RARITY);
    if (isSlight && side.told === 0) return;
    const about = `${statement.id} ${field.name} ${isBelow(name) ? "low" : "high"}`;
    if (side.told > 0 && ratioLasts(state, row)) this.#detection.lasts("logs", side.labels ?? labels, about, now);
    if (isSlight || (side.told > 0 && ratio.rarity < AGAIN * side.told)) return;
    const rarity = Math.min(ratio.rarity, tolerated(spread, name, errors, calls));
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
        low: isBelow(name),
        service: serviceName(labels),
        template: statement.labels.template ?? "",
        field,
        count: errors,
        records: calls,
        line: hidden ? undefined : edge(spread[name]),
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

const eachSide = <T>(make: () => T): Record<SideName, T> => ({ huge: make(), high: make(), tiny: make(), low: make() });
const isBelow = (name: SideName) => name === "low" || name === "tiny";

/** Numbers beyond the line of a side, or beyond one that is so many bins nearer. */
function beyond(spread: Spread, name: SideName, nearer: number): number {
  return isBelow(name) ? spread.before(spread[name] + nearer) : spread.from(spread[name] - nearer);
}

/** How rare so many numbers beyond a line were, if all numbers were larger, or smaller, by what is no news. Infinity where it is plain that they were more. */
function tolerated(spread: Spread, name: SideName, count: number, numbers: number): number {
  const others = Math.max(1, spread.total - numbers);
  const usual = Math.max(0, beyond(spread, name, TOLERANCE) - count) / others;
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
