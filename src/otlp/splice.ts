// Adds fields to rows, replaces them, and takes rows out of a request: only the enclosing lengths are rewritten, the rest is copied.
import type { ScannedRows } from "./columns.ts";
import { enter, position, readTag, skip } from "./wire.ts";

/** Where a field number would be: the row is dropped. */
const DROPPED = -1;
const SMALLEST = 64;
/** Columns with more room are let go of. */
const MOST_ROOM = 2 ** 16;

/** Edits of one scanned request, collected row by row and applied once. */
export class Edits {
  #length = 0;
  #rows = new Uint32Array(SMALLEST);
  /** Of which field every occurrence is cut: 0 of none, DROPPED where the row is to go. */
  #fields = new Int32Array(SMALLEST);
  /** What to append; undefined for those. */
  readonly #contents: (Uint8Array | undefined)[] = [];
  readonly #messages = new Messages();

  get empty(): boolean {
    return this.#length === 0;
  }

  /** Adds raw fields at the end of the row's own message; rows of one histogram point share their message. */
  append(row: number, content: Uint8Array): void {
    this.#add(row, content, 0);
  }

  /** Cuts every occurrence of a field out of the row's own message as it came, and adds raw fields at its end. */
  replace(row: number, field: number, content: Uint8Array): void {
    this.#add(row, content, field);
  }

  /** Takes the row's whole point, record or span out, whatever is appended to it. */
  drop(row: number): void {
    this.#add(row, undefined, DROPPED);
  }

  #add(row: number, content: Uint8Array | undefined, field: number): void {
    const e = this.#length++;
    if (e === this.#rows.length) {
      const [rows, fields] = [this.#rows, this.#fields];
      this.#rows = new Uint32Array(2 * e);
      this.#rows.set(rows);
      this.#fields = new Int32Array(2 * e);
      this.#fields.set(fields);
    }
    this.#rows[e] = row;
    this.#fields[e] = field;
    this.#contents[e] = content;
  }

  clear(): void {
    if (this.#rows.length > MOST_ROOM) {
      this.#rows = new Uint32Array(SMALLEST);
      this.#fields = new Int32Array(SMALLEST);
      this.#contents.length = 0;
    } else this.#contents.fill(undefined, 0, this.#length);
    this.#length = 0;
  }

