// What the agent tells by itself: its status each second, and that something has changed. One connection for all views.
import { useEffect, useState } from "preact/hooks";
import type { Changed, Status } from "../contract.ts";

/** Milliseconds from one try to the next while there is no connection: doubled each time. */
const FIRST_TRY = 1000;
const LAST_TRY = 30_000;
/** Milliseconds without a status after which a connection counts as lost: one comes each second. */
const SILENT = 10_000;

export type Connection = "live" | "lost";

interface Live {
  readonly status?: Status;
  readonly connection: Connection;
  /** Grows with every change of an incident or episode, and when a lost connection is back. */
  readonly changes: number;
  /** When the next try is, in Unix milliseconds; while it is lost. */
  readonly nextTry?: number;
}

let live: Live = { connection: "lost", changes: 0 };
const listeners = new Set<(live: Live) => void>();
let source: EventSource | undefined;
/** Whether somebody is logged in. */
let wanted = false;
let wait = FIRST_TRY;
let timer: number | undefined;
let watchdog: number | undefined;

function tell(news: Partial<Live>): void {
  live = { ...live, ...news };
  for (const listener of listeners) listener(live);
}

/** Milliseconds that a page nobody looks at keeps its connection: browsers have six to one host. */
const HIDDEN = 20_000;
let leaving: number | undefined;

document.addEventListener("visibilitychange", () => {
  clearTimeout(leaving);
  if (!wanted) return;
  if (document.visibilityState === "hidden") leaving = setTimeout(close, HIDDEN);
  else if (!source) {
    connect();
    tell({ changes: live.changes + 1 });
  }
});

/** Opens the connection, once somebody is logged in. */
export function connect(): void {
  close();
  wanted = true;
  source = new EventSource("/api/v1/events");
  source.addEventListener("status", ({ data }) => {
    const status = JSON.parse(data) as Status;
    const back = live.connection === "lost";
    wait = FIRST_TRY;
    watch();
    tell({
      status,
      connection: "live",
      nextTry: undefined,
      ...(back && { changes: live.changes + 1 }),
    } as Partial<Live>);
  });
  source.addEventListener("changed", ({ data }) => {
    const { incidents, episodes, more } = JSON.parse(data) as Changed;
    if (more || incidents.length + episodes.length > 0) change();
  });
  // the browser tries again by itself unless it was refused; then, and when it stays silent, this does
  source.onerror = () => {
    if (source?.readyState === EventSource.CLOSED) lost();
    else tell({ connection: "lost" });
  };
  watch();
}

/** At once, and then no sooner than that many milliseconds later: a storm of changes is one question every few seconds. */
const SETTLE = 3000;
let settling: number | undefined;
let unsettled = false;

function change(): void {
  if (settling !== undefined) {
    unsettled = true;
    return;
  }
  tell({ changes: live.changes + 1 });
  settling = setTimeout(() => {
    settling = undefined;
    if (!unsettled) return;
    unsettled = false;
    change();
  }, SETTLE);
}

function watch(): void {
  clearTimeout(watchdog);
  watchdog = setTimeout(lost, SILENT);
}

function lost(): void {
  source?.close();
  clearTimeout(timer);
  clearTimeout(watchdog);
  tell({ connection: "lost", nextTry: Date.now() + wait });
  timer = setTimeout(connect, wait);
  wait = Math.min(2 * wait, LAST_TRY);
}

export function disconnect(): void {
  wanted = false;
  close();
}

function close(): void {
  source?.close();
  source = undefined;
  clearTimeout(timer);
  clearTimeout(watchdog);
}

function useLive<T>(select: (live: Live) => T): T {
  const [value, setValue] = useState(() => select(live));
  useEffect(() => {
    const listener = (news: Live) => setValue(() => select(news));
    listener(live);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return value;
}

export const useStatus = (): Status | undefined => useLive(({ status }) => status);
export const useChanges = (): number => useLive(({ changes }) => changes);
export const useConnection = (): Connection => useLive(({ connection }) => connection);
export const useNextTry = (): number | undefined => useLive(({ nextTry }) => nextTry);
