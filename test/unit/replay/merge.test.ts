// Several sources as one: in the order of their times, each in its own order.
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Merge, type Source } from "../../../src/replay/merge.ts";

class Numbers implements Source {
  readonly #times: readonly number[];
  readonly name: number;
  #at = 0;
  constructor(name: number, times: readonly number[]) {
    this.name = name;
    this.#times = times;
  }
  get time() {
    return this.#times[this.#at];
  }
  next(): boolean {
    return ++this.#at < this.#times.length;
  }
  async more(): Promise<boolean> {
    return false;
  }
}

test("items come in the order of their times, of equals those of the source that was added first", () => {
  const sources = fc.array(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 20 }), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(sources, (lists) => {
      const sorted = lists.map((list) => list.toSorted((a, b) => a - b));
      const merge = new Merge<Numbers>();
      for (const [name, times] of sorted.entries()) merge.add(new Numbers(name, times));
      const merged: [number, number][] = [];
      for (let first = merge.first; first; first = merge.first) {
        merged.push([first.time, first.name]);
        if (first.next()) merge.moved();
        else merge.ended();
      }
      const expected = sorted.flatMap((times, name) => times.map((time): [number, number] => [time, name]));
      assert.deepEqual(
        merged,
        expected.sort(([a, i], [b, j]) => a - b || i - j),
      );
    }),
  );
});
