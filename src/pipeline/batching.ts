// Joins what waited into one request, and cuts one that is too large into several.
import type { Anomaly, ExportOf, ExportRequest, Signal } from "../api/index.ts";
import { splitRequest } from "../otlp/split.ts";
import { type Entry, sizeOf } from "./backlog.ts";

/** What one attempt sends. */
export interface Piece {
  readonly data: ExportOf<Signal>;
  readonly items: number;
}

/** What is to be sent of entries of one line whose data is here: one piece, several of a single entry past `max_size`. */
export function piecesOf(entries: readonly Entry[]): Piece[] {
  const [entry] = entries;
  const { batching } = entry;
  if (entries.length > 1) return [joined(entries)];
  const whole: Piece = { data: entry.data as ExportOf<Signal>, items: entry.items };
  if (!batching || batching.max_size === 0 || sizeOf(entry, batching) <= batching.max_size) return [whole];
  return split(whole, entry);
}

/** Requests follow each other byte by byte: a message whose repeated field goes on in the next is the two merged. */
function joined(entries: readonly Entry[]): Piece {
  const items = entries.reduce((sum, entry) => sum + entry.items, 0);
  const { signal } = entries[0];
  if (signal === "anomalies") return { data: entries.flatMap(({ data }) => data as readonly Anomaly[]), items };
  const bytes = Buffer.concat(entries.map(({ data }) => (data as ExportRequest).bytes));
  return { data: { signal, bytes, items }, items };
}

function split({ data, items }: Piece, entry: Entry): Piece[] {
  const { max_size: max, sizer } = entry.batching!;
  if ("bytes" in data) {
    const { signal } = data;
    return splitRequest(signal, data.bytes, max, sizer).map((part) => ({ data: { signal, ...part }, ...part }));
  }
  const step = sizer === "items" ? max : Math.max(1, Math.floor((max * items) / entry.bytes));
  return Array.from({ length: Math.ceil(items / step) }, (_, i) => {
    const part = data.slice(i * step, (i + 1) * step);
    return { data: part, items: part.length };
  });
}