  /**
   * The request with these edits, in bytes of its own: the first ones of a buffer of at least that size, which `take` gives.
   * `scan` is the scan of `bytes`.
   * A resource, scope or metric that loses its last item goes as well; one that had none stays.
   */
  apply(bytes: Uint8Array, scan: ScannedRows, take: (size: number) => Uint8Array = allocated): Uint8Array {
    const edits = this.#ordered(scan);
    const messages = this.#read(bytes, scan, edits);
    const containers = scan.containers;
    const count = containers.length;
    /** By how many bytes the content of a container grows; items in it, with those of the containers inside. */
    const growth = new Int32Array(count);
    const items = containers.items.slice(0, count);
    const left = containers.items.slice(0, count);
    for (let i = 0; i < messages.length; i++) {
      const container = messages.container[i];
      if (messages.dropped[i] === 1) {
        left[container]--;
        growth[container] += messages.field[i] - messages.end[i];
        continue;
      }
      const size = messages.end[i] - messages.start[i] + messages.growth[i];
      growth[container] += messages.growth[i] + varintSize(size) - (messages.start[i] - messages.prefix[i]);
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

    const out = take(total);
    let from = 0;
    let to = 0;
    const copy = (end: number) => {
      if (end > from) out.set(bytes.subarray(from, end), to);
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
      for (; m < messages.length && messages.prefix[m] < next; m++) {
        if (messages.prefix[m] < from) continue;
        const end = messages.end[m];
        if (messages.dropped[m] === 1) {
          copy(messages.field[m]);
          from = end;
          continue;
        }
        copy(messages.prefix[m]);
        putSize(end - messages.start[m] + messages.growth[m]);
        from = messages.start[m];
        if (messages.cut[m] === 1) {
          for (let p = from; p < end; ) {
            const past = this.#fieldEnd(bytes, p, end);
            if (this.#cuts(edits, messages, m, tag >>> 3)) {
              copy(p);
              from = past;
            }
            p = past;
          }
        }
        copy(end);
        for (let e = messages.first[m]; e < messages.first[m + 1]; e++) {
          const content = this.#contents[edits[e]] as Uint8Array;
          out.set(content, to);
          to += content.length;
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
    return out.subarray(0, total);
  }

  /** The edits by the order of the bytes; those of one message by that of the calls. */
  #ordered(scan: ScannedRows): Uint32Array {
    const rows = this.#rows;
    const { offset, length } = scan;
    const order = new Uint32Array(this.#length);
    let sorted = true;
    let before = 0;
    for (let e = 0; e < order.length; e++) {
      const row = rows[e];
      if (row >= length) throw new RangeError(`no row ${row} in a scan of ${length}`);
      order[e] = e;
      if (offset[row] < before) sorted = false;
      before = offset[row];
    }
    return sorted ? order : order.sort((a, b) => offset[rows[a]] - offset[rows[b]] || a - b);
  }

  #read(bytes: Uint8Array, scan: ScannedRows, edits: Uint32Array): Messages {
    const messages = this.#messages;
    messages.reset(edits.length);
    let m = -1;
    for (let e = 0; e < edits.length; e++) {
      const row = this.#rows[edits[e]];
      const prefix = scan.offset[row];
      if (m < 0 || messages.prefix[m] !== prefix) {
        m = messages.length++;
        messages.prefix[m] = prefix;
        messages.end[m] = enter(bytes, prefix, bytes.length);
        messages.start[m] = position;
        messages.field[m] = tagStart(bytes, prefix);
        messages.container[m] = scan.container[row];
        messages.first[m] = e;
        messages.growth[m] = 0;
        messages.dropped[m] = 0;
        messages.cut[m] = 0;
      }
      messages.first[m + 1] = e + 1;
      const field = this.#fields[edits[e]];
      if (field === DROPPED) {
        messages.dropped[m] = 1;
        continue;
      }
      messages.growth[m] += (this.#contents[edits[e]] as Uint8Array).length;
      if (field > 0) messages.cut[m] = 1;
    }
    for (m = 0; m < messages.length; m++) {
      if (messages.cut[m] === 0) continue;
      messages.cut[m] = 0;
      const end = messages.end[m];
      for (let p = messages.start[m]; p < end; ) {
        const past = this.#fieldEnd(bytes, p, end);
        if (this.#cuts(edits, messages, m, tag >>> 3)) {
          messages.growth[m] -= past - p;
          messages.cut[m] = 1;
        }
        p = past;
      }
    }
    return messages;
  }

  /** Past the field at `at`, whose tag is in `tag`. */
  #fieldEnd(bytes: Uint8Array, at: number, end: number): number {
    tag = readTag(bytes, at, end);
    return skip(bytes, tag, position, end);
  }

  #cuts(edits: Uint32Array, messages: Messages, m: number, field: number): boolean {
    for (let e = messages.first[m]; e < messages.first[m + 1]; e++) if (this.#fields[edits[e]] === field) return true;
    return false;
  }
}

/** Of the field passed last. */
let tag = 0;

/** The edited messages in the order of the bytes, each once: columns, since a sampler edits all of a request. */
class Messages {
  length = 0;
  /** Where the tag, the length prefix and the content start, and past the content. */
  field = new Uint32Array(0);
  prefix = new Uint32Array(0);
  start = new Uint32Array(0);
  end = new Uint32Array(0);
  container = new Uint32Array(0);
  /** Its edits are [first[i], first[i + 1]) of the ordered ones. */
  first = new Uint32Array(1);
  /** By how many bytes its content grows. */
  growth = new Int32Array(0);
  dropped = new Uint8Array(0);
  /** 1 where there are fields to cut. */
  cut = new Uint8Array(0);

  /** Empty, with room for so many. */
  reset(room: number): void {
    this.length = 0;
    if (this.prefix.length >= room && this.prefix.length <= MOST_ROOM) return;
    const capacity = Math.max(room, SMALLEST);
    for (const name of ["field", "prefix", "start", "end", "container"] as const)
      this[name] = new Uint32Array(capacity);
    this.first = new Uint32Array(capacity + 1);
    this.growth = new Int32Array(capacity);
    this.dropped = new Uint8Array(capacity);
    this.cut = new Uint8Array(capacity);
  }
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

function allocated(size: number): Uint8Array {
  return new Uint8Array(size);
}

function varintSize(n: number): number {
  let size = 1;
  for (let rest = n >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}
