// A bounds-checked cursor over protobuf bytes: reads return a value and leave `position` after it.
//
// The loops that run once a data point, record or span read single-byte tags and sizes themselves and come here for the
// rest; the `| 0` behind every call in them tells the compiler that a position is an integer, worth a fifth of their time.

/** The bytes are not well-formed protobuf of the expected message. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
  readonly code = "malformed-otlp";
  /** Index of the offending byte, in protobuf or in JSON text. */
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Where the last read ended; after `enter`, where the content starts. */
export let position = 0;
/** The halves of the last varint read with `readVarint64`, as signed 32-bit numbers. */
export let low = 0;
export let high = 0;

/** Deepest nesting that is followed, of groups and of attribute values. */
export const MAX_DEPTH = 64;

function malformed(what: string, at: number): never {
  throw new DecodeError(`${what} at byte ${at}`, at);
}

/** For a read that would pass the end of its message. */
export function truncated(at: number): never {
  malformed("message ends inside a field", at);
}

/** A varint of up to 10 bytes into `low` and `high`. */
export function readVarint64(bytes: Uint8Array, at: number, end: number): void {
  let shift = 0;
  low = 0;
  high = 0;
  for (let p = at; p < end; p++) {
    const byte = bytes[p];
    const bits = byte & 127;
    if (shift < 28) low |= bits << shift;
    else if (shift === 28) {
      low |= bits << 28;
      high = bits >>> 4;
    } else high |= bits << (shift - 32);
    if (shift === 63 && byte > 1) malformed("varint past 64 bits", at);
    if (byte < 128) {
      position = p + 1;
      return;
    }
    shift += 7;
  }
  truncated(end);
}

/** The low 32 bits of a varint, signed: what protobuf makes of an int32, a uint32 or an enum. */
export function readVarint(bytes: Uint8Array, at: number, end: number): number {
  if (at < end && bytes[at] < 128) {
    position = at + 1;
    return bytes[at];
  }
  readVarint64(bytes, at, end);
  return low;
}

/** A sint32. */
export function readZigzag(bytes: Uint8Array, at: number, end: number): number {
  const n = readVarint(bytes, at, end);
  return (n >>> 1) ^ -(n & 1);
}

/** A size whose first byte is past 127, not yet compared with the rest of its message. */
export function readSize(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 < end && bytes[at + 1] < 128) {
    position = at + 2;
    return (bytes[at] & 127) | (bytes[at + 1] << 7);
  }
  readVarint64(bytes, at, end);
  if (high !== 0 || low < 0) malformed("size out of range", at);
  return low;
}

/** A tag, field number << 3 | wire type, as a signed 32-bit number. Unknown ones are for `skip` to refuse. */
export function readTag(bytes: Uint8Array, at: number, end: number): number {
  if (at < end && bytes[at] < 128) {
    position = at + 1;
    return bytes[at];
  }
  if (at + 1 < end && bytes[at + 1] < 128) {
    position = at + 2;
    return (bytes[at] & 127) | (bytes[at + 1] << 7);
  }
  readVarint64(bytes, at, end);
  if (high !== 0) malformed("tag out of range", at);
  return low;
}

/** Reads a length prefix: the content is [position, the returned end), which lies within `end`. */
export function enter(bytes: Uint8Array, at: number, end: number): number {
  let size = 0;
  if (at < end && bytes[at] < 128) {
    size = bytes[at];
    position = at + 1;
  } else size = readSize(bytes, at, end);
  if (size > end - position) malformed("length exceeds the enclosing message", at);
  return (position + size) | 0;
}

/** Where a fixed-width value of `size` bytes ends: check before reading it through a DataView. */
export function after(at: number, size: number, end: number): number {
  if (size > end - at) truncated(at);
  return (at + size) | 0;
}

/** Where the value of an unknown field ends, whose tag was just read. */
export function skip(bytes: Uint8Array, tag: number, at: number, end: number, depth = 0): number {
  if (tag >>> 3 === 0) malformed("field number 0", at);
  switch (tag & 7) {
    case 0:
      readVarint(bytes, at, end);
      return position;
    case 1:
      return after(at, 8, end);
    case 2:
      return enter(bytes, at, end);
    case 3:
      return skipGroup(bytes, tag, at, end, depth + 1);
    case 5:
      return after(at, 4, end);
    default:
      return malformed((tag & 7) === 4 ? "group ends that never began" : "wire type 6 or 7", at);
  }
}

function skipGroup(bytes: Uint8Array, open: number, at: number, end: number, depth: number): number {
  if (depth > MAX_DEPTH) malformed("groups nested too deeply", at);
  let p = at;
  while (p < end) {
    const tag = readTag(bytes, p, end);
    p = position;
    if ((tag & 7) !== 4) p = skip(bytes, tag, p, end, depth);
    else if (tag >>> 3 === open >>> 3) return p;
    else malformed("group ends that never began", p);
  }
  return truncated(end);
}

/** A view of the same bytes, for fixed-width values. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A fixed64 of nanoseconds as milliseconds; the caller has checked its 8 bytes. */
export function readMillis(view: DataView, at: number): number {
  return (view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296) / 1e6;
}

/** A fixed64 as a number, rounded past 2^53; the caller has checked its 8 bytes. */
export function readFixed64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;
}
