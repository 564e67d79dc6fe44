// Starting and stopping of single components, each with a limit of time: a plugin that never settles holds up nobody.
import type { Component, Delivery, Extension, Plugin } from "../api/index.ts";
import type { Section } from "../config/id.ts";
import type { Board } from "./board.ts";
import type { HeldHost } from "./host.ts";

/** Milliseconds that a component may take to start, and to stop. */
const LONGEST_START = 30_000;
const LONGEST_STOP = 10_000;

/** A component as it was made, with what it was made from. */
export interface Made<P extends Component = Component> {
  readonly section: Section;
  readonly id: string;
  /** Of a processor: the pipeline it stands in. */
  readonly pipeline?: string;
  readonly plugin: Plugin;
  /** As the plugin's schema made them. */
  readonly options: unknown;
  readonly part: P;
  readonly host: HeldHost;
}

/** What a plugin creates; its error names the component. */
export function create<T extends object>(id: string, make: () => T): T {
  let part: T;
  try {
    part = make();
  } catch (error) {
    throw new Error(`${id} could not be created: ${messageOf(error)}`, { cause: error });
  }
  if (typeof part !== "object" || part === null || part instanceof Promise)
    throw new Error(`${id} could not be created: its plugin's create gives no component`);
  return part;
}

/**
 * Rejects with an error that names the component, when its start fails, takes too long, or is ended by `signal`. Without a board
 * nothing is reported yet.
 */
export async function start(
  made: Made,
  board?: Board,
  alsoStart?: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  board?.report(made, "starting");
  try {
    signal?.throwIfAborted();
    const work = async () => {
      await made.part.start?.();
      await alsoStart?.();
    };
    await within(LONGEST_START, work, signal);
  } catch (error) {
    const reason = messageOf(error);
    board?.report(made, "permanent_error", `could not start: ${reason}`);
    throw new Error(`${made.id} could not start: ${reason}`, { cause: error });
  }
  // what it reported of itself while it started stands
  if (board?.statusOf(made) === "starting") board.report(made, "ok");
}

/** Never rejects: what fails or takes too long is logged. Without a board its place has a successor already. */
export async function stop(made: Made, board?: Board): Promise<void> {
  board?.report(made, "stopping");
  try {
    await within(LONGEST_STOP, async () => made.part.stop?.());
  } catch (error) {
    made.host.log.error("stopping failed", { error: messageOf(error) });
  }
  board?.report(made, "stopped");
}

/** Tells an extension whether the agent is ready. */
export function tell(made: Made<Extension>, ready: boolean): void {
  try {
    made.part.ready?.(ready);
  } catch (error) {
    made.host.log.error("an extension failed to hear whether the agent is ready", { error: messageOf(error) });
  }
}

/** Tells an extension what became of alerts. */
export function tellDelivery(made: Made<Extension>, delivery: Delivery): void {
  try {
    made.part.delivered?.(delivery);
  } catch (error) {
    made.host.log.error("an extension failed to hear what became of alerts", { error: messageOf(error) });
  }
}

async function within(longest: number, work: () => Promise<unknown>, signal?: AbortSignal): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`not done within ${longest / 1000} s`)), longest);
  const end = () => late.reject(signal!.reason);
  signal?.addEventListener("abort", end);
  try {
    await Promise.race([work(), late.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
