// Tells log statements that a service never made before, by how severe they are and how rarely it makes new ones; a deployment is one event.
import { type Batch, defineFinder, duration, type Labels, Services, serviceName, type Templates, z } from "vedette";
import { commonRate, discoveryRate, seenAgain } from "vedette/counts";
import { load, save } from "./saved.ts";
import { type Candidate, Service, type Statement, WATCHED } from "./service.ts";
import { AGAIN, ERROR, FATAL, kindOf, MOST_ADDED, RANKS, rankOf, rarityOf, rarityOfMany } from "./surprise.ts";
import { sentence, severityOf, wordsOf } from "./words.ts";

/** What is milder than an ERROR waits so long for others that are as new. Milliseconds. */
const SETTLES = 30_000;
/** New statements within so long of each other are one event, which lasts at most an hour. */
const ONE_EVENT = 900_000;
const LONGEST_EVENT = 3_600_000;
/** An ERROR within a milder event is told by itself when coming again has added so much to its rarity. */
const KEEPS_COMING = 1;
/** In which what is new is counted together. Milliseconds. */
const WINDOWS = [300_000, ONE_EVENT];
const MOST_CANDIDATES = 64;
const MOST_CONTRIBUTORS = 20;
/** Of one service; of all together it is `max_series`. */
const MOST_STATEMENTS = 10_000;
const MOST_SERVICES = 5000;
/** What all services find of a kind is counted once in so long. Milliseconds. */
const STEP = 10_000;
const MOST_RATES = 256;
const MINUTE = 60_000;
const DAY = 86_400_000;

/** What is known of a series: its service, the numbers of templates that need no look any more, and the minute of its last labels. */
interface Series {
  readonly service: Service;
  readonly settled: Set<number>;
  minute: number;
}

