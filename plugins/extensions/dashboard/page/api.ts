// Asking the agent: JSON in and out, errors with the sentence that the server says.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Session } from "../contract.ts";

/** Milliseconds after which an answer is waited for no more. */
const PATIENCE = 15_000;

/** What the server, or the way to it, refused. */
export class ApiError extends Error {
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  readonly remedy: string;

  constructor(status: number, cause: string, remedy = "") {
    super(cause);
    this.status = status;
    this.remedy = remedy;
  }
}

let session: Session | undefined;

export const currentSession = (): Session | undefined => session;

/** Who is logged in, and the token that changes need. */
export async function openSession(): Promise<Session> {
  session = await ask<Session>("GET", "/api/v1/session");
  return session;
}

export async function logIn(token: string): Promise<void> {
  await ask("POST", "/login", { token });
  await openSession();
}

export async function logOut(): Promise<void> {
  await ask("POST", "/logout", {});
  await openSession();
}

async function ask<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE);
  const headers: Record<string, string> = { accept: "application/json" };
  if (body) headers["content-type"] = "application/json";
  if (method !== "GET") headers["x-csrf-token"] = session?.csrf ?? "";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "the agent does not answer", "see that it runs, and that this page can reach it");
  }
  const text = await response.text();
  const answer = text === "" ? undefined : parsed(text);
  if (response.ok) return answer as T;
  const { cause = `it answered ${response.status}`, remedy = "" } = (answer as { error?: ErrorText })?.error ?? {};
  throw new ApiError(response.status, cause, remedy);
}

interface ErrorText {
  readonly cause?: string;
  readonly remedy?: string;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => ask<T>("GET", path, undefined, signal);
export const post = <T>(path: string, body: object): Promise<T> => changing(() => ask<T>("POST", path, body));
export const remove = (path: string): Promise<void> => changing(() => ask<void>("DELETE", path));

/** After a restart of the agent the token is another one: it is asked for once. */
async function changing<T>(change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403 || session?.role === "reader") throw error;
    await openSession();
    return change();
  }
}

export interface Got<T> {
  readonly data?: T;
  readonly error?: ApiError;
  readonly loading: boolean;
}

/** The answer of a path, asked again whenever `again` changes; the data before stay until others are there. Undefined asks nothing. */
export function useGet<T>(path: string | undefined, again?: unknown): Got<T> {
  const [got, setGot] = useState<Got<T> & { path?: string | undefined }>({ loading: path !== undefined });
  const asking = useRef(0);
  useEffect(() => {
    if (path === undefined) return;
    const ending = new AbortController();
    const number = ++asking.current;
    setGot((before) => (before.path === path ? { ...before, loading: true } : { loading: true, path }));
    get<T>(path, ending.signal).then(
      (data) => number === asking.current && setGot({ data, loading: false, path }),
      (error) => {
        if (ending.signal.aborted || number !== asking.current) return;
        const told = error instanceof ApiError ? error : new ApiError(0, String(error));
        setGot((before) => ({
          ...(before.path === path && before.data && { data: before.data }),
          error: told,
          loading: false,
          path,
        }));
      },
    );
    return () => ending.abort();
  }, [path, again]);
  // what belongs to another path is not shown, not even once
  return got.path === path ? got : { loading: path !== undefined };
}
