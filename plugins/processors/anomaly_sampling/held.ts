// Spans that were left out, kept for a while in case their trace is wanted after all: a log of their bytes, the oldest first.
import { Writer } from "vedette/otlp";

/** Bytes of a segment of the log, at least and at most, unless one span needs more. */
const SMALL = 65_536;
const LARGE = 2 ** 20;
/** A position in the log is the number of a segment times this, and which of its spans it is. */
const POSITIONS = 2 ** 24;
/** Of each span, from the end of its segment backwards: the position of the span before it of its trace, where its envelope and its content start, its size. */
const HEADER = 20;
/** Spans of a request that stand no further apart are copied at once. */
const GAP = 16;

const NOWHERE = -1;
const NO_BYTES = new Uint8Array(0);

/** What encloses the spans of one scope in one request: all fields of its ResourceSpans and ScopeSpans that hold no span. */
export interface Envelope {
  readonly resource: Uint8Array;
  readonly scope: Uint8Array;
  /** The segment that it was written into last, and where. */
  segment: number;
  at: number;
}

/** An ExportTraceServiceRequest. */
export interface Released {
  readonly bytes: Uint8Array;
  readonly items: number;
}

interface Segment {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Bytes used at its start; spans in it. */
  length: number;
  spans: number;
  /** When the first and the last span came, in Unix milliseconds. */
  since: number;
  until: number;
  /** Spans in it that nobody wanted. */
  unwanted: number;
}

/** Segments are forgotten whole, so that keeping a span costs a copy and letting it go next to nothing. */
export class Held {
  /** Bytes of all segments, and of the spare. */
  byteLength = 0;
  /** Called with spans that are let go of: those that waited in vain, and those for which there is no room (any more). */
  readonly #gone: (spans: number, waited: boolean) => void;
  readonly #limit: number;
  readonly #wait: number;
  readonly #segments: Segment[] = [];
  #next = 0;
  /** What is still to be copied to the end of the last segment: #source[#from, #to). */
  #source: Uint8Array = NO_BYTES;
  #from = 0;
  #to = 0;
  /** The bytes of one that was forgotten: memory that was touched is cheaper than memory that is new. */
  #spare: Uint8Array | undefined;

  /** `limit` in bytes, `wait` in milliseconds. */
  constructor(limit: number, wait: number, gone: (spans: number, waited: boolean) => void) {
    this.#limit = limit;
    this.#wait = wait;
    this.#gone = gone;
  }

