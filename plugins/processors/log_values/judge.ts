// Judges the fields of statements: numbers that are high or low too often, one that is far beyond all before, and values that are new.
import type { Batch, Detection, Labels } from "vedette";
import { Columns, discoveryRate, judgeRatio, RATIO_STATE, ratio, seenAgain } from "vedette/counts";
import type { Field, Side } from "./field.ts";
import type { Service } from "./service.ts";
import { BINS } from "./spread.ts";
import type { Statement } from "./statement.ts";
import type { Value } from "./values.ts";
import { excessSentence, farSentence, valueSentence } from "./words.ts";

/** Milliseconds of an interval. */
export const INTERVAL = 10_000;
/** Fewer numbers than this are never told for being high or low. */
export const LEAST = 3;
/** An incident is told again when it is so many times as surprising. */
const AGAIN = 3;
/** A number is far beyond all before from a decade on, when there were so many. */
const DECADE = 10;
const MANY = 1000;
/** Decades of rarity that a decade of size is worth at most, and at least: how steeply the numbers before thin out. */
const STEEP = 3;
const FLAT = 0.5;
/** What so many parameters that are all looked at take from it, and the most that so many decades of numbers claim. */
const LOOKS = 1;
const FARTHEST = 2;
/** A value is new for so long; sights within so long count once; what they add at most. */
const WATCHED = 3_600_000;
const APART = 10_000;
const MOST_ADDED = 4;
const MOST_USUAL = 4;

export class Judge {
  readonly #detection: Detection;
  readonly #learning: number;
  columns = new Columns(RATIO_STATE);
  /** Rows of the columns that nothing uses. */
  free: number[] = [];

  constructor(detection: Detection, learning: number) {
    this.#detection = detection;
    this.#learning = learning;
  }

  /** What the field had since it was judged last. */
  judge(statement: Statement, field: Field, now: number, hidden: boolean): void {
    if (field.isNumeric) {
      this.#excess(statement, field, "high", now, hidden);
      this.#excess(statement, field, "low", now, hidden);
    }
    field.numbers = field.high.count = field.low.count = 0;
    field.high.labels = field.low.labels = undefined;
  }

  /** The lines were drawn anew: what was high may not be. */
  begin(field: Field): void {
    field.numbers = 0;
    for (const side of [field.high, field.low]) {
      side.count = side.told = 0;
      if (side.row >= 0) this.columns.clear(side.row);
    }
  }

  /** The field is forgotten. */
  release({ high, low }: Field): void {
    for (const { row } of [high, low]) if (row >= 0) this.free.push(row);
  }

  #excess({ service, id, labels }: Statement, field: Field, name: "high" | "low", now: number, hidden: boolean): void {
    const side: Side = field[name];
    const line = field.spread![name];
    if (field.numbers === 0 || (name === "high" ? line >= BINS - 1 : line <= 0)) return;
    if (side.row < 0) {
      side.row = this.free.pop() ?? this.columns.add();
      this.columns.clear(side.row);
    }
    const { state } = this.columns;
    judgeRatio(state, side.row, now, INTERVAL, field.numbers, side.count, LEAST);
    const since = state.since[side.row];
    if (since === 0) side.told = 0;
    const { rarity, errors, calls, expected, length } = ratio;
    if (!(rarity > 0) || (side.told > 0 && rarity < AGAIN * side.told)) return;
    const about = `${id} ${field.name} ${name}`;
    if (!this.#mayTell(service, about, rarity, now)) return;
    const done = this.#detection.find({
      type: "outlier",
      signal: "logs",
      labels: side.labels ?? labels,
      about,
      time: now,
      since: since > 0 ? since : now - length * INTERVAL,
      rarity,
      observed: (100 * errors) / calls,
      expected: 100 * expected,
      reason: excessSentence({
        side: name,
        service: nameOf(labels),
        template: labels.template ?? "",
        field: field.name,
        count: errors,
        records: calls,
        line: hidden ? undefined : field.spread!.edge(line),
        usual: expected,
      }),
    });
    if (!done) return;
    side.told = rarity;
    service.cause.tell(about, rarity, now);
  }

  /** A number that is further beyond all before than these make likely; `bin` is its own, `largest` the largest bin before. */
  far(
    batch: Batch<"logs">,
    row: number,
    statement: Statement,
    field: Field,
    { value, bin, largest, time }: { value: number; bin: number; largest: number; time: number },
  ): void {
    const { service, id, labels } = statement;
    const { spread } = field;
    if (!spread || spread.total < MANY || bin - largest < DECADE || !field.isNumeric) return;
    const decades = Math.log10(spread.total);
    // from where nine in ten are below to where all were
    const apart = Math.max(1, largest - spread.binAt(0.9)) / DECADE;
    const steep = Math.max(FLAT, Math.min(STEEP, (decades - 1) / apart));
    const rarity = Math.min(FARTHEST * decades, decades + (steep * (bin - largest)) / DECADE) - LOOKS;
    const about = `${id} ${field.name} high`;
    if (!this.#mayTell(service, about, rarity, time)) return;
    const hidden = batch.mined?.templates.hidden ?? false;
    const beyond = { value, largest: spread.edge(largest + 1), total: spread.total, hidden };
    const done = this.#detection.find(
      {
        type: "outlier",
        signal: "logs",
        labels: batch.labels(row),
        about,
        time,
        rarity,
        ...(!hidden && { observed: value, upper: beyond.largest }),
        reason: farSentence(nameOf(labels), labels.template ?? "", field.name, beyond),
      },
      batch,
      row,
    );
    if (done) service.cause.tell(about, rarity, time);
  }

  /** One more sight of a value that came up when the values were known. */
  novel(
    batch: Batch<"logs">,
    row: number,
    statement: Statement,
    field: Field,
    value: Value,
    time: number,
    all: Iterable<Service>,
  ): void {
    const { service, id, labels } = statement;
    if (value.seen > 1) {
      if (time - value.first > WATCHED || time - value.counted < APART) return;
      value.counted = time;
      value.added = Math.min(MOST_ADDED, value.added + seenAgain(time - value.first, value.first - service.began));
    }
    const rarity = Math.max(0, -Math.log10(discoveryRate(service, 0, value.first, all))) + value.added;
    const about = `${id} ${field.name} new`;
    if (!this.#mayTell(service, about, rarity, time)) return;
    const { total } = field.values;
    const finding = {
      type: "new_value",
      signal: "logs",
      labels: batch.labels(row),
      about,
      time,
      since: value.first,
      rarity,
      tried: value.tried,
      reason: valueSentence(nameOf(labels), labels.template ?? "", field.name, {
        text: value.text,
        total: total - value.seen,
        usual: field.values.usual(MOST_USUAL),
      }),
    } as const;
    if (this.#detection.find(finding, batch, row)) service.cause.tell(about, rarity, time);
    else value.tried = Math.max(value.tried, rarity);
  }

  #mayTell(service: Service, about: string, rarity: number, time: number): boolean {
    return time - service.began >= this.#learning && service.cause.isNews(about, rarity, time);
  }
}

/** "payments/checkout". */
function nameOf({ resource }: Labels): string {
  return [resource["service.namespace"], resource["service.name"]].filter((part) => part !== undefined).join("/");
}
