// The list of series: asked for page by page, its numbers new every few seconds, its order still until somebody wants another.
import { useEffect, useRef, useState } from "preact/hooks";
import type { SeriesItem, SeriesPage } from "../contract.ts";
import { type ApiError, useGet } from "./api.ts";
import { useStatus } from "./live.ts";

export const PAGE = 50;
/** Milliseconds. */
const AGAIN = 10_000;

export interface Asked {
  readonly words: string;
  readonly state: "" | SeriesItem["state"];
  readonly service: string;
  /** Of the pages before and this one; none of the first. */
  readonly cursors: readonly string[];
}

export interface Watched {
  readonly items: readonly SeriesItem[];
  readonly page: SeriesPage;
  /** Series past the line that would stand in the list if it were asked for anew. */
  readonly waiting: number;
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

/** `show` takes the order of the last answer. */
export function useWatched(asked: Asked): { watched?: Watched; error?: ApiError; loading: boolean; show: () => void } {
  const path = pathOf(asked);
  const again = Math.floor((useStatus()?.time ?? 0) / AGAIN);
  const { data, error, loading } = useGet<SeriesPage>(path, again);
  const [watched, setWatched] = useState<Watched>();
  const shown = useRef("");
  useEffect(() => {
    if (!data) return;
    const isSame = shown.current === path;
    shown.current = path;
    setWatched((before) => {
      if (!before || !isSame || before.items.length === 0) return { items: data.items, page: data, waiting: 0 };
      const waiting = waitingIn(before.items, data.items);
      return { items: renewed(before.items, data.items), page: data, waiting };
    });
  }, [data, path]);
  const show = () => setWatched((before) => before && { items: before.page.items, page: before.page, waiting: 0 });
  return { ...(watched && { watched }), ...(error && { error }), loading, show };
}
