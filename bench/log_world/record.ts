// One log record as OTLP: what a statement says at a moment, with the attributes, severities and faults of its service.
import { Wire, type Writer } from "../../src/otlp/writer.ts";
import type { Chance } from "../world/chance.ts";
import { type Body, bodyOf } from "./format.ts";
import type { Instance } from "./node.ts";
import type { Value } from "./parameter.ts";
import type { FieldFault, Service } from "./service.ts";
import type { Statement } from "./statement.ts";

/** Attributes that every record has: where in the code it was logged, and which stream it was written to. */
export const COMMON_ATTRIBUTES = ["code.function.name", "log.iostream"] as const;
const NUMBERS = { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17 } as const;
const THREADS = 8;

/** What a record belongs to; ids of eight bytes each half, 0 for none. */
export interface Context {
  readonly trace: readonly number[] | undefined;
  readonly session: string;
}

export const ALONE: Context = { trace: undefined, session: "" };

export class RecordWriter {
  readonly #chance: Chance;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /**
   * Has an instance log it: one record, or one for each line of a stack. `time` is in Unix milliseconds, `since` in those since the
   * world began; `load` stretches durations.
   */
  write(
    service: Service,
    instance: Instance,
    statement: Statement,
    since: number,
    time: number,
    load: number,
    context: Context,
  ): void {
    const chance = this.#chance;
    const { spec } = service;
    const values = statement.values(chance, load);
    const thread = 1 + chance.whole(THREADS);
    const some = statement.stacks;
    const stack = some.length > 0 ? some[chance.whole(some.length)] : "";
    const asAttribute = stack !== "" && spec.format === "kvlist";
    const body = bodyOf({
      format: spec.format,
      service: spec.name,
      host: instance.node.name,
      statement,
      values,
      time,
      thread,
      fields: this.#fields(service, statement, thread),
      interpolated: service.interpolated,
      stack: asAttribute ? "" : stack,
    });
    for (const each of spec.split && typeof body === "string" ? body.split("\n") : [body]) {
      this.#record(instance.open(since), service, statement, each, time, context, asAttribute ? stack : "");
    }
  }

  #fields(service: Service, statement: Statement, thread: number): (readonly [string, Value])[] {
    const fields: (readonly [string, Value])[] = [];
    for (const key of service.fields) {
      const value = key === "logger" ? statement.logger : key === "thread" ? thread : "production";
      const changed = this.#changed(service.field, key, value);
      if (changed !== undefined) fields.push([key, changed]);
    }
    return fields;
  }

  #changed(fault: FieldFault | undefined, key: string, value: Value): Value | undefined {
    if (fault?.key !== key || this.#chance.uniform() >= fault.share) return value;
    if (fault.change === "missing") return undefined;
    if (fault.change === "empty") return "";
    return typeof value === "number" ? `v${value}` : value.length;
  }

  #record(
    writer: Writer,
    service: Service,
    statement: Statement,
    body: Body,
    time: number,
    context: Context,
    stack: string,
  ): void {
    const chance = this.#chance;
    const { severities } = service.spec;
    const level = service.flattened ? "INFO" : statement.level;
    const record = writer.open(2);
    writer.field(1, Wire.fixed64).time(time);
    if (severities === "both" || severities === "number") writer.field(2, Wire.varint).varint(NUMBERS[level]);
    if (severities === "both" || severities === "text") writer.field(3, Wire.bytes).string(level);
    const opened = writer.open(5);
    writeBody(writer, body);
    writer.close(opened);
    const attribute = (key: string, value: Value) => {
      const changed = this.#changed(service.attribute, key, value);
      if (changed !== undefined) writePair(writer, 6, key, changed);
    };
    attribute(COMMON_ATTRIBUTES[0], statement.logger);
    attribute(COMMON_ATTRIBUTES[1], statement.level === "ERROR" ? "stderr" : "stdout");
    for (const each of service.attributes) attribute(each.name, each.draw(chance, 1));
    for (const { parameter, share } of statement.attributes) {
      if (share === 1 || chance.uniform() < share) attribute(parameter.name, parameter.draw(chance, 1));
    }
    if (context.session !== "") attribute("session.id", context.session);
    if (stack !== "") writePair(writer, 6, "exception.stacktrace", stack);
    if (context.trace) {
      writer.field(9, Wire.bytes).varint(16);
      for (const word of context.trace) writer.fixed32(word);
      writer.field(10, Wire.bytes).varint(8).fixed32(chance.word()).fixed32(chance.word());
    }
    writer.field(11, Wire.fixed64).time(time + 1);
    writer.close(record);
  }
}

function writeBody(writer: Writer, body: Body): void {
  if (typeof body === "string") {
    writer.field(1, Wire.bytes).string(body);
    return;
  }
  const list = writer.open(6);
  for (const [key, value] of body) writePair(writer, 1, key, value);
  writer.close(list);
}

function writePair(writer: Writer, field: number, key: string, value: Value): void {
  const pair = writer.open(field);
  writer.field(1, Wire.bytes).string(key);
  const any = writer.open(2);
  if (typeof value === "string") writer.field(1, Wire.bytes).string(value);
  else if (Number.isInteger(value)) writer.field(3, Wire.varint).varint(value);
  else writer.field(4, Wire.fixed64).double(value);
  writer.close(any);
  writer.close(pair);
}