export default defineFinder({
  type: "new_template",
  signals: ["logs"],
  stability: "beta",
  summary: "Tells log messages of a kind that a service never wrote before.",
  templates: "needs",
  finds: ["new_template"],
  defaults: { warmup: 0, threshold: 5.3 },
  config: z.object({
    learning: duration()
      .prefault("1h")
      .describe("How long a service is listened to before a message that is new is told."),
  }),
  create({ learning, max_series }, host, detection) {
    const services = new Map<string, Service>();
    const all = new Services(services, MOST_SERVICES, host.log, (service) => {
      statements -= service.statements.size;
    });
    /** By id of a series; null: not watched. */
    const known: (Series | null | undefined)[] = [];
    const rates = new Map<number, number>();
    let templates: Templates | undefined;
    let day = Number.NaN;
    let statements = 0;

    function decide(labels: Labels, time: number): Series | null {
      if (!detection.allows(labels)) return null;
      const service = all.join(labels, (key) => new Service(key, time));
      if (!service) return null;
      return { service, settled: new Set(), minute: Number.NaN };
    }

    function discover(service: Service, id: string, text: string, severity: number, time: number): Statement {
      const rank = rankOf(severity || severityOf(text));
      const words = wordsOf(text);
      const variant = service.hasLike(words);
      const judged = time - service.began >= learning && !service.isFlooded(rank, time);
      const rarity = judged ? rarityOf(expected(service, kindOf(rank, variant), time), rank) : Number.NaN;
      const statement = {
        ...{ id, rank, variant, words, first: time, rarity, day: Math.floor(time / DAY) },
        ...{ records: 1, last: time, added: 0, tried: 0, part: false },
      };
      service.add(statement);
      statements++;
      makeRoom(service);
      return statement;
    }

    function makeRoom(service: Service): void {
      let largest = service;
      if (statements > max_series) {
        for (const each of services.values()) if (each.statements.size > largest.statements.size) largest = each;
      } else if (service.statements.size <= MOST_STATEMENTS) return;
      statements -= largest.statements.size;
      largest.shrink();
      statements += largest.statements.size;
    }

    /** Discoveries of a kind that are to be expected a minute. */
    function expected(service: Service, kind: number, time: number): number {
      const step = Math.floor(time / STEP);
      const key = step * 2 * RANKS + kind;
      let rate = rates.get(key);
      if (rate === undefined) {
        if (rates.size >= MOST_RATES) rates.clear();
        rate = commonRate(kind, step * STEP, services.values());
        rates.set(key, rate);
      }
      return discoveryRate(service, kind, time, rate);
    }

    /** A template that has no settled number yet: new, watched, or not seen since the restart or since yesterday. */
    function look(batch: Batch<"logs">, row: number, { service, settled }: Series, number: number, time: number): void {
      const id = templates!.id(number);
      let statement = service.statements.get(id);
      if (!statement) {
        statement = discover(service, id, templates!.text(number), batch.rows.severity[row], time);
      } else {
        const counts = service.see(statement, time);
        if (Math.abs(time - statement.first) > WATCHED) {
          if (settled.size >= MOST_STATEMENTS) settled.clear();
          settled.add(number);
          return;
        }
        if (!counts) return;
        const more = AGAIN * seenAgain(time - statement.first, statement.first - service.began);
        statement.added = Math.min(MOST_ADDED[statement.rank], statement.added + more);
      }
      if (!Number.isNaN(statement.rarity)) consider(batch, row, service, statement, number, time);
    }

    function consider(
      batch: Batch<"logs">,
      row: number,
      service: Service,
      statement: Statement,
      number: number,
      time: number,
    ): void {
      if (belongs(service, statement, time)) return;
      let candidate = service.candidates.find((each) => each.statement === statement);
      if (candidate) {
        // it may have grown more general
        candidate.labels = { ...candidate.labels, template: templates!.text(number) };
      } else {
        const labels = batch.labels(row);
        service.follow(labels, time);
        candidate = { statement, labels };
        wait(service, candidate, time);
      }
      if (statement.rank >= ERROR) tell(service, time, { batch, row, candidate });
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
        event !== undefined &&
        time >= event.began &&
        time <= event.until &&
        Math.abs(time - event.began) <= LONGEST_EVENT;
      if (!lasts) return statement.part;
      statement.part = true;
      if (statement.first === time) event.until = time + ONE_EVENT;
      const { rank, added } = statement;
      return rank <= event.rank || rank < ERROR || (rank < FATAL && added < KEEPS_COMING);
    }

    /** Of all that the service said for the first time of late: in the minutes in which that is most surprising, with variants or without. */
    function rarityOfAll(service: Service, time: number): number {
      let most = 0;
      for (const window of WINDOWS) {
        let count = 0;
        let rate = 0;
        for (const variant of [false, true]) {
          for (let rank = 0; rank < RANKS; rank++) {
            const kind = kindOf(rank, variant);
            count += service.discoveries[kind].between(time - window, time + 1);
            rate += expected(service, kind, time - window);
          }
          most = Math.max(most, rarityOfMany(count, (rate * window) / MINUTE));
        }
      }
      return most;
    }

    /** Tells the most surprising of those that wait, with the others; on the record that it was found in, where there is one. */
    function tell(
      service: Service,
      time: number,
      found?: { batch: Batch<"logs">; row: number; candidate: Candidate },
    ): void {
      const { candidates } = service;
      const first = candidates.reduce((a, b) => (surprise(b) > surprise(a) ? b : a));
      const { statement } = first;
      const { example, ...rest } = first.labels;
      // it may have waited while the user had them hidden
      const labels = { ...rest, ...(example !== undefined && !(templates?.hidden ?? true) && { example }) };
      const rarity = Math.max(surprise(first), rarityOfAll(service, time));
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
      if (!detection.find(finding, own?.batch, own?.row)) {
        statement.tried = Math.max(statement.tried, rarity);
        return;
      }
      const { event } = service;
      const rank = candidates.reduce((worst, each) => Math.max(worst, each.statement.rank), 0);
      // what is told within an event goes on with it
      if (event && statement.part) Object.assign(event, { rank: Math.max(rank, event.rank), until: time + ONE_EVENT });
      else service.event = { began: service.waiting, until: time + ONE_EVENT, rank };
      for (const each of candidates) each.statement.part = true;
      settle(service);
    }

    function settle(service: Service): void {
      service.candidates = [];
      service.waiting = Number.NaN;
    }

    return {
      process(batch) {
        const { rows, receivedAt, mined } = batch;
        if (!mined) return batch;
        const today = Math.floor(receivedAt / DAY);
        if (mined.templates !== templates || today !== day) {
          // numbers of another miner mean others; once a day all are looked at, so that what is not said any more can leave
          templates = mined.templates;
          day = today;
          for (const each of known) each?.settled.clear();
        }
        const minute = Math.floor(receivedAt / MINUTE);
        for (let i = 0; i < rows.length; i++) {
          const number = mined.template[i];
          if (number === 0) continue;
          let series = known[rows.series[i]];
          if (series === undefined) {
            series = decide(batch.labels(i), receivedAt);
            known[rows.series[i]] = series;
          }
          if (series === null) continue;
          if (series.minute !== minute) {
            series.minute = minute;
            series.service.follow(batch.labels(i), receivedAt);
            // the clock was set back: it is learnt anew
            series.service.began = Math.min(series.service.began, receivedAt);
          }
          if (!series.settled.has(number)) look(batch as Batch<"logs">, i, series, number, receivedAt);
        }
        return batch;
      },
      tick(now) {
        for (const service of services.values()) {
          if (!(Math.abs(now - service.waiting) >= SETTLES)) continue;
          tell(service, now);
          // what was not surprising enough is taken up again when it is seen again
          settle(service);
        }
      },
      forget(_, id) {
        const series = known[id];
        known[id] = undefined;
        if (series) series.service.series--;
      },
      save: () => save(services),
      load(bytes) {
        for (const service of load(bytes)) {
          services.set(service.key, service);
          statements += service.statements.size;
        }
      },
    };
  },
});

const surprise = ({ statement }: Candidate) => statement.rarity + statement.added;
