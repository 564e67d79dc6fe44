// Numbers and values in log messages: tells numbers that are unusually high or low, and values that a field of few values never had.
import {
  type Batch,
  defineFinder,
  duration,
  type Labels,
  ofService,
  Services,
  StatementColumn,
  type Templates,
  z,
} from "vedette";
import { type Attribute, eachAttribute, textOf } from "./attributes.ts";
import { Block, Blocks, MOST_PARAMETERS } from "./blocks.ts";
import { Field } from "./field.ts";
import { INTERVAL, Judge } from "./judge.ts";
import { close, isClosed, isLatest, LATEST, remember } from "./latest.ts";
import { Learner } from "./learner.ts";
import { Parameters } from "./parameters.ts";
import { load, type Memory, save } from "./saved.ts";
import { Service } from "./service.ts";
import { Statement } from "./statement.ts";
import { lookOf } from "./values.ts";

/** The attributes of a record of a statement are read so often, if none of its service were for a while; so often in any case. Seconds, milliseconds, seconds. */
const LOOK_EVERY = 5;
const LOOKS_APART = 500;
const LOOK_AT_LEAST = 60;
const MOST_SERVICES = 2000;
/** Of all services together, each statement counted as one more; half as many of attributes. */
const MOST_FIELDS = 20_000;
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
    const blocks = new Blocks();
    const judge = new Judge(detection, learning);
    const memory: Memory = { services: new Map(), judge, blocks, judged: Number.NaN };
    const { services } = memory;
    const learner = new Learner(blocks, judge, services);
    const { owners } = learner;
    const all = new Services(services, MOST_SERVICES, host.log, ({ statements, attributes: own }) => {
      for (const statement of statements.values()) forget(statement);
      attributes -= own.length;
    });
    /** By id of a series; null: not watched. */
    const known: (Service | null | undefined)[] = [];
    const most = Math.min(max_series, MOST_FIELDS);
    /** Of statements, and of services. */
    let fields = 0;
    let attributes = 0;
    /** When the batch at hand was received, Unix milliseconds and seconds. */
    let now = 0;
    let second = 0;
    /** Its block's slot + 1; and by row of the batch, 0 where it has none yet. */
    const slots = new StatementColumn();
    let found = new Int32Array(256);
    /** How often a block had been released when they were looked up. */
    let released = 0;

    function decide(batch: Batch, row: number): Service | null {
      const labels = batch.labels(row);
      if (!detection.allows(labels)) return null;
      return all.join(labels, (key) => new Service(key, now)) ?? null;
    }

    function forget(statement: Statement): void {
      for (const { slot } of statement.parameters.values()) {
        blocks.release(slot);
        owners[slot] = undefined;
      }
      for (const field of statement.fields()) judge.release(field);
      fields -= statement.size;
      statement.service.statements.delete(statement.id);
    }

    /** The eighth of the statements that was not seen for longest makes room. */
    function shrink(): void {
      const all = [...services.values()].flatMap(({ statements }) => [...statements.values()]);
      const ages = new Map(all.map((statement) => [statement, latest(statement)]));
      all.sort((a, b) => ages.get(a)! - ages.get(b)!);
      for (const statement of all.slice(0, Math.ceil(all.length / 8))) forget(statement);
    }

    /** Of its records whose attributes were read, Unix seconds: hardly a minute before its latest. */
    function latest({ parameters }: Statement): number {
      return Math.max(...[...parameters.values()].map(({ slot }) => blocks.rows[blocks.at(slot) + Block.looked] >>> 0));
    }

    /** Numbers of another miner mean others, and it may hide what this one showed. */
    function follow(next: Templates): void {
      learner.templates = next;
      if (!next.hidden) return;
      for (const service of services.values()) for (const field of service.fields()) field.hide();
    }

    /** The block of records of that template with so many parameters, which may be a new one. */
    function place(batch: Batch<"logs">, row: number, service: Service, template: number, count: number): number {
      if (fields > most) shrink();
      const templates = learner.templates!;
      const id = templates.id(template);
      let statement = service.statements.get(id);
      if (!statement) {
        statement = new Statement(service, id, plain(batch.labels(row)));
        service.statements.set(id, statement);
        fields += statement.size;
      }
      let own = statement.parameters.get(count);
      if (!own) {
        const name = (k: number) => templates.parameterName(template, k) ?? `#${k + 1}`;
        const made = Array.from({ length: Math.min(count, MOST_PARAMETERS) }, (_, k) => new Field(name(k)));
        own = new Parameters(blocks, statement, count, made);
        statement.parameters.set(count, own);
        fields += made.length;
      }
      owners[own.slot] = own;
      return own.slot;
    }

    function isTime({ looked }: Service, at: number): boolean {
      const since = second - (blocks.rows[at + Block.looked] >>> 0);
      return since >= LOOK_AT_LEAST || since < 0 || (since >= LOOK_EVERY && !(now - looked < LOOKS_APART));
    }

    function attribute(batch: Batch<"logs">, row: number, service: Service, each: Attribute): void {
      const { latest } = service;
      const { look } = learner;
      let k = service.attribute(each.keyHash);
      if (k >= 0) {
        if (isClosed(latest, LATEST * k) || isLatest(latest, LATEST * k, each.valueHash, look)) return;
        service.settle(k);
      } else {
        if (service.isFull || attributes >= most / 2) return;
        attributes++;
        k = service.add(
          each.keyHash,
          new Field(Buffer.from(batch.bytes.subarray(each.keyStart, each.keyEnd)).toString()),
        );
      }
      const field = service.attributes[k];
      const value = field.values.see(each.valueHash, look);
      if (value !== undefined && !value.isNew) {
        remember(latest, LATEST * k, each.valueHash, look);
        return;
      }
      const place = { service, statement: undefined, field };
      if (value !== undefined) learner.again(batch, row, place, value);
      else {
        const text = learner.templates!.hidden ? "" : textOf(batch.bytes, each);
        learner.meet(batch, row, place, each.valueHash, text);
        if (field.values.known === undefined) close(latest, LATEST * k);
      }
    }

    /** The record whose attributes are read. */
    const looked = {} as { batch: Batch<"logs">; row: number; service: Service };
    const look = (each: Attribute) => attribute(looked.batch, looked.row, looked.service, each);

    return {
      process(batch) {
        const { rows, receivedAt, mined } = batch;
        if (!mined) return batch;
        if (mined.templates !== learner.templates) follow(mined.templates);
        const { template, statement, firstParameter, endParameter } = mined;
        const records = batch as Batch<"logs">;
        now = learner.now = receivedAt;
        learner.look = lookOf(now);
        second = Math.floor(now / 1000);
        slots.begin(mined);
        learner.view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.length);
        const { values } = slots;
        if (blocks.released !== released) values.fill(0);
        released = blocks.released;
        if (found.length < rows.length) found = new Int32Array(2 * rows.length);
        // all of a batch at once: then the memory of several is waited for together
        for (let i = 0; i < rows.length; i++) {
          const slot = values[statement[i]];
          found[i] = slot > 0 && blocks.has(slot - 1, endParameter[i] - firstParameter[i]) ? slot : 0;
        }
        for (let i = 0; i < rows.length; i++) {
          if (template[i] === 0) continue;
          let service = known[rows.series[i]];
          if (service === undefined) {
            service = decide(batch, i);
            known[rows.series[i]] = service;
          }
          if (service === null) continue;
          const first = firstParameter[i];
          let slot = found[i] - 1;
          if (slot < 0 || blocks.released !== released) {
            slot = place(records, i, service, template[i], endParameter[i] - first);
            values[statement[i]] = slot + 1;
          }
          const weight = blocks.count(slot);
          if (weight >= 0) learner.learn(records, i, slot, first, weight);
          else learner.check(records, i, slot, first);
          const at = blocks.at(slot);
          if (isTime(service, at)) {
            blocks.rows[at + Block.looked] = second;
            service.looked = now;
            looked.batch = records;
            looked.row = i;
            looked.service = service;
            eachAttribute(batch.bytes, rows.offset[i], look);
          }
        }
        return batch;
      },
      tick(clock) {
        const interval = Math.floor(clock / INTERVAL) * INTERVAL;
        if (Number.isNaN(memory.judged) || interval < memory.judged - INTERVAL) memory.judged = interval;
        if (interval <= memory.judged) return;
        memory.judged = interval;
        const hidden = learner.templates?.hidden ?? true;
        for (const own of owners) if (own) judge.judgeAll(own, interval, hidden);
      },
      forget(_, id) {
        const service = known[id];
        known[id] = undefined;
        if (service) service.series--;
      },
      save() {
        for (const own of owners) if (own) learner.flush(own);
        return save(memory);
      },
      load(bytes) {
        load(bytes, memory);
        for (const service of services.values()) {
          attributes += service.attributes.length;
          for (const statement of service.statements.values()) {
            fields += statement.size;
            for (const own of statement.parameters.values()) owners[own.slot] = own;
          }
        }
      },
    };
  },
});

/** Without the text of the record either. */
function plain(labels: Labels): Labels {
  const { example: _, ...rest } = ofService(labels);
  return rest;
}
