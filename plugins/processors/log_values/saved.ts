// What log_values remembers, in the form of structured clones.
import { deserialize, serialize } from "node:v8";
import { Field } from "./field.ts";
import type { Judge } from "./judge.ts";
import { Service } from "./service.ts";
import { Statement } from "./statement.ts";

const VERSION = 1;

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
    columns: judge.columns.save(),
    free: judge.free,
    services: [...services.values()].map(({ key, began, discoveries, cause, statements }) => ({
      key,
      began,
      discoveries: discoveries[0].times,
      cause: cause.state,
      statements: [...statements.values()].map(({ id, labels, last, looked, parameters, attributes }) => ({
        id,
        labels,
        last,
        looked,
        parameters: [...parameters].map(([count, fields]) => [count, fields.map((field) => field.save())] as const),
        attributes: [...attributes].map(([hash, field]) => [hash, field.save()] as const),
      })),
    })),
  });
}

/** Throws when the bytes are not of `save`. */
export function load(bytes: Uint8Array, memory: Memory): void {
  let saved: any;
  try {
    saved = deserialize(bytes);
  } catch {
    throw new Error("is not what log_values saves");
  }
  if (saved?.version !== VERSION) throw new Error("is of another version of log_values");
  memory.judge.columns.load(saved.columns);
  memory.judge.free = saved.free;
  memory.judged = saved.judged;
  for (const each of saved.services) {
    const service = new Service(each.key, each.began);
    service.discoveries[0].times = each.discoveries;
    service.cause.state = each.cause;
    for (const { id, labels, last, looked, parameters, attributes } of each.statements) {
      const statement = new Statement(service, id, labels);
      Object.assign(statement, { last, looked });
      for (const [count, fields] of parameters) statement.parameters.set(count, fields.map(Field.load));
      for (const [hash, field] of attributes) statement.attributes.set(hash, Field.load(field));
      service.statements.set(id, statement);
    }
    memory.services.set(service.key, service);
  }
}
