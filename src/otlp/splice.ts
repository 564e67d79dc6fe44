// Adds fields to rows and takes rows out of a request: only the enclosing lengths are rewritten, the rest is copied.
import type { ScannedRows } from "./columns.ts";
import { enter, position } from "./wire.ts";

/** Edits of one scanned request, collected row by row and applied once. */
export class Edits {
  #rows: number[] = [];
  /** What to append; undefined where the row is to go. */
  #contents: (Uint8Array | undefined)[] = [];

  get empty(): boolean {
    return this.#rows.length === 0;
  }

  /** Adds raw fields at the end of the row's own message; rows of one histogram point share their message. */
  append(row: number, content: Uint8Array): void {
    this.#rows.push(row);
    this.#contents.push(content);
  }

  /** Takes the row's whole point, record or span out, whatever is appended to it. */
  drop(row: number): void {
    this.#rows.push(row);
    this.#contents.push(undefined);
  }

  clear(): void {
    this.#rows = [];
    this.#contents = [];
  }

  /**
   * The request with these edits, in bytes of its own. `scan` is the scan of `bytes`.
   * A resource, scope or metric that loses its last item goes as well; one that had none stays.
   */
  apply(bytes: Uint8Array, scan: ScannedRows): Uint8Array {
    const messages = this.#messages(bytes, scan);
    const containers = scan.containers;
    const count = containers.length;
    /** By how many bytes the content of a container grows; items in it, with those of the containers inside. */
    const growth = new Int32Array(count);
    const items = containers.items.slice(0, count);
    const left = containers.items.slice(0, count);
    for (const message of messages) {
      if (message.dropped) left[message.container]--;
      growth[message.container] += message.dropped
        ? message.fieldStart - message.end
        : message.added + varintSize(message.size + message.added) - (message.start - message.prefix);
    }
    let total = bytes.length;
    const removed = new Uint8Array(count);
    for (let i = count - 1; i >= 0; i--) {
      const parent = containers.parent[i];
      let change = 0;
      // The gauge, sum ... inside a metric goes only with the metric: its other parts may need what else it says.
      if (left[i] === 0 && items[i] > 0 && containers.level[i] < 3) {
        removed[i] = 1;
        change = tagStart(bytes, containers.prefix[i]) - containers.end[i];
      } else if (growth[i] !== 0) {
        const prefixSize = containers.start[i] - containers.prefix[i];
        change = growth[i] + varintSize(containers.end[i] - containers.start[i] + growth[i]) - prefixSize;
      }
      if (parent < 0) total += change;
      else {
        growth[parent] += change;
        items[parent] += items[i];
        left[parent] += left[i];
      }
    }

    const out = new Uint8Array(total);
    let from = 0;
    let to = 0;
    const copy = (end: number) => {
      out.set(bytes.subarray(from, end), to);
      to += end - from;
      from = end;
    };
    const putSize = (size: number) => {
      let rest = size;
      for (; rest > 127; rest >>>= 7) out[to++] = (rest & 127) | 128;
      out[to++] = rest;
    };
    let m = 0;
    for (let i = 0; i <= count; i++) {
      const next = i < count ? containers.prefix[i] : bytes.length;
      for (; m < messages.length && messages[m].prefix < next; m++) {
        const message = messages[m];
        if (message.prefix < from) continue;
        if (message.dropped) {
          copy(message.fieldStart);
          from = message.end;
        } else {
          copy(message.prefix);
          putSize(message.size + message.added);
          from = message.start;
          copy(message.end);
          for (const content of message.contents) {
            out.set(content, to);
            to += content.length;
          }
        }
      }
      if (i === count || next < from) continue;
      if (removed[i] === 1) {
        copy(tagStart(bytes, next));
        from = containers.end[i];
      } else if (growth[i] !== 0) {
        copy(next);
        putSize(containers.end[i] - containers.start[i] + growth[i]);
        from = containers.start[i];
      }
    }
    copy(bytes.length);
    return out;
  }

  /** The edited messages in the order of the bytes, each once. */
  #messages(bytes: Uint8Array, scan: ScannedRows): Message[] {
    const order = this.#rows.map((_, edit) => edit);
    order.sort((a, b) => scan.offset[this.#rows[a]] - scan.offset[this.#rows[b]] || a - b);
    const messages: Message[] = [];
    for (const edit of order) {
      const row = this.#rows[edit];
      if (row >= scan.length) throw new RangeError(`no row ${row} in a scan of ${scan.length}`);
      const content = this.#contents[edit];
      const prefix = scan.offset[row];
      let message = messages.at(-1);
      if (message?.prefix !== prefix) {
        const end = enter(bytes, prefix, bytes.length);
        const start = position;
        const fieldStart = tagStart(bytes, prefix);
        const container = scan.container[row];
        message = {
          fieldStart,
          prefix,
          start,
          end,
          size: end - start,
          container,
          dropped: false,
          added: 0,
          contents: [],
        };
        messages.push(message);
      }
      if (content === undefined) message.dropped = true;
      else {
        message.contents.push(content);
        message.added += content.length;
      }
    }
    return messages;
  }
}

interface Message {
  fieldStart: number;
  prefix: number;
  start: number;
  end: number;
  size: number;
  container: number;
  dropped: boolean;
  added: number;
  contents: Uint8Array[];
}

/**
 * Where the tag before a length prefix starts. All tags of rows and containers fit one byte; padded to more, that byte
 * comes first and only 0x80 and a final 0x00 follow.
 */
function tagStart(bytes: Uint8Array, prefix: number): number {
  let at = prefix - 1;
  while (at > 0 && (bytes[at] & 127) === 0) at--;
  return at;
}

function varintSize(n: number): number {
  let size = 1;
  for (let rest = n >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}
