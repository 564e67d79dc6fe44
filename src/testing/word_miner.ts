// A miner of templates that anyone can follow: a word with a digit in it is a parameter. For tests of what needs templates.
import { createHash } from "node:crypto";
import { type Batch, type Processor, Statements, type Templates } from "../api/index.ts";

/** Hands templates to the processors that follow it; `hidden` as in `Templates`. */
export class WordMiner implements Processor<"logs"> {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [""];
  readonly #names: (string | undefined)[][] = [[]];
  readonly #templates: Templates;
  readonly #statements = new Statements();

  constructor(hidden = false) {
    this.#templates = {
      text: (template) => this.#texts[template],
      id: (template) => createHash("sha256").update(this.#texts[template]).digest("hex").slice(0, 16),
      parameterName: (template, k) => this.#names[template][k],
      hidden,
    };
  }

  process(batch: Batch<"logs">): Batch<"logs"> {
    const { length, series, bodyKind, bodyStart, bodyEnd } = batch.rows;
    const numbering = this.#statements.begin();
    const template = new Uint32Array(length);
    const statement = new Uint32Array(length);
    const firstParameter = new Uint32Array(length);
    const endParameter = new Uint32Array(length);
    const starts: number[] = [];
    const ends: number[] = [];
    for (let i = 0; i < length; i++) {
      firstParameter[i] = starts.length;
      if (bodyKind[i] === 1) {
        const body = Buffer.from(batch.bytes.subarray(bodyStart[i], bodyEnd[i])).toString("latin1");
        const names: (string | undefined)[] = [];
        const text = body.replace(/([a-z_]+)?(=)?(\S*\d\S*)/g, (all, name, equals, value, at) => {
          const start = bodyStart[i] + at + all.length - value.length;
          starts.push(start);
          ends.push(start + value.length);
          names.push(equals && name);
          return `${name ?? ""}${equals ?? ""}<*>`;
        });
        template[i] = this.#number(text, names);
        statement[i] = this.#statements.of(series[i], template[i]);
      }
      endParameter[i] = starts.length;
    }
    const parameters = { parameterStart: Uint32Array.from(starts), parameterEnd: Uint32Array.from(ends) };
    const columns = { template, statement, numbering, firstParameter, endParameter, ...parameters };
    batch.mine({ templates: this.#templates, ...columns });
    return batch;
  }

  forget(_: "logs", series: number): void {
    this.#statements.forget(series);
  }

  #number(text: string, names: (string | undefined)[]): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.length;
      this.#numbers.set(text, number);
      this.#texts.push(text);
      this.#names.push(names);
    }
    return number;
  }
}
