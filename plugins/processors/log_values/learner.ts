// Reads the parameters of records: counts their numbers, learns some, and asks what is high, low or new to be judged.
import type { Batch, Templates } from "vedette";
import { Block, type Blocks, MARGIN, MOST_ASIDE, WIDTH } from "./blocks.ts";
import { endOfEncoded, readEncoded, textOfEncoded } from "./encoded.ts";
import type { Side } from "./field.ts";
import { type Judge, type Place, shown, timeOf } from "./judge.ts";
import { isLatest, remember } from "./latest.ts";
import { Kind, kind, readNumber } from "./number.ts";

import { highOf, hugeOf, LEAST, lowOf, needsExample, needsFirst, type Parameters, tinyOf } from "./parameters.ts";
import type { Service } from "./service.ts";
import { binOf, Spread } from "./spread.ts";
import { hashOf, type Value } from "./values.ts";

/** Of a number that waits: its parameter, whether it was counted, and comes in the order of those learnt; its kind, and for 2 to which power it stands. */
const PARAMETER = 7;
const COUNTED = 8;
const IN_ORDER = 16;
const KIND = 5;
const WEIGHT = 8;

export class Learner {
  readonly #blocks: Blocks;
  readonly #judge: Judge;
  readonly #services: ReadonlyMap<string, Service>;
  /** By slot of the block. */
  readonly owners: (Parameters | undefined)[] = [];
  templates: Templates | undefined;
  /** Of the bytes of the batch at hand. */
  view: DataView = new DataView(new ArrayBuffer(0));
  /** When the batch at hand was received, Unix milliseconds, and the look that is in: what is remembered goes by it. */
  now = 0;
  look = 0;
  /** Whose numbers are learnt. */
  #own: Parameters | undefined;
  /** Bits, by parameter: those that were. */
  #learnt = 0;

  constructor(blocks: Blocks, judge: Judge, services: ReadonlyMap<string, Service>) {
    this.#blocks = blocks;
    this.#judge = judge;
    this.#services = services;
  }

  /** Parameters of a record, from `first` on, that stands for 2 to the power of `weight` of its statement. */
  learn(batch: Batch<"logs">, row: number, slot: number, first: number, weight: number): void {
    const blocks = this.#blocks;
    const length = blocks.parameters(slot);
    if (!blocks.hasRoom(slot, length)) this.flush(this.owners[slot]!);
    const { bytes, mined } = batch;
    const { view } = this;
    const watched = blocks.watched(slot);
    const few = blocks.few(slot);
    const many = weight << WEIGHT;
    for (let k = 0; k < length; k++) {
      if (((few >>> k) & 1) !== 0) {
        this.#see(batch, row, slot, k, first + k);
        // should there be many values one day, their numbers are learnt from then on
        if (weight > 0) continue;
      }
      const number = numberAt(bytes, view, mined!.parameterStart[first + k], mined!.parameterEnd[first + k]);
      const code = k | (kind << KIND);
      if (((watched >>> k) & 1) === 0) blocks.push(slot, number, code | many | IN_ORDER);
      else if (Number.isNaN(number)) blocks.push(slot, number, code | many);
      else if (this.#isWithin(slot, k, number)) blocks.push(slot, number, code | many | COUNTED | IN_ORDER);
      // what may be low or high is learnt of every record
      else this.#beyond(batch, row, slot, k, number, code | IN_ORDER);
    }
  }

  /** Parameters of a record that is not learnt: only what is beyond the lines, or new, is news. */
  check(batch: Batch<"logs">, row: number, slot: number, first: number): void {
    const { bytes, mined } = batch;
    const { parameterStart, parameterEnd } = mined!;
    const { rows, floats } = this.#blocks;
    const { view } = this;
    let watched = this.#blocks.watched(slot);
    let few = this.#blocks.few(slot);
    let at = this.#blocks.at(slot) + Block.parameters;
    for (let k = 0; (watched | few) !== 0; k++, at += WIDTH, watched >>= 1, few >>= 1) {
      if ((few & 1) !== 0) this.#see(batch, row, slot, k, first + k);
      if ((few & 1) !== 0 || (watched & 1) === 0) continue;
      const number = numberAt(bytes, view, parameterStart[first + k], parameterEnd[first + k]);
      if (number > floats[at] && number < floats[at + 1]) rows[at + 2]++;
      else if (!Number.isNaN(number)) {
        if (!this.#blocks.hasRoom(slot, 1)) this.flush(this.owners[slot]!);
        this.#beyond(batch, row, slot, k, number, k | (kind << KIND));
      }
    }
  }

  /** Counts a number of a parameter that is watched, unless it may be low or high: then it returns false. */
  #isWithin(slot: number, k: number, value: number): boolean {
    const { rows, floats } = this.#blocks;
    const at = this.#blocks.at(slot) + Block.parameters + WIDTH * k;
    if (value <= floats[at] || value >= floats[at + 1]) return false;
    rows[at + 2]++;
    return true;
  }

  /** A number that may be low or high. */
  #beyond(batch: Batch<"logs">, row: number, slot: number, k: number, value: number, code: number): void {
    const { rows, margins } = this.#blocks;
    const bin = binOf(value);
    const at = this.#blocks.marginsAt(slot) + MARGIN * k;
    const word = margins[at];
    const isHigh = bin >= highOf(word);
    const isLow = bin < lowOf(word);
    // halves of one word
    const one = isHigh && bin >= hugeOf(word) ? 1 : isLow && bin < tinyOf(word) ? 1 << 16 : 0;
    const beyond = margins[at + 5] + one;
    const isMany = one !== 0 && (beyond & MOST_ASIDE) + (beyond >>> 16) >= LEAST;
    if (isMany || value < 0 || bin >= highOf(margins[at + 6]) || bin < lowOf(margins[at + 6])) {
      this.#learnNow(batch, row, this.owners[slot]!, k, value, code);
      return;
    }
    margins[at + 5] = beyond;
    const side = isHigh ? at + 1 : isLow ? at + 2 : -1;
    // the other half of the word counts others
    if (side >= 0 && (margins[side] & MOST_ASIDE) < MOST_ASIDE) margins[side]++;
    rows[this.#blocks.at(slot) + Block.parameters + WIDTH * k + 2]++;
    this.#blocks.push(slot, value, code | COUNTED);
  }

  /** A number that may have to be told, or shown, at once. */
  #learnNow(batch: Batch<"logs">, row: number, own: Parameters, k: number, value: number, code: number): void {
    this.flush(own);
    own.settle(k);
    own.heat(k, true);
    const { statement } = own;
    const field = own.fields[k];
    const { largest } = field.spread!;
    const bin = binOf(value);
    if (bin > largest && largest > 0 && value > 0) {
      const place = { service: statement.service, statement, field };
      this.#judge.far(batch, row, place, { value, bin, largest, time: timeOf(batch, row), now: this.now });
    }
    field.numbers++;
    const spread = field.spread!;
    if (spread.isHigh(bin)) {
      count(batch, row, field.high, needsExample(field.high));
      if (spread.isHuge(bin)) count(batch, row, field.huge, needsFirst(field.huge));
    } else if (spread.isLow(bin)) {
      count(batch, row, field.low, needsExample(field.low));
      if (spread.isTiny(bin)) count(batch, row, field.tiny, needsFirst(field.tiny));
    }
    this.#add(own, value, code | COUNTED);
    own.draw(k);
  }

