// The share of each template in what its service logs: tells what makes up far more, or far less, of it than usual.
import { type Batch, defineFinder, duration, ofService, Services, serviceName, type Templates, z } from "vedette";
import { LINES, lineOf, linePlace } from "./line_of_code.ts";
import { BUCKET, type Moves, RECENT, type Surprise } from "./mix.ts";
import { load, save } from "./saved.ts";
import { Service } from "./service.ts";

const MOST_SERVICES = 2000;
/** Numbers of templates that a series remembers. */
const MOST_NUMBERS = 10_000;
const MINUTE = 60_000;
/** What was told goes on while it is at least so rare beside it, and is told again when it is so much rarer. */
const LASTS = 0.5;
const AGAIN = 2;

/**
 * What is known of a series: its service, and the slots there by number of template. Where records of a template say the line of their code it is ~k, k the
 * parameter that does, and slots are by LINES times that number and the line.
 */
interface Series {
  readonly service: Service;
  readonly slots: Map<number, number>;
  generation: number;
}

export default defineFinder({
  type: "log_mix",
  signals: ["logs"],
  stability: "alpha",
  summary: "Finds log messages that make up far more, or far less, of what their service logs than usual.",
  templates: "needs",
  finds: ["log_mix"],
  // out of reach: it is to be heard by others, and tells something only where the user lowers it
  defaults: { warmup: 0, threshold: 12 },
  config: z.object({
    learning: duration().prefault("1h").describe("How long a service is listened to before anything about it is told."),
  }),
  create({ learning }, host, detection) {
    const services = new Map<string, Service>();
    const moves: Moves = { sum: 0, weight: 0 };
    const all = new Services(services, MOST_SERVICES, host.log, () => {});
    /** By id of a series; null: not watched. */
    const known: (Series | null | undefined)[] = [];
    let templates: Templates | undefined;
    /** Number of the bucket under way. */
    let now = Number.NaN;

    function decide(batch: Batch, row: number, time: number): Series | null {
      const labels = batch.labels(row);
      if (!detection.allows(labels)) return null;
      const service = all.join(labels, (key) => new Service(key, time, ofService(labels)));
      return service ? { service, slots: new Map(), generation: service.mix.generation } : null;
    }

    /** The slot of a record, which is looked up by its template's id where its number is not known. */
    function slotOf(batch: Batch<"logs">, row: number, series: Series): number {
      const { service, slots } = series;
      const mined = batch.mined!;
      const template = mined.template[row];
      if (series.generation !== service.mix.generation || slots.size >= MOST_NUMBERS) slots.clear();
      series.generation = service.mix.generation;
      let slot = slots.get(template);
      if (slot === undefined) {
        const place = linePlace(batch.bytes, mined, row);
        if (place >= 0) {
          slot = ~place;
          slots.set(template, slot);
        }
      }
      let key = template;
      let id = "";
      if (slot !== undefined && slot < 0) {
        const line = lineOf(batch.bytes, mined, row, ~slot);
        id = `:${line}`;
        key = template * LINES + line;
        slot = slots.get(key);
      }
      if (slot !== undefined) return slot;
      slot = service.slotOf(mined.templates.id(template) + id, batch.labels(row));
      if (series.generation !== service.mix.generation) slots.clear();
      series.generation = service.mix.generation;
      slots.set(key, slot);
      return slot;
    }

    /** Judges the bucket under way, where another one begins at `time`, and makes room for those until then. */
    function advance(time: number): void {
      const next = Math.floor(time / BUCKET);
      if (next === now) return;
      const ahead = next - now;
      // a clock that was set is no gap
      const gone = ahead > 0 ? Math.min(ahead, RECENT) : 1;
      for (const service of services.values()) {
        if (Number.isNaN(now) || service.mix.isQuiet) continue;
        service.began = Math.min(service.began, time);
        const surprise = service.mix.judge(bucketOf(now), moves);
        if (surprise && time - service.began >= learning) tell(service, surprise, (now + 1) * BUCKET);
        else service.told = undefined;
        for (let step = gone - 1; step >= 0; step--) {
          service.mix.learn(bucketOf(next - step), moves);
          service.said[bucketOf(next - step)] = 0;
        }
      }
      now = next;
    }

    function tell(service: Service, { rarity, slot, observed, expected, span }: Surprise, time: number): void {
      const { told, said } = service;
      if (told && rarity < LASTS * told.rarity) service.told = undefined;
      else if (told) detection.lasts("logs", told.labels, told.template, time);
      if (service.told && rarity < AGAIN * service.told.rarity) return;
      const template = service.mix.ids[slot];
      const labels = service.labelsOf(slot);
      const tried = Math.max(...said);
      said[bucketOf(now)] = rarity;
      const who = serviceName(labels) || "a service without a name";
      const reason = `${who} logged "${labels.template}" in ${percent(observed)} of its records for ${span / MINUTE} min; usually in ${percent(expected)}.`;
      const finding = { type: "log_mix", signal: "logs", labels, about: template, time, rarity, tried } as const;
      if (!detection.find({ ...finding, since: time - span, observed, expected, reason })) return;
      service.told = { template, labels, rarity };
    }

    return {
      process(batch) {
        const { rows, receivedAt, mined } = batch;
        advance(receivedAt);
        if (!mined) return batch;
        if (mined.templates !== templates) {
          // numbers of another miner mean others
          templates = mined.templates;
          for (const each of known) each?.slots.clear();
        }
        const bucket = bucketOf(now);
        for (let i = 0; i < rows.length; i++) {
          const template = mined.template[i];
          if (template === 0) continue;
          let series = known[rows.series[i]];
          if (series === undefined) known[rows.series[i]] = series = decide(batch, i, receivedAt);
          if (series === null) continue;
          const { mix } = series.service;
          let slot = series.generation === mix.generation ? series.slots.get(template) : undefined;
          if (slot === undefined || slot < 0) slot = slotOf(batch as Batch<"logs">, i, series);
          mix.add(slot, bucket);
        }
        return batch;
      },
      tick: advance,
      forget(_, id) {
        const series = known[id];
        known[id] = undefined;
        if (series) series.service.series--;
      },
      save: () => save({ services, moves, now }),
      load(bytes) {
        now = load(bytes, services, moves);
      },
    };
  },
});

const bucketOf = (number: number) => ((number % RECENT) + RECENT) % RECENT;

/** "12 %", "0.04 %", "none". */
const percent = (share: number) => (share < 1e-6 ? "none" : `${Number((100 * share).toPrecision(2))} %`);
