// Tells log statements that a service never made before, by how severe they are and how rarely it makes new ones; a deployment is one event.
import { type Batch, defineFinder, duration, type Labels, type Templates, z } from "vedette";
import { discoveryRate, seenAgain } from "vedette/counts";
import { load, save } from "./saved.ts";
import { Service, type Statement, WATCHED } from "./service.ts";
import { AGAIN, kindOf, MOST_ADDED, RANKS, rankOf, rarityOf, rarityOfMany } from "./surprise.ts";
import { sentence, severityOf } from "./words.ts";

/** From ERROR on it is told at once; what is milder waits so long for others that are as new. Milliseconds. */
const ERROR = 2;
const SETTLES = 30_000;
/** New statements within so long of each other are one event, which lasts at most an hour. */
const ONE_EVENT = 900_000;
const LONGEST_EVENT = 3_600_000;
/** In which what is new is counted together. Milliseconds. */
const WINDOWS = [300_000, ONE_EVENT];
/** One of an event that is told already is told again when it is so many times as surprising. */
const MORE = 2;
const MOST_CANDIDATES = 64;
const MOST_CONTRIBUTORS = 20;
/** Of one service; of all together it is `max_series`. */
const MOST_STATEMENTS = 10_000;
const MOST_SERVICES = 5000;
/** A row of later than this ahead of the clock is taken for one of now. Milliseconds. */
const AHEAD = 600_000;
const MINUTE = 60_000;
const DAY = 86_400_000;

/** What is known of a series: its service, and the numbers of templates that need no look any more. */
interface Series {
  readonly service: Service;
  readonly settled: Set<number>;
}

