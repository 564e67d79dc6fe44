// What log_values remembers, in the form of structured clones.
import { deserialize, serialize } from "node:v8";
import type { Blocks } from "./blocks.ts";
import { Field, SIDES } from "./field.ts";
import type { Judge } from "./judge.ts";
import { Parameters } from "./parameters.ts";
import { Service } from "./service.ts";
import { Statement } from "./statement.ts";

const VERSION = 4;

export interface Memory {
  readonly services: Map<string, Service>;
  readonly judge: Judge;
  readonly blocks: Blocks;
  /** Unix milliseconds: the end of the interval that was judged last. */
  judged: number;
}

export function save({ services, judge, judged }: Memory): Uint8Array {
  return serialize({
    version: VERSION,
    judged,
    columns: judge.columns.map((each) => each.save()),
    free: Object.fromEntries(SIDES.map((name, place) => [name, judge.free[place]])),
    services: [...services.values()].map((service) => ({
      key: service.key,
      began: service.began,
      looked: service.looked,
      discoveries: service.discoveries[0].times,
      cause: service.cause.state,
      attributes: service.saveAttributes(),
      statements: [...service.statements.values()].map(({ id, labels, parameters }) => ({
        id,
        labels,
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
  const services = saved.services.map((service: any) => loaded(service, memory.blocks));
  for (const [place, columns] of memory.judge.columns.entries()) columns.load(saved.columns[place]);
  memory.judge.free = SIDES.map((name) => saved.free[name]);
  memory.judged = saved.judged;
  for (const service of services) memory.services.set(service.key, service);
}

function loaded({ key, began, looked, discoveries, cause, attributes, statements }: any, blocks: Blocks): Service {
  const service = Object.assign(new Service(key, began), { looked });
  service.discoveries[0].times = discoveries;
  service.cause.state = cause;
  for (const [hash, field] of attributes) service.add(hash, Field.load(field));
  for (const { id, labels, parameters } of statements) {
    const statement = new Statement(service, id, labels);
    for (const [count, own] of parameters) {
      statement.parameters.set(count, Parameters.load(blocks, statement, count, own));
    }
    service.statements.set(id, statement);
  }
  return service;
}
