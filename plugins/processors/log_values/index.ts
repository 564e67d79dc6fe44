// Numbers and values in log messages: tells numbers that are unusually high or low, and values that a field of few values never had.
import { type Batch, defineFinder, duration, type Labels, ofService, Services, type Templates, z } from "vedette";
import { type Attribute, eachAttribute, textOf } from "./attributes.ts";
import { Field, type Side } from "./field.ts";
import { INTERVAL, Judge, type Place, shown } from "./judge.ts";
import { Kind, kind, readNumber } from "./number.ts";
import type { Parameters } from "./parameters.ts";
import { load, type Memory, save } from "./saved.ts";
import { Service } from "./service.ts";
import { binOf, Spread } from "./spread.ts";
import { Statement } from "./statement.ts";
import { hashOf, lookOf, type Value } from "./values.ts";

/** The attributes of a record of a statement are read so often, if none of its service were for a while; so often in any case. Milliseconds. */
const LOOK_EVERY = 5000;
const LOOKS_APART = 500;
const LOOK_AT_LEAST = 60_000;
const MOST_SERVICES = 2000;
/** Of all services together, each statement counted as one more; half as many of attributes. */
const MOST_FIELDS = 20_000;
/** Of one service. */
const MOST_ATTRIBUTES = 32;
/** A row of later than this ahead of the clock is taken for one of now. Milliseconds. */
const AHEAD = 600_000;

/** What is known of a series: its service, and the statements of that by number of template. */
interface Series {
  readonly service: Service;
  readonly statements: Map<number, Statement>;
}