  /**
   * Keeps the span bytes[start, end), which `settle` copies; `before` is the position of the one before it of its trace. Its position, or `before`
   * where there is no room.
   */
  hold(bytes: Uint8Array, start: number, end: number, envelope: Envelope, before: number, now: number): number {
    const size = end - start;
    const own = 8 + envelope.resource.length + envelope.scope.length;
    let segment = this.#segments.at(-1);
    if (segment) {
      const used = segment.length + (this.#to - this.#from) + GAP + HEADER * segment.spans;
      const full = used + own + size + HEADER > segment.bytes.length;
      if (full || now - segment.since > this.#wait / 4) segment = this.#open(own + size + HEADER, full, now);
    } else segment = this.#open(own + size + HEADER, false, now);
    if (!segment) {
      this.#gone(1, this.#wait === 0);
      return before;
    }
    if (envelope.segment !== segment.number) this.#write(segment, envelope);
    if (this.#source !== bytes || start < this.#to || start > this.#to + GAP) {
      this.settle();
      this.#source = bytes;
      this.#from = start;
    }
    this.#to = end;
    const { view } = segment;
    const at = view.byteLength - HEADER * (segment.spans + 1);
    view.setFloat64(at, before);
    view.setUint32(at + 8, envelope.at);
    view.setUint32(at + 12, segment.length + start - this.#from);
    view.setUint32(at + 16, size);
    segment.until = now;
    segment.unwanted++;
    return segment.number * POSITIONS + segment.spans++;
  }

  /** Copies what was held since the last time; before the request's bytes are no longer there. */
  settle(): void {
    const segment = this.#segments.at(-1);
    if (segment && this.#to > this.#from) {
      segment.bytes.set(this.#source.subarray(this.#from, this.#to), segment.length);
      segment.length += this.#to - this.#from;
    }
    this.#source = NO_BYTES;
    this.#from = 0;
    this.#to = 0;
  }

  #write(segment: Segment, envelope: Envelope): void {
    this.settle();
    const { resource, scope } = envelope;
    envelope.segment = segment.number;
    envelope.at = segment.length;
    segment.view.setUint32(envelope.at, resource.length);
    segment.view.setUint32(envelope.at + 4, scope.length);
    segment.bytes.set(resource, envelope.at + 8);
    segment.bytes.set(scope, envelope.at + 8 + resource.length);
    segment.length += 8 + resource.length + scope.length;
  }

  #open(needed: number, filled: boolean, now: number): Segment | undefined {
    this.settle();
    const size = Math.max(needed, Math.min(filled ? LARGE : SMALL, Math.floor(this.#limit / 4)));
    if (this.#wait === 0 || size > this.#limit) return undefined;
    const bytes = this.#bytesFor(size);
    const view = new DataView(bytes.buffer);
    const segment = { number: this.#next++, bytes, view, length: 0, spans: 0, since: now, until: now, unwanted: 0 };
    this.#segments.push(segment);
    return segment;
  }

  #bytesFor(size: number): Uint8Array {
    for (;;) {
      const spare = this.#spare;
      this.#spare = undefined;
      if (spare?.length === size) return spare;
      if (spare) this.byteLength -= spare.length;
      if (this.byteLength + size <= this.#limit) {
        this.byteLength += size;
        return new Uint8Array(size);
      }
      this.#forget(false);
    }
  }

  /** Lets go of what has waited long enough. */
  expire(now: number): void {
    while (this.#segments.length > 0 && now - this.#segments[0].until > this.#wait) this.#forget(true);
  }

  #forget(waited: boolean): void {
    const segment = this.#segments.shift()!;
    if (this.#spare) this.byteLength -= this.#spare.length;
    this.#spare = segment.bytes;
    if (segment.unwanted > 0) this.#gone(segment.unwanted, waited);
  }

  /** All that is let go of at the end. */
  clear(): void {
    this.settle();
    while (this.#segments.length > 0) this.#forget(true);
    this.#spare = undefined;
    this.byteLength = 0;
  }

  /** A request of the spans of a trace whose last one is at `last`, each as `rewrite` makes it; undefined where none is left. Once for each trace. */
  release(last: number, rewrite: (span: Uint8Array) => Uint8Array): Released | undefined {
    this.settle();
    const positions: number[] = [];
    for (let position = last; position !== NOWHERE; ) {
      const segment = this.#segmentOf(position);
      if (!segment) break;
      positions.push(position);
      position = segment.view.getFloat64(headerOf(segment, position));
    }
    if (positions.length === 0) return undefined;
    const writer = new Writer(1024);
    let opened: { segment: Segment; envelope: number; resource: number; scope: number } | undefined;
    const close = () => {
      if (!opened) return;
      writer.close(opened.scope);
      writer.close(opened.resource);
    };
    for (const position of positions.reverse()) {
      const segment = this.#segmentOf(position)!;
      const at = headerOf(segment, position);
      const envelope = segment.view.getUint32(at + 8);
      if (opened?.segment !== segment || opened.envelope !== envelope) {
        close();
        const resourceStart = envelope + 8;
        const scopeStart = resourceStart + segment.view.getUint32(envelope);
        const scopeEnd = scopeStart + segment.view.getUint32(envelope + 4);
        const resource = writer.open(1);
        writer.append(segment.bytes.subarray(resourceStart, scopeStart));
        const scope = writer.open(2);
        writer.append(segment.bytes.subarray(scopeStart, scopeEnd));
        opened = { segment, envelope, resource, scope };
      }
      const span = writer.open(2);
      const from = segment.view.getUint32(at + 12);
      writer.append(rewrite(segment.bytes.subarray(from, from + segment.view.getUint32(at + 16))));
      writer.close(span);
      segment.unwanted--;
    }
    close();
    return { bytes: writer.finish(), items: positions.length };
  }

  #segmentOf(position: number): Segment | undefined {
    const first = this.#segments[0]?.number ?? this.#next;
    return this.#segments[Math.floor(position / POSITIONS) - first];
  }
}

/** Where what is said of a span stands in its segment. */
const headerOf = ({ view }: Segment, position: number) => view.byteLength - HEADER * ((position % POSITIONS) + 1);
