// Tells log statements that a service never made before, by how severe they are and how rarely it makes new ones; a deployment is one event.
import { type Batch, defineFinder, duration, type Labels, Services, StatementColumn, type Templates, z } from "vedette";
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

/** Of a statement that needs no look before tomorrow; and seconds for which one that is never told needs none. */
const SETTLED = -1;
const QUIET = 600;

/** What is known of a series: its service, and the minute of its last labels. */
interface Series {
  readonly service: Service;
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
    /** Until when one needs no look, in seconds of the day; SETTLED. */
    const quiet = new StatementColumn();
    let templates: Templates | undefined;
    let day = Number.NaN;
    let statements = 0;

    function decide(labels: Labels, time: number): Series | null {
      if (!detection.allows(labels)) return null;
      const service = all.join(labels, (key) => new Service(key, time));
      if (!service) return null;
      return { service, minute: Number.NaN };
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

    /** A statement that is not settled yet: new, watched, or not seen since the restart or since yesterday. */
    function look(batch: Batch<"logs">, row: number, { service }: Series, number: number, time: number): void {
      const own = batch.mined!.statement[row];
      const id = templates!.id(number);
      let statement = service.statements.get(id);
      if (!statement) {
        statement = discover(service, id, templates!.text(number), batch.rows.severity[row], time);
      } else {
        const counts = service.see(statement, time);
        if (Math.abs(time - statement.first) > WATCHED) {
          quiet.values[own] = SETTLED;
          return;
        }
        if (Number.isNaN(statement.rarity)) {
          // of what is never told nothing matters but that it came
          quiet.values[own] = Math.floor((time - day * DAY) / 1000) + QUIET;
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
        templates = mined.templates;
        quiet.begin(mined);
        // once a day all are looked at, so that what is not said any more can leave
        if (today !== day) quiet.values.fill(0);
        day = today;
        const second = Math.floor((receivedAt - day * DAY) / 1000);
        const until = quiet.values;
        const { statement } = mined;
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
          const own = until[statement[i]];
          if (own === SETTLED || (own > second && own <= second + QUIET)) continue;
          look(batch as Batch<"logs">, i, series, number, receivedAt);
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
