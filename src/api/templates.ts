// What a processor that mines templates says of the log records of a batch: for the processors that follow it.
import type { Numbering } from "./statements.ts";

/** The templates that one processor knows. A number stands for a template of this object only; `id` names it for good. */
export interface Templates {
  /** The constant words of its records, each parameter as `<*>`: "user <*> logged in from <*>". Grows more general as records come. */
  text(template: number): string;
  /** 16 hex digits: the same after a restart, and in every agent that met the same records first. */
  id(template: number): string;
  /** What its parameter k is called where the record says so, as "took" in "took=12ms"; undefined where it does not. */
  parameterName(template: number, k: number): string | undefined;
  /** Whether what stands in the places of parameters is to be kept out of anomalies. */
  readonly hidden: boolean;
}

/** Where the templates and parameters of a batch's records are. The batch keeps the object, and reads it until the next. */
export interface Mined {
  readonly templates: Templates;
  /** By row: its template, 0 where it has none. Numbers are from 1 on, and none is ever given to another template. */
  readonly template: Uint32Array;
  /** By row: the number of its statement, which is its template in its series, as `Statements` gives them; 0 where it has no template. */
  readonly statement: Uint32Array;
  readonly numbering: Numbering;
  /** By row: its parameters are those from `first` to before `end` of the columns below. */
  readonly firstParameter: Uint32Array;
  readonly endParameter: Uint32Array;
  /**
   * By parameter, in the order of the record: it is bytes[start, end) of the batch. A number or truth value of a key-value list, which is not written as text, is
   * empty: its AnyValue begins there.
   */
  readonly parameterStart: Uint32Array;
  readonly parameterEnd: Uint32Array;
}
