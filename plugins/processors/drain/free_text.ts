// Text that people wrote, behind a few constant words: many templates that came hardly twice are one with an open end.
import { mixed } from "./hash.ts";
import { Table } from "./table.ts";
import { Kind, type Tokens } from "./tokens.ts";

/** Tokens, marks not counted, that are the same in front of free text. */
const PREFIX = 4;
/** Templates with which it may be free text, and the share of them that must be rare. */
const MANY = 64;
const MOSTLY = 0.8;
/** A template is rare that came so often at most, and not again in so many lines: what a program says as it starts comes again. */
const SELDOM = 2;
const LINES_SINCE = 1000;
const BITS = 13;

export class FreeText {
  /** By prefix: templates made since it was judged; number and slot of the one with an open end. */
  readonly prefixes = new Table(BITS, 3);
  /** Of the line read last: hash of its prefix, 0 when it has too few tokens; and where it ends. */
  prefix = 0;
  end = 0;
  /** Of the templates judged: those that are rare, and all that are not merely young. */
  #rare = 0;
  #settled = 0;

  read({ length, kind, hash }: Tokens): void {
    let h = 0x1234;
    let count = 0;
    let i = 0;
    for (; i < length; i++) {
      if (kind[i] === Kind.mark) continue;
      if (count === PREFIX) break;
      h = mixed(h, hash[i]);
      count++;
    }
    this.prefix = count === PREFIX ? h | 1 : 0;
    this.end = i;
  }

  /** Index of its number in `prefixes.cells`, the slot behind it; -1 where the prefix has no open end. */
  find(): number {
    const at = this.prefixes.find(this.prefix, 0);
    return at >= 0 && this.prefixes.cells[at + 1] !== 0 ? at + 1 : -1;
  }

  begin(): void {
    this.#rare = 0;
    this.#settled = 0;
  }

  /** A template with the prefix that had so many lines, the last one so many ago. Of one that is young and rare nothing is known. */
  judge(lines: number, since: number): void {
    const seldom = lines <= SELDOM;
    if (!seldom || since >= LINES_SINCE) this.#settled++;
    if (seldom && since >= LINES_SINCE) this.#rare++;
  }

  get isMostlyRare(): boolean {
    return this.#rare >= MANY * MOSTLY && this.#rare >= this.#settled * MOSTLY;
  }

  /** One more template with the prefix: whether there are so many that it should be judged. */
  add(): boolean {
    if (this.prefixes.count(this.prefix, 0) < MANY) return false;
    this.prefixes.put(this.prefix, 0, 1);
    return true;
  }

  opened(number: number, slot: number): void {
    const at = this.prefixes.put(this.prefix, 0, 1);
    this.prefixes.cells[at + 1] = number;
    this.prefixes.cells[at + 2] = slot;
  }
}
