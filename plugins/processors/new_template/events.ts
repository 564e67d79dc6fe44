// What is new waits for what else is, and is told with it as one event.
import { type Batch, type Detection, serviceName } from "vedette";
import type { Expectation } from "./expectation.ts";
import type { Candidate, Service, Statement } from "./service.ts";
import { ERROR, FATAL } from "./surprise.ts";
import { sentence } from "./words.ts";

/** What is milder than an ERROR waits so long for others that are as new. Milliseconds. */
const SETTLES = 30_000;
/** New statements within so long of each other are one event, which lasts at most an hour. */
const ONE_EVENT = 900_000;
const LONGEST_EVENT = 3_600_000;
/** An ERROR within a milder event is told by itself when coming again has added so much to its rarity. */
const KEEPS_COMING = 1;
const MOST_CANDIDATES = 64;
const MOST_CONTRIBUTORS = 20;

/** A record, and the number of its template. */
export interface Sight {
  readonly batch: Batch<"logs">;
  readonly row: number;
  readonly number: number;
}

export class Events {
  readonly #detection: Detection;
  readonly #expectation: Expectation;

  constructor(detection: Detection, expectation: Expectation) {
    this.#detection = detection;
    this.#expectation = expectation;
  }

  /** A statement that is new was seen: an ERROR is tried at once, others wait. */
  consider(service: Service, statement: Statement, sight: Sight, time: number): void {
    if (belongs(service, statement, time)) return;
    const { batch, row, number } = sight;
    const { templates } = batch.mined!;
    let candidate = service.candidates.find((each) => each.statement === statement);
    if (candidate) {
      // it may have grown more general
      candidate.labels = { ...candidate.labels, template: templates.text(number) };
    } else {
      const labels = batch.labels(row);
      service.follow(labels, time);
      candidate = { statement, labels };
      wait(service, candidate, time);
    }
    if (statement.rank >= ERROR) this.#tell(service, time, templates.hidden, { ...sight, candidate });
  }

  /** Tells what has waited long enough; what was not surprising enough is taken up again when it is seen again. */
  settle(service: Service, now: number, hidden: boolean): void {
    if (!(Math.abs(now - service.waiting) >= SETTLES)) return;
    this.#tell(service, now, hidden);
    service.settle();
  }

  /** Tells the most surprising of those that wait, with the others; on the record that it was found in, where there is one. */
  #tell(service: Service, time: number, hidden: boolean, found?: Sight & { readonly candidate: Candidate }): void {
    const { candidates } = service;
    const first = candidates.reduce((a, b) => (surprise(b) > surprise(a) ? b : a));
    const { statement } = first;
    const { example, ...rest } = first.labels;
    // it may have waited while the user had them hidden
    const labels = { ...rest, ...(example !== undefined && !hidden && { example }) };
    const rarity = Math.max(surprise(first), this.#expectation.rarityOfAll(service, time));
    const others = candidates.filter((each) => each !== first).sort((a, b) => surprise(b) - surprise(a));
    const version = service.versionSince(time - LONGEST_EVENT);
    const text = labels.template ?? "";
    const finding = {
      type: "new_template",
      signal: "logs",
      labels,
      about: statement.id,
      time,
      since: service.waiting,
      rarity,
      tried: statement.tried,
      observed: statement.records,
      expected: 0,
      reason: sentence(serviceName(labels), labels.name, text, statement.records, others.length, version),
      contributors: others.slice(0, MOST_CONTRIBUTORS).map((each) => each.labels.template ?? ""),
    } as const;
    const own = found?.candidate === first ? found : undefined;
    if (!this.#detection.find(finding, own?.batch, own?.row)) {
      statement.tried = Math.max(statement.tried, rarity);
      return;
    }
    const { event } = service;
    const rank = candidates.reduce((worst, each) => Math.max(worst, each.statement.rank), 0);
    // what is told within an event goes on with it
    if (event && statement.part) Object.assign(event, { rank: Math.max(rank, event.rank), until: time + ONE_EVENT });
    else service.event = { began: service.waiting, until: time + ONE_EVENT, rank };
    for (const each of candidates) each.statement.part = true;
    service.settle();
  }
}

function wait(service: Service, candidate: Candidate, time: number): void {
  const { candidates } = service;
  if (Number.isNaN(service.waiting)) service.waiting = time;
  if (candidates.length < MOST_CANDIDATES) {
    candidates.push(candidate);
    return;
  }
  const least = candidates.reduce((a, b) => (surprise(b) < surprise(a) ? b : a));
  if (surprise(candidate) > surprise(least)) candidates[candidates.indexOf(least)] = candidate;
}

/** Whether it is part of an event that was told, and no more than that. */
function belongs({ event }: Service, statement: Statement, time: number): boolean {
  const lasts =
    event !== undefined && time >= event.began && time <= event.until && Math.abs(time - event.began) <= LONGEST_EVENT;
  if (!lasts) return statement.part;
  statement.part = true;
  if (statement.first === time) event.until = time + ONE_EVENT;
  const { rank, added } = statement;
  return rank <= event.rank || rank < ERROR || (rank < FATAL && added < KEEPS_COMING);
}

const surprise = ({ statement }: Candidate) => statement.rarity + statement.added;
