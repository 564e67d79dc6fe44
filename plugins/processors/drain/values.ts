// Values of keys, as "failed" in "status=failed": each makes a template of its own until the key has shown more than a few.
import { Table } from "./table.ts";

/** Different values with which a key stops being an enumeration. */
const MANY = 5;

/** By shape, the key of a line with every such value a parameter. */
export class Values {
  readonly shapes = new Table(13, 1);
  readonly seen = new Table(15, 1);
  readonly counts = new Table(14, 1);

  /** Whether lines of the shape came with values. */
  knows(shape1: number, shape2: number): boolean {
    return this.shapes.value(shape1, shape2) !== 0;
  }

  add(shape1: number, shape2: number): void {
    this.shapes.put(shape1, shape2, 1);
  }

  /** Whether the value at this place of the shape may be anything. */
  isMany(shape1: number, shape2: number, place: number): boolean {
    return this.counts.value((shape1 + at1(place)) | 0, shape2 ^ at2(place)) >= MANY;
  }

  /** A value was met. Returns whether there are many from now on. */
  meet(shape1: number, shape2: number, place: number, value: number): boolean {
    const k1 = (shape1 + at1(place)) | 0;
    const k2 = shape2 ^ at2(place);
    const count = this.counts.value(k1, k2);
    if (count >= MANY || this.seen.count((k1 + value) | 0, k2 ^ Math.imul(value, 0x2c1b3c6d)) > 1) return false;
    return this.counts.count(k1, k2) === MANY;
  }
}

const at1 = (place: number) => Math.imul(place + 1, 0x85ebca6b | 0);
const at2 = (place: number) => Math.imul(place + 1, 0x297a2d39);
