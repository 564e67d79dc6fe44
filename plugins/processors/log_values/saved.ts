// What log_values remembers, in the form of structured clones.
import { deserialize, serialize } from "node:v8";
import { Field, SIDES } from "./field.ts";
import type { Judge } from "./judge.ts";
import { Parameters } from "./parameters.ts";
import { Service } from "./service.ts";
import { Statement } from "./statement.ts";

const VERSION = 3;

export interface Memory {
  readonly services: Map<string, Service>;
  readonly judge: Judge;
  /** Unix milliseconds: the end of the interval that was judged last. */
  judged: number;
}

export function save({ services, judge, judged }: Memory): Uint8Array {
  return serialize({
    version: VERSION,
    judged,
    columns: SIDES.map((name) => judge.columns[name].save()),
    free: judge.free,
    services: [...services.values()].map(({ key, began, looked, discoveries, cause, statements, attributes }) => ({
      key,
      began,
      looked,
      discoveries: discoveries[0].times,
      cause: cause.state,
      attributes: Array.from(attributes, ([hash, field]) => [hash, field.save()]),
      statements: [...statements.values()].map(({ id, labels, last, looked, records, parameters }) => ({
        id,
        labels,
        last,
        looked,
        records,
        parameters: Array.from(parameters, ([count, own]) => [count, own.save()]),
      })),
    })),
  });
}

/** Throws when the bytes are not of `save`; the memory is then as it was. */
export function load(bytes: Uint8Array, memory: Memory): void {
  let saved: any;
  try {
    saved = deserialize(bytes);
  } catch {
    throw new Error("is not what log_values saves");
  }
  if (saved?.version !== VERSION) throw new Error("is of another version of log_values");
  const services = saved.services.map(loaded);
  for (const [i, name] of SIDES.entries()) memory.judge.columns[name].load(saved.columns[i]);
  memory.judge.free = saved.free;
  memory.judged = saved.judged;
  for (const service of services) memory.services.set(service.key, service);
}

function loaded({ key, began, looked, discoveries, cause, attributes, statements }: any): Service {
  const service = Object.assign(new Service(key, began), { looked });
  service.discoveries[0].times = discoveries;
  service.cause.state = cause;
  for (const [hash, field] of attributes) service.attributes.set(hash, Field.load(field));
  for (const { id, labels, last, looked, records, parameters } of statements) {
    const statement = Object.assign(new Statement(service, id, labels), { last, looked, records });
    for (const [count, fields] of parameters) statement.parameters.set(count, new Parameters(fields.map(Field.load)));
    service.statements.set(id, statement);
  }
  return service;
}
