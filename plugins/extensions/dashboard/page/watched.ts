// The list of series: asked for page by page, its numbers new every few seconds, its order still until somebody wants another.
import { useEffect, useRef, useState } from "preact/hooks";
import type { SeriesItem, SeriesPage } from "../contract.ts";
import { type ApiError, useGet } from "./api.ts";
import { type Asked, pathOf, renewed, waitingIn } from "./listing.ts";
import { useStatus } from "./live.ts";

/** Milliseconds. */
const AGAIN = 10_000;

export interface Watched {
  readonly items: readonly SeriesItem[];
  readonly page: SeriesPage;
  /** Series past the line that would stand in the list if it were asked for anew. */
  readonly waiting: number;
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
