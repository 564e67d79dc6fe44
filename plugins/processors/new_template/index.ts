// Tells log statements that a service never made before, by how severe they are and how rarely it makes new ones; a deployment is one event.
import { type Batch, defineFinder, duration, type Labels, Services, type Templates, z } from "vedette";
import { seenAgain } from "vedette/counts";
import { Events } from "./events.ts";
import { Expectation } from "./expectation.ts";
import { load, save } from "./saved.ts";
import { Service, type Statement, WATCHED } from "./service.ts";
import { AGAIN, kindOf, MOST_ADDED, rankOf, rarityOf } from "./surprise.ts";
import { severityOf, wordsOf } from "./words.ts";

/** Of one service; of all together it is `max_series`. */
const MOST_STATEMENTS = 10_000;
const MOST_SERVICES = 5000;
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
    const expectation = new Expectation(services);
    const events = new Events(detection, expectation);
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
      const judged = time - service.began >= learning && !service.isFlooded(rank, time) && !service.hasMoreOf(words);
      const rarity = judged ? rarityOf(expectation.of(service, kindOf(rank, variant), time), rank) : Number.NaN;
      const part = service.wasToldLike(words, rank, time);
      const statement = {
        ...{ id, rank, variant, words, first: time, rarity, day: Math.floor(time / DAY) },
        ...{ records: 1, last: time, added: 0, tried: 0, part },
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
        const more = AGAIN[statement.rank] * seenAgain(time - statement.first, statement.first - service.began);
        statement.added = Math.min(MOST_ADDED[statement.rank], statement.added + more);
      }
      if (!Number.isNaN(statement.rarity)) events.consider(service, statement, { batch, row, number }, time);
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
        for (const service of services.values()) events.settle(service, now, templates?.hidden ?? true);
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