export default defineFinder({
  type: "new_template",
  signals: ["logs"],
  stability: "beta",
  summary: "Tells log messages of a kind that a service never wrote before.",
  templates: "needs",
  finds: ["new_template"],
  defaults: { warmup: 0, threshold: 5 },
  config: z.object({
    learning: duration()
      .prefault("1h")
      .describe("How long a service is listened to before a message that is new is told."),
  }),
  create({ learning, max_series }, host, detection) {
    const services = new Map<string, Service>();
    /** By id of a series; null: not watched. */
    const known: (Series | null | undefined)[] = [];
    let templates: Templates | undefined;
    let day = Number.NaN;
    let full = false;
    let statements = 0;

    function decide(batch: Batch, row: number, time: number): Series | null {
      const labels = batch.labels(row);
      if (!detection.allows(labels)) return null;
      const key = JSON.stringify([labels.resource["service.namespace"], labels.resource["service.name"]].map(String));
      let service = services.get(key);
      if (!service) {
        if (services.size >= MOST_SERVICES) leave();
        if (services.size >= MOST_SERVICES) {
          if (!full)
            host.log.warn("too many services: new ones are not watched; narrow match", { most: MOST_SERVICES });
          full = true;
          return null;
        }
        service = new Service(key, time);
        services.set(key, service);
      }
      service.series++;
      return { service, settled: new Set() };
    }

    /** Services that the agent has forgotten make room. */
    function leave(): void {
      for (const [key, { series, statements: own }] of services) {
        if (series > 0) continue;
        services.delete(key);
        statements -= own.size;
      }
    }

    function discover(service: Service, id: string, text: string, rank: number, time: number): Statement {
      const statement = service.discover(id, text, rank, time);
      statements++;
      let largest = service;
      if (statements > max_series) {
        for (const each of services.values()) if (each.statements.size > largest.statements.size) largest = each;
      } else if (service.statements.size <= MOST_STATEMENTS) return statement;
      statements -= largest.statements.size;
      largest.shrink();
      statements += largest.statements.size;
      return statement;
    }

    /** A template that has no settled number yet: new, watched, or not seen since the restart or since yesterday. */
    function look(batch: Batch<"logs">, row: number, { service, settled }: Series, number: number, time: number): void {
      const id = templates!.id(number);
      let statement = service.statements.get(id);
      if (!statement) {
        const text = templates!.text(number);
        statement = discover(service, id, text, rankOf(batch.rows.severity[row] || severityOf(text)), time);
      } else {
        if (time - statement.first > WATCHED) {
          service.see(statement, time);
          settled.add(number);
          return;
        }
        if (!service.see(statement, time)) return;
        const more = AGAIN * seenAgain(time - statement.first, statement.first - service.began);
        statement.added = Math.min(MOST_ADDED[statement.rank], statement.added + more);
      }
      if (statement.first - service.began >= learning) consider(batch, row, service, statement, number, time);
    }

    /** Discoveries of its kind that are to be expected a minute. */
    const expected = (service: Service, { rank, variant }: Statement, time: number) =>
      discoveryRate(service, kindOf(rank, variant), time, services.values());

    function consider(
      batch: Batch<"logs">,
      row: number,
      service: Service,
      statement: Statement,
      number: number,
      time: number,
    ): void {
      const { rank } = statement;
      const rarity = rarityOf(expected(service, statement, statement.first), rank) + statement.added;
      if (belongs(service, rank, rarity, time)) return;
      const waiting = service.candidates.find((candidate) => candidate.statement === statement);
      if (waiting) waiting.rarity = rarity;
      else if (service.candidates.length < MOST_CANDIDATES) {
        const labels = batch.labels(row);
        follow(service, labels, time);
        service.candidates.push({ statement, labels, text: templates!.text(number), rarity });
        if (Number.isNaN(service.waiting)) service.waiting = time;
      }
      if (rank >= ERROR) tell(service, time, batch, row);
    }

    /** Whether it is part of an event that was told. */
    function belongs({ event }: Service, rank: number, rarity: number, time: number): boolean {
      if (!event || time > event.until || time - event.began > LONGEST_EVENT) return false;
      event.until = time + ONE_EVENT;
      return rank <= event.rank && rarity < MORE * event.rarity;
    }

    function follow(service: Service, { resource }: Labels, time: number): void {
      const version = String(resource["service.version"] ?? "");
      if (version === service.version) return;
      if (service.version !== "") service.changed = time;
      service.version = version;
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
            rate += discoveryRate(service, kind, time - window, services.values());
          }
          most = Math.max(most, rarityOfMany(count, (rate * window) / MINUTE));
        }
      }
      return most;
    }

    /** Tells the most surprising of those that wait, with the others. */
    function tell(service: Service, time: number, batch?: Batch, row?: number): void {
      const { candidates } = service;
      const first = candidates.reduce((a, b) => (b.rarity > a.rarity ? b : a));
      const { statement, labels, text } = first;
      const rarity = Math.max(first.rarity, rarityOfAll(service, time));
      const others = candidates.filter((each) => each !== first).sort((a, b) => b.rarity - a.rarity);
      const version = time - service.changed < LONGEST_EVENT ? service.version : undefined;
      const finding = {
        type: "new_template",
        signal: "logs",
        labels,
        about: statement.id,
        time,
        since: service.waiting,
        rarity,
        tried: statement.tried,
        observed: statement.sights,
        expected: 0,
        reason: sentence(nameOf(labels), labels.name, text, statement.sights, others.length, version),
        contributors: others.slice(0, MOST_CONTRIBUTORS).map((each) => each.text),
      } as const;
      // it is written onto the record that it was found in
      const own = batch && first.statement.last === time ? row : undefined;
      if (detection.find(finding, own === undefined ? undefined : batch, own)) {
        const worst = candidates.reduce((rank, each) => Math.max(rank, each.statement.rank), 0);
        service.event = { began: service.waiting, until: time + ONE_EVENT, rank: worst, rarity };
        settle(service);
      } else statement.tried = Math.max(statement.tried, rarity);
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
        for (let i = 0; i < rows.length; i++) {
          const number = mined.template[i];
          if (number === 0) continue;
          const t = rows.time[i];
          const time = t > 0 && t <= receivedAt + AHEAD ? t : receivedAt;
          let series = known[rows.series[i]];
          if (series === undefined) {
            series = decide(batch, i, time);
            known[rows.series[i]] = series;
          }
          if (series === null || series.settled.has(number)) continue;
          look(batch as Batch<"logs">, i, series, number, time);
        }
        return batch;
      },
      tick(now) {
        for (const service of services.values()) {
          if (!(now - service.waiting >= SETTLES)) continue;
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

/** "payments/checkout". */
function nameOf({ resource }: Labels): string {
  return [resource["service.namespace"], resource["service.name"]].filter((part) => part !== undefined).join("/");
}
