// One attempt to send: its timeout, its end when the agent stops, and what an exporter may do wrong in it.
import { ExportError, type Exporter } from "../api/index.ts";

/** How long an exporter may take to heed its signal; then it is waited for no more. */
const GRACE = 1000;
/** A timer cannot wait longer. */
export const LONGEST_TIMER = 2 ** 31 - 1;

export interface Outcome {
  readonly delivered: boolean;
  /** Why not; whatever the exporter rejected with. */
  readonly error?: unknown;
  /** What the exporter did that none may do. */
  readonly fault?: string;
  /** Where the exporter was waited for no more: settles when it is done with the data after all, if ever. */
  readonly unfinished?: Promise<unknown>;
}

/** Never rejects. `timeout` in ms, 0 for none; `stop` ends it as well, if it is not aborted yet. */
export async function attempt(
  exporter: Exporter<any>,
  data: unknown,
  timeout: number,
  stop: AbortSignal,
): Promise<Outcome> {
  const controller = new AbortController();
  const { signal } = controller;
  const late = Promise.withResolvers<"late">();
  let grace: NodeJS.Timeout | undefined;
  const end = (reason: unknown) => {
    if (signal.aborted) return;
    controller.abort(reason);
    grace = setTimeout(late.resolve, GRACE, "late");
  };
  const expire = () => end(new ExportError(`no answer within ${timeout} ms`, { retryable: true }));
  const timer = timeout > 0 ? setTimeout(expire, Math.min(timeout, LONGEST_TIMER)) : undefined;
  const stopped = () => end(stop.reason);
  stop.addEventListener("abort", stopped, { once: true });
  try {
    let sending: unknown;
    try {
      sending = exporter.export(data as never, signal);
    } catch (error) {
      if (error instanceof ExportError) return { delivered: false, error };
      return { delivered: false, error, fault: "its export threw instead of rejecting" };
    }
    if (typeof (sending as PromiseLike<void> | undefined)?.then !== "function") {
      const fault = `its export returned ${sending === null ? "null" : typeof sending}, not a promise`;
      return { delivered: false, error: new TypeError(`${fault}: nobody knows whether it was delivered`), fault };
    }
    const settled: Promise<Outcome> = Promise.resolve(sending as PromiseLike<void>).then(
      () => ({ delivered: true }),
      // an exporter may reject with whatever its transport throws on abort: the reason is ours
      (error) => ({ delivered: false, error: signal.aborted ? signal.reason : error }),
    );
    const outcome = await Promise.race([settled, late.promise]);
    if (outcome !== "late") return outcome;
    const fault = `its export went on for ${GRACE} ms after its AbortSignal; it is waited for no more`;
    return { delivered: false, error: signal.reason, fault, unfinished: settled };
  } finally {
    clearTimeout(timer);
    clearTimeout(grace);
    stop.removeEventListener("abort", stopped);
  }
}