  /** Learns the numbers that wait. */
  flush(own: Parameters): void {
    this.#own = own;
    this.#learnt = 0;
    this.#blocks.drain(own.slot, this.#each);
    for (let k = 0, left = this.#learnt; left !== 0; k++, left >>= 1) {
      if ((left & 1) === 0) continue;
      const field = own.fields[k];
      const isWatched = field.isNumeric;
      if (isWatched === field.isWatched) continue;
      own.settle(k);
      if (!isWatched) field.drop();
      field.isWatched = isWatched;
      own.draw(k);
    }
  }

  readonly #each = (value: number, code: number): void => this.#add(this.#own!, value, code);

  #add(own: Parameters, value: number, code: number): void {
    const k = code & PARAMETER;
    this.#learnt |= 1 << k;
    const field = own.fields[k];
    const weight = 1 << (code >>> WEIGHT);
    if (Number.isNaN(value)) {
      field.texts += weight;
      return;
    }
    const kind = (code >>> KIND) & 7;
    if (kind !== Kind.none) field.kind = kind;
    if ((code & COUNTED) === 0) field.before += weight;
    field.spread ??= new Spread();
    if (field.spread.add(binOf(value), weight)) {
      own.settle(k);
      this.#judge.begin(field);
      own.draw(k);
    }
    if ((code & IN_ORDER) !== 0) field.order.add(value);
  }

  /** Parameter `k` of a record, which may be one of few values; `p` is where it is in the columns. */
  #see(batch: Batch<"logs">, row: number, slot: number, k: number, p: number): void {
    const { bytes, mined } = batch;
    const start = mined!.parameterStart[p];
    const isEncoded = mined!.parameterEnd[p] === start;
    const end = isEncoded ? endOfEncoded(bytes, start) : mined!.parameterEnd[p];
    const hash = hashOf(bytes, start, end);
    const at = this.#blocks.at(slot) + Block.parameters + WIDTH * k;
    if (isLatest(this.#blocks.rows, at, hash, this.look)) return;
    const own = this.owners[slot]!;
    own.settle(k);
    const field = own.fields[k];
    const value = field.values.see(hash, this.look);
    if (value !== undefined && !value.isNew) {
      remember(this.#blocks.rows, at, hash, this.look);
      return;
    }
    const { statement } = own;
    const place = { service: statement.service, statement, field };
    if (value !== undefined) this.again(batch, row, place, value);
    else {
      const text = this.templates!.hidden ? "" : textAt(bytes, start, end, isEncoded);
      this.meet(batch, row, place, hash, text);
      own.draw(k);
    }
  }

  /** A value that was never there, of a field that may have few. */
  meet(batch: Batch<"logs">, row: number, place: Place, hash: number, text: string): void {
    const { service, field } = place;
    const { now } = this;
    const value = field.values.add(hash, now, text);
    if (!value?.isNew) return;
    service.discoveries[0].add(now);
    value.base = this.#judge.base(service, now, this.#services.values());
    this.#judge.value(batch, row, place, value, timeOf(batch, row), now);
  }

  /** A new value again. Of several sights in one look the first counts. */
  again(batch: Batch<"logs">, row: number, place: Place, value: Value): void {
    if (value.look === value.judged) return;
    value.judged = value.look;
    this.#judge.value(batch, row, place, value, timeOf(batch, row), this.now);
  }
}

function count(batch: Batch<"logs">, row: number, side: Side, shows: boolean): void {
  side.count++;
  if (shows) side.labels = shown(batch, row);
}

/** The number of a parameter that is bytes[start, end); NaN where it is none. `kind` says what it is of. */
function numberAt(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  const number = readNumber(bytes, view, start, end);
  if (start !== end) return number;
  const to = endOfEncoded(bytes, start);
  return to === start ? number : readEncoded(bytes, start, to);
}

function textAt(bytes: Uint8Array, start: number, end: number, isEncoded: boolean): string {
  return isEncoded && end > start
    ? textOfEncoded(bytes, start, end)
    : Buffer.from(bytes.subarray(start, end)).toString();
}