export default defineFinder({
  type: "log_values",
  signals: ["logs"],
  stability: "beta",
  summary: "Tells outliers among the numbers in log messages, and values that a field of few values never had.",
  templates: "needs",
  finds: ["outlier", "new_value"],
  defaults: { warmup: 0, threshold: 6 },
  config: z.object({
    learning: duration().prefault("1h").describe("How long a service is listened to before anything about it is told."),
  }),
  create({ learning, max_series }, host, detection) {
    const memory: Memory = { services: new Map(), judge: new Judge(detection, learning), judged: Number.NaN };
    const { services, judge } = memory;
    const all = new Services(services, MOST_SERVICES, host.log, ({ statements, attributes: own }) => {
      for (const statement of statements.values()) forget(statement);
      attributes -= own.size;
    });
    /** By id of a series; null: not watched. */
    const known: (Series | null | undefined)[] = [];
    const most = Math.min(max_series, MOST_FIELDS);
    let templates: Templates | undefined;
    /** Of statements, and of services. */
    let fields = 0;
    let attributes = 0;
    /** When the batch at hand was received, Unix milliseconds: what is remembered goes by it. */
    let now = 0;
    let look = 0;

    function decide(batch: Batch, row: number): Series | null {
      const labels = batch.labels(row);
      if (!detection.allows(labels)) return null;
      const service = all.join(labels, (key) => new Service(key, now));
      if (!service) return null;
      return { service, statements: new Map() };
    }

    function forget(statement: Statement): void {
      for (const field of statement.fields()) judge.release(field);
      fields -= statement.size;
      statement.service.statements.delete(statement.id);
    }

    /** The eighth of the statements that was not seen for longest makes room. */
    function shrink(): void {
      const all = [...services.values()].flatMap(({ statements }) => [...statements.values()]);
      all.sort((a, b) => a.last - b.last);
      for (const statement of all.slice(0, Math.ceil(all.length / 8))) forget(statement);
      for (const series of known) series?.statements.clear();
    }

    /** Numbers of another miner mean others, and it may hide what this one showed. */
    function follow(next: Templates): void {
      templates = next;
      for (const series of known) series?.statements.clear();
      if (!next.hidden) return;
      for (const service of services.values()) for (const field of service.fields()) field.hide();
    }

    function statementOf(batch: Batch<"logs">, row: number, { service, statements }: Series, template: number) {
      const id = templates!.id(template);
      let statement = service.statements.get(id);
      if (!statement) {
        statement = new Statement(service, id, plain(batch.labels(row)));
        service.statements.set(id, statement);
        fields += statement.size;
      }
      statements.set(template, statement);
      return statement;
    }

    function parametersOf(statement: Statement, template: number, count: number): Parameters {
      const own = statement.add(count, (k) => templates!.parameterName(template, k) ?? `#${k + 1}`);
      fields += own.fields.length;
      return own;
    }

    function count(batch: Batch<"logs">, row: number, side: Side): void {
      side.count++;
      // of what was never judged it is the first
      if ((side.wanted || side.row < 0) && !side.labels) side.labels = shown(batch, row);
    }

    /** A number of a field that is watched. */
    function watch(batch: Batch<"logs">, row: number, field: Field, bin: number): void {
      const spread = field.spread!;
      field.numbers++;
      if (spread.isHigh(bin)) {
        count(batch, row, field.high);
        if (spread.isHuge(bin)) count(batch, row, field.huge);
      } else if (spread.isLow(bin)) {
        count(batch, row, field.low);
        if (spread.isTiny(bin)) count(batch, row, field.tiny);
      }
    }

    /** A number that stands for `weight` of its field. */
    function learn(
      batch: Batch<"logs">,
      row: number,
      statement: Statement,
      field: Field,
      value: number,
      weight: number,
    ) {
      const bin = binOf(value);
      if (kind !== Kind.none) field.kind = kind;
      field.spread ??= new Spread();
      const { spread } = field;
      const { largest } = spread;
      if (bin > largest && largest > 0 && value > 0) {
        const place = { service: statement.service, statement, field };
        judge.far(batch, row, place, { value, bin, largest, time: timeOf(batch, row), now });
      }
      if (field.isWatched) watch(batch, row, field, bin);
      else field.before += weight;
      if (spread.add(bin, weight)) judge.begin(field);
    }

    /** A value that was never there, of a field that may have few. */
    function meet(batch: Batch<"logs">, row: number, place: Place, hash: number, text: string): void {
      const { service, field } = place;
      const value = field.values.add(hash, now, text);
      if (!value?.isNew) return;
      service.discoveries[0].add(now);
      value.base = judge.base(service, now, services.values());
      judge.value(batch, row, place, value, timeOf(batch, row), now);
    }

    /** A new value again. Of several sights in one look the first counts. */
    function again(batch: Batch<"logs">, row: number, place: Place, value: Value): void {
      if (value.look === value.judged) return;
      value.judged = value.look;
      judge.value(batch, row, place, value, timeOf(batch, row), now);
    }

    /** Parameter `k` of a record, which may be one of few values; `p` is where it is in the columns. */
    function see(batch: Batch<"logs">, row: number, statement: Statement, own: Parameters, k: number, p: number): void {
      const { bytes, mined } = batch;
      const start = mined!.parameterStart[p];
      const end = mined!.parameterEnd[p];
      const hash = hashOf(bytes, start, end);
      if (own.isLatest(k, hash, look)) return;
      own.settle(k);
      const field = own.fields[k];
      const value = field.values.see(hash, look);
      if (value !== undefined && !value.isNew) {
        own.follow(k, hash, look);
        return;
      }
      const place = { service: statement.service, statement, field };
      if (value !== undefined) again(batch, row, place, value);
      else {
        const text = templates!.hidden ? "" : Buffer.from(bytes.subarray(start, end)).toString();
        meet(batch, row, place, hash, text);
        own.draw(k);
      }
    }

    /** Parameters of a record, from `first` on, that stands for `weight` of its statement. */
    function learnAll(
      batch: Batch<"logs">,
      row: number,
      statement: Statement,
      own: Parameters,
      first: number,
      weight: number,
    ) {
      const { bytes, mined } = batch;
      for (let k = 0; k < own.fields.length; k++) {
        const field = own.fields[k];
        const number = readNumber(bytes, mined!.parameterStart[first + k], mined!.parameterEnd[first + k]);
        if (Number.isNaN(number)) field.texts += weight;
        else {
          own.settle(k);
          // what may be low or high is learnt of every record
          learn(batch, row, statement, field, number, field.isWatched && own.isBeyond(k, number) ? 1 : weight);
          field.order.add(number);
        }
        if (field.values.known !== undefined) see(batch, row, statement, own, k, first + k);
        field.isWatched = field.isNumeric;
        own.draw(k);
      }
    }

    /** Parameters of a record that is not learnt: only what is beyond the lines, or new, is news. */
    function judgeAll(batch: Batch<"logs">, row: number, statement: Statement, own: Parameters, first: number): void {
      const { bytes, mined } = batch;
      for (let k = 0, watched = own.watched, few = own.few; (watched | few) !== 0; k++, watched >>= 1, few >>= 1) {
        if ((few & 1) !== 0) see(batch, row, statement, own, k, first + k);
        else if ((watched & 1) !== 0) {
          const number = readNumber(bytes, mined!.parameterStart[first + k], mined!.parameterEnd[first + k]);
          if (Number.isNaN(number) || own.isWithin(k, number)) continue;
          own.settle(k);
          learn(batch, row, statement, own.fields[k], number, 1);
          own.draw(k);
        }
      }
    }

    function isTime({ looked }: Service, statement: Statement): boolean {
      const since = now - statement.looked;
      return since >= LOOK_AT_LEAST || since < 0 || (since >= LOOK_EVERY && !(now - looked < LOOKS_APART));
    }

    function attribute(batch: Batch<"logs">, row: number, service: Service, each: Attribute): void {
      const { bytes } = batch;
      let field = service.attributes.get(each.keyHash);
      if (!field) {
        if (service.attributes.size >= MOST_ATTRIBUTES || attributes >= most / 2) return;
        field = new Field(Buffer.from(bytes.subarray(each.keyStart, each.keyEnd)).toString());
        service.attributes.set(each.keyHash, field);
        attributes++;
      }
      if (field.values.known === undefined) return;
      const value = field.values.see(each.valueHash, look);
      if (value !== undefined && !value.isNew) return;
      const place = { service, statement: undefined, field };
      if (value !== undefined) again(batch, row, place, value);
      else meet(batch, row, place, each.valueHash, templates!.hidden ? "" : textOf(bytes, each));
    }

    return {
      process(batch) {
        const { rows, receivedAt, mined } = batch;
        if (!mined) return batch;
        if (mined.templates !== templates) follow(mined.templates);
        const { template, firstParameter, endParameter } = mined;
        const records = batch as Batch<"logs">;
        now = receivedAt;
        look = lookOf(now);
        for (let i = 0; i < rows.length; i++) {
          if (template[i] === 0) continue;
          if (fields > most) shrink();
          let series = known[rows.series[i]];
          if (series === undefined) {
            series = decide(batch, i);
            known[rows.series[i]] = series;
          }
          if (series === null) continue;
          const statement = series.statements.get(template[i]) ?? statementOf(records, i, series, template[i]);
          statement.last = now;
          const weight = statement.count();
          const first = firstParameter[i];
          const count = endParameter[i] - first;
          if (count > 0) {
            const own = statement.of(count) ?? parametersOf(statement, template[i], count);
            if (weight > 0) learnAll(records, i, statement, own, first, weight);
            else judgeAll(records, i, statement, own, first);
          }
          const { service } = series;
          if (isTime(service, statement)) {
            statement.looked = service.looked = now;
            eachAttribute(batch.bytes, rows.offset[i], (each) => attribute(records, i, service, each));
          }
        }
        return batch;
      },
      tick(clock) {
        const interval = Math.floor(clock / INTERVAL) * INTERVAL;
        if (Number.isNaN(memory.judged) || interval < memory.judged - INTERVAL) memory.judged = interval;
        if (interval <= memory.judged) return;
        memory.judged = interval;
        const hidden = templates?.hidden ?? true;
        for (const { statements } of services.values()) {
          for (const statement of statements.values()) {
            for (const own of statement.parameters.values()) {
              for (let k = 0; k < own.fields.length; k++) {
                own.settle(k);
                const field = own.fields[k];
                if (field.numbers > 0) judge.judge(statement, field, interval, hidden);
              }
            }
          }
        }
      },
      forget(_, id) {
        const series = known[id];
        known[id] = undefined;
        if (series) series.service.series--;
      },
      save: () => save(memory),
      load(bytes) {
        load(bytes, memory);
        for (const service of services.values()) {
          attributes += service.attributes.size;
          for (const statement of service.statements.values()) fields += statement.size;
        }
      },
    };
  },
});

/** When it happened, Unix milliseconds. */
function timeOf({ rows, receivedAt }: Batch, row: number): number {
  const time = rows.time[row];
  return time > 0 && time <= receivedAt + AHEAD ? time : receivedAt;
}

/** Without the text of the record either. */
function plain(labels: Labels): Labels {
  const { example: _, ...rest } = ofService(labels);
  return rest;
}
