// Writes protobuf into a growing buffer.

/** Wire types. */
export const Wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
export type WireType = (typeof Wire)[keyof typeof Wire];

const MAX_TIME = 2 ** 64 / 1e6;

/** Nanoseconds of a time in milliseconds, exact for what a double can hold; 0 for what fixed64 cannot: NaN, negative, too far. */
function nanoseconds(time: number): bigint {
  if (!(time >= 0 && time < MAX_TIME)) return 0n;
  const whole = Math.floor(time);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((time - whole) * 1e6));
}

/** Every value follows its `field` tag, or the `open` of a packed field. Calls chain. */
export class Writer {
  /** Bytes written so far. */
  length = 0;
  #buffer: Buffer;
  #view: DataView;

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(capacity, 16));
    this.#view = new DataView(this.#buffer.buffer);
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return new Uint8Array(this.#buffer.buffer.slice(0, this.length));
  }

  field(number: number, type: WireType): this {
    return this.varint(number * 8 + type);
  }

  /** Starts a message, or a packed field; `close` takes what it returns and sets the length. */
  open(field: number): number {
    this.field(field, Wire.bytes);
    this.#reserve(1);
    return this.length++;
  }

  close(opened: number): void {
    const size = this.length - opened - 1;
    if (size < 128) {
      this.#buffer[opened] = size;
      return;
    }
    let prefix = 1;
    for (let rest = size; rest > 127; rest = Math.floor(rest / 128)) prefix++;
    this.#reserve(prefix - 1);
    this.#buffer.copyWithin(opened + prefix, opened + 1, this.length);
    this.length = opened;
    this.varint(size);
    this.length += size;
  }

  /** int32, int64, uint32, uint64, bool, enum. A number is a safe integer; a negative one takes ten bytes. */
  varint(value: number | bigint): this {
    this.#reserve(10);
    if (typeof value === "bigint" || value < 0) return this.#varint64(BigInt.asUintN(64, BigInt(value)));
    const buffer = this.#buffer;
    let p = this.length;
    let rest = value;
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) buffer[p++] = (rest % 128) | 128;
    for (; rest > 127; rest >>>= 7) buffer[p++] = (rest & 127) | 128;
    buffer[p++] = rest;
    this.length = p;
    return this;
  }

  #varint64(value: bigint): this {
    if (value <= Number.MAX_SAFE_INTEGER) return this.varint(Number(value));
    const low = Number(value & 0xfff_ffffn);
    for (let shift = 0; shift < 28; shift += 7) this.#buffer[this.length++] = ((low >>> shift) & 127) | 128;
    return this.varint(Number(value >> 28n));
  }

  /** sint32: small magnitudes are short, whatever their sign. */
  zigzag(value: number): this {
    return this.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  /** fixed64 and sfixed64; modulo 2^64. */
  fixed64(value: bigint): this {
    this.#reserve(8);
    this.#view.setBigUint64(this.length, value, true);
    this.length += 8;
    return this;
  }

  /** fixed64 nanoseconds of Unix milliseconds; 0 for NaN and for times before 1970 or past 2554. */
  time(milliseconds: number): this {
    return this.fixed64(nanoseconds(milliseconds));
  }

  fixed32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.length, value, true);
    this.length += 4;
    return this;
  }

  double(value: number): this {
    this.#reserve(8);
    this.#view.setFloat64(this.length, value, true);
    this.length += 8;
    return this;
  }

  /** Length and content. */
  bytes(value: Uint8Array): this {
    return this.varint(value.length).append(value);
  }

  /** Bytes that are already a field, or several. */
  append(encoded: Uint8Array): this {
    this.#reserve(encoded.length);
    this.#buffer.set(encoded, this.length);
    this.length += encoded.length;
    return this;
  }

  /** Length and content in UTF-8; unpaired surrogates become U+FFFD. */
  string(text: string): this {
    const size = text.length;
    if (size < 64 && this.#ascii(text, size)) return this;
    const bytes = Buffer.byteLength(text);
    this.varint(bytes);
    this.#reserve(bytes);
    this.length += this.#buffer.write(text, this.length, bytes);
    return this;
  }

  /** For short text a loop is cheaper than a call into the runtime; writes nothing and says false at the first character past ASCII. */
  #ascii(text: string, size: number): boolean {
    this.#reserve(size + 1);
    const buffer = this.#buffer;
    let p = this.length;
    buffer[p++] = size;
    for (let i = 0; i < size; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      buffer[p++] = code;
    }
    this.length = p;
    return true;
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}
