// What was saved, with one thing in it that is of another kind: for tests of those that read it.
import { deserialize, serialize } from "node:v8";

const VALUES = [undefined, null, "?", -1, Number.NaN, {}] as const;

/** Of a structured clone: at a place chosen by `place` stands another value, chosen by `value`. */
export function damaged(saved: Uint8Array, place: number, value: number): Uint8Array {
  const state = { root: deserialize(saved) };
  let at: any = state;
  let key: any = "root";
  for (let left = place; ; left = Math.floor(left / 7)) {
    const inner = at[key];
    if (inner === null || typeof inner !== "object" || ArrayBuffer.isView(inner)) break;
    const keys = inner instanceof Map ? [...inner.keys()] : Object.keys(inner);
    if (keys.length === 0 || left === 0) break;
    const next = keys[left % keys.length];
    if (inner instanceof Map) {
      inner.set(next, VALUES[value % VALUES.length]);
      return serialize(state.root);
    }
    at = inner;
    key = next;
  }
  at[key] = VALUES[value % VALUES.length];
  return serialize(state.root);
}
