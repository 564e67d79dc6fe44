// The templates and parameters of one batch as columns, kept from batch to batch.
import type { Mined, Numbering, Templates } from "vedette";
import type { Template } from "./template.ts";
import type { Tokens } from "./tokens.ts";

const [QUOTE, APOSTROPHE] = Buffer.from("\"'");

const FIRST_ROWS = 256;

type Column = Uint32Array<ArrayBuffer>;

/** `Mined` that is filled row by row, in order. */
export class Columns implements Mined {
  readonly templates: Templates;
  template: Column = new Uint32Array(FIRST_ROWS);
  statement: Column = new Uint32Array(FIRST_ROWS);
  numbering: Numbering = { largest: 0 };
  firstParameter: Column = new Uint32Array(FIRST_ROWS);
  endParameter: Column = new Uint32Array(FIRST_ROWS);
  parameterStart: Column = new Uint32Array(4 * FIRST_ROWS);
  parameterEnd: Column = new Uint32Array(4 * FIRST_ROWS);
  /** Parameters so far. */
  parameters = 0;

  constructor(templates: Templates) {
    this.templates = templates;
  }

  /** Begins a batch of so many rows. */
  begin(rows: number, numbering: Numbering): void {
    this.parameters = 0;
    this.numbering = numbering;
    if (rows <= this.template.length) return;
    const room = 2 ** Math.ceil(Math.log2(rows));
    this.template = new Uint32Array(room);
    this.statement = new Uint32Array(room);
    this.firstParameter = new Uint32Array(room);
    this.endParameter = new Uint32Array(room);
  }

  /** Adds the parameters of the record whose tokens these are, at the places that its template has them. Quotes around one are left out. */
  add(template: Template, { length, start, end }: Tokens, bytes: Uint8Array): void {
    const places = template.parameters;
    const rest = template.open ? template.length : -1;
    if (this.parameters + places.length > this.parameterStart.length) this.#grow(places.length);
    const { parameterStart, parameterEnd } = this;
    let p = this.parameters;
    for (let k = 0; k < places.length; k++) {
      const place = places[k];
      let from = place < length ? start[place] : end[length - 1];
      let to = end[place < length && place !== rest ? place : length - 1];
      if (to - from >= 2 && (bytes[from] === QUOTE || bytes[from] === APOSTROPHE) && bytes[to - 1] === bytes[from]) {
        from++;
        to--;
      }
      parameterStart[p] = from;
      parameterEnd[p] = to;
      p++;
    }
    this.parameters = p;
  }

  #grow(more: number): void {
    const room = 2 ** Math.ceil(Math.log2(this.parameters + more));
    const [starts, ends] = [this.parameterStart, this.parameterEnd];
    this.parameterStart = new Uint32Array(room);
    this.parameterEnd = new Uint32Array(room);
    this.parameterStart.set(starts);
    this.parameterEnd.set(ends);
  }
}
