// What is asked of the list of series, and how an answer changes what is shown.
import type { SeriesItem } from "../contract.ts";

/** Series on a page. */
export const PAGE = 50;

export interface Asked {
  readonly words: string;
  readonly state: "" | SeriesItem["state"];
  readonly service: string;
  /** Of the pages before and this one; none of the first. */
  readonly cursors: readonly string[];
}

/** New numbers for what is shown already, in the order in which it is shown; what is not in the answer keeps its own. */
export function renewed(shown: readonly SeriesItem[], answer: readonly SeriesItem[]): readonly SeriesItem[] {
  const news = new Map(answer.map((item) => [item.fingerprint, item]));
  return shown.map((item) => news.get(item.fingerprint) ?? item);
}

export function waitingIn(shown: readonly SeriesItem[], answer: readonly SeriesItem[]): number {
  const known = new Set(shown.map(({ fingerprint }) => fingerprint));
  return answer.filter(({ fingerprint, state }) => state === "over" && !known.has(fingerprint)).length;
}

export function pathOf({ words, state, service, cursors }: Asked): string {
  const query = new URLSearchParams({ limit: String(PAGE) });
  const cursor = cursors.at(-1) ?? "";
  for (const [key, value] of Object.entries({ q: words.trim(), state, service, cursor }))
    if (value) query.set(key, value);
  return `/api/v1/series?${query}`;
}
