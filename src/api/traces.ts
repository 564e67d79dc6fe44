// Traces put together of the spans that came: what a processor is handed once one is complete, and what is told of who calls whom.

/** What spans of one service, name and kind have in common. The same object for all of them, as long as it is remembered. */
export interface Operation {
  /** Namespace, service, name and kind as one text: the same after a restart. */
  readonly key: string;
  readonly service: Service;
  /** The span's name; where a service makes up ever new ones, that with what varies as `*`, or "(other)". */
  readonly name: string;
  /** OTLP span kind, 0 to 5. */
  readonly kind: number;
}

export interface Service {
  /** "" where spans name none. */
  readonly name: string;
  readonly namespace: string;
  /** Different span names it has had lately, at most a bound. */
  readonly names: number;
  /** One of the names for which there was no room any more: ids in span names make every one new. Undefined while all is well. */
  readonly overflow: string | undefined;
}

/** Spans in depth-first order: a parent before its children, children by their start. Valid during the call that is handed it. */
export interface Trace {
  readonly length: number;
  /** 32 hex digits. */
  readonly id: string;
  /** Index of the span's parent, always smaller; -1 of a span without one, -2 where it has one that did not come. */
  readonly parent: Int32Array;
  /** Unix milliseconds. */
  readonly start: Float64Array;
  /** Milliseconds. */
  readonly duration: Float64Array;
  /** As `Spans.self`, now that all spans have come: never NaN. */
  readonly self: Float64Array;
  /** 1 when the span's status is ERROR. */
  readonly failed: Uint8Array;
  /** Index into `operations`. */
  readonly operation: Uint32Array;
  readonly operations: readonly Operation[];
  /** 16 hex digits. */
  spanId(span: number): string;
  /** Whether it has exactly one span without a parent, and the parents of all others. */
  readonly whole: boolean;
  /** Spans that there was no room for. */
  readonly left: number;
}

/** A call from one service to another, or to what does not report by itself, over the last minutes. */
export interface ServiceCall {
  readonly from: string;
  readonly to: string;
  /** Calls a second, the share of them that failed, and the median of their durations in milliseconds. */
  readonly rate: number;
  readonly failed: number;
  readonly latency: number;
  /** The anomaly that is open about it, if there is one. */
  readonly anomaly?: string;
}
