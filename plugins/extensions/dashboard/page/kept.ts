// What was answered last, while newer is asked for.
import { useRef } from "preact/hooks";
import type { Got } from "./api.ts";

/** `got` with the last data there were under `key`, so that a view whose question moves on with time does not flicker. */
export function useKept<T>(got: Got<T>, key: string): Got<T> {
  const last = useRef<{ readonly key: string; readonly data: T }>(undefined);
  if (got.data !== undefined) last.current = { key, data: got.data };
  return last.current?.key === key ? { ...got, data: last.current.data } : got;
}
