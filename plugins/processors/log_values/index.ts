// Numbers and values in log messages: tells numbers that are unusually high or low, and values that a field of few values never had.
import { type Batch, defineFinder, duration, type Labels, type Templates, z } from "vedette";
import { eachAttribute, textOf } from "./attributes.ts";
import { Field } from "./field.ts";
import { INTERVAL, Judge, LEAST } from "./judge.ts";
import { readNumber } from "./number.ts";
import { load, type Memory, save } from "./saved.ts";
import { Service } from "./service.ts";
import { binOf, Spread } from "./spread.ts";
import { MOST_ATTRIBUTES, Statement } from "./statement.ts";
import { hashOf, type Value } from "./values.ts";

/** Sights of a field after which another value is a surprise; of attributes, of which few are read. */
const ENOUGH = 500;
const ENOUGH_READ = 100;
/** The attributes of one record of a statement are read so often. Milliseconds. */
const LOOK_EVERY = 1000;
const MOST_SERVICES = 2000;
const MOST_FIELDS = 20_000;
const AHEAD = 600_000;

/** What is known of a series: its service, and its statements by number of template. */
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
    /** By id of a series; null: not watched. */
    const known: (Series | null | undefined)[] = [];
    /** Fields with numbers that are not judged yet. */
    const fresh = new Map<Field, Statement>();
    const most = Math.min(max_series, MOST_FIELDS);
    let templates: Templates | undefined;
    let fields = 0;
    let full = false;

    function decide(batch: Batch, row: number, time: number): Series | null {
      const labels = batch.labels(row);
      if (!detection.allows(labels)) return null;
      const name = JSON.stringify([labels.resource["service.namespace"], labels.resource["service.name"]].map(String));
      let service = services.get(name);
      if (!service) {
        if (services.size >= MOST_SERVICES) leave();
        if (services.size >= MOST_SERVICES) {
          if (!full)
            host.log.warn("too many services: new ones are not watched; narrow match", { most: MOST_SERVICES });
          full = true;
          return null;
        }
        service = new Service(name, time);
        services.set(name, service);
      }
      service.series++;
      return { service, statements: new Map() };
    }

    /** Services that the agent has forgotten make room. */
    function leave(): void {
      for (const [name, { series, statements }] of services) {
        if (series > 0) continue;
        for (const statement of statements.values()) forget(statement);
        services.delete(name);
      }
    }

    function forget(statement: Statement): void {
      for (const field of statement.fields()) {
        judge.release(field);
        fresh.delete(field);
      }
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

    function statementOf(batch: Batch<"logs">, row: number, { service, statements }: Series, template: number) {
      const id = templates!.id(template);
      let statement = service.statements.get(id);
      if (!statement) {
        statement = new Statement(service, id, plain(batch.labels(row)));
        service.statements.set(id, statement);
      }
      statements.set(template, statement);
      return statement;
    }

    function fieldsOf(statement: Statement, template: number, count: number): Field[] {
      const name = (k: number) => templates!.parameterName(template, k) ?? `#${k + 1}`;
      const own = statement.fieldsOf(count, name);
      fields += own.length;
      return own;
    }

    function number(
      batch: Batch<"logs">,
      row: number,
      statement: Statement,
      field: Field,
      value: number,
      time: number,
    ) {
      field.spread ??= new Spread();
      const { spread } = field;
      const bin = binOf(value);
      const { largest } = spread;
      if (bin > largest && value > 0) judge.far(batch, row, statement, field, { value, bin, largest, time });
      field.order.add(value);
      field.numbers++;
      const side = spread.isHigh(bin) ? field.high : spread.isLow(bin) ? field.low : undefined;
      if (side && ++side.count === LEAST && field.isNumeric) side.labels = batch.labels(row);
      if (spread.add(bin)) judge.begin(field);
      else if (field.numbers === 1) fresh.set(field, statement);
    }

    function novel(
      batch: Batch<"logs">,
      row: number,
      statement: Statement,
      field: Field,
      value: Value,
      time: number,
    ): void {
      if (value.seen === 1) statement.service.discoveries[0].add(time);
      judge.novel(batch, row, statement, field, value, time, services.values());
    }

    function read(batch: Batch<"logs">, row: number, statement: Statement, time: number): void {
      const { bytes, rows } = batch;
      const { attributes } = statement;
      eachAttribute(bytes, rows.offset[row], (attribute) => {
        let field = attributes.get(attribute.keyHash);
        if (!field) {
          if (attributes.size >= MOST_ATTRIBUTES) return;
          field = new Field(Buffer.from(bytes.subarray(attribute.keyStart, attribute.keyEnd)).toString());
          attributes.set(attribute.keyHash, field);
          fields++;
        }
        const text = () => (templates!.hidden ? "" : textOf(bytes, attribute));
        const value = field.values.see(attribute.valueHash, time, ENOUGH_READ, text);
        if (value?.novel) novel(batch, row, statement, field, value, time);
      });
    }

    return {
      process(batch) {
        const { rows, receivedAt, mined, bytes } = batch;
        if (!mined) return batch;
        if (mined.templates !== templates) {
          templates = mined.templates;
          for (const each of known) each?.statements.clear();
        }
        if (fields > most) shrink();
        const { template, firstParameter, endParameter, parameterStart, parameterEnd } = mined;
        const records = batch as Batch<"logs">;
        for (let i = 0; i < rows.length; i++) {
          if (template[i] === 0) continue;
          const t = rows.time[i];
          const time = t > 0 && t <= receivedAt + AHEAD ? t : receivedAt;
          let series = known[rows.series[i]];
          if (series === undefined) {
            series = decide(batch, i, time);
            known[rows.series[i]] = series;
          }
          if (series === null) continue;
          const statement = series.statements.get(template[i]) ?? statementOf(records, i, series, template[i]);
          statement.last = receivedAt;
          const first = firstParameter[i];
          const count = endParameter[i] - first;
          if (count > 0) {
            const own = statement.parameters.get(count) ?? fieldsOf(statement, template[i], count);
            for (let k = 0; k < own.length; k++) {
              const field = own[k];
              const start = parameterStart[first + k];
              const end = parameterEnd[first + k];
              const value = readNumber(bytes, start, end);
              if (Number.isNaN(value)) field.texts++;
              else number(records, i, statement, field, value, time);
              if (field.values.known === undefined) continue;
              const text = () => (templates!.hidden ? "" : Buffer.from(bytes.subarray(start, end)).toString());
              const seen = field.values.see(hashOf(bytes, start, end), time, ENOUGH, text);
              if (seen?.novel) novel(records, i, statement, field, seen, time);
            }
          }
          if (receivedAt - statement.looked >= LOOK_EVERY || receivedAt < statement.looked) {
            statement.looked = receivedAt;
            read(records, i, statement, time);
          }
        }
        return batch;
      },
      tick(now) {
        const interval = Math.floor(now / INTERVAL) * INTERVAL;
        if (Number.isNaN(memory.judged) || interval < memory.judged - INTERVAL) memory.judged = interval;
        if (interval <= memory.judged) return;
        memory.judged = interval;
        const hidden = templates?.hidden ?? true;
        for (const [field, statement] of fresh) judge.judge(statement, field, interval, hidden);
        fresh.clear();
      },
      forget(_, id) {
        const series = known[id];
        known[id] = undefined;
        if (series) series.service.series--;
      },
      save: () => save(memory),
      load(bytes) {
        load(bytes, memory);
        for (const { statements } of services.values()) {
          for (const statement of statements.values()) {
            fields += statement.size;
            for (const field of statement.fields()) if (field.numbers > 0) fresh.set(field, statement);
          }
        }
      },
    };
  },
});

/** Without what is of one record alone; its text, as an example, stays. */
function plain({ resource, ...labels }: Labels): Labels {
  const keys = ["service.namespace", "service.name"].filter((key) => resource[key] !== undefined);
  const own = Object.fromEntries(keys.map((key) => [key, resource[key]]));
  return { ...labels, resource: own, scope: { name: "", version: "" }, attributes: {}, traceId: "", spanId: "" };
}
